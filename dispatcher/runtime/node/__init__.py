"""The node daemon: from the active plan to processes that serve it."""
