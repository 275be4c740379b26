"""Outline notes to an index on disk: read, chunk with ancestor paths, embed, write one generation. Never imports `service`."""
