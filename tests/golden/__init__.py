"""Plans that are known, checked in: see ``test_golden_plans``."""
