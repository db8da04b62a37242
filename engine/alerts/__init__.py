"""Alerts as values: which there are, who is to hear of them, in which words. No I/O; it must not send anything."""
