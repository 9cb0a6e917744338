"""Tokens in mail: made by this desk only, whatever becomes of their case."""

from __future__ import annotations

import pytest

from chatdesk.mail_tokens import MailTokens, ReplyTo
from chatdesk.ticket import TicketNumber

TOKENS = MailTokens("a secret of the desk's own, long enough")
NUMBER = TicketNumber(1024)


def test_a_token_names_its_ticket_in_any_case() -> None:
    token = TOKENS.for_ticket(NUMBER)
    assert TOKENS.read(token) == TOKENS.read(token.upper()) == ReplyTo(ticket=NUMBER)


def test_a_token_names_the_held_mail_whose_question_it_answers() -> None:
    assert TOKENS.read(TOKENS.for_held("0a1b2c3d")) == ReplyTo(held="0a1b2c3d")


def test_another_desk_makes_other_tokens() -> None:
    other = MailTokens("another desk's secret, just as long")
    assert other.read(TOKENS.for_ticket(NUMBER)) is None


@pytest.mark.parametrize("text", ["", "t1024", "t1024-", "t1024-aaaaaaaaaaaaaaaa", "x1024-aaaaaaaaaaaaaaaa"])
def test_what_nobody_signed_opens_nothing(text: str) -> None:
    assert TOKENS.read(text) is None


def test_a_token_of_one_ticket_does_not_open_the_next() -> None:
    token = TOKENS.for_ticket(NUMBER)
    assert TOKENS.read(token.replace("t1024", "t1025")) is None


def test_the_page_that_ends_updates_is_for_one_ticket_and_one_address() -> None:
    token = TOKENS.for_stop(NUMBER, "Dana@contoso.example")
    assert TOKENS.stops(token, "dana@contoso.example") == NUMBER
    assert TOKENS.stops(token, "erik@contoso.example") is None
    assert TOKENS.stops(TOKENS.for_ticket(NUMBER), "dana@contoso.example") is None


def test_no_secret_means_no_tokens() -> None:
    with pytest.raises(ValueError, match="secret"):
        MailTokens("")
