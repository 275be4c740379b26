"""Answers over an opened index. Ranking, excerpts and answers are plain functions; the faces (HTTP, command line, page,
widget) only translate.
"""
