"""What is to be served: a forecast, what was observed, and the demand made of both."""
