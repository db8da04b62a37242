"""Drift as it is kept and shown: findings, since when, the DriftReport. No I/O; it must not decide what is written."""
