"""Text from outside as plain text: cleaned, measured and wrapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdesk.plain_text import _NARROW, _columns, clean_line, clean_text, shortened, width, wrap


@pytest.mark.parametrize(
    ("given_text", "cleaned"),
    [
        ("a\r\nb\rc\nd\x0be\x85f\u2028g", "a\nb\nc\nd\ne\nf\ng"),
        ("\n\n  indented\n\n", "  indented"),
        ("a\tb", "a    b"),
        ("null\x00 \x1b[31mred\x7f \x9b31m", "null [31mred 31m"),
        ("half \ud83d pair", "half \ufffd pair"),
        ("שלום \u200fעולם 👩\u200d💻", "שלום \u200fעולם 👩\u200d💻"),
        ("", ""),
    ],
)
def test_cleaning_takes_out_what_cannot_be_shown_and_keeps_the_words(given_text: str, cleaned: str) -> None:
    assert clean_text(given_text) == cleaned


def test_a_line_has_no_marks_that_turn_it() -> None:
    assert clean_line(" \u202eDana\u2066\r\n\tReyes ") == "Dana Reyes"


@pytest.mark.parametrize(
    ("text", "columns"), [("abc", 3), ("日本", 4), ("e\u0301", 1), ("\u200f", 0), ("👍", 2)]
)
def test_width_counts_columns_not_characters(text: str, columns: int) -> None:
    assert width(text) == columns


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("one two three", ["one two", "three"]),
        ("  keeps   it", ["  keeps", "it"]),
        ("abcdefghijkl mn", ["abcdefgh", "ijkl mn"]),
        ("ab abcdefghijkl", ["ab", "abcdefgh", "ijkl"]),
        ("a\n\nb", ["a", "", "b"]),
        ("日本語日本語", ["日本語日", "本語"]),
        ("", [""]),
    ],
)
def test_lines_are_broken_between_words_and_long_words_anywhere(text: str, lines: list[str]) -> None:
    assert wrap(text, 8) == lines


def test_a_narrow_text_has_a_column_for_each_character_and_no_blank_but_the_space() -> None:
    for code in range(0x20, 0x3000):
        char = chr(code)
        if _NARROW.fullmatch(char):
            assert _columns(char) == 1
            assert char == " " or not char.isspace()


@given(st.text("ab é–\u20ac ", max_size=120), st.integers(1, 20))
def test_narrow_text_is_wrapped_as_text_is_that_has_to_be_measured(text: str, columns: int) -> None:
    *lines, last = wrap(f"{text}x\u0301", columns)
    assert wrap(f"{text}x", columns) == [*lines, last.removesuffix("\u0301")]


@given(st.text(max_size=300), st.integers(2, 40))
def test_wrapping_loses_no_word_and_keeps_the_width(text: str, columns: int) -> None:
    cleaned = clean_text(text)
    lines = wrap(cleaned, columns)
    assert "".join("".join(lines).split()) == "".join(cleaned.split())
    assert all(width(line) <= columns for line in lines)


@given(st.text(max_size=200))
def test_a_cleaned_line_is_one_line_without_controls(text: str) -> None:
    line = clean_line(text)
    assert line.splitlines() in ([], [line])
    assert line == line.strip()
    line.encode()


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", ""),
        ("ten chars.", "ten chars."),
        ("eleven char", "eleven ch…"),
        ("nine ch   and more", "nine ch…"),
    ],
)
def test_a_text_too_long_ends_with_a_mark_and_without_a_blank_before_it(text: str, shown: str) -> None:
    assert shortened(text, 10) == shown
