"""The order of the notes, apart from what they say: which node stands where, and where its text and its vectors are found.

This is all of an index that moves when a line is put in above others, so it is small and is written anew with every generation.
What a node says lies in segments (`indexer.store.segment`), which are never changed.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass, fields

import msgspec
import numpy as np
from numpy.typing import NDArray

from indexer.account import Account
from indexer.node import Problem
from indexer.numbering import Rows

_TYPES = {"ids": np.uint64, "former_ids": np.uint64, "borrowed": np.bool_}


@dataclass(frozen=True, slots=True, eq=False)
class Arrangement:
    """Which nodes and chunks stand where: the arrays of `Structure` that need no slots."""

    ids: NDArray[np.uint64]
    file_numbers: Rows
    parent: Rows
    last: Rows
    depth: Rows
    line: Rows
    end_line: Rows
    chunk_nodes: Rows
    former_ids: NDArray[np.uint64]
    former_nodes: Rows


@dataclass(frozen=True, slots=True, eq=False)
class Structure(Arrangement):
    """Arrays by row. Nodes are numbered over all files in reading order, so a subtree is the run of rows from a node to its
    `last`; chunks are numbered in the order of their nodes.

    Shape (nodes,): node_slots, where the text is, counted over all segments. ids. file_numbers. parent, -1 at the top.
    last, the last row of the subtree. depth. line, end_line. Shape (chunks,): chunk_slots, where vectors and words are.
    chunk_nodes, the node's row. borrowed, whether the vector is one of the same words under other headings. Shape (former
    ids,): former_ids, which nodes had under earlier names of their file, and former_nodes, their rows.
    """

    node_slots: Rows
    chunk_slots: Rows
    borrowed: NDArray[np.bool_]

    @classmethod
    def of(cls, arranged: Arrangement, node_slots: Rows, chunk_slots: Rows, borrowed: NDArray[np.bool_]) -> Structure:
        """An arrangement with the slots that its nodes and chunks were given."""
        same = {field.name: getattr(arranged, field.name) for field in fields(Arrangement)}
        return cls(**same, node_slots=node_slots, chunk_slots=chunk_slots, borrowed=borrowed)

    def to_bytes(self) -> bytes:
        """Row numbers take four bytes on disk, which is enough for two thousand million nodes."""
        buffer = io.BytesIO()
        arrays = {field.name: getattr(self, field.name) for field in fields(self)}
        np.savez(buffer, **{name: array.astype(_TYPES.get(name, np.int32)) for name, array in arrays.items()})
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Structure:
        """`data` must have been verified."""
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return cls(*(arrays[field.name].astype(_TYPES.get(field.name, np.int64)) for field in fields(cls)))


class FileEntry(msgspec.Struct, frozen=True):
    """One file of the notes. account: where its lines went, if that was counted. attributes: what holds for all of it, its
    title among it. linked: whether blocks of it are borrowed by others, or others' by it, so that it is read anew with any
    of them.
    """

    name: str
    account: Account | None = None
    attributes: tuple[tuple[str, str], ...] = ()
    linked: bool = False


class FileList(msgspec.Struct, frozen=True):
    """The files in the order of their numbers, and what could not be read as meant."""

    files: Sequence[FileEntry]
    problems: Sequence[Problem]

    def to_bytes(self) -> bytes:
        return msgspec.json.encode(self)

    @classmethod
    def from_bytes(cls, data: bytes) -> FileList:
        """`data` must have been verified."""
        return msgspec.json.decode(data, type=FileList)
