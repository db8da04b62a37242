"""Azure Resource Manager over HTTP. Decides nothing: moves bytes, follows operations, chooses the cheapest read."""
