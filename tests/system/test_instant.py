"""`trellis ask` by way of a service that runs: the same output as without, and no question to anybody else."""

from __future__ import annotations

import gc
import json
import os
import re
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from service import instant
from service.cli import main
from service.config import Config
from service.instant import Instant
from service.presence import FILE, Presence, announced, find, made
from tests.conftest import NOTES, Service, Workshop, run_trellis
from tests.indexer.test_lazy_imports import HEAVY, loaded_by


@pytest.fixture(scope="module")
def running(shipped_index: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """An index and the address of a service on it, which lets nobody in without a key."""
    folder = tmp_path_factory.mktemp("running")
    index = folder / "index"
    shutil.copytree(shipped_index, index, ignore=shutil.ignore_patterns(FILE))
    settings = folder / "settings.yaml"
    settings.write_text("access: key\n")
    service = Service(
        "--config", str(settings), "serve", str(NOTES), "--index", str(index), "--port", "0", "--no-watch"
    )
    yield index, service.url
    service.stop()
    assert not (index / FILE).exists()


def untimed(text: str) -> str:
    return re.sub(r'"took_ms": [\d.]+', '"took_ms": 0', text)


COMMANDS = {
    "answered": ["ask", "How long can a Lambda function run?"],
    "not in the notes": ["ask", "How many moons has Jupiter?", "--top", "3"],
    "explained": ["ask", "what is a NAT gateway for?", "--explain"],
    "narrowed": ["ask", "limits", "--under", "AWS Lambda > Limits to know", "--file", "*.txt", "--top", "2"],
    "with notices": ["ask", "limits after:2026-13 tag:"],
    "odd letters": ["ask", "Ünïcödé \u2028 <b>&amp; \U0001f600"],
    "related by place": ["related", "dns.txt:5", "--top", "4"],
    "empty": ["ask", "  "],
    "too many": ["ask", "limits", "--top", "51"],
    "no such place": ["related", "dns.txt:99999"],
    "no such node": ["related", "0000000000000000"],
    "no such file": ["ask", "limits", "--file", "nowhere.txt"],
    "no date": ["ask", "limits", "--after", "soon"],
}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_both_ways_print_the_same(running: tuple[Path, str], command: list[str]) -> None:
    """The command in this process, where the model is loaded already; the next test takes processes of their own."""
    for form in ([], ["--json"]):
        arguments = [*command, *form, "--index", str(running[0])]
        by_server, alone = CliRunner().invoke(main, arguments), CliRunner().invoke(main, [*arguments, "--no-server"])
        assert untimed(by_server.stdout) == untimed(alone.stdout)
        assert by_server.stderr == alone.stderr
        assert by_server.exit_code == alone.exit_code
        assert by_server.output
        assert gc.isenabled(), "a command leaves Python's collector as it found it"


def test_processes_of_their_own_print_the_same(running: tuple[Path, str]) -> None:
    command = ["ask", "What is SQS for?", "--json", "--index", str(running[0])]
    by_server, alone = run_trellis(*command), run_trellis(*command, "--no-server")
    assert (untimed(by_server.stdout), by_server.stderr) == (untimed(alone.stdout), alone.stderr)
    assert by_server.returncode == alone.returncode == 0


def test_nothing_heavy_is_loaded_with_a_service_and_all_of_it_without(running: tuple[Path, str]) -> None:
    ask = f"from service.cli import main; main(['ask', 'What is Lambda?', '--index', {str(running[0])!r}"
    assert loaded_by(f"{ask}])", *HEAVY, "httpx2", "onnxruntime") == []
    assert "faiss" in loaded_by(f"{ask}, '--no-server'])", *HEAVY)


def test_related_by_id_goes_through_it_too(running: tuple[Path, str]) -> None:
    reached = Instant.reach(Config(index=str(running[0])))
    assert reached
    with closing(reached):
        found = reached.related("dns.txt:5", 3)
        assert found
        assert reached.related(found.node, 3) == found


# Who is asked


def is_reached(config: Config) -> bool:
    reached = Instant.reach(config)
    if reached:
        reached.close()
    return reached is not None


@pytest.mark.parametrize(
    "other",
    [{"model": "some/other-model"}, {"prompts": {"query": "query: "}}, {"collections": {"work": {"notes": ["x"]}}}],
    ids=str,
)
def test_other_settings_are_another_service(running: tuple[Path, str], other: dict[str, Any]) -> None:
    assert is_reached(Config(index=str(running[0])))
    settings = {"index": str(running[0])} | other
    if "collections" in other:
        settings["collections"] = {"work": {"notes": ["x"], "index": str(running[0])}}
    assert Instant.reach(msgspec.convert(settings, Config)) is None


def test_another_version_is_another_service(running: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("service.presence.VERSION", "9.9")
    assert Instant.reach(Config(index=str(running[0]))) is None


def test_a_newer_generation_is_not_asked_of_an_older_service(tmp_path: Path) -> None:
    workshop = Workshop(tmp_path)
    workshop.write("Fruit\n  Bananas are picked while they are green\n")
    place = ["--index", str(workshop.index)]
    service = Service("serve", str(workshop.notes), *place, "--port", "0", "--no-watch")
    try:
        assert is_reached(Config(index=str(workshop.index)))
        workshop.write("Fruit\n  Bananas are picked when they are blue\n")
        assert run_trellis("index", str(workshop.notes), *place).returncode == 0
        assert Instant.reach(Config(index=str(workshop.index))) is None
        assert "blue" in run_trellis("ask", "When are bananas picked?", *place).stdout
    finally:
        service.process.kill()
        service.process.communicate()
    assert (workshop.index / FILE).exists()  # what a killed service leaves behind harms nobody
    assert "blue" in run_trellis("ask", "When are bananas picked?", *place).stdout


def test_of_several_collections_one_can_be_asked(tmp_path: Path) -> None:
    for name, text in {
        "work": "Office\n  The printer code is 4711\n",
        "home": "Boiler\n  Serviced in October\n",
    }.items():
        (tmp_path / name).mkdir()
        (tmp_path / name / "notes.txt").write_text(text)
    settings = tmp_path / "trellis.yaml"
    settings.write_text("collections:\n  work: {notes: work}\n  home: {notes: home}\n")
    service = Service("--config", str(settings), "serve", "--port", "0", "--no-watch")
    try:
        for words in (["printer code"], ["printer code", "--collection", "work"], ["collection:home boiler"]):
            command = ["--config", str(settings), "ask", *words, "--json"]
            by_server, alone = CliRunner().invoke(main, command), CliRunner().invoke(main, [*command, "--no-server"])
            assert untimed(by_server.stdout) == untimed(alone.stdout)
            assert json.loads(alone.stdout)["results"]
        asked = "from service.cli import main; main(['--config', {!r}, 'ask', 'printer code', '--collection', 'work'])"
        assert loaded_by(asked.format(str(settings)), *HEAVY) == []
    finally:
        service.stop()


def test_of_several_processes_any_answers(shipped_index: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    shutil.copytree(shipped_index, index, ignore=shutil.ignore_patterns(FILE))
    service = Service("serve", str(NOTES), "--index", str(index), "--port", "0", "--no-watch", "--processes", "2")
    try:
        assert [is_reached(Config(index=str(index))) for _ in range(6)] == [True] * 6
    finally:
        service.stop()
    assert not (index / FILE).exists()


# Who is not


class Impostor:
    """Something that listens where a service did, and keeps all that it hears."""

    def __init__(self, reply: bytes = b"") -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self.heard = b""
        self._reply = reply
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                while data := connection.recv(1 << 16):
                    self.heard += data
                    if self._reply:
                        connection.sendall(self._reply)

    def close(self) -> None:
        self._socket.close()


def reply(body: bytes, status: str = "200 OK", kind: str = "application/json") -> bytes:
    return f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


IMPOSTORS = {
    "silent": b"",
    "no HTTP": b"220 mail.example.org ESMTP\r\n",
    "page": reply(b"<h1>Hello</h1>", kind="text/html"),
    "codes it made up": reply(json.dumps({"codes": ["0" * 64]}).encode()),
    "no codes": reply(b'{"codes": []}'),
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://evil.example/\r\nContent-Length: 0\r\n\r\n",
    "endless": b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 99999999\r\n\r\n{",
}


@pytest.mark.parametrize("said", IMPOSTORS.values(), ids=IMPOSTORS)
def test_who_does_not_know_the_secret_hears_no_question(
    shipped_index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(instant, "_PATIENCE", 0.3)
    shutil.copy(shipped_index / "CURRENT", tmp_path)
    impostor = Impostor(said)
    presence = made(impostor.url)
    with closing(impostor), announced(presence, [tmp_path]):
        assert find(tmp_path) == presence
        assert Instant.reach(Config(index=str(tmp_path))) is None
    assert impostor.heard.startswith(b"GET /api/presence?challenge=")
    assert presence.secret.encode() not in impostor.heard
    assert b"Authorization" not in impostor.heard


def test_a_question_is_answered_beside_an_impostor(running: tuple[Path, str], tmp_path: Path) -> None:
    index = tmp_path / "index"
    shutil.copytree(running[0], index, ignore=shutil.ignore_patterns(FILE))
    impostor = Impostor(IMPOSTORS["codes it made up"])
    with closing(impostor), announced(made(impostor.url), [index]):
        done = run_trellis("ask", "What is SECRETWORD Lambda?", "--index", str(index))
    assert done.stdout
    assert impostor.heard
    assert b"SECRETWORD" not in impostor.heard


def _link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def _pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path, 0o600)


def _another_owner(path: Path) -> None:
    if os.geteuid():
        pytest.skip("only root can give files away")
    os.chown(path, 12345, 12345)


SPOILT: dict[str, Callable[[Path], object]] = {
    "readable by others": lambda path: path.chmod(0o644),
    "writable by the group": lambda path: path.chmod(0o620),
    "of another user": _another_owner,
    "symbolic link": _link,
    "hard link": lambda path: os.link(path, path.with_name("second")),
    "pipe": _pipe,
    "folder": lambda path: (path.unlink(), path.mkdir()),
    "cut": lambda path: path.write_bytes(path.read_bytes()[:40]),
    "no JSON": lambda path: path.write_bytes(b"\xff\x00"),
    "other fields": lambda path: path.write_bytes(b'{"url": "http://127.0.0.1:1/"}'),
    "gone": lambda path: path.unlink(),
}


@pytest.mark.parametrize("spoil", SPOILT.values(), ids=SPOILT)
def test_a_file_that_others_could_have_written_is_none(tmp_path: Path, spoil: Callable[[Path], object]) -> None:
    with announced(made("http://127.0.0.1:1/"), [tmp_path]):
        assert find(tmp_path)
        assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
        spoil(tmp_path / FILE)
        assert find(tmp_path) is None


@pytest.mark.parametrize("url", ["http://192.168.0.5:8000/", "http://evil.example/", "http://127.0.0.1.evil.example/"])
def test_no_other_machine_is_asked(
    shipped_index: Path, tmp_path: Path, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a connection was made")

    monkeypatch.setattr("http.client.HTTPConnection.connect", refuse)
    shutil.copy(shipped_index / "CURRENT", tmp_path)
    with announced(made(url), [tmp_path]):
        assert find(tmp_path)
        assert Instant.reach(Config(index=str(tmp_path))) is None


def test_a_later_service_keeps_its_file(tmp_path: Path) -> None:
    later = made("http://127.0.0.1:2/")
    with announced(made("http://127.0.0.1:1/"), [tmp_path]), announced(later, []):
        (tmp_path / FILE).write_bytes(msgspec.json.encode(later))
    assert find(tmp_path) == later


def test_a_folder_that_cannot_be_written_to_goes_without(tmp_path: Path) -> None:
    with announced(Presence("http://127.0.0.1:1/", 1, "0" * 64), [tmp_path / "nowhere"]):
        assert find(tmp_path / "nowhere") is None
