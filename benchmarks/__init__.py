"""How much a pass costs, as counts and ratios."""
