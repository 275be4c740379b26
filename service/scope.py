"""Which part of the notes a question is about: a subtree, files, or both. Applied before the ranking, never after."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from indexer.store import Store
from indexer.vectors import Mask
from service.errors import GlobNotUnderstood, ScopeNotFound


def node_mask(store: Store, under: Sequence[str] = (), file: str = "") -> Mask | None:
    """True for each node in scope, None for all of them. Raises ScopeNotFound when nothing is in scope.

    under: a path from the outermost ancestor; the node it names is in scope, and all below it. Case does not matter.
    file: a glob on file names as in .gitignore: "*.txt", "work/", "work/**/*.txt".
    """
    segments = [" ".join(segment.split()).casefold() for segment in under if segment.strip()]
    if not segments and not file.strip():
        return None
    mask = np.ones(len(store), np.bool_)
    if segments:
        mask &= _below(store, segments)
        if not mask.any():
            raise ScopeNotFound("under", " > ".join(under))
    if file.strip():
        mask &= np.isin(store.file, _matching_files(store, file))
        if not mask.any():
            raise ScopeNotFound("file", file)
    return mask


def _matching_files(store: Store, glob: str) -> list[int]:
    try:
        from pathspec import GitIgnoreSpec  # only a glob needs it, and `trellis ask` should start quickly

        spec = GitIgnoreSpec.from_lines([glob.strip()])
        return [number for number, name in enumerate(store.files) if spec.match_file(name)]
    except (ValueError, re.error):
        raise GlobNotUnderstood(glob) from None


def _below(store: Store, segments: Sequence[str]) -> Mask:
    mask = np.zeros(len(store), np.bool_)
    level = np.flatnonzero(store.parent < 0).tolist()
    for at, segment in enumerate(segments):
        named = [node.row for node in store.nodes(level) if " ".join(node.text.split()).casefold() == segment]
        if at == len(segments) - 1:
            for row in named:
                mask[row : store.last[row] + 1] = True
        level = [child for row in named for child in store.children(row)]
    return mask


def split_path(path: str) -> list[str]:
    """A path as people write it, "Identity > STS", to its segments."""
    return [segment.strip() for segment in path.split(">") if segment.strip()]
