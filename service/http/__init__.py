"""HTTP: routes, what guards them, and the server; they translate requests to calls of the rooms beside."""
