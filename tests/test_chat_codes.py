"""Codes for the chat: whom they let in, for how long, and how they may be typed [R19]."""

from __future__ import annotations

from datetime import timedelta

import pytest

from chatdesk.chat_codes import PERIOD, ChatCodes
from chatdesk.ticket import TicketNumber
from tests.desk_builders import TUESDAY

TICKET = TicketNumber(1001)
CODES = ChatCodes("a secret")
CODE = CODES.code("browser", TICKET, TUESDAY)


def test_a_code_is_eight_letters_and_digits_that_read_easily() -> None:
    assert len(CODE) == 9
    assert CODE[4] == "-"
    assert set(CODE) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567-")


@pytest.mark.parametrize(
    "typed",
    [
        CODE,
        CODE.lower(),
        CODE.replace("-", ""),
        f"  {CODE} ",
        CODE.replace("-", " "),
        CODE.replace("-", "\u2013"),
    ],
)
def test_capitals_spaces_and_dashes_do_not_matter(typed: str) -> None:
    assert CODES.fits(typed, "browser", TICKET, TUESDAY)


def test_a_digit_that_no_code_has_is_read_as_the_letter_it_looks_like() -> None:
    at = TUESDAY
    while "O" not in (code := CODES.code("browser", TICKET, at)):
        at += PERIOD
    assert CODES.fits(code.replace("O", "0"), "browser", TICKET, at)


@pytest.mark.parametrize("typed", ["", "-", "AAAA-AAAA", CODE + "A", CODE[:-1], "ÄÖÜ", "\ud800", "x" * 254])
def test_anything_else_does_not_fit(typed: str) -> None:
    assert not CODES.fits(typed, "browser", TICKET, TUESDAY)


def test_it_is_for_one_browser_one_ticket_and_one_desk() -> None:
    assert not CODES.fits(CODE, "another browser", TICKET, TUESDAY)
    assert not CODES.fits(CODE, "browser", TicketNumber(1002), TUESDAY)
    assert not ChatCodes("another secret").fits(CODE, "browser", TICKET, TUESDAY)


@pytest.mark.parametrize(
    ("later", "fits"), [(timedelta(0), True), (PERIOD, True), (2 * PERIOD, False), (-PERIOD, False)]
)
def test_it_is_good_for_its_period_at_least_and_for_two_at_most(later: timedelta, fits: bool) -> None:
    assert CODES.fits(CODE, "browser", TICKET, TUESDAY + later) is fits


def test_without_a_secret_there_are_none() -> None:
    with pytest.raises(ValueError, match="secret"):
        ChatCodes("")
