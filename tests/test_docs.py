"""What people read says what the code does: commands, settings, make targets, links, numbers of questions."""

from __future__ import annotations

import json
import re

import pytest
import yaml

from bench import engines, instant, processes, speed_table
from bench.table import render
from bench.trust import table as trust_table
from indexer.milvus.settings import Milvus
from service.cli import main
from service.config import Config
from tests.conftest import NOTES, ROOT

README = (ROOT / "README.md").read_text("utf-8")


@pytest.mark.parametrize("command", sorted(main.commands))
def test_the_readme_names_every_command(command: str) -> None:
    assert f"trellis {command}" in README


@pytest.mark.parametrize("setting", Config.__struct_fields__)
def test_every_setting_is_in_the_readme_and_in_the_example(setting: str) -> None:
    assert f"`{setting}`" in README
    assert re.search(rf"^# {setting}: ", (ROOT / "trellis.yaml").read_text("utf-8"), re.MULTILINE)


def test_the_example_shows_the_defaults() -> None:
    """With its comment signs taken away, trellis.yaml says what holds without it."""
    lines = (ROOT / "trellis.yaml").read_text("utf-8").splitlines()
    settings = "\n".join(line[2:] for line in lines if re.match(r"# \w+: ", line))
    assert yaml.safe_load(settings) == {name: getattr(Config(), name) for name in Config.__struct_fields__}


@pytest.mark.parametrize("name", trust_table.PAGES)
def test_the_tables_of_trust_are_those_of_the_last_runs(name: str) -> None:
    page = (ROOT / name).read_text("utf-8")
    assert trust_table.placed(page, trust_table.PAGES[name]) == page


def test_every_requirement_has_a_figure() -> None:
    assert {finding["requirement"] for finding in trust_table.findings()} == set(range(1, 26))


def test_the_tables_of_engines_are_those_of_the_last_runs() -> None:
    page = (ROOT / "docs" / "engines.md").read_text("utf-8")
    measured = json.loads((ROOT / "bench" / "results" / "engines.json").read_text("utf-8"))
    assert engines.placed(page, measured) == page
    assert engines.render(measured).splitlines()[0] in page


def test_every_setting_of_milvus_is_described() -> None:
    page = (ROOT / "docs" / "engines.md").read_text("utf-8")
    example = (ROOT / "trellis.yaml").read_text("utf-8")
    for setting in Milvus.__struct_fields__:
        assert f"`{setting}`" in page
        assert f"#   {setting}: " in example or setting == "token"


def test_every_file_that_the_documents_link_to_is_there() -> None:
    for document in (ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")):
        for target in re.findall(r"\]\((?!https?:)([^)#]+)\)", document.read_text("utf-8")):
            assert (document.parent / target).exists(), f"{document.name}: {target}"


def test_the_readme_names_only_make_targets_that_there_are() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    assert set(re.findall(r"(?:`|^    )make ([a-z-]+)", README, re.MULTILINE)) <= targets


def test_gold_lines_of_the_shipped_questions_are_lines_of_the_notes() -> None:
    from service.measure.evaluate import read_questions

    lengths = {path.name: len(path.read_text("utf-8").splitlines()) for path in NOTES.glob("*.txt")}
    for question in read_questions(ROOT / "bench" / "questions" / "notes.jsonl"):
        for first, last in question.gold:
            assert question.file is not None
            assert 1 <= first <= last <= lengths[question.file], question.id


def test_the_table_in_the_readme_is_that_of_the_last_benchmark() -> None:
    measured = json.loads((ROOT / "bench" / "results" / "quality.json").read_text("utf-8"))
    assert render(measured) in README


def test_the_table_of_the_command_line_is_that_of_the_last_benchmark() -> None:
    measured = json.loads((ROOT / "bench" / "results" / "instant.json").read_text("utf-8"))
    assert instant.render(measured) in (ROOT / "docs" / "client.md").read_text("utf-8")
    assert measured["medians"]["running"]["cpu s"] < 0.2


def test_the_table_of_speed_in_the_readme_is_that_of_the_last_benchmark() -> None:
    measured = json.loads((ROOT / "bench" / "results" / "speed.json").read_text("utf-8"))
    assert speed_table.render(measured) in README


def test_the_bookmark_in_the_documents_is_the_file() -> None:
    line = (ROOT / "editors" / "bookmarklet.js").read_text("utf-8").strip()
    assert f"\n    {line}\n" in (ROOT / "docs" / "editors.md").read_text("utf-8")


def test_the_table_of_processes_is_that_of_the_last_benchmark() -> None:
    measured = json.loads((ROOT / "bench" / "results" / "processes.json").read_text("utf-8"))
    assert processes.render(measured) in (ROOT / "docs" / "scale.md").read_text("utf-8")
