"""The words of a question and the marks they leave in a line."""

from __future__ import annotations

import pytest

from service.search.words import content_stems, content_words, is_keywords, marks, stem

SAME_STEM = [
    ("caching", "cached"),
    ("Bucket", "buckets"),
    ("ENCRYPTED", "encrypts"),
    ("policies", "policy"),
    ("Größe", "GRÖSSE"),
    ("S3", "s3"),
]


@pytest.mark.parametrize(("one", "other"), SAME_STEM)
def test_case_and_endings_do_not_part_words(one: str, other: str) -> None:
    assert stem(one) == stem(other)


@pytest.mark.parametrize(("one", "other"), [("role", "rule"), ("s3", "s4"), ("key", "keynote")])
def test_different_words_stay_different(one: str, other: str) -> None:
    assert stem(one) != stem(other)


CONTENT = [
    ("How do I rotate a key?", ["rotate", "key"]),
    ("What is it?", []),
    ("route 53 alias-record", ["route", "53", "alias", "record"]),
    ("", []),
    ("?!… — ,", []),
    ("Wie groß ist der Äquator", ["wie", "gross", "ist", "der", "äquator"]),
    ("null\0byte", ["null", "byte"]),
]


@pytest.mark.parametrize(("text", "words"), CONTENT)
def test_content_words_in_order_without_case(text: str, words: list[str]) -> None:
    assert content_words(text) == words


KEYWORDS = [
    ("route 53 alias record", True),
    ("DynamoDB", True),
    ("how do I alias a record", False),
    ("what is this", False),
    ("", False),
    ("???", False),
]


@pytest.mark.parametrize(("text", "keywords"), KEYWORDS)
def test_keywords_are_told_from_sentences(text: str, keywords: bool) -> None:
    assert is_keywords(text) is keywords


MARKED = [
    # line, question, the parts of the line that are marked
    ("Keys are rotated every year", "how often to rotate a key", ["Keys", "rotated"]),
    ("rotate, rotate; ROTATE", "rotation rotate", ["rotate", "rotate", "ROTATE"]),
    ("the keynote", "key", []),
    ("(key)", "key", ["key"]),
    ("🔑 key 🔑", "key", ["key"]),
    ("Ein Schlüssel für Äpfel", "schlüssel äpfel", ["Schlüssel", "Äpfel"]),
    ("nothing of it", "what is of it", []),
    ("", "key", []),
    ("key", "", []),
]


@pytest.mark.parametrize(("line", "question", "parts"), MARKED)
def test_marks_are_the_spans_of_the_questions_words(line: str, question: str, parts: list[str]) -> None:
    assert [line[start:end] for start, end in marks(line, content_stems(question))] == parts


def test_marks_count_characters_not_bytes() -> None:
    assert marks("äöü key", content_stems("key")) == [(4, 7)]
