"""The endpoints: parse, one call, return."""
