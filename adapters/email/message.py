"""The complete mail: headers that other mail programs understand, and the text in two parts.

Sent by a program, so it says so (RFC 3834, 5): Auto-Submitted keeps well-behaved vacation programs from
answering, X-Auto-Response-Suppress does the same at Microsoft's, for vacation notices only, since bounces
are wanted. There is no Precedence field: it is not a standard one (RFC 2076, 3.9), and "bulk" would file a
customer's own ticket away as a mass mailing.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.utils import format_datetime
from functools import lru_cache
from urllib.parse import quote, urlsplit, urlunsplit

from adapters.email.attachments import Attachment
from adapters.email.mime import Field, write_mail
from adapters.email.render import RenderedMail, paragraphs
from chatdesk.config import DeskSettings
from chatdesk.effects import MailKind
from chatdesk.errors import DeliveryRefused
from chatdesk.mail_address import ascii_domain
from chatdesk.plain_text import clean_line
from chatdesk.ticket import TicketNumber

NO_DOMAIN = "chatdesk.invalid"
DEFAULT_SENDER = "desk@desk.example"
MAX_ADDRESS = 254
MAX_NAME = 100
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,120}@[!-;=?-~]{1,120}>")
_IN_LINKS = "%:/?#[]@!$&'()*+,;="
_LOCAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789!#$%&'*+/=?^_`{|}~-.")
_DOMAIN = frozenset("abcdefghijklmnopqrstuvwxyz0123456789-.")


def message_id(delivery_id: str, desk: DeskSettings) -> str:
    """Return the Message-ID that the delivery has for good, with its angle brackets."""
    return f"<{delivery_id}@{_domain(desk)}>"


def thread_id(ticket: TicketNumber, desk: DeskSettings) -> str:
    """Return the id that all mail of a ticket refers to, so that mail programs show it as one thread."""
    return f"<ticket-{ticket}@{_domain(desk)}>"


def sender(desk: DeskSettings) -> str:
    """Return the address that the desk writes from and that replies go to [R16]."""
    return desk.email or DEFAULT_SENDER


def build_message(
    mail: RenderedMail,
    kind: MailKind,
    *,
    delivery_id: str,
    ticket: TicketNumber,
    recipient: str,
    recipient_name: str,
    desk: DeskSettings,
    at: datetime,
    reply_token: str = "",
    answers: str = "",
    stop: str = "",
    attached: Sequence[Attachment] = (),
) -> bytes:
    """Return the message to send; the same arguments give the same bytes.

    ``at`` (aware) is its Date. ``recipient_name`` may be "". ``reply_token`` goes into the address that
    replies go to, ``answers`` is the Message-ID of the mail this one answers, ``stop`` the address of the
    page that ends such mail (RFC 8058); each "" for none. ``attached`` are files that go with it. Raises
    DeliveryRefused for an address that mail cannot be sent to.
    """
    fields = [
        *_fields(delivery_id, mail.subject, desk, at, (recipient_name, recipient), reply_token),
        *_thread(thread_id(ticket, desk), answers),
        ("Auto-Submitted", "auto-replied" if kind is MailKind.OPENED else "auto-generated"),
    ]
    if stop:
        fields += [
            ("List-Unsubscribe", f"<{ascii_link(stop)}>"),
            ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
        ]
    boundary = f"=_{hashlib.sha256(delivery_id.encode()).hexdigest()[:32]}"
    return write_mail(fields, mail.text, mail.html, boundary, attached)


def build_plain(
    subject: str,
    parts: Sequence[str],
    kind: MailKind,
    *,
    delivery_id: str,
    recipient: str,
    desk: DeskSettings,
    at: datetime,
    reply_token: str = "",
    answers: str = "",
) -> bytes:
    """Return a mail of plain paragraphs that tells no news of a ticket; as build_message otherwise."""
    fields = [
        *_fields(delivery_id, subject, desk, at, ("", recipient), reply_token),
        *_thread("", answers),
        ("Auto-Submitted", "auto-replied" if kind is MailKind.QUESTION else "auto-generated"),
    ]
    return write_mail(fields, "\n".join(paragraphs(parts)).rstrip() + "\n", "", "")


def _fields(
    delivery_id: str,
    subject: str,
    desk: DeskSettings,
    at: datetime,
    recipient: tuple[str, str],
    reply_token: str,
) -> list[Field]:
    return [
        ("Message-ID", message_id(delivery_id, desk)),
        ("Date", format_datetime(at)),
        ("From", _mailbox(desk.name, sender(desk))),
        ("To", _mailbox(*recipient)),
        ("Reply-To", _tagged_mailbox(desk.name, sender(desk), reply_token)),
        ("Subject", header_text(subject)),
        ("X-Auto-Response-Suppress", "OOF, AutoReply"),
    ]


def _thread(root: str, answers: str) -> list[Field]:
    """Name the thread's root and, where there is one, the mail answered: programs look for either."""
    known = answers if _MESSAGE_ID.fullmatch(answers) else ""
    if not (known or root):
        return []
    return [("In-Reply-To", known or root), ("References", f"{root} {known}".strip())]


