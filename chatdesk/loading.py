"""What a batch of events is about: everything its steps need, read in a handful of queries."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter

from chatdesk.affected import AffectedPerson
from chatdesk.changes import MERGED_IN, HistoryEntry
from chatdesk.conversation import ConversationId, Live, promised_in
from chatdesk.draft import Loaded
from chatdesk.events import (
    AgentJoined,
    AgentMessaged,
    AnyEvent,
    CallLogged,
    ChatContinued,
    ConversationEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    MailReceived,
    MessageDeleted,
    MessageEdited,
    PortalPrioritised,
    ReceiptReported,
    SurveySubmitted,
    TicketAffects,
    TicketEdited,
    TicketEvent,
    TicketMerged,
    TicketPaused,
    TicketSplit,
    TicketTaken,
    TimerFired,
    WrittenToTicket,
)
from chatdesk.ports import StoreBatch
from chatdesk.ticket import Ticket, TicketNumber

_PLAIN = frozenset({CustomerMessaged, AgentMessaged, ReceiptReported})
_IN_A_CONVERSATION = (ConversationEvent, TimerFired)
_conversation: Callable[[AnyEvent], ConversationId] = attrgetter("conversation")
_OPENS_A_TICKET = (SurveySubmitted, CallLogged, MailReceived, TicketSplit)
_BEGINS = (SurveySubmitted, CallLogged, MailReceived)
_OF_A_BROWSER = (SurveySubmitted, ChatContinued)
_MAY_CHANGE_AFFECTED = (TicketAffects, TicketMerged)
_MAY_LEAVE_THE_QUEUE = (CustomerLeft, CustomerEnded, TimerFired)
_MAY_COME_BACK = (CustomerMessaged, CustomerLeft, CustomerEnded)


async def load(batch: StoreBatch, events: Sequence[AnyEvent]) -> Loaded:
    """Return the conversations, tickets, messages, queue and next number that these events need."""
    loaded = Loaded()
    # Most events are a chat's messages, which need no more than their conversation and its ticket.
    others = [event for event in events if type(event) not in _PLAIN]
    plain = [event for event in events if type(event) in _PLAIN] if others else events
    await _load_conversations(batch, plain, others, loaded)
    numbers = _ticket_numbers(others)
    chats = loaded.conversations.values()
    numbers |= {chat.ticket for chat in chats if chat.ticket is not None}
    numbers |= {chat.opened_with for chat in chats if chat.opened_with is not None}
    if numbers:
        loaded.tickets.update(await batch.tickets(numbers))
    await _load_chats_elsewhere(batch, events, loaded)
    await _load_history(batch, events, others, loaded)
    wanted = [pair for event in others for pair in _messages(event)]
    if wanted:
        loaded.messages = {(m.conversation, m.seq): m for m in await batch.messages(wanted)}
    await _load_affected(batch, others, loaded)
    if any(isinstance(event, _OPENS_A_TICKET) for event in others):
        loaded.next_number = await batch.next_number()
    if _needs_queue(events, others, loaded):
        loaded.queue = await batch.line()
    return loaded


def plainly_about(events: Sequence[AnyEvent]) -> set[ConversationId]:
    """Return the conversations of the events if these need no more than them and their tickets; else none."""
    if any(type(event) not in _PLAIN for event in events):
        return set()
    return set(map(_conversation, events))


async def _load_conversations(
    batch: StoreBatch, plain: Sequence[AnyEvent], others: Sequence[AnyEvent], loaded: Loaded
) -> None:
    ids = set(map(_conversation, plain))
    for event in others:
        if isinstance(event, _IN_A_CONVERSATION) and event.conversation is not None:
            ids.add(event.conversation)
    begun = {event.conversation for event in others if isinstance(event, _BEGINS)}
    if ids - begun:
        loaded.conversations.update(await batch.conversations(ids - begun))
    if begun:
        loaded.conversations.update(await batch.begun(begun))
    visitors = {(event.visitor, event.widget) for event in others if isinstance(event, _OF_A_BROWSER)}
    if visitors:
        loaded.conversations.update({c.id: c for c in await batch.open_conversations(visitors)})
    numbers = _ticket_numbers(others) | _solved(others, loaded)
    if numbers:
        loaded.conversations.update({c.id: c for c in await batch.conversations_of(numbers)})


async def _load_chats_elsewhere(batch: StoreBatch, events: Sequence[AnyEvent], loaded: Loaded) -> None:
    """Read which other chats the browsers have open whose closed ones may be opened again."""
    closed = {c.id: c for c in loaded.conversations.values() if c.visitor and not c.is_open}
    if not closed:
        return
    named = {e.conversation for e in events if isinstance(e, CustomerMessaged | AgentJoined)}
    taken = {event.ticket for event in events if isinstance(event, TicketTaken)}
    chats = [c for c in closed.values() if c.id in named or c.ticket in taken]
    if chats:
        found = await batch.open_conversations({(chat.visitor, chat.widget) for chat in chats})
        for chat in found:
            _ = loaded.conversations.setdefault(chat.id, chat)


async def _load_history(
    batch: StoreBatch, events: Sequence[AnyEvent], others: Sequence[AnyEvent], loaded: Loaded
) -> None:
    """Read from when tickets' time counts, for other targets and where promises are kept or taken along."""
    prioritised = {e.ticket for e in others if isinstance(e, TicketEdited) and (e.priority or e.type)}
    prioritised |= {e.ticket for e in others if isinstance(e, PortalPrioritised)}
    # Most tickets have no promise: the quick look at that spares everything else.
    promised = [ticket for ticket in loaded.tickets.values() if ticket.promised_at is not None]
    meanwhile = _promised_meanwhile(events, loaded)
    leaving = _tickets_of((e for e in others if isinstance(e, _MAY_LEAVE_THE_QUEUE)), loaded)
    answered: set[TicketNumber] = set()
    asked = {ticket.number for ticket in promised} & (meanwhile & leaving | prioritised)
    merging = {e.ticket for e in others if isinstance(e, TicketMerged)}
    if merging:
        asked |= merging & ({ticket.number for ticket in promised} | _shown(loaded))
    if promised or meanwhile:
        answered = _answered(events, others, loaded, promised, meanwhile)
    if prioritised or answered or asked:
        numbers = prioritised | answered | asked
        await _add_history(batch, numbers, loaded)
        asked |= prioritised & _shown(loaded)
        asked |= {number for number in answered if _is_merged(loaded.history[number])}
    if asked:
        await _load_promises(batch, asked, loaded)


