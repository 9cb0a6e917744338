"""The complete mail: its address forms and headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP

import pytest

from adapters.email.message import build_message, checked_address, header_text
from adapters.email.render import RenderedMail
from chatdesk.config import load_config
from chatdesk.effects import MailKind
from chatdesk.ticket import TicketNumber

NOW = datetime(2026, 9, 18, 19, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("Dana.Reyes+desk@Contoso.Example", "Dana.Reyes+desk@contoso.example"),
        (" dana@contoso.example ", "dana@contoso.example"),
        ("dana@bücher.example", "dana@xn--bcher-kva.example"),
    ],
)
def test_an_address_is_brought_into_the_form_that_mail_needs(given: str, address: str) -> None:
    assert checked_address(given) == address


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a\r\n b", "a b"), ("=?utf-8?q?=0ABcc:_all?=", "= ?utf-8?q?=0ABcc:_all?="), ("דנה", "דנה")],
)
def test_words_in_a_header_mean_what_they_say(text: str, shown: str) -> None:
    assert header_text(text) == shown


def test_a_subject_with_line_ends_stays_one_header() -> None:
    message = build_message(
        RenderedMail("[HD-1] a\r\nBcc: all@example.com", "text\n", "<p>text</p>\n"),
        MailKind.STATUS,
        delivery_id="d1",
        ticket=TicketNumber(1),
        recipient="a@b.example",
        recipient_name="",
        desk=load_config(None).desk,
        at=NOW,
    )
    assert message["Subject"] == "[HD-1] a Bcc: all@example.com"
    assert "Bcc" not in message_from_bytes(bytes(message), policy=SMTP)
