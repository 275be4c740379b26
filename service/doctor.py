"""What a maintainer would ask for first when something is wrong: versions, machine, index, model, settings, limits.

Nothing of the notes: neither their text nor the names of their files; and of secrets whether they are there.
"""

from __future__ import annotations

import os
import platform
import shutil
import sys
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from indexer.check import Verdict
from indexer.encoder import locate
from indexer.errors import TrellisError
from indexer.generation import FORMAT
from indexer.machine import usable_cores
from service.collections import Collections, Encoders
from service.config import Config
from service.http.access import require_closed
from service.keys import read_keys


class Examination(msgspec.Struct, frozen=True):
    """problems: what is wrong. The rest: facts by name, in groups."""

    well: bool
    problems: list[str]
    versions: dict[str, str]
    machine: dict[str, str]
    model: dict[str, str]
    index: dict[str, str]
    access: dict[str, str]
    limits: dict[str, str]
    settings: dict[str, Any]

    def lines(self) -> list[str]:
        lines = []
        for group in ("versions", "machine", "model", "index", "access", "limits", "settings"):
            lines.append(f"{group}:")
            lines += [f"  {name}: {value}" for name, value in getattr(self, group).items()]
        return (
            [*lines, *(f"PROBLEM: {problem}" for problem in self.problems)]
            if self.problems
            else [*lines, "all is well"]
        )


def examine(config: Config) -> Examination:
    """Looks at everything and changes nothing; what is wrong comes in `problems`, not as an error."""
    problems: list[str] = []
    model, index = _model(config, problems), _index(config, problems)
    access = _access(config, problems)
    return Examination(
        well=not problems,
        problems=[_without_home(problem) for problem in problems],
        versions=_versions(),
        machine=_machine(),
        model=model,
        index=index,
        access=access,
        limits=_limits(config),
        settings=_settings(config),
    )


def _versions() -> dict[str, str]:
    """Of Trellis, of Python and of what Trellis stands on."""
    names = sorted(name for name in {_name(each) for each in requires("trellis") or []} if name)
    found = {"trellis": version("trellis"), "python": platform.python_version(), "index format": str(FORMAT)}
    for name in names:
        with suppress(PackageNotFoundError):
            found[name] = version(name)
    return found


def _name(requirement: str) -> str:
    """The package that a requirement names; "" for what only tests need."""
    requirement, _, condition = requirement.partition(";")
    if condition and "models" not in condition:
        return ""
    return requirement.strip().split(">")[0].split("=")[0].split("[")[0].split("<")[0].strip()


def _machine() -> dict[str, str]:
    return {
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
        "python": f"{platform.python_implementation()} ({'64' if sys.maxsize > 2**32 else '32'} bit)",
        "cores": f"{usable_cores()} of {os.cpu_count()}",
        "memory": _memory(),
    }


def _memory() -> str:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return "unknown"
    return f"{pages * size / 1e9:.1f} GB"


def _model(config: Config, problems: list[str]) -> dict[str, str]:
    try:
        found = locate(config.model)
    except TrellisError as error:
        problems.append(str(error))
        return {"name": Path(config.model).name}
    return {"name": found.name, "sha256": found.digest}


def _index(config: Config, problems: list[str]) -> dict[str, str]:
    """Of each collection; their names, which are of the settings, come before what is told of them."""
    facts: dict[str, str] = {}
    for member in Collections.of(config, Encoders(lambda encoder: encoder)).members:
        try:
            verdict = member.check()
        except TrellisError:
            told = {"whole": "not looked at, for want of the model"}
        else:
            problems += [verdict.problem] if verdict.problem else []
            told = _told(verdict)
        facts |= {f"{member.name} {name}".strip(): value for name, value in told.items()}
    return facts


def _told(verdict: Verdict) -> dict[str, str]:
    if not verdict.whole:
        return {"whole": "no"}
    stale = {"changed": verdict.changed, "added": verdict.added, "removed": verdict.removed}
    return {
        "whole": "yes, every byte was read",
        "generation": verdict.generation,
        "nodes": f"{verdict.nodes:,}",
        "made": verdict.created,
        "by": verdict.model,
        "files since then": ", ".join(f"{len(names):,} {what}" for what, names in stale.items()),
    }


def _access(config: Config, problems: list[str]) -> dict[str, str]:
    found = {"listens on": f"{config.host}:{config.port}", "access": config.access}
    try:
        keys = read_keys(Path(config.keys).expanduser())
        found["keys"] = f"{len(keys):,}, {sum(key.expired for key in keys):,} of them expired"
        found["notice"] = require_closed(config) or "none"
    except TrellisError as error:
        problems.append(str(error))
    return found


def _limits(config: Config) -> dict[str, str]:
    found = {"free on the disk of the index": _free(Path(config.index).expanduser())}
    with suppress(ImportError, OSError, ValueError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        found["open files"] = f"{soft:,} of {hard:,}"
    for name in ("max_user_watches", "max_user_instances", "max_queued_events"):
        with suppress(OSError):
            found[f"inotify {name}"] = Path("/proc/sys/fs/inotify", name).read_text("ascii").strip()
    return found


def _free(folder: Path) -> str:
    place = next(place for place in (folder.absolute(), *folder.absolute().parents) if place.exists())
    return f"{shutil.disk_usage(place).free / 1e9:,.1f} GB"


def _settings(config: Config) -> dict[str, Any]:
    """As they hold, the home folder as ~, addresses without the part that may be a password."""
    settings: dict[str, Any] = msgspec.to_builtins(config)
    settings["publications"] = len(config.publications)  # they name headings of the notes
    settings["ignore"] = f"{len(config.ignore)} patterns"
    settings["collections"] = list(config.collections)
    settings["notes"] = [_without_home(place) for place in config.notes]
    for name in ("index", "model", "keys"):
        settings[name] = _without_home(settings[name])
    if milvus := config.milvus:
        settings["milvus"]["token"] = "set" if milvus.secret else "not set"
    if model := config.language_model:
        url = urlsplit(model.url)
        settings["language_model"] |= {
            "url": f"{url.scheme}://{url.hostname}{f':{url.port}' if url.port else ''}/…",
            "key": "set" if model.key_from and os.environ.get(model.key_from) else "not set",
        }
    return settings


def _without_home(text: str) -> str:
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text
