"""Microsoft Graph: groups of a directory, and nothing else of it."""
