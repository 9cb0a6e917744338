"""One batch worked on in memory: edits, merges, splits, refusals, versions, and what always holds."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatdesk.changes import Changes
from chatdesk.conversation import Author, AuthorKind, ConversationId, Live, Ticketed, Visibility, Waiting
from chatdesk.draft import Loaded
from chatdesk.errors import EventRefused, NotFound
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AgentMessaged,
    AnyEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    CustomerRated,
    Event,
    MessageDeleted,
    MessageEdited,
    Outcome,
    ReceiptReported,
    TicketAssigned,
    TicketCancelled,
    TicketEdited,
    TicketEscalated,
    TicketEvent,
    TicketMerged,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketResumed,
    TicketSplit,
    TicketTaken,
    TimerFired,
)
from chatdesk.ids import new_id
from chatdesk.routing import Router
from chatdesk.ticket import Priority, TicketNumber, TicketStatus, Trigger
from chatdesk.waiting_line import WaitingLine
from chatdesk.work import AlreadyOpen, Work
from flows import live_chat, ticket_work
from tests.core_builders import message, survey
from tests.desk_builders import MARCUS, NORTHWIND, PRIYA, TIERED, TUESDAY, external_id

DANA = Author(AuthorKind.CUSTOMER, "dana", "Dana Reyes")
CHAT = ConversationId("chat")
FIRST = TicketNumber(1001)


@dataclass
class World:
    """What is stored, and batches worked on against it."""

    loaded: Loaded = field(default_factory=lambda: Loaded(next_number=FIRST))
    history: list[tuple[TicketNumber, TicketStatus | None, TicketStatus]] = field(default_factory=list)

    def work(self) -> Work:
        router = Router(TIERED, new_id)
        return Work(TIERED, live_chat.step, ticket_work.step, new_id, router, replace_all(self.loaded))

    def commit(self, *events: AnyEvent) -> tuple[Changes, list[Outcome | EventRefused]]:
        """Work on one batch and store it; return what it changed and each event's outcome."""
        work = self.work()
        results = [step(work, event) for event in events]
        self.store(work.changes)
        return work.changes, results

    def store(self, changes: Changes) -> None:
        self.loaded.conversations |= changes.conversations
        self.loaded.tickets |= changes.tickets
        self.loaded.messages |= {(m.conversation, m.seq): m for m in changes.messages}
        self.loaded.messages |= changes.revised
        waiting = [c for c in self.loaded.conversations.values() if isinstance(c.state, Waiting)]
        assert {c.id for c in waiting} >= {c.id for c in waiting if c.ticket}
        self.loaded.next_number = TicketNumber((self.loaded.next_number or 0) + changes.numbers_used)
        self.history += [(h.ticket, h.before, h.after) for h in changes.history if h.after is not None]

    def texts(self, chat: str = "chat") -> list[str]:
        return [m.text for (where, _), m in sorted(self.loaded.messages.items()) if where == chat]


def replace_all(loaded: Loaded) -> Loaded:
    return Loaded(
        dict(loaded.conversations),
        dict(loaded.tickets),
        dict(loaded.messages),
        WaitingLine(loaded.queue.values()),
        loaded.next_number,
    )


def step(work: Work, event: AnyEvent) -> Outcome | EventRefused:
    try:
        return work.step(event)
    except EventRefused as refusal:
        return refusal


def chat_event(kind: type[Event], **fields: object) -> AnyEvent:
    base = {"at": TUESDAY, "channel": "web", "external_id": external_id(), "conversation": CHAT}
    return kind(**{**base, **fields})  # type: ignore[arg-type,return-value]


def ticket_event(kind: type[Event], number: int = FIRST, **fields: object) -> AnyEvent:
    base = {"at": TUESDAY, "channel": "web", "external_id": external_id(), "ticket": number, "agent": MARCUS}
    return kind(**{**base, **fields})  # type: ignore[arg-type,return-value]


def live_world() -> World:
    world = World()
    world.commit(survey(), ticket_event(TicketTaken))
    return world


