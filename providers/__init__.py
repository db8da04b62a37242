"""Adapters: each implements ports of the engine and translates errors. They never see each other."""
