"""Slack's mrkdwn: our words safe inside it, and its messages as the plain text that people read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from adapters.slack.payload import Payload, parts, text

_CONTROL = re.compile(r"<([^<>]*)>")
_EMOJI = re.compile(r":([a-z0-9_+'-]+(?:::[a-z0-9_-]+)?):")


def escape(words: str) -> str:
    """Return text from outside so that nothing in it is a mention, a link or a command to Slack."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def literal(words: str) -> str:
    """Return a short text from outside to stand inside our own mrkdwn: escaped, and never emphasised.

    A joiner that is not seen after each mark keeps Slack from taking it as formatting or emoji.
    """
    return re.sub(r"([*_~`:])", "\\1\u2060", escape(words))


def mentioned(words: str) -> list[str]:
    """Return the ids of the people mentioned."""
    return re.findall(r"<@([UW][A-Z0-9]+)(?:\|[^<>]*)?>", words)


def read(message: Payload, names: Mapping[str, str]) -> str:
    """Return a message's text as people read it; ``names`` are those of the people mentioned, by id.

    Links are written out in full, so that a label cannot hide where one leads.
    """
    emoji = dict(_emoji(message))
    unfolded = _CONTROL.sub(lambda found: _say(found[1], names), text(message, "text"))
    shown = _EMOJI.sub(lambda found: emoji.get(found[1], found[0]), unfolded)
    return shown.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _say(control: str, names: Mapping[str, str]) -> str:
    target, _, label = control.partition("|")
    if target.startswith("@"):
        return f"@{names.get(target[1:]) or label or 'someone'}"
    if target.startswith("#"):
        return f"#{label or 'channel'}"
    if target.startswith("!"):
        return label or f"@{target[1:].partition('^')[0]}"
    address = target.removeprefix("mailto:").removeprefix("tel:")
    return address if label in {"", address, target} else f"{label} ({address})"


def _emoji(node: Payload) -> Iterator[tuple[str, str]]:
    """Yield the emoji of a message's rich text: name and characters."""
    for child in (*parts(node, "blocks"), *parts(node, "elements")):
        code = text(child, "unicode")
        if text(child, "type") == "emoji" and re.fullmatch(r"[0-9a-f]{2,6}(-[0-9a-f]{2,6}){0,9}", code):
            points = [int(point, 16) for point in code.split("-")]
            if all(point < 0x110000 for point in points):
                yield text(child, "name"), "".join(map(chr, points))
        yield from _emoji(child)
