"""Diffs and policy become a plan. Pure; sends nothing."""
