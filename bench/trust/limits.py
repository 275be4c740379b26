"""Requirement 21: how often a key may ask, with threads; and what the counters need."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

from bench.trust.finding import Finding
from bench.trust.running import ROOT, Reply, Running, trellis

_MEMORY = """
import gc, os
from service.limits import Limiter
def held():
    gc.collect()
    return int(open("/proc/self/statm").read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
limiter = Limiter()
limiter.count("key warm", "600/minute")
before = held()
for number in range({keys}):
    limiter.count(f"key {{number:08x}}", "600/minute")
print((held() - before) / 1e6)
"""


def suite(service: Running, keys: int) -> Finding:
    """800 calls by eight threads with a key that has fifty; then the memory for so many keys, in a process of its own."""
    made = trellis(service.folder, "keys", "add", "limited", "--limit", "50/hour", "--json")
    value = f"Bearer {json.loads(made.stdout)['key']}"

    def ask(_: int) -> Reply:
        return service.send("GET", "/api/filters", Authorization=value)

    with ThreadPoolExecutor(8) as threads:
        replies = list(threads.map(ask, range(800)))
    trellis(service.folder, "keys", "revoke", "limited")
    through = sum(reply.status == 200 for reply in replies)
    told = sum(reply.status == 429 and int(reply.headers.get("Retry-After", 0)) > 0 for reply in replies)
    ran = subprocess.run(
        [sys.executable, "-c", _MEMORY.format(keys=keys)], capture_output=True, text=True, check=True, cwd=ROOT
    )
    megabytes = float(ran.stdout)
    holds = through == 50 and told == 750 and megabytes * 100_000 / keys < 50
    figure = f"800 calls: {through} through, {told} × 429 with Retry-After; {keys:,} keys: {megabytes:.0f} MB"
    reach = "800 calls at limit 50: exactly 50; 429 + Retry-After; 100,000 keys below 50 MB"
    return Finding(21, "Limits", reach, figure, holds, "" if holds else figure)
