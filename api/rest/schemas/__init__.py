"""Request and response bodies, with units in their names and an example each."""
