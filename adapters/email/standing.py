"""How well our own mail server vouches for the sender (RFC 8601); nobody else's word counts [threat 34].

Anybody can write an Authentication-Results field into a mail. Our own server removes those that bear its
name, so the topmost one with that name is its own.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from chatdesk.sender import Standing

_COMMENT = re.compile(r"\([^()]*\)")
_RESULT = re.compile(r"\s*([a-z0-9-]+)\s*=\s*([a-z]+)", re.I)
_PROPERTY = re.compile(r"\b([a-z]+\.[a-z0-9-]+)\s*=\s*\"?([^\s;\"]+)", re.I)


def standing_of(sender: str, vouched: Sequence[str], authserv: str) -> Standing:
    """Return how the address in From stands; ``vouched`` are the fields, topmost first.

    ``authserv`` is our own server's name, "" to believe nobody.
    """
    own = next((field for field in vouched if authserv and _names(field, authserv)), None)
    if own is None or not sender:
        return Standing.UNVERIFIED
    domain = sender.rpartition("@")[2].lower()
    results = [_COMMENT.sub(" ", part) for part in own.split(";")[1:]]
    verdict = next((word for kind, word, _ in map(_read, results) if kind == "dmarc"), "")
    if verdict == "fail":
        return Standing.FAILED
    if verdict == "pass" or any(_vouches(result, domain) for result in results):
        return Standing.VERIFIED
    return Standing.UNVERIFIED


def _names(field: str, authserv: str) -> bool:
    name = _COMMENT.sub(" ", field).partition(";")[0].split()
    return bool(name) and name[0].lower() == authserv.lower()


def _vouches(result: str, domain: str) -> bool:
    """Tell whether one method passed for the very domain in From, or one that it is part of."""
    kind, word, properties = _read(result)
    if word != "pass":
        return False
    if kind == "dkim":
        return _covers(properties.get("header.d", ""), domain)
    if kind == "spf":
        return _covers(properties.get("smtp.mailfrom", "").rpartition("@")[2], domain)
    return False


def _covers(vouching: str, domain: str) -> bool:
    vouching = vouching.lower().strip(".")
    return "." in vouching and (domain == vouching or domain.endswith(f".{vouching}"))


def _read(result: str) -> tuple[str, str, dict[str, str]]:
    found = _RESULT.match(result)
    if found is None:
        return "", "", {}
    properties = {name.lower(): value for name, value in _PROPERTY.findall(result)}
    return found[1].lower(), found[2].lower(), properties
