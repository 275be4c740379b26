"""The notes for language models, over the Model Context Protocol: tools and resources over what the other faces answer with.

`trellis mcp` speaks it on standard input and output, the service at /mcp. docs/mcp.md tells how clients are set up.
"""
