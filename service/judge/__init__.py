"""Whether the results answer, as a probability."""
