"""Pages: bytes in Milvus by the hash of what they are, in parts that its strings can hold."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from indexer.errors import Republished
from indexer.milvus.connection import Connection

PART = 60_000
"""Characters: Milvus takes 65,535 bytes."""
AT_ONCE = 60
"""Parts in one call, which is at most 4 MB."""
HEAD, UNDERWAY = "head", "underway"
"""The two that are not named by their hash: what is current, and what is being published if that is not done."""


def key_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:32]


def parts_of(data: bytes) -> list[str]:
    text = base64.b64encode(zlib.compress(data, 6)).decode()
    return [text[at : at + PART] for at in range(0, len(text), PART)]


class Pages:
    """The pages of one published index. name: of the Milvus collection that holds them."""

    def __init__(self, connection: Connection, name: str) -> None:
        self._connection = connection
        self.name = name

    def write(self, pages: Mapping[str, bytes]) -> None:
        self._upsert(
            {"key": f"{key}.{at}", "parts": len(parts), "data": part}
            for key, parts in ((key, parts_of(data)) for key, data in pages.items())
            for at, part in enumerate(parts)
        )

    def read(self, keys: Iterable[str]) -> dict[str, bytes]:
        """Raises Republished when one is gone."""
        wanted = list(dict.fromkeys(keys))
        found: defaultdict[str, dict[int, str]] = defaultdict(dict)
        counts: dict[str, int] = {}
        self._read([f"{key}.0" for key in wanted], found, counts)
        rest = [f"{key}.{at}" for key, count in counts.items() for at in range(1, count)]
        self._read(rest, found, counts)
        if any(len(found[key]) != counts.get(key) for key in wanted):
            raise Republished
        return {
            key: zlib.decompress(base64.b64decode("".join(found[key][at] for at in range(counts[key]))))
            for key in wanted
        }

    def _read(self, names: Sequence[str], found: defaultdict[str, dict[int, str]], counts: dict[str, int]) -> None:
        for at in range(0, len(names), AT_ONCE):
            for record in self._get(names[at : at + AT_ONCE]):
                key, _, number = record["key"].rpartition(".")
                found[key][int(number)] = record["data"]
                counts[key] = int(record["parts"])

    def _get(self, names: Sequence[str]) -> list[dict[str, Any]]:
        fields = ["key", "parts", "data"]
        found: list[dict[str, Any]] = self._connection.call("get", self.name, ids=list(names), output_fields=fields)
        return found

    def mark(self, name: str, text: str) -> None:
        """Sets the head, or says what is under way."""
        self._upsert([{"key": name, "parts": 1, "data": text}])

    def marked(self, name: str) -> str:
        """What `mark` was told last; "" for nothing."""
        return next((str(record["data"]) for record in self._get([name])), "")

    def unmark(self, name: str) -> None:
        self._connection.write("delete", self.name, ids=[name])

    def keys(self) -> set[str]:
        """Of all pages that are there, wanted or not."""
        rows = scan(self._connection, self.name, ["key"])
        return {row["key"].rpartition(".")[0] for row in rows} - {""}

    def delete(self, keys: Iterable[str]) -> None:
        wanted = sorted(keys)
        for at in range(0, len(wanted), AT_ONCE):
            some = wanted[at : at + AT_ONCE]
            first = self._connection.call(
                "get", self.name, ids=[f"{key}.0" for key in some], output_fields=["key", "parts"]
            )
            names = [f"{row['key'][:-2]}.{part}" for row in first for part in range(int(row["parts"]))]
            if names:
                self._connection.write("delete", self.name, ids=names)

    def _upsert(self, records: Iterable[dict[str, Any]]) -> None:
        batch: list[dict[str, Any]] = []
        for record in records:
            batch.append(record | {"nothing": [0.0, 1.0]})  # each collection has to have a vector
            if len(batch) == AT_ONCE:
                self._connection.write("upsert", self.name, batch)
                batch = []
        if batch:
            self._connection.write("upsert", self.name, batch)


def scan(connection: Connection, name: str, fields: Sequence[str], filter: str = "") -> list[dict[str, Any]]:
    """These fields of all records of a collection, or of those that a filter lets through."""
    rows: list[dict[str, Any]] = []
    iterator = connection.call("query_iterator", name, batch_size=5000, filter=filter, output_fields=list(fields))
    try:
        while some := connection.step(iterator):
            rows += some
    finally:
        iterator.close()
    return rows
