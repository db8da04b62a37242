"""A Kubernetes API server as a source of objects. Read-only."""
