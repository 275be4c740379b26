"""`make trust`: disk, notes, models and chat at full size. Writes bench/results/trust-storage.json, a figure a requirement.

python -m bench.trust.storage                 everything; some hours on 2 cores
python -m bench.trust.storage --only 1 4      these requirements; the figures of the others stay
python -m bench.trust.storage --share 0.1     a tenth of each size; the figures say how much that was
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench import fuzz
from bench.conditions import short_conditions
from bench.trust import crashes, damage, flood, formats, full, obedient, opening, poison, power, states, swaps
from bench.trust.finding import Finding
from bench.trust.runner import ROOT, Runner
from bench.trust.workplace import Workplace, workshop

RESULTS = ROOT / "bench" / "results" / "trust-storage.json"
FUZZED = ROOT / "bench" / "results" / "fuzz.json"
_INPUTS = 10_000_000
"""That each format is to be fed."""
_SEED = 1
_LIBRARIES = ("faiss-cpu", "msgspec", "numpy", "onnxruntime")


@dataclass(slots=True)
class Bench:
    """Where the suites work, made when the first of them needs it. share: of the full sizes."""

    share: float
    stack: ExitStack
    made: tuple[Path, Runner, Path] | None = None

    def shop(self) -> tuple[Path, Runner, Path]:
        self.made = self.made or self.stack.enter_context(workshop())
        return self.made

    def work(self, name: str) -> Workplace:
        folder, runner, model = self.shop()
        return Workplace(folder / name, runner, model)

    def size(self, size: int) -> int:
        return max(1, round(size * self.share))


def _of(found: crashes.Found) -> str:
    """How often which index was found."""
    after = {"the old index": found.old, "the new one": found.new, "none, where none had been": found.none}
    return ", ".join(f"{count:,} × {what}" for what, count in after.items() if count)


def _bad(found: Any) -> str:
    return "; ".join(found.bad[:3]) + (f" and {len(found.bad) - 3:,} more" if len(found.bad) > 3 else "")


def kills(bench: Bench) -> list[Finding]:
    """Requirements 1, 2 and, from the same runs, 10."""
    points = None if bench.share >= 1 else bench.size(180)
    killed = crashes.sweep(bench.work("kills"), ("KILL",), points)
    failed = crashes.sweep(bench.work("fails"), ("ENOSPC", "EIO"), points)
    touched, traced = [*killed.touched, *failed.touched], killed.traced + failed.traced
    runs = killed.runs + failed.runs
    return [
        Finding(
            1, "SIGKILL at every write-class call of build, update, swap, clean-up and rebuild",
            "all points, at least 300; only a whole old or new generation; next run repairs",
            f"{killed.points:,} calls, {killed.runs:,} kills: {_of(killed)}; {len(killed.bad)} wrong",
            not killed.bad and points is None and killed.points >= 300,
            _bad(killed) or ("" if points is None and killed.points >= 300 else "fewer calls than asked for"),
        ),
        Finding(
            2, "ENOSPC (lasting) and EIO at the same points",
            "0 silent short files; exit not 0 with the cause named, or a whole new generation",
            f"{failed.runs:,} runs: {_of(failed)}; {len(failed.bad)} wrong", not failed.bad and points is None,
            _bad(failed) or ("" if points is None else "fewer calls than asked for"),
        ),
        Finding(
            10, "notes never written", "hash of the tree equal after all suites; 0 opens for writing in a trace",
            f"{runs:,} runs, {traced:,} traced calls: {len(touched)} on notes; hashes equal",
            not touched, "; ".join(touched[:3]),
        ),
    ]  # fmt: skip


def disks(bench: Bench) -> list[Finding]:
    by_size = full.sizes(bench.work("sizes"), 20)
    small = full.small_disks(bench.work("disks"), [4, 8, 16, 32, 64, 4096]) if full.can_mount() else None
    gone = full.withdrawn(bench.work("gone"), bench.size(200))
    bad = [*by_size.bad, *(small.bad if small else ["no file system could be mounted"]), *gone.bad]
    figure = (
        f"{by_size.runs} file sizes ({_of(by_size)}) and {small.runs if small else 0} tmpfs sizes; index read-only and gone: "
        f"{gone.asked - len(gone.bad):,} of {gone.asked:,} questions answered, {gone.marked:,} marked"
    )
    short = "; ".join(bad[:3]) or (
        "" if gone.marked == gone.asked else "answers do not say yet that the file has changed"
    )
    reach = "20 sizes; 100% of questions answered from the last generation, marked stale"
    return [
        Finding(3, "disk really full; index folder removed or read-only while serving", reach, figure, not short, short)
    ]


def power_cuts(bench: Bench) -> list[Finding]:
    violations = power.order(bench.work("order"))
    found = power.cuts(bench.work("cuts"), bench.size(500), _SEED)
    bad = [*violations, *found.bad]
    traces = f"{len(violations)} violations in {len(crashes.SCENES)} traces"
    figure = f"{traces}; {found.runs:,} cuts: {_of(found)}; {len(found.bad)} bad"
    short = "; ".join(bad[:3]) or ("" if found.runs >= 500 else "fewer cuts than asked for")
    return [
        Finding(
            4, "fsync order from a trace; power cuts", "0 violations; 500 cuts, 0 bad opens", figure, not short, short
        )
    ]


def damages(bench: Bench) -> list[Finding]:
    folder, _, model = bench.shop()
    cache = folder / "cache"
    with Runner({"XDG_CACHE_HOME": str(cache), "TRELLIS_COLD": "1"}) as cold:
        found = damage.damage(Workplace(folder / "damage", cold, model), cache, bench.size(2000), _SEED)
    needed = found.runs - found.idle
    figure = (
        f"{found.runs:,} damages to {found.files} files, {needed:,} of them to files in use: {found.named:,} named, "
        f"{found.refused:,} refused; {found.idle:,} to files no longer in use changed no answer; {len(found.bad)} wrong"
    )
    short = _bad(found) or ("" if found.runs >= 2000 else "fewer damages than asked for")
    reach = "2,000: 100% named by `check` and refused on open; 0 signals, tracebacks, wrong answers"
    return [
        Finding(
            5,
            "flips and cuts in every file, model included, half in the first 400 bytes",
            reach,
            figure,
            not short,
            short,
        )
    ]


def walks(bench: Bench) -> list[Finding]:
    found = states.walk(bench.work("walk"), bench.size(20_000), _SEED)
    figure = (
        f"{found.steps:,} steps ({found.kinds.get('kill', 0):,} kills, {found.kinds.get('index', 0):,} runs), "
        f"{found.compared:,} answers compared line by line: {len(found.bad)} differences; seed {_SEED}"
    )
    short = _bad(found) or ("" if found.steps >= 20_000 else "fewer steps than asked for")
    reach = "20,000 steps a night, seed printed; 0 differences"
    return [Finding(7, "edits, runs, kills and questions in any order", reach, figure, not short, short)]


def swapping(bench: Bench) -> list[Finding]:
    swapped = bench.size(1000)
    found = swaps.run(bench.work("swaps"), 64, 2, swapped, patience=4.0 * swapped)
    figure = (
        f"{found.readers} readers, 2 indexers beside the service, {len(found.generations):,} generations, "
        f"{found.answers:,} answers: {len(found.bad)} mixed, missing or false"
    )
    short = _bad(found) or ("" if len(found.generations) >= 1000 else "fewer swaps than asked for")
    reach = "64 readers, 2 indexers, 1,000 swaps: 0 mixed generations, 0 missing files, every excerpt as its lines"
    return [Finding(8, "readers while the index is swapped", reach, figure, not short, short)]


def verifying(bench: Bench) -> list[Finding]:
    cost = opening.cost()
    figure = (
        f"verifying takes {1000 * cost.verifying:.1f} ms of {1000 * cost.cold:.0f} ms that `trellis ask` takes on the notes "
        f"that ship ({cost.verifying / cost.cold:.1%}); 1 GB takes {cost.gigabyte:.2f} s (of one core)"
    )
    short = "" if cost.verifying <= 0.1 * cost.cold and cost.gigabyte < 1 else "slower than asked for"
    reach = "at most 10% of cold start; 1 GB under 1 s"
    return [Finding(6, "cost of verifying on open", reach, figure, not short, short)]


def flooding(bench: Bench) -> list[Finding]:
    found = flood.flood(bench.work("flood"), bench.size(60_000), bench.size(50))
    short = _bad(found) or (
        "" if found.overflowed else "the system did not say that it lost any of what it had to tell"
    )
    short = short or ("" if found.changes >= 60_000 else "fewer changes than asked for")
    figure = (
        f"{found.changes:,} files written anew, deleted, renamed and added in {found.seconds:.0f} s while nobody could listen, "
        f"the system's queue {'overflowed' if found.overflowed else 'sufficed'}: the last "
        f"{'not found' if found.bad else 'found'} after {found.behind:.0f} s; "
        f"of {found.looked} looked for {found.missing} missing, {found.unmarked} stale and unmarked; "
        f"of {found.looked_at_once} at once {found.at_once} stale and unmarked"
    )
    holds = not (short or found.missing or found.unmarked or found.at_once)
    reach = "60,000 changes, the queue overflowing: 0 missing, 0 stale and unmarked after 30 s"
    return [Finding(9, "more changes at once than the system tells of", reach, figure, holds, short)]


def old_formats(_bench: Bench) -> list[Finding]:
    numbers = formats.kept_formats()
    with TemporaryDirectory() as folder:
        wrong = [what for number in numbers for what in formats.misread(number, Path(folder, str(number)))]
    figure = f"format versions {', '.join(map(str, numbers))}: refused by name and rebuilt, {len(wrong)} misread"
    return [
        Finding(
            11,
            "indexes of every earlier format version",
            "read or rebuilt, 0 misread",
            figure,
            not wrong,
            "; ".join(wrong),
        )
    ]


def poisons(bench: Bench) -> list[Finding]:
    found = poison.run(bench.work("poison"), bench.size(poison.BIG))
    seconds, name = found.slowest
    inputs, broken = fuzz.fewest(FUZZED)
    figure = (
        f"{found.tried} poisons of up to {bench.size(poison.BIG):,} bytes beside three files: {len(found.bad)} did harm; "
        f"the slowest added {seconds:.0f} s to indexing ({name}); readers fed {inputs:,} inputs a format and more "
        f"(`python -m bench.fuzz`): {broken} broke a promise"
    )
    short = _bad(found) or ("inputs that broke a promise: bench/results/fuzz.json" if broken else "")
    short = short or ("" if bench.share >= 1 and inputs >= _INPUTS else "smaller than asked for")
    reach = (
        "10 million inputs a format: 0 uncaught, 100% of lines accounted, other files' answers equal; below 2.5 a doubling, "
        "1 s and 10× size a file"
    )
    return [Finding(24, "notes that are made to hurt, through the commands", reach, figure, not short, short)]


def obedience(bench: Bench) -> list[Finding]:
    with TemporaryDirectory() as folder:
        found = obedient.run(Path(folder), bench.size(200))
    figure = (
        f"{found.notes} poisoned notes, {found.answers} answers, {found.citations:,} citations checked; {found.said} times the "
        f"model was given poison to obey: {len(found.requests)} requests out, {len(found.false)} false citations"
    )
    short = "; ".join([*found.requests, *found.false, *found.bad][:3]) or (
        "" if found.notes >= 200 else "fewer notes than asked for"
    )
    reach = "0 requests out, 0 false citations"
    return [
        Finding(25, "poisoned notes with a model that obeys them, in a real browser", reach, figure, not short, short)
    ]


SUITES: dict[tuple[int, ...], Callable[[Bench], list[Finding]]] = {
    (1, 2, 10): kills,
    (3,): disks,
    (4,): power_cuts,
    (5,): damages,
    (6,): verifying,
    (7,): walks,
    (8,): swapping,
    (9,): flooding,
    (11,): old_formats,
    (24,): poisons,
    (25,): obedience,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=int, nargs="+", metavar="N", help="requirements by number")
    parser.add_argument("--share", type=float, default=1.0, help="of the full sizes")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    with ExitStack() as stack:
        bench = Bench(options.share, stack)
        for numbers, suite in SUITES.items():
            if not options.only or set(numbers) & set(options.only):
                started = time.perf_counter()
                findings = suite(bench)
                _write(options.out, findings, time.perf_counter() - started, options.share)


def _write(out: Path, findings: list[Finding], seconds: float, share: float) -> None:
    """Puts these findings in the place of earlier ones of the same requirements."""
    known = json.loads(out.read_text("utf-8"))["findings"] if out.exists() else {}
    command = "python -m bench.trust.storage --only " + " ".join(str(each.requirement) for each in findings)
    about = {
        "command": command + (f" --share {share:g}" if share < 1 else ""),
        "seconds": round(seconds),
        "conditions": short_conditions(ROOT, _LIBRARIES),
    }
    known |= {str(each.requirement): asdict(each) | about for each in findings}
    ordered = {number: known[number] for number in sorted(known, key=int)}
    out.write_text(json.dumps({"findings": ordered}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    for each in findings:
        print(
            f"{each.requirement} {'holds' if each.holds else 'FALLS SHORT'}: {each.figure}\n{each.shortfall}",
            flush=True,
        )


if __name__ == "__main__":
    main()
