"""Answers over an opened index; the faces only translate.

search: from a question to ranked excerpts. judge: whether they answer. chat: conversations. measure: how good all that is.
http: routes, guards and the server. `answering` is what every face calls.
"""
