"""The web console: pages rendered on the server, with charts drawn in the browser."""
