"""One file for each peer, run in the peer's own environment; nothing of Fermata is imported there."""
