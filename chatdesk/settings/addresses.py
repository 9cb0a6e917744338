"""Readers of addresses: links, sites, origins, mail addresses and domains."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from urllib.parse import urlsplit

from chatdesk.own_machine import LOCAL_HOSTS
from chatdesk.settings.values import Reader, matching, text, unusable


def link(*schemes: str) -> Reader[str]:
    """Read a link of one of the schemes; http is taken for this computer (loopback) in any case."""

    def read(value: object) -> str:
        found = text(2000)(value)
        if not _usable(found, schemes):
            raise unusable(value, f"is not a link; write an address that starts with {_starts(schemes)}.")
        return found

    return read


def _usable(address: str, schemes: Collection[str]) -> bool:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if re.search(r'[\s<>"\\]', address):
        return False
    if parts.scheme not in ("http", "https"):
        return parts.scheme in schemes and bool(parts.path)
    allowed = parts.scheme in schemes or (parts.scheme == "http" and host in LOCAL_HOSTS)
    return allowed and bool(host) and "@" not in parts.netloc


def _starts(schemes: Sequence[str]) -> str:
    starts = [f"{scheme}://" if scheme.startswith("http") else f"{scheme}:" for scheme in schemes]
    return " or ".join(part for part in (", ".join(starts[:-1]), starts[-1]) if part)


def site(value: object) -> str:
    """Read the address of a web site, without a slash at the end: no query, no fragment."""
    found = link("https")(value)
    if "?" in found or "#" in found:
        raise unusable(value, "has a query or fragment; write the address up to the path.")
    return found.rstrip("/")


def origin(value: object) -> str:
    """Read an exact origin (scheme://host[:port], RFC 6454) in the form in which browsers send it."""
    if isinstance(value, str) and "*" in value:
        raise unusable(
            value, "has a *; list every site by its exact address, such as https://www.example.com."
        )
    found = site(value)
    parts = urlsplit(found.lower())
    if parts.path or found.lower() != f"{parts.scheme}://{parts.netloc}":
        raise unusable(value, "has a path; write scheme and host only, such as https://www.example.com.")
    if not found.isascii():
        raise unusable(value, "has letters beyond ASCII; write the name's xn-- form, as browsers send it.")
    return origin_of(found)


def origin_of(address: str) -> str:
    """Return the origin of a web address, without the scheme's usual port."""
    parts = urlsplit(address.lower())
    usual = {"https": ":443", "http": ":80"}[parts.scheme]
    return f"{parts.scheme}://{parts.netloc.removesuffix(usual)}"


_DOMAIN = r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"

email = matching(
    r"[a-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@" + _DOMAIN,
    'an e-mail address; write one such as "help@example.com"',
    254,
    lower=True,
)
domain = matching(_DOMAIN, 'a domain; write the part after the @, such as "example.com"', 253, lower=True)
