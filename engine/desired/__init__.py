"""Custom resource and what it refers to become a desired state. Pure."""
