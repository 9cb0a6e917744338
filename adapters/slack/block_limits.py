"""Slack's published limits on blocks, and texts cut to fit them [api.slack.com/reference/block-kit]."""

from __future__ import annotations

from adapters.slack.payload import Block

MAX_MODAL_BLOCKS = 100
MAX_SECTION = 3_000
MAX_FIELD = 2_000
MAX_HEADER = 150
MAX_TITLE = 24
MAX_LABEL = 2_000
MAX_HINT = 2_000
MAX_OPTIONS = 100
MAX_OPTION = 75
MAX_INPUT = 3_000
MAX_USERNAME = 80
MAX_MESSAGE = 9_000
"""Characters of one post. Slack was seen to refuse all blocks together from about 11,000 on."""
MAX_FALLBACK = 300
"""Characters of a message's plain text, which is seen in notifications only; Slack takes 40,000."""


def cut(words: str, most: int) -> str:
    """Return text of at most ``most`` characters as Slack counts them, with an ellipsis where it was cut.

    Slack counts UTF-16 units: an emoji is two. A character is never cut in half.
    """
    if units(words) <= most:
        return words
    return words[: _fitting(words, most - 1)] + "…"


def chunks(words: str, most: int) -> list[str]:
    """Return the text in pieces of at most ``most`` characters each, broken at line ends or spaces."""
    pieces: list[str] = []
    rest = words
    while units(rest) > most:
        end = _fitting(rest, most)
        broken = max(rest.rfind("\n", 0, end), rest.rfind(" ", 0, end))
        end = broken + 1 if broken > end // 2 else end
        pieces.append(rest[:end])
        rest = rest[end:]
    return [piece for piece in (*pieces, rest) if piece.strip()]


def units(words: str) -> int:
    """Return how many characters Slack counts."""
    return len(words) if words.isascii() else len(words.encode("utf-16-le", "replace")) // 2


def _fitting(words: str, most: int) -> int:
    """Return how many characters of the text fit."""
    end = min(len(words), most)
    while units(words[:end]) > most:
        end -= max(1, (units(words[:end]) - most) // 2)
    return end


def plain(words: str, most: int = MAX_SECTION) -> Block:
    """Return a text object that is shown as it is: no formatting, mentions, links or emoji codes."""
    return {"type": "plain_text", "text": cut(words, most) or " ", "emoji": False}


def marked(words: str, most: int = MAX_SECTION) -> Block:
    """Return a text object of our own words in mrkdwn; what is from outside in it has to be escaped."""
    return {"type": "mrkdwn", "text": cut(words, most) or " ", "verbatim": True}


def section(shown: Block) -> Block:
    """Return a section with the text object."""
    return {"type": "section", "text": shown}


def context(shown: Block) -> Block:
    """Return small print."""
    return {"type": "context", "elements": [shown]}


def text_sections(words: str) -> list[Block]:
    """Return text from outside as sections."""
    return [section(plain(piece)) for piece in chunks(words, MAX_SECTION)]
