"""Mail servers as the environment names them: smtps://user@host:465, imaps://user@host, 127.0.0.1:2424."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import ClassVar
from urllib.parse import unquote, urlsplit

from msgspec import Struct

from chatdesk.guarded import Guarded
from chatdesk.own_machine import LOCAL_HOSTS


class Encryption(StrEnum):
    """How a connection to a mail server is protected."""

    TLS = "TLS"
    STARTTLS = "STARTTLS"
    NONE = "none"


class MailServer(Guarded, frozen=True):
    """A mail server and the account on it; ``user`` is "" where nobody has to sign in."""

    hidden: ClassVar = frozenset({"password"})

    host: str
    port: int
    encryption: Encryption
    user: str = ""
    password: str = ""


class ListenAddress(Struct, frozen=True):
    """Where to listen for mail that a mail server hands over; ``protocol`` is "lmtp" or "smtp"."""

    host: str
    port: int
    protocol: str = "lmtp"


class MailServers(Struct, frozen=True):
    """The servers of the desk's mail; None where a way is not used."""

    smtp: MailServer | None = None
    imap: MailServer | None = None
    listen: ListenAddress | None = None


NO_SERVERS = MailServers()
"""Of a desk that neither sends nor gets mail."""

_SMTP = {
    "smtps": (Encryption.TLS, 465),
    "smtp": (Encryption.STARTTLS, 587),
    "smtp+plain": (Encryption.NONE, 25),
}
_IMAP = {"imaps": (Encryption.TLS, 993), "imap+plain": (Encryption.NONE, 143)}


def read_mail_servers(given: Mapping[str, str], problems: list[str]) -> MailServers:
    """Read CHATDESK_SMTP_URL, CHATDESK_IMAP_URL, their passwords, and CHATDESK_MAIL_LISTEN.

    What cannot be used is added to ``problems``; an address is not repeated there, as it may hold a password.
    """
    return MailServers(
        smtp=_server(given, "SMTP", _SMTP, problems),
        imap=_server(given, "IMAP", _IMAP, problems),
        listen=_listen(given.get("CHATDESK_MAIL_LISTEN", ""), problems),
    )


def _server(
    given: Mapping[str, str], kind: str, schemes: Mapping[str, tuple[Encryption, int]], problems: list[str]
) -> MailServer | None:
    name = f"CHATDESK_{kind}_URL"
    url, password = given.get(name, ""), given.get(f"CHATDESK_{kind}_PASSWORD", "")
    if not url:
        return None
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    if parts.scheme not in schemes or not host or parts.path not in ("", "/"):
        example = f"{next(iter(schemes))}://user@mail.example.com"
        problems.append(f"{name}: is not the address of a server; write one such as {example}.")
        return None
    if parts.password:
        problems.append(f"{name}: holds a password; put it into CHATDESK_{kind}_PASSWORD.")
    encryption, usual = schemes[parts.scheme]
    user = unquote(parts.username or "")
    if encryption is Encryption.NONE and user and host not in LOCAL_HOSTS:
        problems.append(f"{name}: would send the password unprotected; use {next(iter(schemes))}://.")
    if user and not password:
        problems.append(f"CHATDESK_{kind}_PASSWORD: is not set, but {name} names a user.")
    return MailServer(host, port or usual, encryption, user, password)


def _listen(text: str, problems: list[str]) -> ListenAddress | None:
    if not text:
        return None
    protocol, separator, address = text.partition("://")
    if not separator:
        protocol, address = "lmtp", text
    host, _, port = address.rpartition(":")
    usable = port.isascii() and port.isdigit() and len(port) < 6 and int(port) < 65536
    if protocol not in ("lmtp", "smtp") or not host or not usable:
        problems.append(
            "CHATDESK_MAIL_LISTEN: is not an address to listen on; write one such as lmtp://127.0.0.1:2424."
        )
        return None
    return ListenAddress(host.strip("[]"), int(port), protocol)
