"""The tables of docs/trust.md and of the README, from the figures of the last runs.

python -m bench.trust.table            prints them
python -m bench.trust.table --write    puts them into docs/trust.md and README.md
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from itertools import groupby
from pathlib import Path
from typing import Any

from bench.trust.running import ROOT

_BEGIN, _END = "<!-- figures of trust -->\n", "<!-- end of figures of trust -->\n"
_LONGEST = 150


def findings(folder: Path = ROOT / "bench" / "results") -> list[dict[str, Any]]:
    """Of all groups of requirements, by number."""
    found = []
    for path in sorted(folder.glob("trust-*.json"), reverse=True):
        found += json.loads(path.read_text("utf-8"))["findings"].values()
    return sorted(found, key=lambda finding: int(finding["requirement"]))


def render() -> str:
    """All that is known of each requirement."""
    rows = [["#", "promise", "reach", "figure", "command", "date", "load"]]
    for finding in findings():
        when, short = finding["conditions"], finding["shortfall"]
        verdict = "" if finding["holds"] else "**falls short:** "
        reason = f" (**{short}**)" if short and short not in finding["figure"] else ""
        command = finding["command"].removeprefix("python -m bench.trust.")
        figure = verdict + finding["figure"] + reason
        rows.append(
            [
                finding["requirement"],
                finding["title"],
                finding["reach"],
                figure,
                f"`{command}`",
                when["date"],
                when["load"],
            ]
        )
    return _table(rows, "---: | --- | --- | --- | --- | --- | ---:")


def summary() -> str:
    """A line for each requirement: does it hold, and if not, why."""
    rows, held, numbers = [["#", "promise", "", "date"]], 0, 0
    for number, group in groupby(findings(), key=lambda finding: finding["requirement"]):
        parts = list(group)
        holds = all(part["holds"] for part in parts)
        held, numbers = held + holds, numbers + 1
        short = "; ".join(part["shortfall"] or part["figure"] for part in parts if not part["holds"])
        short = short if len(short) <= _LONGEST else short[:_LONGEST].rpartition(" ")[0] + " …"
        titles = "; ".join(part["title"][0].upper() + part["title"][1:] for part in parts)
        rows.append(
            [number, titles, "holds" if holds else f"**falls short:** {short}", parts[-1]["conditions"]["date"]]
        )
    return f"{held} of {numbers} hold as they were asked for:\n\n" + _table(rows, "---: | --- | --- | ---")


def _table(rows: list[list[Any]], kinds: str) -> str:
    lines = [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join([lines[0], f"| {kinds} |", *lines[1:]]) + "\n"


PAGES: dict[str, Callable[[], str]] = {"docs/trust.md": render, "README.md": summary}


def placed(page: str, table: Callable[[], str] = render) -> str:
    """The page with the table of now."""
    before, _, rest = page.partition(_BEGIN)
    return before + _BEGIN + table() + _END + rest.partition(_END)[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", action="store_true")
    write = parser.parse_args().write
    for name, table in PAGES.items():
        path = ROOT / name
        if write:
            path.write_text(placed(path.read_text("utf-8"), table), "utf-8")
        else:
            print(table())


if __name__ == "__main__":
    main()
