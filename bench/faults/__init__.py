"""Real processes under faults: see ``__main__``."""
