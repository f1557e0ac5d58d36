"""Pictures of a simulation, as a page or as an image."""
