"""Settings: from nothing, from a file, from the command line; what is wrong is refused by name."""

from __future__ import annotations

from pathlib import Path

import click
import pytest

from indexer.errors import ConfigError
from indexer.prompts import DEFAULT_MODEL
from service.cli.support import configure
from service.config import Config, load_config, make_config
from tests.conftest import run_trellis


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


def settings(folder: Path, text: str, name: str = "trellis.yaml") -> Path:
    path = folder / name
    path.write_text(text, "utf-8")
    return path


def test_without_a_file_the_defaults_hold() -> None:
    assert load_config() == Config(
        notes=["notes"],
        index="index",
        model=DEFAULT_MODEL,
        host="127.0.0.1",
        port=8000,
        watch=True,
        top=8,
        allowed_origins=[],
        allowed_hosts=[],
    )


@pytest.mark.parametrize("empty", ["", "# nothing yet\n", "---\n"])
def test_an_empty_file_changes_nothing(here: Path, empty: str) -> None:
    settings(here, empty)
    assert load_config() == Config()


def test_every_setting_can_stand_in_the_file(here: Path) -> None:
    settings(
        here,
        """
        notes: [work.txt, home]
        index: elsewhere
        model: some/model
        host: 0.0.0.0
        port: 9000
        watch: no
        top: 3
        allowed_origins: ["https://example.org", "http://localhost:3000"]
        allowed_hosts: [notes.example.org]
        """,
    )
    assert load_config() == Config(
        notes=["work.txt", "home"],
        index="elsewhere",
        model="some/model",
        host="0.0.0.0",
        port=9000,
        watch=False,
        top=3,
        allowed_origins=["https://example.org", "http://localhost:3000"],
        allowed_hosts=["notes.example.org"],
    )


def test_one_notes_folder_needs_no_list(here: Path) -> None:
    settings(here, "notes: outline.txt\n")
    assert load_config().notes == ["outline.txt"]


UNKNOWN = [
    ("colour: blue", "colour"),
    ("Port: 80", "Port"),
    ("allowed-hosts: [a]", "allowed-hosts"),
    ("port: 80\nprot: 81", "prot"),
]


@pytest.mark.parametrize(("text", "key"), UNKNOWN)
def test_an_unknown_key_is_refused_by_name_and_the_known_ones_are_listed(here: Path, text: str, key: str) -> None:
    settings(here, text)
    with pytest.raises(ConfigError) as refused:
        load_config()
    message = str(refused.value)
    assert "trellis.yaml" in message
    assert f"`{key}`" in message
    for known in Config.__struct_fields__:
        assert known in message


ILL_TYPED = [
    ("port: '80'", "port"),
    ("port: 80.5", "port"),
    ("port: -1", "port"),
    ("port: 65536", "port"),
    ("port: yes", "port"),
    ("port:", "port"),
    ("top: 0", "top"),
    ("top: 51", "top"),
    ("top: true", "top"),
    ("top: 99999999999999999999999", "top"),
    ("watch: 1", "watch"),
    ("watch: 'yes'", "watch"),
    ("index: 5", "index"),
    ("index: [a]", "index"),
    ("index: 2024-12-31", "index"),
    ("model:", "model"),
    ("host: 127", "host"),
    ("notes: 5", "notes"),
    ("notes: {a: b}", "notes"),
    ("notes: [a, 5]", "notes"),
    ("allowed_origins: https://example.org", "allowed_origins"),
    ("allowed_origins: ['*']", "allowed_origins"),
    ("allowed_origins: [example.org]", "allowed_origins"),
    ("allowed_origins: ['https://example.org/']", "allowed_origins"),
    ("allowed_origins: ['https://a.example,https://b.example']", "allowed_origins"),
    ("allowed_origins: ['null']", "allowed_origins"),
    ("allowed_hosts: example.org", "allowed_hosts"),
]


