"""`trellis doctor`: all that a maintainer asks for, and nothing of the notes."""

from __future__ import annotations

import json

from tests.conftest import Workshop, run_trellis

NOTES = "Purple hippopotamus\n    its pool is heated\n"


def test_it_tells_of_everything_but_the_notes(workshop: Workshop, tmp_path_factory: object) -> None:
    workshop.write(NOTES, "hippopotamus.txt")
    folder = workshop.notes.parent
    (folder / "trellis.yaml").write_text(
        "language_model: {url: 'https://user:pa55word@models.example:8443/v1?key=pa55word', name: m, key_from: SOME_KEY}\n"
        "publications: {animals: {under: [Purple hippopotamus]}}\n"
    )
    assert run_trellis("index", "notes", "--index", "index", cwd=folder).returncode == 0
    secret = run_trellis("keys", "add", "hers", cwd=folder).stdout.strip()
    workshop.write(NOTES, "another hippopotamus.txt")
    for options in ((), ("--json",)):
        ran = run_trellis("doctor", "--index", "index", *options, cwd=folder)
        assert ran.returncode == 0, ran.stderr
        for word in ("hippopotamus", "Purple", "pool", "pa55word", secret, secret[8:16]):
            assert word not in ran.stdout
    told = json.loads(ran.stdout)
    assert {"trellis", "python", "faiss-cpu", "waitress", "index format"} <= told["versions"].keys()
    assert told["index"]["nodes"] == "2"
    assert told["index"]["files since then"] == "0 changed, 1 added, 0 removed"
    assert told["access"]["keys"] == "1, 0 of them expired"
    assert told["settings"]["language_model"]["url"] == "https://models.example:8443/…"


def test_it_names_what_is_wrong(workshop: Workshop) -> None:
    workshop.write(NOTES)
    folder = workshop.notes.parent
    (folder / "trellis.yaml").write_text("host: 0.0.0.0\n")
    ran = run_trellis("doctor", "--index", "index", cwd=folder)
    assert ran.returncode == 1
    assert "There is no index" in ran.stdout
    assert "keys add" in ran.stdout
