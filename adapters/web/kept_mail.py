"""A kept mail taken apart for reading: its headers as people know them, and its two texts."""

from __future__ import annotations

from dataclasses import dataclass
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

from chatdesk.mailbox import MailLine, StoredMail
from chatdesk.plain_text import clean_line, clean_text

SHOWN = ("From", "To", "Reply-To", "Subject", "Date", "Message-ID")
MAX_SOURCE = 500_000


@dataclass(frozen=True, slots=True)
class ReadableMail:
    """A mail's headers, in the order shown, and its parts; "" for one that it has not."""

    headers: tuple[tuple[str, str], ...]
    text: str
    html: str
    source: str


def read_mail(mail: StoredMail) -> ReadableMail:
    """Return the mail taken apart; of one that cannot be, its source only."""
    source = mail.source[:MAX_SOURCE].decode("utf-8", "replace")
    try:
        # The library follows nesting by recursion and trusts what headers say.
        message = message_from_bytes(mail.source, policy=default)
        headers = tuple((name, clean_line(str(message[name]))) for name in SHOWN if name in message)
        return ReadableMail(headers, clean_text(_part(message, "plain")), _part(message, "html"), source)
    except (LookupError, RecursionError, ValueError):
        return ReadableMail((("To", mail.recipient), ("Subject", mail.subject)), "", "", source)


def path_id(mail: MailLine) -> str:
    """Return what the mail is called in addresses: its Message-ID without the brackets."""
    return mail.message_id.removeprefix("<").removesuffix(">")


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body(preferencelist=(kind,))
    content = part.get_content() if part is not None else ""
    return content if isinstance(content, str) else ""
