"""The object contract: what a controller writes on custom resources, as pure functions of what is known."""
