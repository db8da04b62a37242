"""The state folder: what we last left behind, kept outside a cluster. Holds no secret."""
