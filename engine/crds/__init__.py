"""CustomResourceDefinitions of ASO's kinds, made from the kind catalog."""
