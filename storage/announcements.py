"""What a node tells the others: texts short enough for PostgreSQL's NOTIFY.

A commit of a few messages is told whole, so that no node has to read it; of larger ones the ids are told,
and each node reads what its own people look at.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.json import encode as to_json

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation, ConversationId, Message
from storage import models, rows
from storage.bulk import Row, columns

LONGEST = 7_900
"""Bytes of one announcement; PostgreSQL takes fewer than 8,000."""

FEW = 8
"""Conversations of a commit that may be told whole; of more the text would be too long anyway."""

Fact = str | int | bool | None
Part = Sequence[Any]


def announcements(node: str, changes: Changes) -> list[str]:
    """Return what other nodes have to know of a commit: one text, several for a very large batch.

    Without a ``node`` there are no others.
    """
    if not node:
        return []
    head: dict[str, Fact] = {"node": node}
    head |= {name: True for name, on in _flags(changes).items() if on}
    if len(changes.conversations) <= FEW:
        plain = [c for c in changes.conversations.values() if _plain(c, changes)]
        whole = _text(head, _parts(changes, plain))
        if len(whole.encode()) <= LONGEST:
            return [whole]
    return packed(head, _parts(changes, []))


def told_news(item: Sequence[Any]) -> tuple[Conversation, tuple[Message, ...]]:
    """Return a conversation that was told whole, and its new messages."""
    row, messages = item
    conversation = rows.to_conversation(dict(zip(columns(models.Conversation), row, strict=True)))
    names = columns(models.Message)
    return conversation, tuple(rows.to_message(dict(zip(names, m, strict=True))) for m in messages)


def _flags(changes: Changes) -> dict[str, bool]:
    return {"queue": changes.queue_changed, "deliveries": bool(changes.deliveries)}


def _parts(changes: Changes, whole: Sequence[Conversation]) -> dict[str, Part]:
    tickets = {c.ticket for c in changes.conversations.values() if c.ticket is not None}
    announced: list[Sequence[Fact]] = [[number, reason] for number, reason in changes.announced.items()]
    messages: dict[ConversationId, list[Row]] = {c.id: [] for c in whole}
    for message in changes.messages:
        if message.conversation in messages:
            messages[message.conversation].append(rows.message_row(message))
    return {
        "news": [[rows.conversation_row(c), messages[c.id]] for c in whole],
        "conversations": [identity for identity in changes.conversations if identity not in messages],
        "changed": sorted(changes.tickets),
        "tickets": sorted(tickets | set(changes.tickets)),
        "announced": announced,
    }


def _plain(conversation: Conversation, changes: Changes) -> bool:
    """Whether nothing but the conversation itself and its new messages has to be told."""
    revised = any(identity == conversation.id for identity, _ in changes.revised)
    return conversation.ticket not in changes.tickets and not revised


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
