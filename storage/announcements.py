"""What a node tells the others: texts short enough for PostgreSQL's NOTIFY.

Of a conversation that only went on, what changed and its short messages are told whole, so that no node has
to read them; of others the ids are told, and each node reads what its own people look at.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from msgspec.json import Decoder
from msgspec.json import encode as to_json
from msgspec.structs import astuple, replace

from chatdesk.changes import Changes
from chatdesk.conversation import Conversation, ConversationId, Message, Receipts
from chatdesk.nodes import Node
from chatdesk.ticket import TicketNumber
from storage.parameters import without_nul

LONGEST = 7_900
"""Bytes of one announcement; PostgreSQL takes fewer than 8,000."""

SHORT = 2_000
"""Bytes of a conversation's changes and new messages that may be told whole."""

Fact = str | int | bool | None
Typist = tuple[ConversationId, str, str, str, bool, bool]
"""Where somebody types: the conversation, their kind, id and name, whether they do, and whether for staff."""


class WentOn(Struct, frozen=True, array_like=True):
    """What a commit changed of a conversation that only went on, and the messages it posted."""

    id: ConversationId
    version: int
    last_seq: int
    changed_at: datetime
    receipts: tuple[int, int, int, int]
    messages: tuple[Message, ...]


class Told(Struct, frozen=True):
    """One announcement: of a commit, or with ``beat`` of the people connected to a node."""

    node: str
    went_on: tuple[WentOn, ...] = ()
    conversations: tuple[ConversationId, ...] = ()
    """Those that have to be read."""
    changed: tuple[TicketNumber, ...] = ()
    tickets: tuple[TicketNumber, ...] = ()
    """Those whose line in a list may have changed."""
    announced: tuple[tuple[TicketNumber, str], ...] = ()
    queue: bool = False
    deliveries: bool = False
    beat: bool = False
    greet: bool = False
    whole: bool = False
    facts: tuple[tuple[str, str | None], ...] = ()
    typing: tuple[Typist, ...] = ()


read_told = Decoder(Told).decode
"""Read an announcement. Raises msgspec.DecodeError."""


def beginning(node: str) -> str:
    """Return what all of a node's announcements, and no other's, begin with."""
    return to_json({"node": node}).decode()[:-1]


def announcements(node: Node, changes: Changes, went_on: Collection[ConversationId]) -> list[str]:
    """Return what other nodes have to know of a commit: one text, several for a large batch.

    Conversations ``went_on`` when nothing but their messages, time and receipts changed. A node that is
    certain to be alone tells nothing; who comes reads whatever its people look at [NodeLink].
    """
    if not node.may_have_others:
        return []
    flags = {"queue": changes.queue_changed, "deliveries": bool(changes.deliveries)}
    head: dict[str, Fact] = {"node": node.name, **{name: True for name, on in flags.items() if on}}
    told = _told_whole(changes, went_on)
    tickets = {c.ticket for c in changes.conversations.values() if c.ticket is not None}
    parts: dict[str, Iterable[Any]] = {
        "conversations": [identity for identity in changes.conversations if identity not in told],
        "changed": sorted(changes.tickets),
        "tickets": sorted(tickets | set(changes.tickets)),
        "announced": changes.announced.items(),
    }
    return _texts(head, {"went_on": told.values(), **_each_as_json(parts)}, {"node": node.name})


def following(known: Conversation | None, told: WentOn) -> Conversation | None:
    """Return the conversation as it is after what was told; None unless ``known`` is as it was before."""
    if known is None or known.version != told.version - 1:
        return None
    return replace(
        known,
        version=told.version,
        last_seq=told.last_seq,
        changed_at=told.changed_at,
        receipts=Receipts(*told.receipts),
    )


def packed(head: Mapping[str, Fact], parts: Mapping[str, Iterable[Any]]) -> list[str]:
    """Return the head with all of the parts as JSON, in as many texts as that takes.

    A single thing that is too long is left out: it is told as soon as somebody reads it.
    """
    return _texts(head, _each_as_json(parts), head)


def _told_whole(changes: Changes, went_on: Collection[ConversationId]) -> dict[ConversationId, bytes]:
    """Return, as JSON, the short changes of which nothing but themselves has to be told."""
    revised = {identity for identity, _ in changes.revised}
    posted: dict[ConversationId, list[Message]] = {}
    for message in changes.messages:
        posted.setdefault(message.conversation, []).append(message)
    items = {
        c.id: to_json(_went_on(c, posted.get(c.id, ())))
        for c in changes.conversations.values()
        if c.id in went_on and c.id not in revised and c.ticket not in changes.tickets
    }
    return {identity: item for identity, item in items.items() if len(item) <= SHORT}


def _went_on(c: Conversation, messages: Sequence[Message]) -> WentOn:
    return WentOn(c.id, c.version, c.last_seq, c.changed_at, astuple(c.receipts), tuple(messages))


def _each_as_json(parts: Mapping[str, Iterable[Any]]) -> dict[str, list[bytes]]:
    return {name: [to_json(item) for item in part] for name, part in parts.items()}


def _texts(
    head: Mapping[str, Fact], parts: Mapping[str, Collection[bytes]], later: Mapping[str, Fact]
) -> list[str]:
    """Return texts of all parts, whose things are JSON: the first with the head, others with ``later``."""
    begin, begin_later = to_json(head)[:-1], to_json(later)[:-1]
    groups = list(_groups(parts, LONGEST - len(begin) - 1)) or [{}]
    return [_text(begin_later if index else begin, group) for index, group in enumerate(groups)]


def _groups(parts: Mapping[str, Collection[bytes]], room: int) -> Iterator[Mapping[str, Sequence[bytes]]]:
    """Divide what there is, in its order, so that each group takes no more bytes than there is room."""
    group: dict[str, list[bytes]] = {}
    used = 0
    for name, part in parts.items():
        frame = len(f',"{name}":[]')
        for item in part:
            more = len(item) + 1
            if frame + more > room:
                continue
            if used + more + (0 if name in group else frame) > room:
                yield group
                group, used = {}, 0
            if name not in group:
                group[name] = []
                used += frame
            group[name].append(item)
            used += more
    if group:
        yield group


def _text(begin: bytes, group: Mapping[str, Sequence[bytes]]) -> str:
    parts = [b',"%b":[%b]' % (name.encode(), b",".join(items)) for name, items in group.items()]
    return without_nul(b"".join((begin, *parts, b"}")).decode())
