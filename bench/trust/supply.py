"""What Trellis is made of: the lock held against the SBOM, the known flaws, and under which licences it stands. Requirement 25.

python -m bench.trust.supply licences         writes docs/licences.md
python -m bench.trust.supply compare SBOM     whether a CycloneDX file lists what is locked, with the same hashes
python -m bench.trust.supply audit PIP_AUDIT  known flaws; what could not be asked about counts as one
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from bench.trust.runner import ROOT

LOCKS = (ROOT / "requirements" / "serve.lock", ROOT / "requirements" / "torch.txt")
LICENCES = ROOT / "docs" / "licences.md"
_PINNED = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)((?:.*\\\n)*.*)", re.MULTILINE)
_HASH = re.compile(r"sha256:([0-9a-f]{64})")

Pinned = Mapping[str, tuple[str, frozenset[str]]]
"""Version and hashes by name."""


def locked() -> dict[str, tuple[str, frozenset[str]]]:
    """All that is installed with Trellis."""
    text = "".join(path.read_text("utf-8") for path in LOCKS)
    return {
        found[1].lower().replace("_", "-"): (found[2], frozenset(_HASH.findall(found[3])))
        for found in _PINNED.finditer(text)
    }


def of_sbom(path: Path) -> dict[str, tuple[str, frozenset[str]]]:
    components = json.loads(path.read_text("utf-8"))["components"]
    return {
        each["name"].lower().replace("_", "-"): (
            each["version"],
            frozenset(
                one["content"] for place in each.get("externalReferences", []) for one in place.get("hashes", [])
            ),
        )
        for each in components
    }


def differences(lock: Pinned, sbom: Pinned) -> list[str]:
    return [
        f"{name}: locked {lock.get(name, ('nothing',))[0]}, listed {sbom.get(name, ('nothing',))[0]}"
        for name in sorted({*lock, *sbom})
        if lock.get(name) != sbom.get(name)
    ]


def licence_of(name: str) -> str:
    """As the package says it: the expression, else what it is classified as, else the first line of the licence."""
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return "(not installed on this platform)"
    classified = [
        line.rpartition(" :: ")[2] for line in about.get_all("Classifier", []) if line.startswith("License ::")
    ]
    said = str(about.get("License", "")).strip().split("\n")[0][:60]
    return str(about.get("License-Expression") or ", ".join(classified) or said or "(says nothing)")


def licences() -> str:
    lines = ["| library | version | licence |", "| --- | --- | --- |"]
    lines += [f"| {name} | {version} | {licence_of(name)} |" for name, (version, _) in sorted(locked().items())]
    return (
        "# Licences\n\nOf all that is installed with Trellis, as each package says itself; `make licences` renews the list.\n\n"
        + "\n".join(lines)
        + "\n"
    )


def audit(program: str) -> tuple[bool, str]:
    """Whether no locked library has a known flaw, and all could be asked about."""
    lock = LOCKS[0]
    command = [program, "--strict", "--require-hashes", "--disable-pip", "--progress-spinner", "off", "-r", str(lock)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    return run.returncode == 0, (run.stdout + run.stderr).strip()


def main() -> None:
    match sys.argv[1:]:
        case ["licences"]:
            LICENCES.write_text(licences(), "utf-8")
        case ["compare", path]:
            wrong = differences(locked(), of_sbom(Path(path)))
            print(
                "\n".join(wrong) or f"The SBOM lists the {len(locked())} libraries that are locked, with their hashes."
            )
            raise SystemExit(bool(wrong))
        case ["audit", program]:
            clean, told = audit(program)
            print(told)
            raise SystemExit(not clean)
        case _:
            raise SystemExit(__doc__)


if __name__ == "__main__":
    main()
