"""The scheduler's own core under a virtual clock."""
