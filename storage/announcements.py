"""What a node tells the others: texts short enough for PostgreSQL's NOTIFY, ids instead of contents."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from pydantic_core import to_json

from chatdesk.changes import Changes

LONGEST = 7_900
"""Bytes of one announcement; PostgreSQL takes fewer than 8,000."""

Fact = str | int | bool | None
Part = Sequence[Fact] | Sequence[Sequence[Fact]]


def announcements(node: str, changes: Changes) -> list[str]:
    """Return what other nodes have to know of a commit: one text, several for a very large batch.

    Without a ``node`` there are no others.
    """
    if not node:
        return []
    tickets = {c.ticket for c in changes.conversations.values() if c.ticket is not None}
    announced: list[Sequence[Fact]] = [[number, reason] for number, reason in changes.announced.items()]
    parts: dict[str, Part] = {
        "conversations": list(changes.conversations),
        "tickets": sorted(tickets | set(changes.tickets)),
        "announced": announced,
    }
    flags = {"queue": changes.queue_changed, "deliveries": bool(changes.deliveries)}
    return packed({"node": node} | {name: True for name, on in flags.items() if on}, parts)


def packed(head: Mapping[str, Fact], parts: Mapping[str, Part]) -> list[str]:
    """Return the head with all of the parts as JSON, halved until each text is short enough.

    A single thing that is too long is left out: it is told as soon as somebody reads it.
    """
    text = to_json({**head, **{name: part for name, part in parts.items() if part}}).decode()
    if len(text.encode()) <= LONGEST:
        return [text]
    if sum(map(len, parts.values())) <= 1:
        return []
    halves = [
        {name: part[: (len(part) + 1) // 2] for name, part in parts.items()},
        {name: part[(len(part) + 1) // 2 :] for name, part in parts.items()},
    ]
    return [text for half in halves for text in packed(head, half)]
