"""chatdesk.file_name: names from outside, fit to be shown and to be saved under."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatdesk.file_name import MAX_NAME, MAX_NAME_BYTES, UNNAMED, clean_file_name

NAMES = [
    ("report.pdf", "report.pdf"),
    ("Bericht Übersicht 2026.xlsx", "Bericht Übersicht 2026.xlsx"),
    ("スクリーンショット.png", "スクリーンショット.png"),
    ("../../etc/passwd", "passwd"),
    ("C:\\Windows\\System32\\drivers.sys", "drivers.sys"),
    ("..\\..\\boot.ini", "boot.ini"),
    ("\u200b.htaccess", "htaccess"),
    (".\u200bhtaccess", "htaccess"),
    ("\ufeff.env", "env"),
    ("photo\u202egnp.exe", "photognp.exe"),
    ("a\u2066b\u2069c.txt", "abc.txt"),
    ("line\r\nContent-Type: text/html", "html"),
    ("tab\there.txt", "tab here.txt"),
    ("nul\x00l.txt", "null.txt"),
    ("NUL", "_NUL"),
    ("con.txt", "_con.txt"),
    ("COM1.log", "_COM1.log"),
    ("console.log", "console.log"),
    ('a<b>c:d"e|f?g*.txt', "a_b_c_d_e_f_g_.txt"),
    ("trailing. . .", "trailing"),
    ("...", UNNAMED),
    ("", UNNAMED),
    ("/", UNNAMED),
    ("\u200b\u200c\u200d", UNNAMED),
    ("\u3164\u115f.txt", "txt"),
    ("bad\udcffbyte.txt", "badbyte.txt"),
    ("~$lock.docx", "~$lock.docx"),
    ("50%25.txt", "50%25.txt"),
]


@pytest.mark.parametrize(("given_name", "shown"), NAMES)
def test_a_nasty_name_is_shown_without_what_is_nasty(given_name: str, shown: str) -> None:
    assert clean_file_name(given_name) == shown


def test_a_long_name_keeps_its_extension() -> None:
    shown = clean_file_name("a" * 5000 + ".pdf")

    assert len(shown) == MAX_NAME
    assert shown.endswith("a.pdf")


def test_a_long_name_of_wide_letters_fits_a_file_system_whole_letters_only() -> None:
    shown = clean_file_name("漢" * 300 + ".png")

    assert len(shown.encode()) <= MAX_NAME_BYTES
    assert set(shown) == set("漢.png")


@pytest.mark.property
@given(st.text(max_size=300))
def test_whatever_comes_the_name_is_one_harmless_line_and_cleaning_it_again_changes_nothing(
    name: str,
) -> None:
    shown = clean_file_name(name)

    assert shown
    assert len(shown) <= MAX_NAME
    assert not set(shown) & set('/\\<>:"|?*')
    assert not any(unicodedata.category(char)[0] == "C" for char in shown)
    assert not shown.startswith((".", " "))
    assert clean_file_name(shown) == shown
