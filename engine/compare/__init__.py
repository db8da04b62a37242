"""Desired, actual and baseline become a structured diff. Pure; never validates."""