@pytest.mark.parametrize(("text", "key"), ILL_TYPED)
def test_an_ill_typed_value_is_refused_by_name(here: Path, text: str, key: str) -> None:
    settings(here, text)
    with pytest.raises(ConfigError, match=rf"trellis\.yaml: .*`{key}(\[\d\])?`"):
        load_config()


NOT_SETTINGS = [
    "- notes",
    "just words",
    "5",
    "port: [",
    "port: 1\n  top: 2",
    "a: \x00",
    "? [a]\n: b",
    "1: one",
    "notes: !!python/object/apply:os.getcwd []",
    "index: 2024-13-45",
    "top: !!bool abc",
    "top: !!int ''",
    "index: !!timestamp x",
    f"top: 0x{'F' * 4_000}",
    f"top: 1{':1' * 5_000}",
    f"a: {'[' * 60_000}",
    f"a: {'[' * 32_000}{']' * 32_000}",
    "- " * 60_000,
    "<<: {top: 3}",
    "collections: &a {work: {<<: [*a, *a]}}",
]


@pytest.mark.parametrize("text", NOT_SETTINGS)
def test_what_holds_no_settings_is_refused_with_the_name_of_the_file(here: Path, text: str) -> None:
    settings(here, text)
    with pytest.raises(ConfigError, match=r"trellis\.yaml"):
        load_config()


def test_a_value_that_does_not_fit_its_tag_is_refused_with_its_line(here: Path) -> None:
    settings(here, "port: 80\ntop: !!bool abc\n")
    with pytest.raises(ConfigError, match=r"trellis\.yaml.* 'abc' cannot be read as bool .*line 2"):
        load_config()


def test_the_command_line_refuses_it_in_a_sentence(here: Path) -> None:
    path = settings(here, "top: !!bool abc\n")
    ran = run_trellis("--config", str(path), "check")
    assert ran.returncode == 2
    assert "'abc' cannot be read as bool" in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_file_that_is_no_text_is_refused(here: Path) -> None:
    (here / "trellis.yaml").write_bytes(b"index: \xff\xfe\n")
    with pytest.raises(ConfigError, match=r"trellis\.yaml.*cannot be read"):
        load_config()


def test_a_file_that_was_named_must_be_there() -> None:
    with pytest.raises(ConfigError, match=r"no settings file 'mine\.yaml'"):
        load_config(Path("mine.yaml"))


def test_relative_paths_are_relative_to_the_settings_file(tmp_path: Path) -> None:
    folder = tmp_path / "project"
    (folder / "my-model").mkdir(parents=True)
    given = settings(folder, f"notes: [a.txt, deep/b, {tmp_path / 'c'}]\nindex: idx\nmodel: my-model\n", "mine.yaml")
    config = load_config(given)
    assert config.notes == [str(folder / "a.txt"), str(folder / "deep" / "b"), str(tmp_path / "c")]
    assert config.index == str(folder / "idx")
    assert config.model == str(folder / "my-model")


def test_a_model_that_is_no_folder_is_a_name(tmp_path: Path) -> None:
    assert load_config(settings(tmp_path, "model: some/model\n", "mine.yaml")).model == "some/model"


