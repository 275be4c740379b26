"""What a publishing did, as reports tell it."""

from __future__ import annotations

import msgspec


class Publication(msgspec.Struct, frozen=True):
    """What a publishing did, in records. repaired: whether one before had been broken off. moved: whether all went to a new
    collection.
    """

    generation: str
    records: int
    upserted: int
    deleted: int
    repaired: bool = False
    moved: bool = False
