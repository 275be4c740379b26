"""Which scripts a model reads, as its vocabulary tells."""

from __future__ import annotations

import pytest

from indexer.encoder import load, locate
from indexer.scripts import Scripts, scripts_of

GREEK = [f"{a}{b}" for a in "αβγδεζηθικλμνξο" for b in "αβγδεζηθικλμνξο"]


def test_pieces_of_several_letters_show_that_a_model_has_learned_from_a_script() -> None:
    assert scripts_of(GREEK) == {"LATIN", "GREEK"}
    assert scripts_of("αβγδεζηθικλμνξοπρστυφχψω" * 20) == {"LATIN"}  # letters alone spell, and mean nothing


def test_characters_that_are_words_count_one_by_one() -> None:
    assert scripts_of(chr(0x4E00 + at) for at in range(4000)) == {"LATIN", "CJK"}
    assert scripts_of(chr(0x4E00 + at) for at in range(400)) == {"LATIN"}
    assert scripts_of(chr(0xAC00 + at) for at in range(400)) == {"LATIN", "HANGUL"}


def test_a_vocabulary_is_looked_at_once_and_only_for_other_than_latin_letters() -> None:
    asked = []

    def pieces() -> list[str]:
        asked.append(1)
        return GREEK

    scripts = Scripts(pieces)
    assert scripts.share_read("plain English – naïve 1, 2, 3 … 🌥") == 1
    assert asked == []
    assert scripts.share_read("λόγος") == 1
    assert scripts.share_read("слово") == 0
    assert scripts.share_read("word слово λόγος") == pytest.approx(9 / 14)
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("text", "share"),
    [
        ("Wie groß ist das?", 1),
        ("", 1),
        ("123 …", 1),
        ("紫砂壶", 0),
        ("バス", 0),
        ("책", 0),
        ("Сколько?", 0),
        ("นก", 0),
    ],
)
def test_the_default_model_reads_latin_letters(text: str, share: float) -> None:
    assert load(locate()).reads(text) == share


def test_what_a_model_does_not_know_has_no_token_vector() -> None:
    encoded = load(locate()).encode(["S3 紫砂壶 bucket"])
    assert [tuple(span) for span in encoded.spans.tolist()] == [(0, 1), (1, 2), (7, 13)]
