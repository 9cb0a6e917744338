"""What a node tells the others: texts short enough for PostgreSQL's NOTIFY.

Short messages are told whole, so that no node has to read them; of others, and of commits about very many
conversations, the ids are told, and each node reads what its own people look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.json import encode as to_json

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation, ConversationId, Message
from chatdesk.nodes import Node
from storage import rows, tables
from storage.bulk import Row

LONGEST = 7_900
"""Bytes of one announcement; PostgreSQL takes fewer than 8,000."""

SHORT = 2_000
"""Bytes of a conversation and its new messages that may be told whole."""

MANY = 256
"""Conversations of a commit that may be told whole; of more the ids are enough, as each node looks at few."""

Fact = str | int | bool | None
Part = Sequence[Any]


def announcements(node: Node, changes: Changes) -> list[str]:
    """Return what other nodes have to know of a commit: one text, several for a very large batch.

    A node that is not known yet reads whatever its people look at; to it, as to nobody, the ids are told.
    """
    if not node.name:
        return []
    head: dict[str, Fact] = {"node": node.name}
    flags: dict[str, Fact] = {name: True for name, on in _flags(changes).items() if on}
    parts = _parts(changes, _plain(changes) if node.has_others() else [])
    text = _text(head | flags, parts)
    if len(text.encode()) <= LONGEST:
        return [text]
    return [*([_text(head | flags, {})] if flags else []), *packed(head, parts)]


def told_news(item: Sequence[Any]) -> tuple[Conversation, tuple[Message, ...]]:
    """Return a conversation that was told whole, and its new messages."""
    row, messages = item
    conversation = rows.to_conversation(dict(zip(tables.CONVERSATION.columns, row, strict=True)))
    names = tables.MESSAGE.columns
    return conversation, tuple(rows.to_message(dict(zip(names, m, strict=True))) for m in messages)


def _flags(changes: Changes) -> dict[str, bool]:
    return {"queue": changes.queue_changed, "deliveries": bool(changes.deliveries)}


def _parts(changes: Changes, plain: Sequence[Conversation]) -> dict[str, Part]:
    tickets = {c.ticket for c in changes.conversations.values() if c.ticket is not None}
    announced: list[Sequence[Fact]] = [[number, reason] for number, reason in changes.announced.items()]
    messages: dict[ConversationId, list[Row]] = {c.id: [] for c in plain}
    for message in changes.messages:
        if message.conversation in messages:
            messages[message.conversation].append(rows.message_row(message))
    items: dict[ConversationId, Part] = {c.id: [rows.conversation_row(c), messages[c.id]] for c in plain}
    whole = {identity: item for identity, item in items.items() if len(to_json(item)) <= SHORT}
    return {
        "news": list(whole.values()),
        "conversations": [identity for identity in changes.conversations if identity not in whole],
        "changed": sorted(changes.tickets),
        "tickets": sorted(tickets | set(changes.tickets)),
        "announced": announced,
    }


def _plain(changes: Changes) -> list[Conversation]:
    """Return the conversations of which nothing but themselves and their new messages has to be told."""
    if len(changes.conversations) > MANY:
        return []
    revised = {identity for identity, _ in changes.revised}
    found = changes.conversations.values()
    return [c for c in found if c.id not in revised and c.ticket not in changes.tickets]


def packed(head: Mapping[str, Fact], parts: Mapping[str, Part]) -> list[str]:
    """Return the head with all of the parts as JSON, halved until each text is short enough.

    A single thing that is too long is left out: it is told as soon as somebody reads it.
    """
    text = _text(head, parts)
    if len(text.encode()) <= LONGEST:
        return [text]
    if sum(map(len, parts.values())) <= 1:
        return []
    if max(map(len, parts.values())) == 1:
        return [text for name, part in parts.items() for text in packed(head, {name: part})]
    halves = [
        {name: part[: (len(part) + 1) // 2] for name, part in parts.items()},
        {name: part[(len(part) + 1) // 2 :] for name, part in parts.items()},
    ]
    return [text for half in halves for text in packed(head, half)]


def _text(head: Mapping[str, Fact], parts: Mapping[str, Part]) -> str:
    return to_json({**head, **{name: part for name, part in parts.items() if part}}).decode()
