"""Keys: made once, kept as hashes, found in constant time, gone when revoked."""

from __future__ import annotations

import hashlib
import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from indexer.errors import ConfigError
from service.errors import KeyFileError, KeyNameTaken, NoSuchKey
from service.keys import KeyRing, add_key, check_new, read_keys, revoke_key
from tests.conftest import run_trellis


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "keys.json"


def test_a_key_has_256_random_bits_and_only_its_hash_is_kept(file: Path) -> None:
    made = [add_key(file, f"name {n}", ["ask"]) for n in range(20)]
    secrets = [secret for _, secret in made]
    assert len(set(secrets)) == 20
    for key, secret in made:
        found = re.fullmatch(r"trellis_([0-9a-f]{8})_([A-Za-z0-9_-]{43})", secret)  # 43 digits of base 64: 256 bits
        assert found
        assert found[1] == key.id
        assert found[2] not in file.read_text("utf-8")
        assert key.sha256 == hashlib.sha256(secret.encode()).hexdigest()
        assert KeyRing(file).find(secret) == key
    assert file.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize(
    "change", [str.upper, str.strip, lambda key: key[:-1], lambda key: key + "A", lambda key: " " + key]
)
def test_nothing_but_the_whole_key_is_one(file: Path, change: object) -> None:
    _, secret = add_key(file, "phone", ["ask"])
    changed = change(secret)  # type: ignore[operator]
    assert (KeyRing(file).find(changed) is not None) is (changed == secret)


@pytest.mark.parametrize(
    "presented", ["", "_", "trellis", "trellis__", "trellis_00000000_x", "é", "\ud800", "a" * 100_000]
)
def test_what_is_no_key_is_none(file: Path, presented: str) -> None:
    add_key(file, "phone", ["ask"])
    assert KeyRing(file).find(presented) is None


def test_the_ring_sees_what_is_added_and_revoked(file: Path) -> None:
    ring = KeyRing(file)
    assert len(ring) == 0
    one, first = add_key(file, "one", ["ask"])
    _, second = add_key(file, "two", ["read", "read", "admin"])
    assert ring.find(first) == one
    assert [key.scopes for key in read_keys(file)] == [["ask"], ["read", "admin"]]
    assert revoke_key(file, "one") == one
    assert ring.find(first) is None
    revoke_key(file, read_keys(file)[0].id)
    assert ring.find(second) is None


def test_an_expired_key_is_none(file: Path) -> None:
    key, secret = add_key(file, "guest", ["ask"], days=1)
    assert KeyRing(file).find(secret) == key
    kept = json.loads(file.read_text("utf-8"))
    kept["keys"][0]["expires"] = "2026-01-01T00:00:00+00:00"
    file.write_text(json.dumps(kept), "utf-8")
    assert KeyRing(file).find(secret) is None


@pytest.mark.parametrize("expires", ["2026-01-01", "2099-01-01T00:00:00", "tomorrow", "2099-13-01T00:00:00+00:00"])
def test_a_time_that_cannot_be_compared_is_damage(file: Path, expires: str) -> None:
    """And no error in the middle of a request."""
    _, secret = add_key(file, "guest", ["ask"], days=1)
    kept = json.loads(file.read_text("utf-8"))
    kept["keys"][0]["expires"] = expires
    file.write_text(json.dumps(kept), "utf-8")
    assert KeyRing(file).find(secret) is None
    with pytest.raises(KeyFileError):
        read_keys(file)


@pytest.mark.parametrize(
    "damage", [b"", b"{", b'{"keys": [{}]}', b'{"keys": [], "version": 2}', b"\xff", b'{"keys": [], "more": 1}']
)
def test_a_damaged_file_lets_nobody_in_and_is_not_written_over(file: Path, damage: bytes) -> None:
    ring = KeyRing(file)
    _, secret = add_key(file, "phone", ["ask"])
    assert ring.find(secret)
    file.write_bytes(damage)
    assert ring.find(secret) is None
    with pytest.raises(KeyFileError):
        add_key(file, "another", ["ask"])
    assert file.read_bytes() == damage


def test_a_name_is_there_once_and_has_to_be_there(file: Path) -> None:
    add_key(file, "phone", ["ask"])
    with pytest.raises(KeyNameTaken):
        add_key(file, "phone", ["ask"])
    with pytest.raises(NoSuchKey):
        revoke_key(file, "tablet")


@pytest.mark.parametrize(
    ("name", "limits"),
    [
        ("", None),
        ("a\nb", None),
        ("a" * 61, None),
        (" a", None),
        ("a", ""),
        ("a", "many"),
        ("a", "0/minute"),
        ("a", "1/fortnight"),
    ],
)
def test_odd_names_and_limits_are_refused(name: str, limits: str | None) -> None:
    with pytest.raises(ConfigError):
        check_new(name, limits)


def test_many_who_add_at_once_lose_no_key(file: Path) -> None:
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: add_key(file, f"name {n}", ["ask"]), range(40)))
    assert len(read_keys(file)) == 40


def test_the_commands(tmp_path: Path) -> None:
    made = run_trellis("keys", "add", "phone", "--scope", "admin", "--days", "3", "--limit", "5/minute", cwd=tmp_path)
    assert made.returncode == 0
    secret = made.stdout.strip()
    assert re.fullmatch(r"trellis_\S+", secret)
    listed = run_trellis("keys", "list", cwd=tmp_path)
    assert all(word in listed.stdout for word in ("phone", "admin", "5/minute"))
    assert secret not in listed.stdout + run_trellis("keys", "list", "--json", cwd=tmp_path).stdout
    assert run_trellis("keys", "add", "phone", cwd=tmp_path).returncode == 2
    assert run_trellis("keys", "revoke", "phone", cwd=tmp_path).returncode == 0
    again = run_trellis("keys", "revoke", "phone", cwd=tmp_path)
    assert (again.returncode, "Traceback" in again.stderr) == (2, False)
    assert json.loads(run_trellis("keys", "list", "--json", cwd=tmp_path).stdout) == []