def tagged(address: str, token: str) -> str:
    """Return the address with the token behind a plus sign (RFC 5233), as it is without a token."""
    local, _, domain = address.rpartition("@")
    return f"{local}+{token}@{domain}" if token else address


def header_text(text: str) -> str:
    """Return ``text`` as one line that means in a header what it says.

    Text that looks like an encoded word (RFC 2047) would be decoded by the reader's program, into line
    ends for one; it is taken apart.
    """
    return clean_line(text).replace("=?", "= ?")


def ascii_link(link: str) -> str:
    """Return a web address as programs read it in a header: in ASCII (RFC 3986).

    Other letters of its host become the xn-- form (RFC 3490), where there is one; all others their bytes.
    """
    if link.isascii():
        return link
    parts = urlsplit(link)
    try:
        host = parts.netloc.encode("idna").decode("ascii")
    except UnicodeError:
        host = parts.netloc
    return quote(urlunsplit(parts._replace(netloc=host)), safe=_IN_LINKS)


@lru_cache(maxsize=1024)
def checked_address(text: str) -> str:
    """Return the address in the form in which mail is sent to it: its domain in ASCII, lower case.

    Raises DeliveryRefused, naming what is wrong, for anything but local@domain in plain characters.
    """
    local, _, domain = text.strip(" ").rpartition("@")
    try:
        domain = ascii_domain(domain).lower()
    except UnicodeError:
        domain = ""
    address = f"{local}@{domain}"
    labels = domain.split(".")
    if (
        not local
        or not _LOCAL.issuperset(local)
        or "" in local.split(".")
        or not _DOMAIN.issuperset(domain)
        or "" in labels
        or len(address) > MAX_ADDRESS
    ):
        raise DeliveryRefused(
            f"No mail can be sent to {clean_line(text)[:MAX_ADDRESS]!r}: correct the address."
        )
    return address


def _mailbox(name: str, address: str) -> Address | str:
    if not name:
        return checked_address(address)
    return _named_mailbox(name, address)


def _tagged_mailbox(name: str, address: str, token: str) -> Address | str:
    # The desk's own address is checked once; with its token it is another one in each mail.
    own = _mailbox(name, address)
    if isinstance(own, str):
        return tagged(own, token)
    return Address(own.display_name, f"{own.username}+{token}", own.domain) if token else own


@lru_cache(maxsize=64)
def _named_mailbox(name: str, address: str) -> Address:
    checked = checked_address(address)
    try:
        # Its parts, not as one: the package would parse what is checked already.
        local, _, domain = checked.rpartition("@")
        return Address(header_text(name)[:MAX_NAME].replace("\\", ""), local, domain)
    except (HeaderParseError, ValueError) as error:
        raise DeliveryRefused(f"No mail can be sent to {checked!r}: {error}.") from error


def _domain(desk: DeskSettings) -> str:
    return checked_address(desk.email).partition("@")[2] if desk.email else NO_DOMAIN
