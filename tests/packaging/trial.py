"""Uses an installed Trellis from outside the source tree: version, index, answer, page, widget, description.

python -m tests.packaging.trial WHEEL    in an environment of its own, with all libraries that it asks for (`make try-wheel`)
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

NOTES = "Fruit\n  Apples\n    An apple a day keeps the doctor away\n  Bananas\n    Bananas are picked while they are green\n"
QUESTION, ANSWER = "When are bananas picked?", "Bananas are picked while they are green"


class Installed:
    """An environment that has Trellis, and a folder with notes to work in. Nothing of the caller's environment is handed on but
    where programs are.
    """

    def __init__(self, environment: Path, folder: Path) -> None:
        self._bin = environment / "bin"
        self.folder = folder
        self._environ = {"PATH": os.environ["PATH"], "HOME": str(folder), "LC_ALL": "C.UTF-8"}
        folder.mkdir(parents=True)
        (folder / "orchard.txt").write_text(NOTES, "utf-8")

    def run(self, program: str, *arguments: str) -> str:
        """What the program prints. Raises CalledProcessError."""
        command = [str(self._bin / program), *arguments]
        done = subprocess.run(
            command, cwd=self.folder, env=self._environ, capture_output=True, text=True, timeout=600, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program} {arguments} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def serve(self) -> Iterator[str]:
        """The address of the running service, without a slash at its end."""
        command = [str(self._bin / "trellis"), "serve", "orchard.txt", "--port", "0", "--log", "quiet"]
        with subprocess.Popen(
            command, cwd=self.folder, env=self._environ, stdout=subprocess.PIPE, text=True
        ) as process:
            try:
                assert process.stdout is not None
                yield process.stdout.readline().strip().rstrip("/")
            finally:
                process.terminate()


def try_all(installed: Installed) -> dict[str, object]:
    """Does what a new user does. What was found, by what was done."""
    found: dict[str, object] = {"version": installed.run("trellis", "--version").strip()}
    found["indexed"] = json.loads(installed.run("trellis", "index", "orchard.txt", "--json"))["nodes"]
    found["asked"] = json.loads(installed.run("trellis", "ask", QUESTION, "--json"))["answer"]["text"]
    found["check"] = json.loads(installed.run("trellis", "check", "--json"))["ok"]
    with installed.serve() as url:
        for path in ("/", "/widget.js", "/static/app.js", "/openapi.json", "/healthz", "/demo"):
            with urlopen(url + path) as answer:
                found[path] = len(answer.read())
    return found


def main() -> None:
    wheel = Path(sys.argv[1]).resolve(strict=True)
    with tempfile.TemporaryDirectory(prefix="trellis-trial-") as place:
        environment = Path(place, "environment")
        began = time.monotonic()
        subprocess.run([sys.executable, "-m", "venv", str(environment)], check=True)
        pip = [str(environment / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        subprocess.run([*pip, str(wheel)], check=True, cwd=place)
        size = sum(path.stat().st_size for path in environment.rglob("*") if path.is_file() and not path.is_symlink())
        print(f"installed in {time.monotonic() - began:.0f} s, {size / 1e6:.0f} MB")
        installed = Installed(environment, Path(place, "work"))
        there = installed.run("python", "-c", "import importlib.util as u; print(bool(u.find_spec('torch')))").strip()
        print(f"PyTorch in it: {there}")
        began = time.monotonic()
        for what, came in try_all(installed).items():
            print(f"{what}: {came}")
        print(f"tried in {time.monotonic() - began:.0f} s, the conversion of the model included")


if __name__ == "__main__":
    main()