def test_a_batch_may_open_a_chat_take_it_and_talk_in_it() -> None:
    world = World()
    changes, results = world.commit(
        survey(),
        ticket_event(TicketTaken),
        message("Hi"),
        chat_event(AgentMessaged, agent=MARCUS, text="Hello"),
    )
    chat = world.loaded.conversations[CHAT]
    assert not [result for result in results if isinstance(result, EventRefused)]
    assert chat.state == Live(("marcus",))
    assert (chat.version, world.loaded.tickets[FIRST].version, changes.numbers_used) == (1, 1, 1)
    assert world.loaded.tickets[FIRST].status is TicketStatus.IN_PROGRESS
    assert [m.seq for m in changes.messages] == list(range(1, chat.last_seq + 1))


def test_a_chat_that_goes_on_is_rated_anew() -> None:
    world = live_world()
    world.commit(chat_event(AgentEnded, agent=MARCUS), chat_event(CustomerRated, visitor="dana", score=2))
    assert world.loaded.conversations[CHAT].rating == 2
    world.commit(message("It is back."), ticket_event(TicketTaken), chat_event(AgentEnded, agent=MARCUS))
    assert world.loaded.conversations[CHAT].rating is None


@pytest.mark.parametrize(
    ("begun", "events"),
    [
        ("live", [chat_event(AgentEnded, agent=MARCUS)]),
        ("live", [chat_event(CustomerEnded, visitor="dana")]),
        ("live", [chat_event(AgentJoined, agent=PRIYA)]),
        ("live", [chat_event(AgentMessaged, agent=MARCUS, text="First answer")]),
        ("live", [ticket_event(TicketEdited, priority=Priority.HIGH)]),
        ("live", [ticket_event(TicketEdited, subject="Outlook")]),
        ("waiting", [chat_event(CustomerLeft, visitor="dana")]),
        ("waiting", [chat_event(CustomerEnded, visitor="dana", solved=True)]),
    ],
    ids=lambda given: given if isinstance(given, str) else type(given[0]).__name__,
)
def test_staff_are_told_of_whatever_a_tickets_card_shows(begun: str, events: list[AnyEvent]) -> None:
    world = live_world() if begun == "live" else World()
    if begun == "waiting":
        world.commit(survey())
    changes, (result,) = world.commit(*events)
    assert isinstance(result, Outcome)
    assert list(changes.announced) == [FIRST]


def test_a_merge_brings_both_tickets_cards_up_to_date() -> None:
    world = live_world()
    world.commit(survey("other", "pat"))
    changes, (result,) = world.commit(ticket_event(TicketMerged, 1002, into=FIRST))
    assert isinstance(result, Outcome)
    assert set(changes.announced) == {FIRST, TicketNumber(1002)}


@pytest.mark.parametrize(
    "event",
    [
        message("More of it"),
        chat_event(AgentMessaged, agent=MARCUS, text="Second answer"),
        chat_event(AgentMessaged, agent=MARCUS, text="Old laptop", visibility=Visibility.INTERNAL),
        chat_event(ReceiptReported, by=DANA, delivered=1, seen=1),
        ticket_event(TicketEdited),
        ticket_event(TicketTaken),
    ],
    ids=["message", "answer", "note", "receipt", "no edit", "taken again"],
)
def test_what_no_card_shows_is_not_announced(event: AnyEvent) -> None:
    world = live_world()
    world.commit(chat_event(AgentMessaged, agent=MARCUS, text="First answer"))
    changes, (result,) = world.commit(event)
    assert isinstance(result, Outcome)
    assert not changes.announced


def test_a_change_takes_nothing_from_what_staff_are_told_in_the_same_batch() -> None:
    world = World()
    changes, _ = world.commit(survey(), ticket_event(TicketEdited, priority=Priority.HIGH))
    assert changes.announced == {FIRST: "chat waiting"}


@pytest.mark.parametrize(
    "stranger",
    [
        Author(AuthorKind.CUSTOMER, "a stranger", "Dana Reyes"),
        Author(AuthorKind.AGENT, "dana", "Dana Reyes"),
        Author(AuthorKind.AGENT, "priya", "Priya"),
    ],
)
@pytest.mark.parametrize("change", ["edit", "delete"])
def test_nobody_but_its_author_changes_a_message_and_a_refusal_changes_nothing(
    stranger: Author, change: str
) -> None:
    world = live_world()
    world.commit(message("mine"))
    seq = world.loaded.conversations[CHAT].last_seq
    kind, fields = (MessageEdited, {"text": "theirs"}) if change == "edit" else (MessageDeleted, {})
    changes, (result,) = world.commit(chat_event(kind, by=stranger, seq=seq, **fields))
    assert isinstance(result, NotFound)
    assert changes == Changes()


