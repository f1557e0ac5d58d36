"""Who may do what: credentials, scopes, fleets, rates, limits; all of it before a route sees a request."""
