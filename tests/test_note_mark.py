"""What begins with // is an internal note, whatever a technician's app puts before it."""

from __future__ import annotations

import pytest

from chatdesk.note_mark import is_note, without_note_mark

BEFORE = ["", " ", "\n\t", "\xa0", "\u200b", "\ufeff", "\u2060 ", "\u2003", "\u00ad", "\ufe0f", "\u3164"]


@pytest.mark.parametrize("before", BEFORE)
def test_blanks_before_the_mark_are_passed_over(before: str) -> None:
    assert is_note(f"{before}// for us")
    assert without_note_mark(f"{before}// for us ") == "for us"


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("*// bold*", "bold"),
        ("_// slanted_", "slanted"),
        ("~// struck~", "struck"),
        ("*_// both_*", "both"),
        ("* _ // both _ *", "both"),
        ("`// code`", "code"),
        ("```// code```", "code"),
        ("> // quoted", "quoted"),
        (">>> // quoted", "quoted"),
        ("*//* bold mark", "* bold mark"),
        ("// ends in a star*", "ends in a star*"),
        ("//", ""),
        ("///", "/"),
    ],
)
def test_formatting_before_the_mark_is_passed_over(text: str, note: str) -> None:
    assert is_note(text)
    assert without_note_mark(text) == note


@pytest.mark.parametrize("text", ["", " ", "*", "/", "/ / no", "https://a.example", "a//"])
def test_other_texts_are_no_notes_and_stay_as_they_are(text: str) -> None:
    assert not is_note(text)
    assert without_note_mark(f" {text}\n") == text.strip()