def test_a_tilde_is_the_home_folder(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/someone")
    monkeypatch.setenv("USERPROFILE", "/home/someone")
    settings(here, "notes: ~/outline\nindex: ~/.trellis\n")
    config = load_config()
    assert (Path(config.notes[0]), Path(config.index)) == (
        Path("/home/someone/outline"),
        Path("/home/someone/.trellis"),
    )


def test_a_home_folder_of_nobody_is_refused(here: Path) -> None:
    settings(here, "notes: ~nobody-of-this-name/outline\n")
    with pytest.raises(ConfigError, match="'~nobody-of-this-name/outline'"):
        load_config()


def configured(*arguments: str) -> Config:
    """What `trellis` would use when called with these options."""
    got: list[Config] = []

    @click.command()
    @click.argument("notes", nargs=-1)
    @click.option("--config", type=click.Path(path_type=Path))
    @click.option("--index")
    @click.option("--host")
    @click.option("--port", type=int)
    @click.option("--watch/--no-watch", default=None)
    def command(notes: list[str], config: Path | None, **options: object) -> None:
        got.append(configure(config, notes=list(notes) or None, **options))

    command.main(list(arguments), standalone_mode=False)
    return got[0]


def test_the_command_line_overrules_the_file(here: Path) -> None:
    settings(here, "notes: a\nindex: b\nhost: 10.0.0.1\nport: 9000\nwatch: true\ntop: 3\n")
    config = configured("x.txt", "y", "--index", "z", "--host", "127.0.0.1", "--port", "0", "--no-watch")
    assert config == Config(notes=["x.txt", "y"], index="z", host="127.0.0.1", port=0, watch=False, top=3)


def test_what_the_command_line_leaves_out_comes_from_the_file(here: Path) -> None:
    settings(here, "notes: a\nindex: b\nport: 9000\nwatch: false\n")
    assert configured("--port", "9001") == Config(notes=["a"], index="b", port=9001, watch=False)


def test_the_command_line_is_checked_as_the_file_is() -> None:
    with pytest.raises(ConfigError, match=r"command line: .*`port`"):
        make_config({"port": 70000}, "command line")


COLLECTIONS = """
    index: kept
    ignore: ["*.tmp.md"]
    collections:
      work: {notes: jobs, title: The office, ignore: [drafts/]}
      home: {notes: [a, b.org], index: elsewhere, model: some/model}
"""


def test_without_collections_there_is_one_without_a_name() -> None:
    (name, only), *others = Config(notes=["a"], index="b", ignore=["c"]).all_collections().items()
    assert (name, only.notes, only.index, only.ignore, others) == ("", ["a"], "b", ["c"], [])


def test_collections_have_what_is_theirs_and_the_rest_from_the_service(here: Path) -> None:
    settings(here, COLLECTIONS)
    work, home = load_config().all_collections().values()
    assert (work.notes, work.index, work.model) == (["jobs"], "kept/.collections/work", DEFAULT_MODEL)
    assert (work.title, work.ignore) == ("The office", ["drafts/"])
    assert (home.notes, home.index, home.model) == (["a", "b.org"], "elsewhere", "some/model")
    assert (home.title, home.ignore) == ("home", ["*.tmp.md"])


def test_places_of_collections_are_relative_to_the_file(here: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    work, home = load_config(settings(elsewhere, COLLECTIONS)).all_collections().values()
    assert work.notes == [str(elsewhere / "jobs")]
    assert work.index == str(elsewhere / "kept" / ".collections" / "work")
    assert home.index == str(elsewhere / "elsewhere")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("notes: a\ncollections: {work: {notes: b}}", "not both"),
        ("collections: {work: {}}", "notes"),
        ("collections: {work: {notes: []}}", "notes|length"),
        ("collections: {Work: {notes: a}}", "pattern|regex"),
        ("collections: {work: {notes: a, colour: red}}", "colour"),
        ("collections: {a: {notes: x, index: i}, b: {notes: y, index: ./i}}", "index folder of its own"),
        ("collections: {work: {notes: a}}\npublications: {p: {under: [X]}}", "'p' must be one of work"),
        ("publications: {p: {under: [X], collection: work}}", "'p' must be left out"),
        ("ignore: drafts", "ignore"),
    ],
)
def test_collections_that_make_no_sense_are_refused_by_name(here: Path, text: str, says: str) -> None:
    settings(here, text)
    with pytest.raises(ConfigError, match=says):
        load_config()


def test_notes_or_an_index_on_the_command_line_are_used_instead_of_collections(here: Path) -> None:
    settings(here, COLLECTIONS)
    assert configured("x.txt").collections == {}
    assert configured("--index", "z").collections == {}
    assert set(configured("--port", "1").collections) == {"work", "home"}
