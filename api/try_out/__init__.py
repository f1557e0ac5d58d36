"""A whole sub-cluster on one machine, for trying out and for continuous integration: ``fermata up``."""
