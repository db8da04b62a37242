"""Composition root and command line. The only place that sees everything."""
