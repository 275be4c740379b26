"""What Trellis is made of is what is locked, and what the documents say of it."""

from __future__ import annotations

import json
from pathlib import Path

from bench.trust import supply


def test_the_list_of_licences_is_that_of_the_lock() -> None:
    rows = [line.split(" | ") for line in supply.LICENCES.read_text("utf-8").splitlines() if line.startswith("| ")][2:]
    assert {row[0].removeprefix("| "): row[1] for row in rows} == {
        name: version for name, (version, _) in supply.locked().items()
    }
    assert not [row for row in rows if "(says nothing)" in row[2]]


def test_every_library_but_torch_is_locked_with_hashes() -> None:
    assert [name for name, (_, hashes) in supply.locked().items() if not hashes] == ["torch"]


def test_an_sbom_that_differs_from_the_lock_is_told(tmp_path: Path) -> None:
    components = [
        {"name": name, "version": version, "externalReferences": [{"hashes": [{"content": each} for each in hashes]}]}
        for name, (version, hashes) in supply.locked().items()
    ]
    path = tmp_path / "sbom.json"
    path.write_text(json.dumps({"components": components}))
    assert supply.differences(supply.locked(), supply.of_sbom(path)) == []
    path.write_text(json.dumps({"components": [{**components[0], "version": "0"}, *components[2:]]}))
    assert len(supply.differences(supply.locked(), supply.of_sbom(path))) == 2


def test_licences_names_no_copyleft_by_surprise() -> None:
    """The list is read by people; this only says when it first needs to be."""
    strong = [line for line in supply.LICENCES.read_text("utf-8").splitlines() if "AGPL" in line or "| GPL" in line]
    assert strong == []
