"""Parts that the desk cannot read are files, and a sentence says what they are."""

from __future__ import annotations

import pytest

from adapters.email.parse import parse_mail
from adapters.email.remarks import BY_PGP, BY_SMIME, PACKED, SEALED

HEAD = "From: Dana Reyes <dana@contoso.example>\r\nSubject: Printer\r\nMessage-ID: <m1@contoso.example>\r\n"
ARMOUR = "-----BEGIN PGP MESSAGE-----\r\n\r\nhQEMA\r\n-----END PGP MESSAGE-----\r\n"
FORWARDED = "From: Eve Stone <eve@fabrikam.example>\r\nSubject: Invoice 5\r\n\r\nPlease pay.\r\n"


def part(kind: str, content: str, *parameters: str) -> str:
    return f"Content-Type: {'; '.join((kind, *parameters))}\r\n\r\n{content}"


def mixed(*parts: str, kind: str = "mixed") -> str:
    inside = "".join(f"--b\r\n{one}\r\n" for one in parts)
    return f"Content-Type: multipart/{kind}; boundary=b\r\n\r\n{inside}--b--\r\n"


def event(*lines: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", *lines, "END:VEVENT", "END:VCALENDAR", ""])


PLAIN = part("text/plain", "See the file.")
SMIME = "application/pkcs7-mime"
ZONE = ("BEGIN:VTIMEZONE", "DTSTART:19701101T020000", "END:VTIMEZONE", "BEGIN:VEVENT")


@pytest.mark.parametrize(
    ("body", "text", "files"),
    [
        (part(SMIME, "MII", "smime-type=enveloped-data"), f"({BY_SMIME})", ["smime.p7m"]),
        (part(SMIME, "MII", "smime-type=signed-data"), f"({SEALED})", ["smime.p7m"]),
        (part(SMIME, "MII"), f"({SEALED})", ["smime.p7m"]),
        (mixed(PLAIN, part(SMIME, "MII", "name=contract.p7m")), "See the file.", ["contract.p7m"]),
        (
            mixed(part("application/pgp-encrypted", "Version: 1"), part("application/octet-stream", ARMOUR)),
            f"({BY_PGP})",
            ["version.asc", "file.bin"],
        ),
        (part("text/plain", ARMOUR), ARMOUR.replace("\r\n", "\n").strip() + f"\n\n({BY_PGP})", []),
        (mixed(PLAIN, part("application/ms-tnef", "x")), f"See the file.\n\n({PACKED})", ["winmail.dat"]),
        (
            mixed(part("message/rfc822", FORWARDED)),
            "(Attached mail: Invoice 5, from Eve Stone.)",
            ["Invoice 5.eml"],
        ),
        (
            mixed(part("message/rfc822", "\r\nHi.\r\n")),
            "(Attached mail: without a subject.)",
            ["message.eml"],
        ),
    ],
)
def test_what_cannot_be_read_is_a_file_and_said_to_be_one(body: str, text: str, files: list[str]) -> None:
    mail, contents = parse_mail(f"{HEAD}{body}".encode())
    assert (mail.text, [one.name for one in mail.attachments]) == (text, files)
    assert all(contents)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (
            (*ZONE, "SUMMARY:Visit\\, and", "  more", "DTSTART;TZID=America/New_York:20261130T150000"),
            "An invitation: Visit, and more, November 30, 2026, 15:00 (America/New_York).",
        ),
        (("METHOD:REPLY", *ZONE, "SUMMARY:Visit"), "An answer to an invitation: Visit."),
        (("METHOD:CANCEL", *ZONE, "DTSTART:20261130T150000Z"),
         "A cancelled invitation: November 30, 2026, 15:00 UTC."),
        ((*ZONE, "DTSTART;VALUE=DATE:20261130"), "An invitation: November 30, 2026."),
        ((*ZONE, "DTSTART:20269999"), "An invitation."),
        (("\x00",), "An invitation."),
    ],
)  # fmt: skip
def test_an_invitation_says_what_for_and_when(lines: tuple[str, ...], said: str) -> None:
    body = part("text/calendar", event(*lines), "charset=utf-8")
    mail, _ = parse_mail(f"{HEAD}{body}".encode())
    assert (mail.text, [one.name for one in mail.attachments]) == (f"({said})", ["invitation.ics"])
