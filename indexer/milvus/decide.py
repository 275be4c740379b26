"""What to change of what is published: a pure function of what is there and what should be."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Decision(Generic[Key]):
    """upsert: what is missing or says something else. delete: what should not be there."""

    upsert: list[Key]
    delete: list[Key]


def decide(held: Mapping[Key, int], wanted: Mapping[Key, int]) -> Decision[Key]:
    """Both: the hash of each record by its key. What is the same in both stays, so deciding again after any part of the
    work was done decides for the rest of it, and after all of it for nothing.
    """
    return Decision(
        [key for key, digest in wanted.items() if held.get(key) != digest],
        [key for key in held if key not in wanted],
    )