@pytest.mark.parametrize(
    "event",
    [
        chat_event(CustomerMessaged, visitor="a stranger", text="Hi"),
        chat_event(CustomerLeft, visitor="a stranger"),
        chat_event(CustomerEnded, visitor="a stranger"),
        chat_event(CustomerRated, visitor="a stranger", score=1),
        chat_event(ReceiptReported, by=replace(DANA, id="a stranger"), delivered=1, seen=1),
        chat_event(MessageEdited, by=replace(DANA, id="a stranger"), seq=1, text="x"),
    ],
    ids=lambda event: type(event).__name__,
)
def test_a_foreign_conversation_answers_a_stranger_as_one_that_does_not_exist(event: AnyEvent) -> None:
    _, (foreign,) = live_world().commit(event)
    _, (missing,) = World().commit(event)
    assert isinstance(foreign, NotFound)
    assert str(foreign) == str(missing)


def test_an_edit_keeps_what_was_there_and_a_deletion_takes_text_and_files() -> None:
    world = live_world()
    world.commit(message("frist"))
    seq = world.loaded.conversations[CHAT].last_seq
    changes, _ = world.commit(
        chat_event(MessageEdited, by=DANA, seq=seq, text="first"),
        chat_event(MessageDeleted, by=DANA, seq=seq),
    )
    assert [r.before for r in changes.revisions] == ["frist", "first"]
    assert [r.changed for r in changes.revisions] == [seq + 1, seq + 2]
    (revised,) = changes.revised.values()
    assert (revised.text, revised.seq, revised.changed) == ("", seq, seq + 2)
    assert revised.deleted_at == TUESDAY
    _, (again,) = world.commit(chat_event(MessageEdited, by=DANA, seq=seq, text="back"))
    assert isinstance(again, NotFound)


@pytest.mark.parametrize("text", ["The cable was loose.", None])
def test_a_resolution_reads_as_its_message_does_after_an_edit(text: str | None) -> None:
    world = live_world()
    world.commit(ticket_event(TicketResolved, resolution="The cabel was loose."))
    (seq,) = (seq for (_, seq), m in world.loaded.messages.items() if m.text == "The cabel was loose.")
    fields = {"by": MARCUS.author, "seq": seq, "at": TUESDAY + timedelta(minutes=1)}
    kind, more = (MessageDeleted, {}) if text is None else (MessageEdited, {"text": text})
    changes, (result,) = world.commit(chat_event(kind, **fields, **more))
    assert isinstance(result, Outcome)
    ticket = world.loaded.tickets[FIRST]
    assert (ticket.resolution, ticket.is_done) == (text or "", True)
    (entry,) = changes.history
    assert (entry.what, entry.why) == (("resolution edited", text) if text else ("resolution taken back", ""))
    assert changes.announced == {FIRST: "changed"}


def test_an_edit_of_another_message_leaves_the_resolution_as_it_is() -> None:
    world = live_world()
    world.commit(chat_event(AgentMessaged, agent=MARCUS, text="Done."))
    world.commit(ticket_event(TicketResolved, resolution="Done.", at=TUESDAY + timedelta(minutes=1)))
    first = min(seq for (_, seq), m in world.loaded.messages.items() if m.text == "Done.")
    changes, _ = world.commit(chat_event(MessageEdited, by=MARCUS.author, seq=first, text="Not done."))
    assert changes.tickets == {}
    assert world.loaded.tickets[FIRST].resolution == "Done."


def test_a_message_may_be_edited_in_the_batch_that_posted_it() -> None:
    world = live_world()
    seq = world.loaded.conversations[CHAT].last_seq + 1
    _, results = world.commit(message("frist"), chat_event(MessageEdited, by=DANA, seq=seq, text="first"))
    assert isinstance(results[1], Outcome)
    assert world.loaded.messages[CHAT, seq].text == "first"


