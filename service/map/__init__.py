"""The map of the notes: a place on a plane for each, near to what is near in meaning. Drawn when somebody opens it first."""
