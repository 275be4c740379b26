"""A part of an index as an index of its own, in which nothing of the rest is left: no text, no word count, no acronym.

A filter over the whole index would hide other nodes and still tell of them: in scores that depend on how rare a word is, in
spellings that are mended to words from elsewhere, in the headings above. What is embedded with such a heading is embedded anew;
all other vectors are taken over.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from indexer.assemble import assemble, manifest_of
from indexer.build import MakeExtras
from indexer.draft import ReadFile, draft
from indexer.embed import embed, journal_key
from indexer.encoder import Encoder, Model
from indexer.errors import IndexFolderError
from indexer.generation import Generation, open_generation
from indexer.generation_writing import write_lock
from indexer.journal import Journal, remove_journal
from indexer.node import Node, Outline
from indexer.numbering import Mask
from indexer.plan import plan_vectors
from indexer.store import Store
from indexer.store.segment import short

_PATIENCE = 60.0
"""Seconds that another process gets to make the same."""


def derive(
    base: Generation,
    mask: Mask,
    folder: Path,
    model: Model,
    encoder: Encoder,
    label: Mapping[str, str],
    extras: MakeExtras,
) -> Generation:
    """The index of the nodes of `base` where `mask` is true, kept in `folder`; the one already there, if it was made from the
    same notes under the same label. Raises IndexFolderError. mask: shape (len(base.store),), at least one True.
    """
    files = [base.store.files[number] for number in np.unique(base.store.file[mask]).tolist()]
    sources = {**label, **{file: base.manifest.sources[file] for file in files}}
    if made_already := _kept(folder, model, sources):
        return made_already
    with write_lock(folder, _PATIENCE):
        if made_already := _kept(folder, model, sources):  # by another process of the same service
            return made_already
        made = draft(map(ReadFile, cut(base.store, mask)))
        chunks = list(made.chunks.values())
        plan = plan_vectors(base.store.chunk_rows(), [short(chunk.hash) for chunk in chunks])
        lender = base if plan.kept else None
        projection = lender.tokens_projection if lender else None
        journal = Journal(folder, journal_key(model, base.manifest.converted, projection))
        try:
            embedded = embed(plan, chunks, lender, encoder, journal, lambda done, total: None, projection)
        finally:
            journal.close()
        manifest = manifest_of(
            model,
            base.manifest.converted,
            made,
            embedded,
            {},
            notes=base.manifest.notes,
            sources=sources,
            notebooks={file: name for file, name in base.manifest.notebooks.items() if file in files},
        )
        assemble(folder, manifest, made, embedded, {}, (), None, lambda new: extras(new, None, len(chunks)))
        remove_journal(folder)
        return open_generation(folder, model)


def _kept(folder: Path, model: Model, sources: Mapping[str, str]) -> Generation | None:
    """The index in `folder` if it was made from these sources."""
    try:
        kept = open_generation(folder, model)
    except IndexFolderError:
        return None
    if kept.manifest.sources == sources:
        return kept
    kept.close()
    return None


def cut(store: Store, mask: Mask) -> list[Outline]:
    """The nodes where `mask` is true, file by file, with their lines and what they say of themselves; not with what their file
    or a heading above says. A node whose parent is not among them stands at the top.
    """
    outlines = []
    for number, file in enumerate(store.files):
        rows = np.flatnonzero(mask & (store.file == number)).tolist()
        places = {row: at for at, row in enumerate(rows)}
        nodes: list[Node] = []
        for node in store.nodes(rows):
            parent = places.get(node.parent)
            depth = 0 if parent is None else nodes[parent].depth + 1
            said = tuple(store.attributes(node.row))
            nodes.append(Node(node.line, depth, parent, node.lines, node.marker, node.plain, node.numbers, said))
        if nodes:
            outlines.append(Outline(file, nodes))
    return outlines
