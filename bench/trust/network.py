"""The network half of what Trellis promises, at full size (about an hour; half of it is the soak).

python -m bench.trust.network                        all, into bench/results/trust-network.json
python -m bench.trust.network --only 12,14           some of the requirements; the others keep their last figures
python -m bench.trust.network --minutes 5            a shorter soak
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path

from bench.browser import chromium_path
from bench.conditions import load, short_conditions
from bench.trust import cross_site, framing, headers, hosts, limits, mutated, paths, slow, soak, stopping
from bench.trust.finding import Finding
from bench.trust.running import ROOT, Running, configure, prepare, running
from service.http.web_chat import STREAMS
from tests.stand_in import stand_in

RESULTS = ROOT / "bench" / "results" / "trust-network.json"
STOPS, MUTANTS, EXAMPLES, MINUTES = 100, 10_000, 1000, 30
"""The full sizes."""
_LIBRARIES = ("waitress", "flask", "werkzeug", "limits", "prometheus-client", "msgspec", "onnxruntime")


class Suites:
    """Each requirement by its number; every suite starts the service that it needs."""

    def __init__(self, folder: Path, minutes: float, examples: int, stops: int, mutants: int) -> None:
        self._folder = prepare(folder / "service")
        self._soaked = prepare(folder / "soak")
        self._minutes = minutes
        paths.plant(self._folder)
        self.all: dict[int, Callable[[], Finding]] = {
            12: self._plainly(hosts.suite),
            13: self._cross_site,
            14: self._plainly(framing.suite),
            15: self._plainly(partial(slow.suite, connections=200, limit=30)),
            16: self._streams,
            17: partial(stopping.suite, self._folder, stops),
            18: self._plainly(partial(mutated.suite, number=mutants, examples=examples)),
            19: self._soak,
            20: self._keys,
            21: self._limits,
            22: self._headers,
            23: self._plainly(partial(paths.suite, number=2000)),
        }

    def _plainly(self, suite: Callable[[Running], Finding]) -> Callable[[], Finding]:
        def run() -> Finding:
            with running(self._folder) as service:
                return suite(service)

        return run

    def _cross_site(self) -> Finding:
        from playwright.sync_api import sync_playwright

        found = chromium_path()
        with running(self._folder) as service, sync_playwright() as playwright:
            return cross_site.suite(service, playwright.chromium.launch(executable_path=found, args=["--no-sandbox"]))

    def _streams(self) -> Finding:
        with stand_in() as model:
            configure(self._folder, language_model={"url": model.url, "name": "m"})
            try:
                with running(self._folder) as service:
                    return slow.streams(service, STREAMS, model)
            finally:
                configure(self._folder)

    def _soak(self) -> Finding:
        with running(self._soaked, "--watch") as service:
            soak.prepare_facts(service)
            time.sleep(10)
            return soak.suite(service, 64, self._minutes * 60)

    @contextmanager
    def _guarded(self) -> Iterator[tuple[Running, dict[str, str]]]:
        (self._folder / "trellis-keys.json").unlink(missing_ok=True)
        keys = headers.make_keys(self._folder)
        with running(self._folder, "--host", "0.0.0.0", "--no-watch") as service:
            yield service, keys

    def _keys(self) -> Finding:
        with self._guarded() as (service, keys):
            return headers.matrix(service, keys)

    def _limits(self) -> Finding:
        with self._guarded() as (service, _):
            return limits.suite(service, 100_000)

    def _headers(self) -> Finding:
        with self._guarded() as (service, keys):
            return headers.headers(service, keys)


def _at_full_size(found: Finding, options: argparse.Namespace) -> Finding:
    """A suite that ran smaller than it should falls short, whatever it found."""
    smaller = {
        17: options.stops < STOPS,
        18: options.mutants < MUTANTS or options.examples < EXAMPLES,
        19: options.minutes < MINUTES,
    }
    if not smaller.get(found.requirement):
        return found
    return replace(found, holds=False, shortfall="; ".join(filter(None, [found.shortfall, "smaller than asked for"])))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="numbers of requirements, with commas")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="of the soak")
    parser.add_argument("--mutants", type=int, default=MUTANTS, help="requests that are nearly right")
    parser.add_argument("--stops", type=int, default=STOPS, help="under load")
    parser.add_argument(
        "--examples", type=int, default=EXAMPLES, help="of schemathesis, if it is installed; 0 leaves it out"
    )
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    wanted = {int(number) for number in options.only.split(",") if number}
    known = json.loads(options.results.read_text("utf-8"))["findings"] if options.results.exists() else {}
    broken = False
    conditions = short_conditions(ROOT, _LIBRARIES)  # of the code that runs, which may be edited meanwhile
    with tempfile.TemporaryDirectory(prefix="trust-") as folder:
        for number, run in Suites(
            Path(folder), options.minutes, options.examples, options.stops, options.mutants
        ).all.items():
            if wanted and number not in wanted:
                continue
            began = time.monotonic()
            found = _at_full_size(run(), options)
            broken = broken or not found.holds
            sizes = " ".join(
                f"--{name} {getattr(options, name):g}" for name in ("minutes", "examples", "stops", "mutants")
            )
            command = f"python -m bench.trust.network --only {number} {sizes}"
            more = {
                "command": command,
                "seconds": round(time.monotonic() - began),
                "conditions": conditions | {"load": load()},
            }
            known[str(number)] = asdict(found) | more
            print(
                f"{number} {'holds' if found.holds else 'FALLS SHORT'}: {found.figure}\n{found.shortfall}", flush=True
            )
            ordered = {key: known[key] for key in sorted(known, key=int)}
            options.results.write_text(json.dumps({"findings": ordered}, indent=1, ensure_ascii=False) + "\n", "utf-8")
    raise SystemExit(broken)


if __name__ == "__main__":
    main()