def test_merging_moves_every_conversation_and_is_told_in_both_histories() -> None:
    world = live_world()
    world.commit(survey("other", "sam"))
    changes, _ = world.commit(ticket_event(TicketMerged, into=1002))
    assert world.loaded.conversations[CHAT].ticket == 1002
    assert world.loaded.tickets[FIRST].status is TicketStatus.MERGED
    assert world.loaded.tickets[FIRST].merged_into == 1002
    assert [entry.ticket for entry in changes.history] == [1001, 1002]
    _, (outcome,) = world.commit(message("still here"))
    assert isinstance(outcome, Outcome)
    assert outcome.ticket == 1002


def survey_of(company: str) -> AnyEvent:
    """Another customer's survey, which names a company."""
    sent = survey("other", "sam")
    return replace(sent, answers=tuple({**dict(sent.answers), "company": company}.items()))


def test_a_merge_into_another_companys_ticket_has_to_be_confirmed() -> None:
    world = live_world()
    world.commit(survey_of("Fabrikam"))
    changes, (refused,) = world.commit(ticket_event(TicketMerged, into=1002))
    assert isinstance(refused, EventRefused)
    assert refused.code == "other_company"
    assert changes == Changes()
    _, (merged,) = world.commit(ticket_event(TicketMerged, into=1002, other_company=True))
    assert isinstance(merged, Outcome)
    assert world.loaded.tickets[FIRST].merged_into == 1002


@pytest.mark.parametrize("into", [1001, 9999])
def test_a_merge_into_itself_or_nothing_changes_nothing(into: int) -> None:
    world = live_world()
    changes, (result,) = world.commit(ticket_event(TicketMerged, into=into))
    assert isinstance(result, EventRefused)
    assert changes == Changes()


def test_splitting_copies_the_messages_into_a_ticket_and_conversation_of_their_own() -> None:
    world = live_world()
    later = TUESDAY + timedelta(minutes=5)
    world.commit(message("printer"), message("and my phone"))
    last = world.loaded.conversations[CHAT].last_seq
    changes, _ = world.commit(
        ticket_event(TicketSplit, at=later, conversation=CHAT, messages=(last,), subject="Phone is broken")
    )
    new = world.loaded.tickets[TicketNumber(1002)]
    (copy,) = [c for c in changes.conversations.values() if c.ticket == 1002]
    assert (new.subject, new.linked_to, new.status) == ("Phone is broken", 1001, TicketStatus.NEW)
    assert (copy.visitor, copy.state) == ("", Ticketed())
    assert world.texts(copy.id) == ["and my phone"]
    (said,) = [m for m in changes.messages if m.conversation == copy.id]
    assert (said.at, copy.changed_at) == (TUESDAY, later)
    (mail,) = [d for d in changes.deliveries if d.payload.get("mail") == "opened"]
    assert (mail.ticket, mail.conversation, mail.payload["to"]) == (1002, copy.id, "dana@contoso.example")
    assert mail.payload["text"] == "Part of your request is now ticket HD-1002: Phone is broken"
    assert world.loaded.conversations[CHAT].ticket == 1001


def test_a_split_of_a_message_that_is_not_there_uses_no_number_and_changes_nothing() -> None:
    world = live_world()
    work = world.work()
    with pytest.raises(NotFound):
        work.step(ticket_event(TicketSplit, conversation=CHAT, messages=(1, 999), subject="Phone"))
    assert work.changes == Changes()
    assert step(work, survey("next", "sam")) == Outcome(ConversationId("next"), 2, TicketNumber(1002))


def test_a_flow_that_breaks_leaves_the_batch_as_it_was() -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    world = live_world()
    router = Router(NORTHWIND, new_id)
    work = Work(NORTHWIND, live_chat.step, broken, new_id, router, replace_all(world.loaded))  # type: ignore[arg-type]
    with pytest.raises(ZeroDivisionError):
        work.step(chat_event(CustomerEnded, visitor="dana"))
    assert work.changes == Changes()


