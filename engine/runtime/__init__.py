"""The async shell: one pass from observing to reporting."""
