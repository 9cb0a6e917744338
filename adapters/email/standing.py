"""How well our own mail server vouches for the sender (RFC 8601); nobody else's word counts [threat 34].

Anybody can write an Authentication-Results field into a mail. Our own server removes those that bear its
name, so the topmost one with that name is its own. But parts of that one are the sender's words too: a
server repeats the address that the mail was sent from, in a value or in a comment. So it is read as its
grammar says, and a field that can be read in more than one way vouches for nobody.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from chatdesk.sender import Standing

_PIECE = re.compile(
    r'(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<escaped>\\.)|(?P<open>\()|(?P<close>\))|(?P<end>;)|(?P<text>[^"\\();]+)',
    re.S,
)
_UNCLEAR = re.compile(r"[()\\]")
"""In a comment, quotation marks mean nothing (RFC 5322); programs that write them there think otherwise.
Where the two would not end the comment at the same place, nobody can say where it ends."""
_METHOD = re.compile(r"\s*([a-z][a-z0-9-]*)(?:\s*/\s*\d+)?\s*=\s*([a-z0-9._-]+)(?=\s|$)", re.I)
_PROPERTY = re.compile(
    r'\s*([a-z0-9_-]+(?:\s*\.\s*[a-z0-9_-]+)?)\s*=\s*((?:"(?:[^"\\]|\\.)*"|[^\s"])*)', re.I | re.S
)
_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"', re.S)
_QUOTED_DOMAIN = re.compile(r'"([^"\\@]*)"')
_FAILURE = re.compile(r"\bdmarc\s*=\s*fail\b", re.I)


@dataclass(frozen=True, slots=True)
class _Result:
    """What one method found, and the properties (name, value as it stands there) that it found it for."""

    method: str
    word: str
    properties: Sequence[tuple[str, str]]


def standing_of(sender: str, vouched: Sequence[str], authserv: str) -> Standing:
    """Return how the address in From stands; ``vouched`` are the fields, topmost first.

    ``authserv`` is our own server's name, "" to believe nobody.
    """
    own = next((field for field in vouched if authserv and _names(field, authserv)), None)
    if own is None or not sender:
        return Standing.UNVERIFIED
    results = _results(own)
    if results is None:
        # Whoever makes the field unclear gains nothing by it, not even that a failure is overlooked.
        return Standing.FAILED if _FAILURE.search(own) else Standing.UNVERIFIED
    verdicts = {result.word for result in results if result.method == "dmarc"}
    if "fail" in verdicts:
        return Standing.FAILED
    domain = sender.rpartition("@")[2].lower()
    if verdicts == {"pass"} or any(_vouches(result, domain) for result in results):
        return Standing.VERIFIED
    return Standing.UNVERIFIED


def _names(field: str, authserv: str) -> bool:
    parts, _ = _parts(field)
    words = parts[0].split()
    return bool(words) and words[0].strip('"').lower() == authserv.lower()


def _results(field: str) -> Sequence[_Result] | None:
    """Return what the methods found, None for a field that is not as RFC 8601 says."""
    parts, well_formed = _parts(field)
    found = [_result(part) for part in parts[1:] if part.strip().lower() not in ("", "none")]
    results = [result for result in found if result is not None]
    return results if well_formed and len(results) == len(found) else None


def _parts(field: str) -> tuple[list[str], bool]:
    """Return what stands between the semicolons, without comments, and whether all of it is clear."""
    parts, depth, place = [""], 0, 0
    while place < len(field) and (found := _PIECE.match(field, place)):
        place, text = found.end(), found[0]
        match found.lastgroup:
            case "open":
                depth += 1
            case "close" if depth:
                depth -= 1
                parts[-1] += " "
            case "quoted" if depth and _UNCLEAR.search(text[1:-1]):
                return parts, False
            case _ if depth:
                continue
            case "end":
                parts.append("")
            case "quoted" | "text":
                parts[-1] += text
            case _:
                return parts, False
    return parts, depth == 0 and place == len(field)


def _result(part: str) -> _Result | None:
    found = _METHOD.match(part)
    if found is None:
        return None
    part = part.rstrip()
    properties, place = [], found.end()
    while place < len(part):
        stated = _PROPERTY.match(part, place)
        if stated is None:
            return None
        properties.append(("".join(stated[1].split()).lower(), stated[2]))
        place = stated.end()
    return _Result(found[1].lower(), found[2].lower(), properties)


def _vouches(result: _Result, domain: str) -> bool:
    """Tell whether one method passed for the very domain in From, or one that it is part of."""
    wanted = {"dkim": "header.d", "spf": "smtp.mailfrom"}.get(result.method)
    values = [value for name, value in result.properties if name == wanted]
    return result.word == "pass" and len(values) == 1 and _covers(_domain(values[0]), domain)


def _domain(value: str) -> str:
    """Return what follows the last @ that is not quoted; all of a value that has none."""
    domain = _QUOTED_DOMAIN.fullmatch(value)
    bare = domain[1] if domain else _QUOTED.sub('"', value)
    return bare.rpartition("@")[2]


def _covers(vouching: str, domain: str) -> bool:
    vouching = vouching.lower().strip(".")
    return "." in vouching and (domain == vouching or domain.endswith(f".{vouching}"))
