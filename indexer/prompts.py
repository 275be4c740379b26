"""Which model there is by default, and what a model wants to see before a text. Settings name both, and load no model."""

from __future__ import annotations

import msgspec

DEFAULT_MODEL = "all-MiniLM-L6-v2"


class Prompts(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a model was trained to see before a question and before a text of the notes, spaces at its end included."""

    query: str = ""
    document: str = ""