async def _load_affected(batch: StoreBatch, others: Sequence[AnyEvent], loaded: Loaded) -> None:
    """Read whom tickets affect, for the few steps that may change it."""
    numbers = _ticket_numbers([e for e in others if isinstance(e, _MAY_CHANGE_AFFECTED)])
    if not numbers:
        return
    named: dict[TicketNumber, list[AffectedPerson]] = {number: [] for number in numbers}
    for person in await batch.affected(numbers):
        named[person.ticket].append(person)
    loaded.affected = {number: tuple(people) for number, people in named.items()}


async def _add_history(batch: StoreBatch, numbers: Collection[TicketNumber], loaded: Loaded) -> None:
    loaded.history.update({number: [] for number in numbers})
    for entry in await batch.history(numbers):
        loaded.history[entry.ticket].append(entry)


async def _load_promises(batch: StoreBatch, numbers: set[TicketNumber], loaded: Loaded) -> None:
    """Read what tells to whom promises were made and who was answered since, also before a merge [R20].

    The other conversations are looked at and not held: who holds one may wait for a ticket that is held here.
    """
    chats = await batch.seen_of(numbers)
    for chat in chats:
        loaded.conversations.setdefault(chat.id, chat)
    origins = {chat.opened_with for chat in chats if chat.opened_with is not None}
    if origins - loaded.history.keys():
        await _add_history(batch, origins - loaded.history.keys(), loaded)
    loaded.said = {number: [] for number in numbers}
    ticket_of = {chat.id: chat.ticket for chat in chats}
    for message in await batch.said(ticket_of.keys()):
        number = ticket_of[message.conversation]
        assert number is not None
        loaded.said[number].append(message)


