"""The `milvus` settings: where it is, and what only a cluster has."""

from __future__ import annotations

import os
from typing import Annotated, Literal
from urllib.parse import urlsplit

import msgspec

AUTO_EXACT_UP_TO = 50_000
"""Chunks up to which `index: auto` compares all vectors; it groups them beyond."""


class Milvus(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A Milvus server or cluster that holds what is asked, instead of this process.

    uri: its address, such as "http://127.0.0.1:19530". token: what it wants to see, "user:password" or a key; token_from:
    the environment variable that holds it instead. database: "" for the default one. collection: the name under which the
    notes are found there; several bodies of notes add their own. timeout: seconds for one call. consistency: how fresh reads
    have to be. index: how vectors are searched; "auto" compares all of them up to 50,000 and builds HNSW beyond. replicas,
    shards, partitions: as a cluster spreads them; partitions 0 makes none, more of them hold files apart. cache: megabytes of
    records that are kept in memory.
    """

    uri: Annotated[str, msgspec.Meta(pattern=r"^https?://[^\s/@]+/?$")]
    token: str = ""
    token_from: str = ""
    database: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_]{0,200}$")] = ""
    collection: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,99}$")] = "trellis"
    timeout: Annotated[float, msgspec.Meta(gt=0, le=600)] = 10.0
    consistency: Literal["Strong", "Session", "Bounded", "Eventually"] = "Strong"
    index: Literal["auto", "FLAT", "HNSW", "IVF_FLAT", "IVF_SQ8", "DISKANN", "AUTOINDEX"] = "auto"
    replicas: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    shards: Annotated[int, msgspec.Meta(ge=1, le=64)] = 1
    partitions: Annotated[int, msgspec.Meta(ge=0, le=1024)] = 0
    cache: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 256

    def __post_init__(self) -> None:
        if self.token and self.token_from:
            raise ValueError("`milvus` takes `token` or `token_from`, not both")

    @property
    def secret(self) -> str:
        return self.token or (os.environ.get(self.token_from, "") if self.token_from else "")

    @property
    def place(self) -> str:
        """Where it is, as errors name it: never with what it wants to see."""
        return urlsplit(self.uri).netloc

    def of(self, collection: str) -> Milvus:
        """The same for one of several collections."""
        if not collection:
            return self
        return msgspec.structs.replace(self, collection=f"{self.collection}_{collection.replace('-', '_')}")
