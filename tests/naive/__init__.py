"""Slow, obvious twins of compiled code."""
