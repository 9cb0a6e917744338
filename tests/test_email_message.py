"""The complete mail: its address forms and headers."""

from __future__ import annotations

from datetime import UTC, datetime
from email import message_from_bytes
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adapters.email.message import build_message, checked_address, header_text
from adapters.email.mime import Field, write_mail
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


def built(subject: str = "[HD-1] Printer", stop: str = "") -> bytes:
    return build_message(
        RenderedMail(subject, "text\n", "<p>text</p>\n"),
        MailKind.STATUS,
        delivery_id="d1",
        ticket=TicketNumber(1),
        recipient="a@b.example",
        recipient_name="",
        desk=load_config(None).desk,
        at=NOW,
        stop=stop,
    )


@pytest.mark.parametrize("name", ["In-Reply-To", "References", "List-Unsubscribe"])
def test_long_ids_and_addresses_are_broken_between_them_and_never_encoded(name: str) -> None:
    words = [f"<{letter * 90}@mail.example>" for letter in "ab"] + ["<c@mail.example>"]
    head = write_mail([(name, " ".join(words))], "text\n", "", "").split(b"\r\n")
    assert head[:3] == [f"{name}: {words[0]}".encode(), f" {words[1]}".encode(), f" {words[2]}".encode()]


@pytest.mark.parametrize(
    ("stop", "field"),
    [
        ("https://bücher.example/mail/stop/x", "<https://xn--bcher-kva.example/mail/stop/x>"),
        ("https://bücher.example:8443/büro/x%20y", "<https://xn--bcher-kva.example:8443/b%C3%BCro/x%20y>"),
        (f"https://desk.example/{'a' * 900}", f"<https://desk.example/{'a' * 900}>"),
        (f"https://{'ü' * 70}.example/x", f"<https://{'%C3%BC' * 70}.example/x>"),
    ],
)
def test_the_address_that_ends_mail_is_never_encoded_whatever_its_letters(stop: str, field: str) -> None:
    assert f"\r\nList-Unsubscribe: {field}\r\n".encode() in built(stop=stop)


def test_a_subject_with_line_ends_stays_one_header() -> None:
    read = message_from_bytes(built("[HD-1] a\r\nBcc: all@example.com"), policy=SMTP)
    assert read["Subject"] == "[HD-1] a Bcc: all@example.com"
    assert "Bcc" not in read


_PLAIN = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=200)
_LINES = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=400)


@pytest.mark.property
@settings(max_examples=200, deadline=None)
@given(subject=_PLAIN, name=_PLAIN, text=_LINES)
def test_whatever_a_mail_says_is_read_as_the_email_package_would_have_written_it(
    subject: str, name: str, text: str
) -> None:
    recipient = Address(name, "dana", "contoso.example")
    text += "\n"
    fields: list[Field] = [("Message-ID", "<d1@northwind.example>"), ("To", recipient)]
    fields.append(("Subject", header_text(subject)))
    theirs = EmailMessage(policy=SMTP)
    for field, value in fields:
        theirs[field] = value
    theirs.set_content(text, cte="quoted-printable")
    theirs.add_alternative(f"<p>{text}</p>", subtype="html", cte="quoted-printable")
    theirs.set_boundary("=_1")
    ours = write_mail(fields, text, f"<p>{text}</p>", "=_1")
    assert _read(ours) == _read(bytes(theirs))
    assert all(len(line) <= 998 for line in ours.split(b"\r\n"))


def _read(source: bytes) -> list[object]:
    read = message_from_bytes(source, policy=SMTP)
    assert isinstance(read, EmailMessage)
    parts = [part.get_content() for part in read.iter_parts() if isinstance(part, EmailMessage)]
    return [read["Message-ID"], read["To"], read["Subject"], read["MIME-Version"], read.defects, *parts]
