"""A message of the desk as plain text for Teams, in pieces that Teams takes."""

from __future__ import annotations

import json
from collections.abc import Sequence

from chatdesk.conversation import AuthorKind, Message, Visibility
from chatdesk.sender import commenter

MAX_BYTES = 20_000
"""Bytes of text in one activity; Teams takes 28 kB, names and addresses included."""
LONGEST_ESCAPE = 12
"""Bytes that one character takes at most in JSON of ASCII."""
DELETED = "(deleted)"


def for_staff(message: Message) -> str:
    """Return the message as it stands in the ticket's thread: under the name of who wrote it."""
    if message.deleted_at is not None:
        return f"{message.author.name}: {DELETED}"
    edited = " (edited)" if message.edited_at is not None else ""
    match message.author.kind, message.visibility:
        case AuthorKind.AGENT, Visibility.PUBLIC:
            head = f"{message.author.name}, to the customer{edited}:"
        case AuthorKind.AGENT, Visibility.INTERNAL:
            head = f"{message.author.name}, internal note{edited}:"
        case _ if commenter(message.author.id):
            # An answer in the thread goes to the requester, never to them.
            head = f"{message.author.name}, also affected{edited}:"
        case _:
            head = f"{message.author.name}{edited}:"
    return f"{head}\n{message.text}" if message.text else head


def for_customer(message: Message) -> str:
    """Return the message as the customer reads it: the desk's own words need no name."""
    if message.deleted_at is not None:
        return DELETED
    if message.author.kind is AuthorKind.DESK:
        return message.text
    return f"{message.author.name}: {message.text}"


def pieces(text: str) -> Sequence[str]:
    """Return the text in pieces of at most MAX_BYTES, broken at a line or a word where there is one."""
    found: list[str] = []
    rest = text
    while (fits := _fitting(rest)) < len(rest):
        head = rest[:fits]
        at = max(head.rfind("\n"), head.rfind(" "))
        head = head[: at + 1] if at > len(head) // 2 else head
        found.append(head)
        rest = rest[len(head) :]
    return [*found, rest]


def _fitting(text: str) -> int:
    """Return how many characters from the start fit into MAX_BYTES, as the SDK's JSON writes them."""
    if len(text) * LONGEST_ESCAPE <= MAX_BYTES:
        return len(text)
    room = MAX_BYTES
    for at, char in enumerate(text):
        room -= len(json.dumps(char)) - 2
        if room < 0:
            return at
    return len(text)