def test_a_browser_that_opened_a_chat_in_this_batch_opens_no_second_one() -> None:
    loaded = Loaded(next_number=TicketNumber(1001))
    work = Work(NORTHWIND, live_chat.step, ticket_work.step, new_id, Router(NORTHWIND, new_id), loaded)
    with pytest.raises(EventRefused):
        work.step(replace(survey("refused"), answers=()))
    work.step(survey("first"))
    with pytest.raises(AlreadyOpen) as found:
        work.step(survey("second"))
    assert found.value.outcome.conversation == ConversationId("first")
    work.step(survey("theirs", "sam"))
    assert set(work.changes.conversations) == {"first", "theirs"}


def test_receipts_only_move_forward_and_never_past_the_last_message() -> None:
    world = live_world()
    last = world.loaded.conversations[CHAT].last_seq
    world.commit(chat_event(ReceiptReported, by=DANA, delivered=999, seen=1))
    world.commit(chat_event(ReceiptReported, by=DANA, delivered=0, seen=0))
    world.commit(chat_event(ReceiptReported, by=MARCUS.author, delivered=1, seen=1))
    receipts = world.loaded.conversations[CHAT].receipts
    assert (receipts.customer_delivered, receipts.customer_seen) == (last, 1)
    assert (receipts.staff_delivered, receipts.staff_seen) == (1, 1)


def test_a_stale_timer_changes_neither_conversation_nor_ticket() -> None:
    world = live_world()
    stale = TimerFired(
        at=TUESDAY, channel="timer", external_id="t", name="no_answer", due=TUESDAY, conversation=CHAT
    )
    changes, _ = world.commit(stale)
    assert not changes.conversations
    assert not changes.tickets


def test_a_new_priority_moves_a_waiting_customer_in_the_queue_of_the_same_batch() -> None:
    world = World()
    edited = ticket_event(TicketEdited, priority=Priority.CRITICAL)
    changes, _ = world.commit(survey(), survey("other", "sam"), edited, survey("third", "kim"))
    assert changes.queue_changed
    assert "number 3 in the queue" in world.texts("third")[-1]


VISITORS = {"chat": "dana", "other": "sam"}
EVENTS = st.sampled_from(
    [
        "survey", "message", "agent", "note", "take", "assign", "escalate", "ask", "vendor", "resume",
        "resolve", "reopen", "cancel", "merge", "split", "edit", "delete", "leave", "end", "solve", "join",
        "agent end", "rate", "receipt", "no answer", "date", "priority",
    ]
)  # fmt: skip


SEQS = st.integers(1, 9)


def make(kind: str, chat: str, number: int, seq: int, minute: int) -> AnyEvent:
    at = TUESDAY + timedelta(minutes=minute)
    here = {"conversation": ConversationId(chat), "at": at}
    visitor, by = VISITORS[chat], Author(AuthorKind.CUSTOMER, VISITORS[chat], "Dana Reyes")
    later = at + timedelta(days=1)
    match kind:
        case "survey":
            return replace(survey(f"{chat}", visitor), at=at)
        case "message":
            return chat_event(CustomerMessaged, visitor=visitor, text="Hi", **here)
        case "agent" | "note":
            see = "internal" if kind == "note" else "public"
            return chat_event(AgentMessaged, agent=MARCUS, text="Hello", visibility=see, **here)
        case "edit":
            return chat_event(MessageEdited, by=by, seq=seq, text="edited", **here)
        case "delete":
            return chat_event(MessageDeleted, by=by, seq=seq, **here)
        case "leave":
            return chat_event(CustomerLeft, visitor=visitor, **here)
        case "end" | "solve":
            return chat_event(CustomerEnded, visitor=visitor, solved=kind == "solve", **here)
        case "join":
            return chat_event(AgentJoined, agent=PRIYA, **here)
        case "agent end":
            return chat_event(AgentEnded, agent=MARCUS, **here)
        case "rate":
            return chat_event(CustomerRated, visitor=visitor, score=4, **here)
        case "receipt":
            return chat_event(ReceiptReported, by=by, delivered=seq, seen=seq, **here)
        case "no answer":
            due = at - timedelta(minutes=1)
            return chat_event(TimerFired, name="no_answer", due=due, **here)
    fields: dict[str, dict[str, object]] = {
        "take": {},
        "assign": {"assignee": PRIYA},
        "escalate": {"tier": "second", "reason": "A core switch."},
        "ask": {"trigger": Trigger.ASK_CUSTOMER, "text": "Which printer?"},
        "vendor": {"trigger": Trigger.WAIT_FOR_VENDOR, "text": "parts", "until": later},
        "date": {"trigger": Trigger.SCHEDULE, "until": later},
        "resume": {},
        "resolve": {"resolution": "Done."},
        "reopen": {},
        "cancel": {"reason": "A test."},
        "merge": {"into": TicketNumber(2003 - number)},
        "split": {"conversation": ConversationId(chat), "messages": (seq,), "subject": "Another matter"},
        "priority": {"priority": Priority.CRITICAL},
    }
    kinds: dict[str, type[TicketEvent]] = {
        "take": TicketTaken, "assign": TicketAssigned, "escalate": TicketEscalated, "ask": TicketPaused,
        "vendor": TicketPaused, "date": TicketPaused, "resume": TicketResumed, "resolve": TicketResolved,
        "reopen": TicketReopened, "cancel": TicketCancelled, "merge": TicketMerged, "split": TicketSplit,
        "priority": TicketEdited,
    }  # fmt: skip
    return ticket_event(kinds[kind], number, at=at, **fields[kind])


