"""Parts of deploy/ in the programs that they are for: nginx before two services, systemd's own check (`make try-outside`)."""

from __future__ import annotations

import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.conftest import ROOT, Service, run_trellis

DEPLOY = ROOT / "deploy"


@dataclass
class Balanced:
    url: str
    key: str
    replicas: list[Service]

    def ask(self, path: str = "/api/ask", body: object = None) -> bytes:
        data = json.dumps(body or {"question": "When are bananas picked?"}).encode()
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self.key}"}
        with urlopen(Request(self.url + path, data, headers), timeout=30) as answer:
            return bytes(answer.read())


@pytest.fixture(scope="module")
def balanced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Balanced]:
    """Two services that only read one index, as replica.yaml sets them up, behind nginx with the project's own file."""
    folder = tmp_path_factory.mktemp("balanced")
    (folder / "notes").mkdir()
    (folder / "notes" / "orchard.txt").write_text("Fruit\n  Bananas\n    Bananas are picked while they are green\n")
    text = (DEPLOY / "settings" / "replica.yaml").read_text().replace("/var/lib/trellis", str(folder))
    (folder / "trellis.yaml").write_text(text.replace("/notes", str(folder / "notes")).replace("0.0.0.0", "127.0.0.1"))
    config = ("--config", str(folder / "trellis.yaml"))
    assert run_trellis(*config, "index").returncode == 0
    key = run_trellis(*config, "keys", "add", "me").stdout.strip()
    replicas = [Service(*config, "serve", "--port", "0", "--log", "quiet") for _ in range(2)]
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    servers = "".join(f"server {each.url.split('/')[2]} max_fails=2 fail_timeout=5s;" for each in replicas)
    nginx = re.sub(r"server replica:8000[^;]*;", servers, (DEPLOY / "nginx.conf").read_text())
    nginx = nginx.replace("listen 8080", f"listen 127.0.0.1:{port}").replace("/tmp/nginx", str(folder / "nginx"))
    (folder / "nginx.conf").write_text(f"daemon off;\n{nginx}")
    proxy = subprocess.Popen(["nginx", "-c", str(folder / "nginx.conf")], stderr=subprocess.PIPE)
    made = Balanced(f"http://127.0.0.1:{port}", key, replicas)
    _wait(made)
    yield made
    proxy.terminate()
    proxy.communicate(timeout=30)
    for each in replicas:
        each.stop()


def _wait(balanced: Balanced) -> None:
    for _ in range(100):
        try:
            urlopen(f"{balanced.url}/livez", timeout=5).close()
        except HTTPError as error:
            error.close()
            time.sleep(0.1)
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise AssertionError("nginx does not answer")


def test_questions_streams_and_the_page_come_through(balanced: Balanced) -> None:
    assert "picked while they are green" in json.loads(balanced.ask())["answer"]["text"]
    stream = balanced.ask("/api/chat", {"messages": [{"role": "user", "content": "When are bananas picked?"}]})
    assert b"event: done" in stream
    with urlopen(f"{balanced.url}/", timeout=30) as page:
        assert b"<title>" in page.read()


def test_without_the_key_nobody_is_answered(balanced: Balanced) -> None:
    with pytest.raises(HTTPError) as refused:
        Balanced(balanced.url, "trellis_00000000_none", []).ask()
    assert refused.value.code == 401
    refused.value.close()


def test_one_service_may_go(balanced: Balanced) -> None:
    """Killed, so that it says no farewell: no question is lost."""
    balanced.replicas[0].process.kill()
    for _ in range(10):
        assert json.loads(balanced.ask())["answered"]


@pytest.mark.parametrize("unit", sorted((DEPLOY / "systemd").glob("*.service")), ids=lambda path: path.stem)
def test_systemd_takes_the_unit(unit: Path, tmp_path: Path) -> None:
    program = Path(sys.executable).with_name("trellis")
    text = re.sub(r"ExecStart=\S+", f"ExecStart={program}", unit.read_text()).replace("User=trellis", "User=daemon")
    (tmp_path / unit.name).write_text(text.replace("Group=trellis", "Group=daemon"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(tmp_path / unit.name)], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    judged = [
        "systemd-analyze",
        "security",
        "--offline=yes",
        "--threshold=20" if "system" in unit.stem else "--threshold=90",
    ]
    assert subprocess.run([*judged, str(tmp_path / unit.name)], capture_output=True, check=False).returncode == 0
