"""Frozen data that flows through a pass. No input or output and no policy here."""