@pytest.mark.property
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.lists(
            st.tuples(
                EVENTS, st.sampled_from(list(VISITORS)), st.sampled_from([1001, 1002]), st.integers(1, 9)
            ),
            max_size=8,
        ),
        max_size=8,
    )
)
def test_whatever_happens_nothing_is_lost_and_every_step_leaves_its_trace(
    batches: list[list[tuple[str, str, int, int]]],
) -> None:
    world, minute = World(), 0
    for happenings in batches:
        before = replace_all(world.loaded)
        told = len(world.history)
        events = []
        for happening in happenings:
            minute += 1
            events.append(make(*happening, minute))
        changes, results = world.commit(*events)
        check_versions(before, changes)
        check_sequence(before, changes)
        check_history(before, world, told)
        if all(isinstance(result, EventRefused) for result in results):
            assert changes == Changes()
        pairs = zip(events, results, strict=True)
        accepted = [event.key for event, result in pairs if isinstance(result, Outcome)]
        receipts = {event.key for event in events if isinstance(event, ReceiptReported)}
        assert [key for key, _ in changes.received] == [key for key in accepted if key not in receipts]
    open_chats = [c for c in world.loaded.conversations.values() if c.is_open and c.visitor]
    assert len({c.visitor for c in open_chats}) == len(open_chats)


def check_versions(before: Loaded, changes: Changes) -> None:
    """A commit raises the version of what it writes by one."""
    for identity, conversation in changes.conversations.items():
        old = before.conversations.get(identity)
        assert conversation.version == (old.version if old else 0) + 1
    for number, ticket in changes.tickets.items():
        was = before.tickets.get(number)
        assert ticket.version == (was.version if was else 0) + 1


def check_sequence(before: Loaded, changes: Changes) -> None:
    """Posts and revisions together take every number above the last one exactly once, in order."""
    for identity, conversation in changes.conversations.items():
        old = before.conversations.get(identity)
        start = old.last_seq if old else 0
        posted = [m.seq for m in changes.messages if m.conversation == identity]
        revised = [r.changed for r in changes.revisions if r.conversation == identity]
        assert posted == sorted(posted)
        assert sorted(posted + revised) == list(range(start + 1, conversation.last_seq + 1))
    written = {m.conversation for m in changes.messages} | {r.conversation for r in changes.revisions}
    assert written <= set(changes.conversations)


def check_history(before: Loaded, world: World, told: int) -> None:
    """The history's steps lead from the status that a ticket had to the one it has."""
    for number, ticket in world.loaded.tickets.items():
        was = before.tickets.get(number)
        status = was.status if was else None
        for _, step_before, step_after in only(number, world.history[told:]):
            assert step_before in (status, None)
            status = step_after
        assert status is ticket.status


def only(
    number: TicketNumber, steps: Iterable[tuple[TicketNumber, TicketStatus | None, TicketStatus]]
) -> list[tuple[TicketNumber, TicketStatus | None, TicketStatus]]:
    return [entry for entry in steps if entry[0] == number]
