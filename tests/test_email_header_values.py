"""Header fields as they come: one plain address or none, words in any charset, fields nobody can fake."""

from __future__ import annotations

from email import message_from_bytes

import pytest

from adapters.email.header_values import (
    all_addresses,
    message_ids,
    one_address,
    raw_field,
    shown_field,
    to_text,
)


@pytest.mark.parametrize(
    ("field", "name", "address"),
    [
        ("dana@contoso.example", "", "dana@contoso.example"),
        ("Dana <DANA@Contoso.example>", "Dana", "dana@contoso.example"),
        ('"Reyes, Dana" <dana@contoso.example>', "Reyes, Dana", "dana@contoso.example"),
        ('"<evil@evil.example>" <dana@contoso.example>', "<evil@evil.example>", "dana@contoso.example"),
        ("=?utf-8?q?Ren=C3=A9?= <rene@contoso.example>", "René", "rene@contoso.example"),
        ("dana@contoso.example (Dana)", "", "dana@contoso.example"),
    ],
)
def test_one_plain_address_is_taken(field: str, name: str, address: str) -> None:
    assert one_address(field) == (name, address)


@pytest.mark.parametrize(
    "field",
    [
        "",
        "nobody",
        "a@b.example, c@d.example",
        "Dana <a@b.example>, Eve <c@d.example>",
        "<a@b.example> <c@d.example>",
        "alice@example.org)bob@example.com",
        "Dana <dana@contoso.example> evil@evil.example",
        "dana@localhost",
        "dana@contoso..example",
        '"a b"@contoso.example',
        "<>",
        "(" * 5_000 + "a@b.example",
    ],
)
def test_anything_else_is_no_address(field: str) -> None:
    assert one_address(field) == ("", "")


def test_addresses_are_found_wherever_they_stand() -> None:
    field = 'Help <help+t1-abc@northwind.example>, "x" <Dana@Contoso.example>; broken'
    assert all_addresses(field) == ["help+t1-abc@northwind.example", "dana@contoso.example"]


def test_the_nearest_mail_comes_first() -> None:
    assert message_ids("<a@x> <b@x>\t<c@x> <a@x>") == ("<a@x>", "<c@x>", "<b@x>")


def test_a_field_beyond_ascii_is_read_as_it_was_meant() -> None:
    message = message_from_bytes("Subject: Grüße\r\n\r\n".encode())
    assert shown_field(message, "Subject") == "Grüße"
    message = message_from_bytes("Subject: Grüße\r\n\r\n".encode("latin-1"))
    assert shown_field(message, "Subject") == "Grüße"


def test_a_folded_field_is_one_line() -> None:
    message = message_from_bytes(b"Subject: one\r\n two\r\n\tthree\r\n\r\n")
    assert raw_field(message, "subject") == "one two three"


@pytest.mark.parametrize(
    ("encoded", "shown"),
    [
        ("=?utf-8?B?w4RybmVy?=", "Ärner"),
        ("=?x-unknown?Q?caf=E9?=", "café"),
        ("a =?utf-8?B?!!!?=", "a"),
        ("=?utf-8?Q?a=0D=0ABcc:_b?=", "a Bcc: b"),
    ],
)
def test_encoded_words_are_decoded_into_one_line(encoded: str, shown: str) -> None:
    message = message_from_bytes(f"Subject: {encoded}\r\n\r\n".encode())
    assert shown_field(message, "Subject") == shown


@pytest.mark.parametrize("charset", ["utf-8", "us-ascii", None, "hex", "zip", "rot13", "\x00", "utf-99"])
def test_no_charset_is_too_strange_to_be_read(charset: str | None) -> None:
    assert to_text("Grüße".encode(), charset) == "Grüße"
