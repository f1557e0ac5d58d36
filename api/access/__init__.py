"""Who may do what: credentials, scopes, fleets, rates and the limits of a request, before any route sees it."""
