"""Records: one for each chunk, with all that a question needs of it.

    key      the node's id as a signed number; of its second and further chunks a hash of id and number
    node     the node's id; part: which of its chunks; file: a hash of the file's name
    dense    the vector
    words    BM25 as a sparse vector: for each stem what it adds to the score, but for its rarity, which the question brings
    facts    what filters go by (see `facts`)
    said     text, marker and attributes, in the first chunk of a node
    codes    the token vectors of late interaction, one byte a number
    hash     of all of these

The weights of words are ours, not those of Milvus' own analyser: its text functions know few scripts, count a word alike
wherever it stands, and Milvus Lite counts rarity in each of its segments apart. The inner product of these weights with the
rarities of a question's words is BM25 as `indexer.store.Store.match` counts it.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np

from indexer.attributes import Attribute
from indexer.encoder import Vectors
from indexer.generation import Generation
from indexer.late import Codes
from indexer.milvus.facts import FileFacts, formerly, worded
from indexer.milvus.pages import key_of
from indexer.numbering import Rows
from indexer.quoting import content_hash
from indexer.store import StoredNode
from indexer.store.postings import Postings

INLINE = 60_000
"""Bytes of a field that stand in the record; more go to a page, whose name stands there instead."""
_PAGE = "page:"
_NO_WORD = 0
"""The place of a chunk without any word: a sparse vector must not be empty."""

Weights = dict[int, float]


@dataclass(frozen=True, slots=True)
class Record:
    """fields: as Milvus has them. pages: what was too long for them."""

    key: int
    hash: int
    fields: dict[str, Any]
    pages: dict[str, bytes]


def signed(number: int) -> int:
    return number - (1 << 64) if number >= 1 << 63 else number


def record_key(node_id: int, part: int) -> int:
    """The key of a node's chunk, the first being 0."""
    if part == 0:
        return signed(node_id)
    digest = hashlib.blake2b(f"{node_id:016x} {part}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


def file_key(name: str) -> int:
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)


@lru_cache(maxsize=16384)
def word_place(stem: str) -> int:
    """Where a stem stands in sparse vectors: 1 to 2^32 - 2."""
    digest = hashlib.blake2b(stem.encode("utf-8", "surrogatepass"), digest_size=4).digest()
    return 1 + int.from_bytes(digest, "big") % ((1 << 32) - 2)


def records_of(generation: Generation, file: int, mean_length: float) -> Iterator[Record]:
    """Those of all chunks of one file, in order."""
    store = generation.store
    first, last = store.rows_of(file)
    begin, end = (int(each) for each in np.searchsorted(store.chunk_node, [first, last + 1]))
    chunks = np.arange(begin, end)
    owners = store.chunk_node[chunks]
    parts = chunks - np.searchsorted(store.chunk_node, owners)
    nodes = store.run(first, last)
    said = store.attributes_of(np.arange(first, last + 1))
    facts = _facts(generation, file, nodes, said)
    vectors, tokens = generation.vectors.vectors(chunks), generation.tokens.of_chunks(chunks)
    words = _weights(generation, chunks, mean_length)
    name = file_key(store.files[file])
    for at, (row, part) in enumerate(zip(owners.tolist(), parts.tolist(), strict=True)):
        node = nodes[row - first]
        yield _record(
            int(node.id, 16),
            part,
            name,
            vectors[at],
            words[at],
            facts[row - first],
            packed_node(node, said.get(row, ())) if part == 0 else "",
            tokens.of_chunk(at),
        )


def _record(
    node_id: int, part: int, file: int, vector: Vectors, words: Weights, facts: list[int], said: str, codes: Codes
) -> Record:
    pages: dict[str, bytes] = {}
    code_bytes = codes.tobytes()
    digest = hashlib.blake2b(digest_size=8)
    for piece in (said.encode("utf-8"), code_bytes, vector.tobytes(), repr(sorted(words.items())).encode()):
        digest.update(hashlib.sha256(piece).digest())
    digest.update(np.array(sorted(facts), np.int64).tobytes())
    number = int.from_bytes(digest.digest(), "big", signed=True)
    key = record_key(node_id, part)
    fields: dict[str, Any] = {
        "key": key,
        "node": signed(node_id),
        "part": part,
        "file": file,
        "dense": vector,
        "words": words,
        "facts": facts,
        "said": _inline(said, said.encode("utf-8"), key, pages),
        "codes": _inline(base64.b64encode(code_bytes).decode(), code_bytes, key, pages),
        "hash": number,
    }
    return Record(key, number, fields, pages)


def _inline(text: str, data: bytes, owner: int, pages: dict[str, bytes]) -> str:
    """The text, or the name of the page that it became, which is its owner's alone."""
    if max(len(text), len(data)) <= INLINE:
        return text
    key = key_of(data + b"%d" % owner)
    pages[key] = data
    return _PAGE + key


def page_in(text: str) -> str:
    """The name of the page that a field stands for, or ""."""
    return text.removeprefix(_PAGE) if text.startswith(_PAGE) else ""


def packed_node(node: StoredNode, attributes: Sequence[Attribute]) -> str:
    numbers = [number - node.line for number in node.numbers]
    return json.dumps([node.lines, node.marker, node.plain, numbers, attributes], ensure_ascii=False)


def unpacked_node(text: str) -> tuple[tuple[str, ...], str, str | None, list[int], list[Attribute]]:
    """Lines, marker, plain text, line numbers from the node's own on, attributes."""
    lines, marker, plain, numbers, attributes = json.loads(text)
    return tuple(lines), marker, plain, numbers, [Attribute(*pair) for pair in attributes]


def _facts(
    generation: Generation, file: int, nodes: Sequence[StoredNode], said: Mapping[int, Sequence[Attribute]]
) -> list[list[int]]:
    store, structure = generation.store, generation.store.structure
    former: dict[int, list[int]] = {}
    if len(structure.former_ids):
        for number, row in zip(structure.former_ids.tolist(), structure.former_nodes.tolist(), strict=True):
            former.setdefault(row, []).append(formerly(f"{number:016x}"))
    known = FileFacts(store.entries[file].attributes)
    return [
        known.of(
            node.row,
            node.parent,
            node.id,
            node.text,
            said.get(node.row, ()),
            [worded(content_hash(" ".join(node.lines))), *former.get(node.row, ())],
        )
        for node in nodes
    ]


def _weights(generation: Generation, chunks: Rows, mean_length: float) -> list[Weights]:
    """What each stem of each of these chunks adds to a score."""
    store = generation.store
    found: list[Weights] = [{} for _ in range(len(chunks))]
    for number, slots, at in store.chunk_slots_of(chunks):
        words = store.segments[number].words
        for place, some in zip(at.tolist(), _weights_in(words, slots, mean_length), strict=True):
            found[place] = some
    return [some or {_NO_WORD: 1e-6} for some in found]


def _weights_in(words: Postings, slots: Rows, mean_length: float) -> list[Weights]:
    wanted = np.full(len(words.lengths), -1, np.int64)
    wanted[slots] = np.arange(len(slots))
    stems = words.stems
    where = np.flatnonzero(wanted[stems.chunks] >= 0)
    terms = np.searchsorted(stems.starts, where, "right") - 1
    chunks = stems.chunks[where]
    weights = words.weights(where, mean_length)
    found: list[Weights] = [{} for _ in range(len(slots))]
    for owner, term, weight in zip(wanted[chunks].tolist(), terms.tolist(), weights.tolist(), strict=True):
        place = word_place(stems.terms[term])
        found[owner][place] = found[owner].get(place, 0.0) + weight
    return found
