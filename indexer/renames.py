"""Which file of the notes is another one renamed or moved, so that links to its nodes go on working.

The ids of nodes are made of their file's name, so that the same notes have the same ids wherever they are indexed. An index
that has seen a file under another name also answers to the ids that its nodes had then.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

_NAMES_KEPT = 8


def former_names(
    then: Mapping[str, str], known: Mapping[str, Sequence[str]], now: Mapping[str, str]
) -> dict[str, list[str]]:
    """The names that each file in `now` had before, the latest first; files that had none are left out.

    then, now: SHA-256 of each file by its name, of the old index and of the notes as they are. known: what this function
    answered for the old index. A new file with the very contents of one that is gone is taken for that one, renamed; of
    several, for the one with the same name in another folder, else for the first.
    """
    former = {file: list(names) for file, names in known.items() if file in now and file in then}
    gone: defaultdict[str, list[str]] = defaultdict(list)
    for file in sorted(then.keys() - now.keys()):
        gone[then[file]].append(file)
    new = sorted(now.keys() - then.keys())
    for same_name in (True, False):
        for file in new:
            candidates = [] if file in former else gone[now[file]]
            before = next((old for old in candidates if not same_name or _base(old) == _base(file)), None)
            if before is not None:
                candidates.remove(before)
                names = [name for name in dict.fromkeys([before, *known.get(before, ())]) if name != file]
                former[file] = names[:_NAMES_KEPT]
    return former


def _base(file: str) -> str:
    return PurePosixPath(file).name
