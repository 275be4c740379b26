"""The table of docs/trust.md, from the figures of the last runs.

python -m bench.trust.table            prints it
python -m bench.trust.table --write    puts it into docs/trust.md
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from bench.trust.running import ROOT

_PAGE = ROOT / "docs" / "trust.md"
_BEGIN, _END = "<!-- figures -->\n", "<!-- end of figures -->\n"


def findings(folder: Path = ROOT / "bench" / "results") -> list[dict[str, Any]]:
    """Of all groups of requirements, by number."""
    found = []
    for path in folder.glob("trust-*.json"):
        found += json.loads(path.read_text("utf-8"))["findings"].values()
    return sorted(found, key=lambda finding: int(finding["requirement"]))


def render() -> str:
    lines = ["| # | promise | reach | figure | date | load |", "| ---: | --- | --- | --- | --- | ---: |"]
    for finding in findings():
        verdict = "" if finding["holds"] else "**falls short:** "
        when = finding["conditions"]
        cells = [
            finding["requirement"],
            finding["title"],
            finding["reach"],
            verdict + finding["figure"],
            when["date"],
            when["load"],
        ]
        lines.append(f"| {' | '.join(str(cell).replace('|', '/') for cell in cells)} |")
    return "\n".join(lines) + "\n"


def placed(page: str) -> str:
    """The page with the table of now."""
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + render() + _END + rest.partition(_END)[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    if parser.parse_args().write:
        _PAGE.write_text(placed(_PAGE.read_text("utf-8")), "utf-8")
    else:
        print(render(), end="")


if __name__ == "__main__":
    main()
