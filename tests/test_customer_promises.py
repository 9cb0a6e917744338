"""What each of a ticket's people was promised, and what keeps it: an answer to them alone [R20, R25, R44]."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.conversation import ConversationId, Ticketed
from chatdesk.events import (
    AgentEnded,
    AgentMessaged,
    AnyEvent,
    CustomerLeft,
    CustomerMessaged,
    Event,
    MailReplied,
    SurveySubmitted,
    TicketEdited,
    TicketEvent,
    TicketMerged,
    TicketPaused,
    TicketTaken,
    TimerFired,
)
from chatdesk.ticket import Priority, Ticket, TicketNumber, Trigger
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import new_desk, running, survey, url
from tests.desk_builders import MARCUS, TUESDAY, at, external_id
from tests.fake_store import FakeBatch, FakeStore

DANA, PAT, DANAS_MAIL = ConversationId("dana"), ConversationId("pat"), ConversationId("mail")
DANAS, PATS = TicketNumber(1001), TicketNumber(1002)
CRITICAL, LOW = Priority.CRITICAL, Priority.LOW
MINUTE = timedelta(minutes=1)
NIGHT, OPENING = at("09-15 20:00"), at("09-16 07:00")


class Desk:
    """Takes events one after the other, each committed before the next."""

    def __init__(self) -> None:
        self.store = FakeStore()

    async def takes(self, *events: AnyEvent) -> None:
        async with running(new_desk(self.store)) as desk:
            for event in events:
                await desk.receive(event)

    @property
    def ticket(self) -> Ticket:
        return self.store.record.tickets[DANAS]

    @property
    def due_at(self) -> datetime | None:
        return self.ticket.due_at

    @property
    def promises(self) -> list[str]:
        """What the history says of promises, oldest first."""
        return [entry.why for entry in self.store.record.history if entry.what == "contact promised"]


def happened(kind: type[Event], when: datetime, **fields: object) -> AnyEvent:
    base = {"at": when, "channel": "web", "external_id": external_id()}
    return kind(**{**base, **fields})  # type: ignore[arg-type,return-value]


def did(kind: type[TicketEvent], when: datetime, **fields: object) -> AnyEvent:
    return happened(kind, when, **{"ticket": DANAS, "agent": MARCUS, **fields})


def came(chat: ConversationId, when: datetime = TUESDAY) -> SurveySubmitted:
    return replace(survey(chat, chat), at=when)


def said(chat: ConversationId, when: datetime) -> AnyEvent:
    return happened(CustomerMessaged, when, conversation=chat, visitor=chat, text="Again.")


def left(chat: ConversationId, when: datetime) -> AnyEvent:
    return happened(CustomerLeft, when, conversation=chat, visitor=chat)


def answer(chat: ConversationId, when: datetime) -> AnyEvent:
    return happened(AgentMessaged, when, conversation=chat, agent=MARCUS, text="Good morning.")


def ended(chat: ConversationId, when: datetime) -> AnyEvent:
    return happened(AgentEnded, when, conversation=chat, agent=MARCUS)


def gave_up(chat: ConversationId, due: datetime) -> AnyEvent:
    return happened(TimerFired, due, channel="timer", name="no_answer", due=due, conversation=chat)


def edited(when: datetime, priority: Priority) -> AnyEvent:
    return did(TicketEdited, when, priority=priority)


def mailed(when: datetime) -> AnyEvent:
    return happened(
        MailReplied, when, channel="email", conversation=DANAS_MAIL, ticket=DANAS,
        sender="dana@contoso.example", name="Dana Reyes", text="By mail.",
    )  # fmt: skip


def merged(when: datetime) -> AnyEvent:
    return did(TicketMerged, when, ticket=PATS, into=DANAS)


@pytest.fixture
async def overdue() -> Desk:
    """Dana was answered once; after her ticket was due she came back, and was promised a call."""
    desk = Desk()
    back = at("09-17 10:00")
    await desk.takes(
        came(DANA),
        did(TicketTaken, TUESDAY),
        answer(DANA, TUESDAY),
        ended(DANA, TUESDAY),
        said(DANA, back),
        gave_up(DANA, back + 3 * MINUTE),
    )
    assert (desk.due_at, desk.ticket.promised_at) == (at("09-16 09:42"), at("09-17 14:03"))
    return desk


async def test_an_overdue_ticket_s_open_promise_holds_another_priority(overdue: Desk) -> None:
    await overdue.takes(edited(at("09-17 10:05"), Priority.SCHEDULED))
    assert overdue.due_at == at("09-17 14:03")


@pytest.mark.parametrize("by_mail", [False, True], ids=["in the chat", "in a mail of theirs"])
async def test_an_overdue_ticket_s_promise_that_was_kept_holds_no_other_priority(
    overdue: Desk, by_mail: bool
) -> None:
    told = at("09-17 10:10")
    chat = DANAS_MAIL if by_mail else DANA
    await overdue.takes(mailed(told - MINUTE), answer(chat, told))
    assert overdue.due_at == at("09-16 09:42")
    await overdue.takes(edited(told + MINUTE, Priority.SCHEDULED))
    assert overdue.due_at == at("09-22 10:12")


async def test_a_promise_after_the_one_that_was_kept_binds_again(overdue: Desk) -> None:
    again = at("09-17 11:00")
    await overdue.takes(
        did(TicketTaken, at("09-17 10:10")),
        answer(DANA, at("09-17 10:10")),
        ended(DANA, at("09-17 10:20")),
        said(DANA, again),
        gave_up(DANA, again + 3 * MINUTE),
        edited(again + 4 * MINUTE, Priority.SCHEDULED),
    )
    assert overdue.due_at == overdue.ticket.promised_at == at("09-17 15:03")


async def test_what_was_promised_at_the_opening_is_kept_by_the_first_answer_only() -> None:
    desk = Desk()
    await desk.takes(came(DANA, NIGHT), edited(NIGHT + MINUTE, Priority.SCHEDULED))
    assert desk.due_at == OPENING
    await desk.takes(answer(DANA, OPENING), edited(OPENING + MINUTE, LOW))
    assert desk.due_at == at("09-17 20:00")


@pytest.fixture
async def people() -> Desk:
    """Dana and Pat came at night and were promised the next opening; Pat's ticket was merged into Dana's."""
    desk = Desk()
    await desk.takes(came(DANA, NIGHT), came(PAT, NIGHT), merged(NIGHT + 10 * MINUTE))
    return desk


SOON = NIGHT + 20 * MINUTE
RESOLVED_BY = at("09-16 16:30")


async def test_an_answer_to_one_of_two_people_keeps_no_promise_to_the_other(people: Desk) -> None:
    await people.takes(answer(PAT, SOON))
    assert (people.ticket.first_response_at, people.due_at) == (SOON, OPENING)
    await people.takes(edited(SOON, Priority.SCHEDULED), edited(SOON, Priority.STANDARD))
    assert people.due_at == OPENING
    await people.takes(answer(PAT, SOON + MINUTE))
    assert people.due_at == OPENING
    await people.takes(answer(DANA, SOON + 2 * MINUTE))
    assert people.due_at == RESOLVED_BY


async def test_the_promise_to_whoever_was_merged_in_holds_until_they_are_answered(people: Desk) -> None:
    await people.takes(answer(DANA, SOON))
    assert people.due_at == OPENING
    await people.takes(edited(SOON, Priority.SCHEDULED), edited(SOON, Priority.STANDARD))
    assert people.due_at == OPENING
    await people.takes(answer(PAT, SOON + MINUTE))
    assert people.due_at == RESOLVED_BY


async def test_a_question_keeps_the_promise_only_of_whom_it_was_asked(people: Desk) -> None:
    # It is asked in the latest conversation, which is Pat's.
    question = did(TicketPaused, SOON, trigger=Trigger.ASK_CUSTOMER, until=OPENING, text="Which one?")
    await people.takes(did(TicketTaken, SOON), question)
    assert people.due_at == OPENING


async def test_a_question_keeps_the_promise_that_is_left_open(people: Desk) -> None:
    question = did(TicketPaused, SOON, trigger=Trigger.ASK_CUSTOMER, until=OPENING, text="Which one?")
    await people.takes(answer(DANA, SOON), did(TicketTaken, SOON), question)
    assert people.due_at == RESOLVED_BY


CALLS = {DANA: at("09-16 11:00"), PAT: at("09-16 12:00")}


@pytest.fixture
async def two_calls() -> Desk:
    """Both were answered, came back, and were promised a call within a day, Dana an hour earlier."""
    desk = Desk()
    await desk.takes(
        came(DANA),
        came(PAT),
        did(TicketTaken, TUESDAY),
        did(TicketTaken, TUESDAY, ticket=PATS),
        *(answer(chat, TUESDAY) for chat in CALLS),
        *(ended(chat, TUESDAY) for chat in CALLS),
        edited(TUESDAY, LOW),
        merged(TUESDAY + MINUTE),
    )
    for chat, by in CALLS.items():
        now = by - timedelta(days=1)
        await desk.takes(said(chat, now - MINUTE), left(chat, now))
    assert (desk.due_at, desk.ticket.promised_at, len(desk.promises)) == (CALLS[DANA], CALLS[PAT], 2)
    return desk


@pytest.mark.parametrize("first", CALLS)
async def test_of_two_promises_the_one_that_is_left_open_gives_the_due_time(
    two_calls: Desk, first: ConversationId
) -> None:
    second = PAT if first == DANA else DANA
    now = at("09-15 13:00")
    await two_calls.takes(answer(first, now))
    assert two_calls.due_at == CALLS[second]
    await two_calls.takes(edited(now, Priority.SCHEDULED), edited(now, LOW))
    assert two_calls.due_at == CALLS[second]
    await two_calls.takes(answer(second, now + MINUTE))
    assert two_calls.due_at == at("09-17 10:12")


async def test_a_promise_to_another_person_does_not_stand_for_who_leaves_the_queue(two_calls: Desk) -> None:
    now = at("09-15 13:00")
    await two_calls.takes(answer(DANA, now), said(DANA, now), left(DANA, now + MINUTE))
    assert two_calls.store.record.conversations[DANA].state == Ticketed(now + MINUTE + timedelta(days=1))
    assert two_calls.due_at == CALLS[PAT]


async def test_what_one_was_promised_already_is_owed_to_the_other_who_is_promised_it_too() -> None:
    desk = Desk()
    await desk.takes(
        came(DANA, NIGHT),
        came(PAT),
        did(TicketTaken, TUESDAY, ticket=PATS),
        answer(PAT, TUESDAY),
        ended(PAT, TUESDAY),
        merged(NIGHT),
        answer(DANA, SOON),
    )
    assert (desk.due_at, desk.promises) == (RESOLVED_BY, [])
    await desk.takes(said(PAT, SOON + MINUTE))
    assert (desk.due_at, len(desk.promises)) == (OPENING, 1)
    await desk.takes(answer(DANA, SOON + 2 * MINUTE))
    assert desk.due_at == OPENING
    await desk.takes(answer(PAT, SOON + 3 * MINUTE))
    assert desk.due_at == RESOLVED_BY


async def test_a_chat_s_messages_read_neither_history_nor_what_was_said(
    people: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    await people.takes(answer(DANA, SOON), answer(PAT, SOON))
    monkeypatch.delattr(FakeBatch, "history")
    monkeypatch.delattr(FakeBatch, "said")
    await people.takes(said(DANA, SOON), answer(DANA, SOON + MINUTE), answer(PAT, SOON + 2 * MINUTE))
    assert people.due_at == RESOLVED_BY


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_database_tells_whose_promise_was_kept(tmp_path: Path, kind: str) -> None:
    async with Database(url(tmp_path, kind)) as database:
        store = TortoiseStore(database)

        async def due_after(*events: AnyEvent) -> datetime | None:
            async with running(new_desk(store)) as desk:
                for event in events:
                    await desk.receive(event)
            async with store.batch() as batch:
                return (await batch.tickets([DANAS]))[DANAS].due_at

        assert (
            await due_after(came(DANA, NIGHT), came(PAT, NIGHT), merged(SOON), answer(PAT, SOON)) == OPENING
        )
        assert await due_after(edited(SOON, Priority.SCHEDULED), edited(SOON, Priority.STANDARD)) == OPENING
        assert await due_after(answer(DANA, SOON), edited(SOON, LOW)) == at("09-17 20:00")


@pytest.fixture
async def brought() -> Desk:
    """Dana was answered and is due tomorrow; Pat, who was promised the next opening, is merged into hers."""
    desk = Desk()
    night = at("09-15 20:00")
    await desk.takes(
        came(DANA, at("09-15 14:00")),
        did(TicketTaken, at("09-15 14:00")),
        answer(DANA, at("09-15 14:01")),
        came(PAT, night),
    )
    assert (desk.due_at, desk.ticket.promised_at) == (LATER, None)
    await desk.takes(merged(night + 10 * MINUTE))
    return desk


LATER = at("09-16 13:30")


async def test_a_merge_makes_the_ticket_due_by_what_was_promised_to_whoever_it_brings(brought: Desk) -> None:
    assert brought.due_at == OPENING
    lines = [entry for entry in brought.store.record.history if entry.what == "promise brought along"]
    assert [(entry.ticket, entry.why) for entry in lines] == [
        (DANAS, "of HD-1002: for Wednesday, September 16, 7:00 AM EDT")
    ]


async def test_a_promise_that_a_merge_brought_is_kept_by_an_answer_to_whom_it_was_made(brought: Desk) -> None:
    await brought.takes(answer(DANA, SOON), edited(SOON, Priority.SCHEDULED), edited(SOON, Priority.STANDARD))
    assert brought.due_at == OPENING
    await brought.takes(answer(PAT, SOON + MINUTE))
    assert brought.due_at == LATER


async def test_a_promise_that_was_kept_before_the_merge_makes_nothing_due() -> None:
    desk = Desk()
    await desk.takes(
        came(DANA, at("09-15 14:00")),
        did(TicketTaken, at("09-15 14:00")),
        answer(DANA, at("09-15 14:01")),
        came(PAT, NIGHT),
        answer(PAT, NIGHT + MINUTE),
        merged(NIGHT + 10 * MINUTE),
    )
    assert desk.due_at == LATER
    assert "promise brought along" not in {entry.what for entry in desk.store.record.history}
