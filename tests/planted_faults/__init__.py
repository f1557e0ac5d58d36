"""Faults planted in the core, each of which the checks must find."""
