"""Runs `trellis` hundreds of times a minute: a process that has everything imported makes a child for each run.

What the child does is what the command does, from its arguments to its exit status; only the start of Python is saved. The
child can be watched and harmed (see `bench.trust.calls`), limited in the size of its files, or left to itself.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench.trust.calls import Call, Fault, supervise, watch_me

ROOT = Path(__file__).parent.parent.parent
_ALONE = {"OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false"}
"""A pool of threads would not survive the making of a child."""


@dataclass(frozen=True, slots=True)
class Run:
    """One command. status: its exit status; None when it was killed or broke off."""

    status: int | None
    out: str = ""
    err: str = ""

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a child. signal: what ended it, or 0. calls: with which it changed files, if it was watched."""

    runs: list[Run]
    signal: int
    seconds: float
    calls: list[Call] = field(default_factory=list)

    @property
    def last(self) -> Run:
        return self.runs[-1] if self.runs else Run(None)


class Runner:
    """The process that has everything imported. environment: added to that of this process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        ours, theirs = socket.socketpair()
        command = [sys.executable, "-m", "bench.trust.runner", str(theirs.fileno())]
        self._process = subprocess.Popen(
            command,
            cwd=ROOT,
            pass_fds=[theirs.fileno()],
            env={**os.environ, **_ALONE, **environment},
            start_new_session=True,
        )
        theirs.close()
        self._lines = ours.makefile("rw", encoding="utf-8")
        ours.close()

    def run(
        self,
        *commands: Sequence[str],
        fault: Fault | None = None,
        watched: bool = False,
        largest: int | None = None,
        kill_after: float | None = None,
    ) -> Outcome:
        """The commands in one child, one after another; each starts with an empty memory only as far as caches are per process.
        largest: bytes that a file may have. kill_after: seconds after which the child is killed.
        """
        asked = {
            "commands": [list(map(str, command)) for command in commands],
            "fault": asdict(fault) if fault else None,
            "watched": watched or fault is not None,
            "largest": largest,
            "kill_after": kill_after,
        }
        self._lines.write(json.dumps(asked) + "\n")
        self._lines.flush()
        answer = self._lines.readline()
        if not answer:
            raise RuntimeError("the runner ended")
        told = json.loads(answer)
        calls = [Call(*call) for call in told["calls"]]
        return Outcome([Run(*run) for run in told["runs"]], told["signal"], told["seconds"], calls)

    def one(self, *command: str) -> Run:
        """One command that must not be killed."""
        return self.run(command).last

    def warm(self, *commands: Sequence[str]) -> list[Run]:
        """Runs commands in the runner itself, so that every child finds what they load on their way, the model too."""
        self._lines.write(json.dumps({"warm": [list(map(str, command)) for command in commands]}) + "\n")
        self._lines.flush()
        return [Run(*run) for run in json.loads(self._lines.readline())]

    def close(self) -> None:
        self._lines.close()
        self._process.wait(60)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: type[BaseException] | BaseException | TracebackType | None) -> None:
        self.close()


def _serve(connection: socket.socket) -> None:
    _import_everything()
    lines = connection.makefile("rw", encoding="utf-8")
    for line in lines:
        asked = json.loads(line)
        if "warm" in asked:
            lines.write(json.dumps([_command(command) for command in asked["warm"]]) + "\n")
            lines.flush()
            continue
        with tempfile.NamedTemporaryFile("r") as told:
            lines.write(json.dumps(_one(asked, Path(told.name))) + "\n")
        lines.flush()


def _import_everything() -> None:
    """What any command imports while it runs. No thread may be left over from here, for a child would not have it."""
    import indexer  # noqa: I001  # what it sets has to stand before the libraries are loaded
    import faiss  # noqa: F401
    import onnxruntime  # noqa: F401
    import openTSNE  # noqa: F401
    import yaml  # noqa: F401

    import indexer.check
    import indexer.encoder
    import indexer.onnx_encoder
    import service.answering
    import service.cli
    import service.http.web
    import service.indexing
    import service.cli.show  # noqa: F401

    loaded: dict[Any, Any] = {}
    really = indexer.encoder.load

    def load(model: Any, beside: Any = None) -> Any:
        """One session for all children: it runs on the thread that calls it."""
        if model not in loaded:
            loaded[model] = really(model, beside)
        return loaded[model]

    if "TRELLIS_COLD" not in os.environ:  # what is about the model itself has each child load it
        indexer.encoder.load = load


def _one(asked: Mapping[str, Any], told: Path) -> dict[str, Any]:
    ours, theirs = socket.socketpair()
    started = time.perf_counter()
    child = os.fork()
    if not child:
        ours.close()
        _child(asked, theirs, told)
    theirs.close()
    calls: list[Call] = []
    if asked["watched"]:
        _, handles, _, _ = socket.recv_fds(ours, 1, 1)
        fault = Fault(**asked["fault"]) if asked["fault"] else None
        supervise(handles[0], child, fault, calls.append)
        os.close(handles[0])
    if asked["kill_after"] is not None:
        time.sleep(asked["kill_after"])
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child, signal.SIGKILL)
    ours.close()
    status = os.waitpid(child, 0)[1]
    text = told.read_text("utf-8")
    runs = [json.loads(line) for line in text.splitlines() if line.endswith("]")]
    return {
        "runs": runs,
        "signal": os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0,
        "seconds": time.perf_counter() - started,
        "calls": [[call.name, call.path, call.source, call.creates] for call in calls],
    }


def _child(asked: Mapping[str, Any], connection: socket.socket, told: Path) -> None:
    os.setsid()
    quiet = os.open(os.devnull, os.O_RDWR)
    os.dup2(quiet, 0)
    os.dup2(quiet, 1)
    file = told.open("a", encoding="utf-8")
    if asked["watched"]:
        socket.send_fds(connection, [b"x"], [watch_me()])
    for command in asked["commands"]:
        with _limited(asked["largest"]):
            run = _command(command)
        file.write(json.dumps(run) + "\n")
        file.flush()
    os._exit(0)


@contextlib.contextmanager
def _limited(largest: int | None) -> Iterator[None]:
    """No file can grow beyond `largest` bytes: a write gets EFBIG or is cut short, as on a full disk."""
    if largest is None:
        yield
        return
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def _command(command: Sequence[str]) -> tuple[int, str, str]:
    from service.cli import main

    out, err = io.StringIO(), io.StringIO()
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            main(list(command), prog_name="trellis")
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 1
        except BaseException:
            traceback.print_exc()
            status = 1
    return status, out.getvalue(), err.getvalue()


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
