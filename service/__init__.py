"""Answers over an opened index; the faces only translate.

search: from a question to ranked excerpts. judge: whether they answer. chat: conversations. map: all notes on a plane.
measure: how good all that is. client: for other programs. http, mcp, cli: the faces. `answering` is what every face calls.
"""
