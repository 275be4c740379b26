"""From a question to ranked excerpts of the outline."""
