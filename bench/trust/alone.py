"""What Trellis needs from elsewhere, which is nothing, and what it is made of: the rest of requirement 25.

python -m bench.trust.alone                    the whole test suite without a network, the SBOM, known flaws; some 20 minutes
python -m bench.trust.alone tests/service      these tests alone
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict

from bench.conditions import short_conditions
from bench.trust import supply
from bench.trust.finding import Finding
from bench.trust.runner import ROOT

RESULTS = ROOT / "bench" / "results" / "trust-alone.json"
_LIBRARIES = ("faiss-cpu", "flask", "numpy", "onnxruntime", "waitress")
_UP = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
    fcntl.ioctl(any_socket, 0x8914, struct.pack("16sH14x", b"lo", 1))  # SIOCSIFFLAGS, IFF_UP
try:
    socket.create_connection(("192.0.2.1", 80), 2)
    sys.exit("there is a network")
except OSError:
    os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""
"""A new network has a loopback that is down, and nothing else."""
_UNREACHABLE = re.compile(r"could not be audited|ConnectionError|NameResolution|Max retries|ProxyError", re.IGNORECASE)


def run_alone(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Python with these arguments where nothing but this very loopback can be reached; without root where users may have
    namespaces of their own.
    """
    command = ["unshare", "--map-root-user", "--net", sys.executable, "-c", _UP, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, cwd=ROOT)


def tests_alone(chosen: Sequence[str]) -> tuple[bool, str]:
    run = run_alone("-m", "pytest", "-q", "-p", "no:cacheprovider", *chosen)
    last = (run.stdout.strip() or run.stderr.strip() or "nothing was said").splitlines()[-1].strip("= ")
    failed = [line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR"))]
    which = f" ({' '.join(chosen)})" if chosen else ""
    return run.returncode == 0, "; ".join([f"tests without a network{which}: {last}", *failed[:3]])


def sbom() -> tuple[bool, str]:
    path = ROOT / "build" / "sbom.cdx.json"
    if not path.exists():
        return False, "no SBOM: 'make sbom' makes it"
    wrong = supply.differences(supply.locked(), supply.of_sbom(path))
    return not wrong, f"SBOM: {len(supply.locked())} libraries, {len(wrong)} not as locked"


def flaws() -> tuple[bool, str]:
    program = ROOT / ".venv-audit" / "bin" / "pip-audit"
    if not program.exists():
        return False, "no pip-audit: 'make .venv-audit/ready' installs it"
    clean, told = supply.audit(str(program))
    if clean:
        return True, f"pip-audit: {told.splitlines()[-1]}"
    if _UNREACHABLE.search(told):
        return False, "pip-audit: the data on known flaws cannot be had on this machine, so nothing was audited"
    return False, f"pip-audit: {told[-300:]}"


def main() -> None:
    began = time.monotonic()
    parts = [tests_alone(sys.argv[1:]), sbom(), flaws()]
    finding = Finding(
        25, "what is needed from elsewhere, and what it is made of",
        "0 network needed; 0 known flaws, 0 skipped; SBOM = lock",
        "; ".join(told for _, told in parts), all(good for good, _ in parts),
        "; ".join(told for good, told in parts if not good),
    )  # fmt: skip
    about = {
        "command": " ".join(["python -m bench.trust.alone", *sys.argv[1:]]),
        "seconds": round(time.monotonic() - began),
        "conditions": short_conditions(ROOT, _LIBRARIES),
    }
    text = json.dumps({"findings": {"25": asdict(finding) | about}}, indent=1, ensure_ascii=False) + "\n"
    RESULTS.write_text(text, "utf-8")
    print(f"25 {'holds' if finding.holds else 'FALLS SHORT'}: {finding.figure}")


if __name__ == "__main__":
    main()
