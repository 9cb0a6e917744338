"""What each of a ticket's people was promised, and whether a technician kept it [R20, R25, R27, R44].

Nothing is stored for it beside what was said: the ticket holds the last promise, its history when promises
were made, its conversations what they were about, and the messages whom they were told to and who was
answered since.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from chatdesk.changes import PROMISE_BROUGHT, HistoryEntry
from chatdesk.conversation import Conversation, ConversationId, Message, promised_in
from chatdesk.sla import Promise
from chatdesk.ticket import Ticket, TicketNumber

PROMISED = "contact promised"
"""What the history calls a promise that was made after the ticket's opening."""

NOBODY = TicketNumber(0)
"""In place of the ticket that a person opened: it is not known whom a promise was made to."""

Told = tuple[datetime, ConversationId]
"""When and in which conversation a promise was told."""


def promises_of(
    ticket: Ticket,
    conversations: Iterable[Conversation],
    history: Iterable[HistoryEntry],
    messages: Sequence[Message],
    begun_at: datetime,
) -> tuple[Promise, ...]:
    """Return the last promise to each of the ticket's people who was made one since ``begun_at`` (UTC).

    ``conversations`` are all of the ticket's, ``messages`` theirs; ``history`` is the ticket's and that of
    those merged into it, oldest first. ``begun_at`` is when the ticket was last opened.
    """
    people: dict[TicketNumber | None, list[Conversation]] = {}
    for conversation in sorted(conversations, key=lambda chat: chat.opened_at):
        people.setdefault(conversation.opened_with, []).append(conversation)
    made = [entry for entry in history if entry.what == PROMISED and entry.at >= begun_at]
    times = {entry.at for entry in made}
    told = {person: _told(chats, times, messages) for person, chats in people.items()}
    since = max((entry.at for entry in made if entry.ticket == ticket.number), default=None)
    brought = any(entry.what == PROMISE_BROUGHT and entry.at >= begun_at for entry in history)
    last = _brought(ticket, people) if brought and since is None else _told_last(ticket, people, told, since)
    # Where there is one customer, a call that was written down is an answer to them too.
    response = ticket.first_response_at if len(people) == 1 else None
    found: list[Promise] = []
    for person, chats in people.items():
        by = ticket.promised_at if person == last else _shown(chats, begun_at)
        opened_at = ticket.opened_at if person is None else chats[0].opened_at
        made_at, chat = told[person] or (since if person == last and since else opened_at, chats[0].id)
        if by is not None:
            found.append(Promise(person, chat, by, made_at, _kept(chats, messages, made_at, response)))
    return tuple(found)


def _told(chats: Sequence[Conversation], made: set[datetime], messages: Iterable[Message]) -> Told | None:
    """Return the last of the moments in which the desk said a promise in these conversations."""
    ids = {chat.id for chat in chats}
    said = (m for m in messages if m.conversation in ids and m.is_of_the_desk)
    return max(((m.at, m.conversation) for m in said if m.at in made), default=None)


def _told_last(
    ticket: Ticket,
    people: dict[TicketNumber | None, list[Conversation]],
    told: dict[TicketNumber | None, Told | None],
    since: datetime | None,
) -> TicketNumber | None:
    """Return whom the ticket's present promise was made to; one made at its opening, who opened it."""
    if since is None:
        return None
    for person, at in told.items():
        if at is not None and at[0] == since:
            return person
    # One that was told before the ticket was opened again stands without another word.
    stands = (person for person, chats in people.items() if ticket.promised_at in map(promised_in, chats))
    return next(stands, None)


def _brought(ticket: Ticket, people: dict[TicketNumber | None, list[Conversation]]) -> TicketNumber:
    """Return whom the ticket's promise was made to, which a merge has brought."""
    merged = ((person, chats) for person, chats in people.items() if person is not None)
    return next((person for person, chats in merged if ticket.promised_at in map(promised_in, chats)), NOBODY)


def _shown(chats: Iterable[Conversation], begun_at: datetime) -> datetime | None:
    """Return what conversations still show as promised; what was over before the ticket opened is not."""
    shown = (by for chat in chats if (by := promised_in(chat)) is not None)
    return max((by for by in shown if by >= begun_at), default=None)


def _kept(
    chats: Sequence[Conversation], messages: Iterable[Message], since: datetime, response: datetime | None
) -> datetime | None:
    ids = {chat.id for chat in chats}
    answers = [m.at for m in messages if m.is_answer and m.conversation in ids and m.at >= since]
    if response is not None and response >= since:
        answers.append(response)
    return min(answers, default=None)
