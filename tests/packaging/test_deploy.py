"""What lies in deploy/ fits Trellis as it is: commands and options, settings, routes, ports, names. None of it is run here."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml

from service.cli import main
from service.config import Config, load_config
from service.errors import OpenToAll
from service.http.access import require_closed
from service.http.openapi import describe
from tests.conftest import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
COMPOSE = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
OURS = {name: each for name, each in COMPOSE["services"].items() if each["image"] == "localhost/trellis"}
KUBERNETES = list(yaml.safe_load_all((DEPLOY / "kubernetes.yaml").read_text("utf-8")))
ROUTES = set(describe()["paths"])
SETTINGS = sorted((DEPLOY / "settings").glob("*.yaml"))
CHECKS = {"/healthz", "/livez"}


def parse(arguments: list[str]) -> str:
    """The command that `trellis` would run. Raises UsageError for a command, option or value that there is not."""
    context = main.make_context("trellis", list(arguments))
    name, command, rest = main.resolve_command(context, [*context._protected_args, *context.args])
    assert command is not None
    command.make_context(name, rest, parent=context)
    return str(name)


def test_a_wrong_command_line_is_told() -> None:
    with pytest.raises(click.UsageError, match="--prot"):
        parse(["serve", "notes", "--prot", "80"])
    with pytest.raises(click.UsageError, match="server"):
        parse(["server"])


def settings(path: Path, text: str | None = None) -> Config:
    if text is not None:
        path.write_text(text, "utf-8")
    return load_config(path)


def refuses_without_a_key(config: Config, folder: Path) -> bool:
    """Whether such a service does not start as long as there is no key."""
    from msgspec.structs import replace

    with pytest.raises(OpenToAll):
        require_closed(replace(config, keys=str(folder / "none.json")))
    return config.access == "key"


# systemd


def unit(path: Path) -> dict[str, list[str]]:
    """All that is set, whichever part it stands in."""
    found: dict[str, list[str]] = {}
    for line in path.read_text("utf-8").splitlines():
        if line and not line.startswith(("#", "[")):
            name, equals, value = line.partition("=")
            assert equals, line
            found.setdefault(name, []).append(value)
    return found


@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.stem)
def test_a_unit_starts_what_there_is_and_is_closed(path: Path) -> None:
    said = unit(path)
    (line,) = said["ExecStart"]
    program, *arguments = shlex.split(line)
    assert program.endswith("/bin/trellis")
    assert parse(arguments) == "serve"
    assert not {"--host", "--access"} & set(arguments)  # nobody but this machine
    assert said["NoNewPrivileges"] == ["yes"]
    assert int(said["TimeoutStopSec"][0]) > 30  # how long Trellis finishes answers
    if path.stem.endswith("system"):
        assert said["ProtectSystem"] == ["strict"]
        assert said["CapabilityBoundingSet"] == [""]
        assert said["User"] != ["root"]


# The container


def instructions() -> Iterator[tuple[str, str]]:
    text = re.sub(r"\\\n", " ", (DEPLOY / "Containerfile").read_text("utf-8"))
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, value = line.partition(" ")
            yield name, value.strip()


def last(name: str) -> str:
    return [value for each, value in instructions() if each == name][-1]


def test_the_container_runs_the_service_as_nobody_in_particular(tmp_path: Path) -> None:
    command = [*json.loads(last("ENTRYPOINT")), *json.loads(last("CMD"))]
    assert command[0] == "trellis"
    assert parse(command[1:]) == "serve"
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", last("USER"))
    assert last("EXPOSE") == str(Config().port)
    for image in (value.split()[0] for name, value in instructions() if name == "FROM"):
        assert re.search(r":\d+\.\d+-", image), f"{image} has no version"
    check = re.search(r"http://127\.0\.0\.1:(\d+)(/\w+)", last("HEALTHCHECK"))
    assert check
    assert (int(check[1]), check[2]) == (Config().port, "/healthz")
    assert CHECKS <= ROUTES


def test_the_container_copies_what_there_is() -> None:
    for value in (value for name, value in instructions() if name == "COPY" and "--from" not in value):
        *sources, _ = value.split()
        for source in sources:
            assert source == "build/dist/*.whl" or (ROOT / source).is_file(), source
    lock = (ROOT / "requirements" / "wheel.lock").read_text("utf-8")
    assert not re.search(r"^(torch|sentence-transformers|nvidia-\S+)==", lock, re.MULTILINE)
    for extra in ("pymilvus", "mcp"):  # the container can do what its settings may ask of it
        assert re.search(rf"^{extra}==", lock, re.MULTILINE)
    everything = (ROOT / "requirements" / "test.lock").read_text("utf-8")
    for pinned in re.findall(r"^\S+==\S+", lock, re.MULTILINE):
        assert pinned in everything


@pytest.mark.parametrize("path", SETTINGS, ids=lambda path: path.stem)
def test_no_container_answers_before_there_is_a_key(path: Path, tmp_path: Path) -> None:
    config = settings(path)
    assert config.host == "0.0.0.0"
    assert config.port == Config().port
    assert refuses_without_a_key(config, tmp_path)


# Compose


def test_the_services_of_a_team_ask_the_milvus_that_compose_starts() -> None:
    config = load_config(DEPLOY / "settings" / "milvus.yaml")
    assert config.milvus is not None
    assert config.milvus.place.partition(":")[0] in COMPOSE["services"]
    assert "./settings/milvus.yaml:/etc/trellis/trellis.yaml:ro" in OURS["team"]["volumes"]


def test_compose_names_only_what_there_is() -> None:
    services, volumes, used = COMPOSE["services"], COMPOSE["volumes"], set()
    for name, service in services.items():
        assert re.search(r":v?\d", service["image"]) or "build" in service, f"{name} has no version"
        assert set(service.get("depends_on", {})) <= set(services)
        for volume in service.get("volumes", []):
            source = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", volume).split(":")[0]
            if source.startswith("."):
                assert (DEPLOY / source).exists(), source
            else:
                used.add(source)
        for port in service.get("ports", []):
            assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", port), f"{name} is open to others"
    assert used == set(volumes)
    ports = [port.split(":")[1] for service in services.values() for port in service.get("ports", [])]
    assert len(ports) == len(set(ports))
    for service in OURS.values():
        assert (DEPLOY / service["build"]["context"] / service["build"]["dockerfile"]).is_file()
        assert (service["read_only"], service["cap_drop"]) == (True, ["ALL"])


def test_replicas_only_read_the_index_and_nginx_knows_their_name() -> None:
    replica = OURS["replica"]
    mounted = [volume for volume in replica["volumes"] if ":/var/lib/trellis" in volume]
    assert mounted == ["trellis:/var/lib/trellis:ro"]
    assert load_config(DEPLOY / "settings" / "replica.yaml").read_only
    balance = (DEPLOY / "nginx.conf").read_text("utf-8")
    assert f"server replica:{Config().port} " in balance
    (port,) = COMPOSE["services"]["balance"]["ports"]
    assert f"listen {port.split(':')[2]};" in balance


# Kubernetes


def kind(name: str) -> dict[str, Any]:
    (found,) = (each for each in KUBERNETES if each["kind"] == name)
    return found


def pods() -> list[dict[str, Any]]:
    return [kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"], kind("Deployment")["spec"]["template"]]


@pytest.mark.parametrize("document", KUBERNETES, ids=lambda each: f"{each['kind']} {each['metadata']['name']}")
def test_kubernetes_takes_it(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, kubernetes_validate.latest_version(), strict=True)


def test_pods_are_closed_and_mount_what_they_name() -> None:
    claims = {each["metadata"]["name"] for each in KUBERNETES if each["kind"] == "PersistentVolumeClaim"}
    for pod in (each["spec"] for each in pods()):
        assert pod["securityContext"]["runAsNonRoot"]
        assert last("USER") == f"{pod['securityContext']['runAsUser']}:{pod['securityContext']['runAsGroup']}"
        volumes = {each["name"]: each for each in pod["volumes"]}
        (container,) = pod["containers"]
        assert {each["name"] for each in container["volumeMounts"]} == set(volumes)
        named = {
            each["persistentVolumeClaim"]["claimName"] for each in volumes.values() if "persistentVolumeClaim" in each
        }
        assert named == claims
        assert container["image"].endswith(f":{version('trellis')}")
        assert container["securityContext"]["readOnlyRootFilesystem"]
        assert container["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert {"requests", "limits"} == set(container["resources"])
        assert parse(container["args"]) in ("index", "serve")


def test_probes_ask_routes_that_there_are_and_the_service_finds_its_pods(tmp_path: Path) -> None:
    deployment, service, budget = kind("Deployment"), kind("Service"), kind("PodDisruptionBudget")
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    (port,) = container["ports"]
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in CHECKS & ROUTES
        assert asked["port"] == port["name"]
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"
    labels = deployment["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"] == deployment["spec"]["selector"]["matchLabels"] == labels
    assert budget["spec"]["selector"]["matchLabels"] == labels
    assert service["spec"]["ports"][0]["targetPort"] == port["name"]
    index = kind("CronJob")["spec"]["jobTemplate"]["spec"]["template"]["metadata"]["labels"]
    assert index != labels  # or questions would go to the job
    config = settings(tmp_path / "trellis.yaml", kind("ConfigMap")["data"]["trellis.yaml"])
    assert (config.port, config.read_only) == (port["containerPort"], True)
    assert refuses_without_a_key(config, tmp_path)
    mounts = {each["mountPath"] for each in container["volumeMounts"]}
    for place in (config.notes[0], config.index, config.keys):
        assert any(Path(place).is_relative_to(mount) for mount in mounts), place
