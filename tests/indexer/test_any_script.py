"""Words in any script: where they begin and end, and which are the same."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from indexer.words import stem, stems_asked, stems_of, words_in

SPLIT = [
    # text, its words as they stand there
    ("Größe: 3 km/h", ["Größe", "3", "km", "h"]),
    ("हिन्दी में किताबें", ["हिन्दी", "में", "किताबें"]),  # vowel signs are no letters, and part no word
    ("cafe\u0301s", ["cafe\u0301s"]),
    ("שָׁלוֹם עולם", ["שָׁלוֹם", "עולם"]),
    ("می\u200cخواهم", ["می\u200cخواهم"]),  # a non-joiner stands inside a word
    ("Kom\u00adpost", ["Kom\u00adpost"]),
    ("x² ½", ["x²", "½"]),
    ("AWSの設定は3分", ["AWS", "の設", "設定", "定は", "3", "分"]),
    ("紫砂壶", ["紫砂", "砂壶"]),
    ("壶", ["壶"]),
    ("책을 몇", ["책", "을", "책을", "몇"]),  # a run as short as a pair is asked for by its characters too
    ("ﾌﾞﾛｱｰ", ["ﾌﾞﾛ", "ﾛｱ", "ｱｰ"]),  # a voiced sound mark belongs to its character
    ("น้ำเย็น", ["น้ำเ", "เย็", "ย็น"]),
    ("🌥 — …", []),
    ("", []),
]


@pytest.mark.parametrize(("text", "words"), SPLIT)
def test_words_stand_where_readers_see_them(text: str, words: list[str]) -> None:
    assert [text[word.start : word.end] for word in words_in(text, asked=True)] == words


SAME = [
    ("GRÖSSE", "größe"),
    ("ＦＵＬＬ", "full"),
    ("café", "cafe\u0301"),
    ("naïve", "naive"),
    ("œuf", "oeuf"),
    ("ﬁsh", "fish"),
    ("İstanbul", "istanbul"),
    ("ISI", "ısı"),
    ("баллонов", "баллоны"),
    ("Ёлка", "елка"),
    ("نُحمِّص", "نحمص"),
    ("مدرسة", "مدرسه"),
    ("أحمد", "احمد"),
    ("שָׁלוֹם", "שלום"),
    ("λόγος", "ΛΟΓΟΣ"),
    ("किताबें", "किताबों"),
    ("ﾌﾞﾛｱｰ", "ブロアー"),
    ("カ\u3099", "ガ"),
    ("한", unicodedata.normalize("NFD", "한")),
]


@pytest.mark.parametrize(("one", "other"), SAME)
def test_case_width_composition_accents_and_endings_do_not_part_words(one: str, other: str) -> None:
    assert stem(one) == stem(other)
    assert stems_of(one) == stems_of(other)
    assert stems_asked(one) == stems_asked(other)


@pytest.mark.parametrize(
    ("one", "other"), [("йод", "иод"), ("が", "か"), ("गाना", "गाने वाला"), ("role", "rule"), ("ب", "ت")]
)
def test_different_words_stay_different(one: str, other: str) -> None:
    assert stems_of(one) != stems_of(other)


@given(st.text())
@example("\u2e80\xad")
def test_every_word_has_letters_and_a_place(text: str) -> None:
    for word in words_in(text):
        assert word.text
        assert 0 <= word.start < word.end <= len(text)
        assert not unicodedata.category(text[word.end : word.end + 1] or " ").startswith("M")


@given(st.text())
def test_composition_changes_no_stem(text: str) -> None:
    composed, apart = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert stems_of(composed) == stems_of(apart)


def test_a_long_run_without_spaces_is_read_in_one_go() -> None:
    run = "文字" * 50_000
    assert sum(1 for _ in words_in(run)) == 2 * len(run) - 1


@pytest.mark.parametrize("letter", ["a", "\u65e5", "\u0e01", "\u0434"])
def test_a_letter_with_a_great_many_marks_is_read(letter: str) -> None:
    """Nothing is timed; what takes the square of such a size would not come back."""
    assert all(len(word) <= 64 for word in stems_of(letter + "\u0301\u0323" * 300_000))
    assert stem("a" + "\u0323\u0301" * 3) == stem("a" + "\u0301\u0323" * 3)
