"""The engine: pure core inside, async shell around it.

Decisions are pure functions over frozen data; input and output live at the edge, behind ports.
"""
