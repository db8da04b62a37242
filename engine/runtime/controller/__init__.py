"""The loop of the pod: objects change, time passes, and each leads to a pass."""
