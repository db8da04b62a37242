"""Files, folders and standard input as a source of objects. Checks form, never meaning."""