def _answered(
    events: Sequence[AnyEvent],
    others: Sequence[AnyEvent],
    loaded: Loaded,
    promised: Sequence[Ticket],
    meanwhile: set[TicketNumber],
) -> set[TicketNumber]:
    """Return the tickets that an answer may give another due time, by keeping a promise or leaving one open.

    Of a ticket that was answered and is not due as promised that is known without its history.
    """
    answers = [event for event in events if isinstance(event, AgentMessaged)]
    asks = {event.ticket for event in others if isinstance(event, TicketPaused)}
    if not answers and not asks:
        return set()
    waits = {t.number for t in promised if t.due_as_promised or t.first_response_at is None} | meanwhile
    dues = {ticket.number: ticket.due_at for ticket in promised}
    for chat in map(loaded.conversations.get, {event.conversation for event in answers}):
        by = promised_in(chat) if chat is not None else None
        if chat is not None and chat.ticket in dues and by is not None and by == dues[chat.ticket]:
            waits.add(chat.ticket)
    return waits & (asks | _tickets_of(answers, loaded))


def _shown(loaded: Loaded) -> set[TicketNumber]:
    """Return the tickets of conversations that show a promise: one may be of before a merge."""
    chats = loaded.conversations.values()
    return {chat.ticket for chat in chats if chat.ticket is not None and promised_in(chat) is not None}


def _is_merged(history: Iterable[HistoryEntry]) -> bool:
    return any(entry.what == MERGED_IN for entry in history)


def _promised_meanwhile(events: Sequence[AnyEvent], loaded: Loaded) -> set[TicketNumber]:
    """Return the tickets whose customers may be promised an answer in this batch: not while they talk."""
    calm = {c.id for c in loaded.conversations.values() if type(c.state) is not Live}
    if not calm:
        return set()
    came_back = (e for e in events if isinstance(e, (*_MAY_COME_BACK, TimerFired)) and e.conversation in calm)
    return _tickets_of(came_back, loaded)


def _tickets_of(events: Iterable[ConversationEvent | TimerFired], loaded: Loaded) -> set[TicketNumber]:
    named = (event.conversation for event in events if event.conversation is not None)
    chats = map(loaded.conversations.get, named)
    return {chat.ticket for chat in chats if chat is not None and chat.ticket is not None}


def _ticket_numbers(events: Sequence[AnyEvent]) -> set[TicketNumber]:
    numbers: set[TicketNumber] = set()
    for event in events:
        if isinstance(event, TicketEvent | TimerFired | WrittenToTicket) and event.ticket is not None:
            numbers.add(event.ticket)
        if isinstance(event, TicketMerged):
            numbers.add(event.into)
    return numbers


def _solved(events: Sequence[AnyEvent], loaded: Loaded) -> set[TicketNumber]:
    """Return the tickets whose customers say that they are solved: others may be in a chat of theirs."""
    ended = (event for event in events if isinstance(event, CustomerEnded) and event.solved)
    return _tickets_of(ended, loaded)


def _messages(event: AnyEvent) -> list[tuple[ConversationId, int]]:
    match event:
        case MessageEdited() | MessageDeleted():
            return [(event.conversation, event.seq)]
        case TicketSplit():
            return [(event.conversation, seq) for seq in event.messages]
    return []


def _needs_queue(events: Sequence[AnyEvent], others: Sequence[AnyEvent], loaded: Loaded) -> bool:
    """The queue is read only when somebody may join it: a live chat's messages do not."""
    if any(isinstance(event, SurveySubmitted) and event.live for event in others):
        return True
    closed = {c.id for c in loaded.conversations.values() if not c.is_open}
    return bool(closed) and any(isinstance(e, _MAY_COME_BACK) and e.conversation in closed for e in events)
