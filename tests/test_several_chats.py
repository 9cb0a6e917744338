"""Several chats and tickets of the same people at once: each step of one leaves the others in order."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chatdesk.conversation import Conversation, ConversationId, Live, Ticketed, Visibility, Waiting
from chatdesk.desk import Desk
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AgentMessaged,
    AnyEvent,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    PortalCommented,
    PortalSolved,
    SurveySubmitted,
    TicketAssigned,
    TicketCancelled,
    TicketMerged,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketTaken,
    TimerFired,
)
from chatdesk.outbox import DeliveryKind
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus, Trigger
from flows.queueing import NO_ANSWER
from storage.database import Database
from storage.store import TortoiseStore
from tests.core_builders import new_desk, running, survey, url
from tests.desk_builders import MARCUS, PRIYA, TUESDAY, answers, desk, external_id
from tests.fake_store import FakeStore

ONE, TWO = ConversationId("one"), ConversationId("two")
DANA = "dana@contoso.example"
SECRET = "secret note"
Step = tuple[Callable[..., AnyEvent], dict[str, Any]]
"""A kind of event, and what it says of itself."""
LATER = desk(('auto_close = "0d"', 'auto_close = "1d"'))
"""A desk on which a resolved ticket is closed after a day."""


def happens(
    kind: Callable[..., AnyEvent], at: datetime = TUESDAY, channel: str = "web", **facts: Any
) -> AnyEvent:
    return kind(at=at, channel=channel, external_id=external_id(), **facts)


def wrote(chat: ConversationId, text: str, at: datetime = TUESDAY) -> AnyEvent:
    return happens(CustomerMessaged, at, conversation=chat, visitor="dana", text=text)


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


@pytest.fixture
async def running_desk(store: FakeStore) -> AsyncIterator[Desk]:
    async with running(new_desk(store, config=LATER)) as opened:
        yield opened


def said(store: FakeStore, chat: ConversationId) -> list[str]:
    """Return what was said in a chat, oldest first."""
    return [message.text for (where, _), message in sorted(store.record.messages.items()) if where == chat]


def waited(at: datetime) -> AnyEvent:
    """Nobody came to the first chat within the time to wait."""
    return happens(TimerFired, at, "timer", name=NO_ANSWER, due=at, conversation=ONE)


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_what_is_written_in_an_old_chat_while_a_new_one_waits_is_added_to_its_ticket(
    tmp_path: Path, kind: str
) -> None:
    async with (
        Database(url(tmp_path, kind)) as database,
        running(new_desk(TortoiseStore(database))) as opened,
    ):
        _ = await opened.receive(survey("one"))
        _ = await opened.receive(happens(CustomerEnded, conversation=ONE, visitor="dana", solved=True))
        _ = await opened.receive(survey("two"))
        outcome = await opened.receive(wrote(ONE, "One more thing"))
        assert (outcome.ticket, outcome.conversation) == (1001, ONE)
        again = await opened.receive(wrote(TWO, "And this"))
        assert (again.ticket, again.conversation) == (1002, TWO)


async def test_whoever_waits_in_one_chat_keeps_their_place_and_waits_in_no_other(
    store: FakeStore, running_desk: Desk
) -> None:
    _ = await running_desk.receive(survey("one"))
    _ = await running_desk.receive(happens(CustomerEnded, conversation=ONE, visitor="dana", solved=True))
    _ = await running_desk.receive(survey("two"))
    _ = await running_desk.receive(wrote(ONE, "It is back"))
    assert isinstance(store.record.conversations[ONE].state, Ticketed)
    assert isinstance(store.record.conversations[TWO].state, Waiting)
    assert said(store, ONE)[-1] == "HD-1001 is open again. Your other chat stays open."
    _ = await running_desk.receive(happens(CustomerLeft, conversation=TWO, visitor="dana"))
    _ = await running_desk.receive(wrote(ONE, "Anybody?"))
    assert isinstance(store.record.conversations[ONE].state, Waiting)


async def test_a_technician_takes_a_ticket_whose_customer_chats_about_another_and_joins_no_chat(
    store: FakeStore, running_desk: Desk
) -> None:
    _ = await running_desk.receive(survey("one"))
    _ = await running_desk.receive(waited(TUESDAY + timedelta(minutes=3)))
    _ = await running_desk.receive(survey("two"))
    _ = await running_desk.receive(happens(TicketTaken, ticket=TicketNumber(1001), agent=MARCUS))
    assert isinstance(store.record.conversations[ONE].state, Ticketed)
    assert said(store, ONE)[-1] == "Marcus from the help desk is looking after HD-1001."
    with pytest.raises(EventRefused, match="not in the chat"):
        _ = await running_desk.receive(happens(AgentJoined, conversation=ONE, agent=MARCUS))
    _ = await running_desk.receive(happens(TicketTaken, ticket=TicketNumber(1002), agent=PRIYA))
    assert isinstance(store.record.conversations[TWO].state, Live)


async def test_a_technician_who_takes_a_ticket_with_two_chats_of_one_browser_joins_the_newer(
    store: FakeStore, running_desk: Desk
) -> None:
    later = TUESDAY + timedelta(hours=1)
    _ = await running_desk.receive(survey("one"))
    _ = await running_desk.receive(waited(TUESDAY + timedelta(minutes=3)))
    asked: dict[str, Any] = {"visitor": "dana", "widget": "desk", "answers": answers()}
    _ = await running_desk.receive(happens(SurveySubmitted, later, conversation=TWO, **asked))
    again = later + timedelta(minutes=3)
    timer = happens(TimerFired, again, "timer", name=NO_ANSWER, due=again, conversation=TWO)
    _ = await running_desk.receive(timer)
    into: dict[str, Any] = {"ticket": TicketNumber(1001), "into": TicketNumber(1002), "agent": MARCUS}
    _ = await running_desk.receive(happens(TicketMerged, again, **into))
    _ = await running_desk.receive(happens(TicketTaken, again, ticket=TicketNumber(1002), agent=MARCUS))
    assert isinstance(store.record.conversations[ONE].state, Ticketed)
    assert isinstance(store.record.conversations[TWO].state, Live)


async def test_nobody_joins_the_chat_of_a_ticket_that_was_closed_in_the_portal(
    store: FakeStore, running_desk: Desk
) -> None:
    _ = await running_desk.receive(survey("one"))
    _ = await running_desk.receive(waited(TUESDAY + timedelta(minutes=3)))
    by: dict[str, Any] = {
        "conversation": TWO,
        "ticket": TicketNumber(1001),
        "sender": DANA,
        "name": "Dana Reyes",
    }
    _ = await running_desk.receive(happens(PortalSolved, channel="portal", **by))
    with pytest.raises(EventRefused, match="not in the chat"):
        _ = await running_desk.receive(happens(AgentJoined, conversation=ONE, agent=MARCUS))


async def test_a_merged_ticket_is_due_by_what_either_customer_was_promised(
    store: FakeStore, running_desk: Desk
) -> None:
    _ = await running_desk.receive(survey("one"))
    _ = await running_desk.receive(waited(TUESDAY + timedelta(minutes=3)))
    promised = store.record.tickets[TicketNumber(1001)].promised_at
    late = TUESDAY + timedelta(hours=3)
    _ = await running_desk.receive(
        happens(SurveySubmitted, late, conversation=TWO, visitor="pat", widget="desk", answers=answers())
    )
    into: dict[str, Any] = {"ticket": TicketNumber(1001), "into": TicketNumber(1002), "agent": MARCUS}
    _ = await running_desk.receive(happens(TicketMerged, late, **into))
    assert promised is not None
    assert store.record.tickets[TicketNumber(1002)].due_at == promised


async def test_a_promise_that_was_kept_does_not_come_back_with_a_merge(
    store: FakeStore, running_desk: Desk
) -> None:
    _ = await running_desk.receive(survey("one"))
    _ = await running_desk.receive(waited(TUESDAY + timedelta(minutes=3)))
    _ = await running_desk.receive(happens(TicketTaken, ticket=TicketNumber(1001), agent=MARCUS))
    answer: dict[str, Any] = {
        "conversation": ONE,
        "agent": MARCUS,
        "text": "Hello.",
        "visibility": Visibility.PUBLIC,
    }
    _ = await running_desk.receive(happens(AgentMessaged, TUESDAY + timedelta(minutes=5), **answer))
    late = TUESDAY + timedelta(hours=3)
    _ = await running_desk.receive(
        happens(SurveySubmitted, late, conversation=TWO, visitor="pat", widget="desk", answers=answers())
    )
    due = store.record.tickets[TicketNumber(1002)].due_at
    into: dict[str, Any] = {"ticket": TicketNumber(1001), "into": TicketNumber(1002), "agent": MARCUS}
    _ = await running_desk.receive(happens(TicketMerged, late, **into))
    assert store.record.tickets[TicketNumber(1002)].due_at == due


@dataclass
class Walk:
    """Three people, two technicians, and whatever they do next; time only goes on."""

    desk: Desk
    store: FakeStore
    random: random.Random
    now: datetime = TUESDAY
    fired: set[str] = field(default_factory=set)

    async def tell(self, event: AnyEvent) -> None:
        try:
            _ = await self.desk.receive(event)
        except EventRefused as refused:
            assert str(refused)
        self.check()

    async def pass_time(self, minutes: int) -> None:
        """Let time pass; what was to happen in it happens, in its order."""
        until = self.now + timedelta(minutes=minutes)
        while True:
            timers = [
                s.delivery for s in self.store.record.deliveries if s.delivery.kind is DeliveryKind.TIMER
            ]
            due = [each for each in timers if each.id not in self.fired and each.due_at <= until]
            if not due:
                break
            timer = min(due, key=lambda each: each.due_at)
            self.fired.add(timer.id)
            self.now = max(self.now, timer.due_at)
            about: dict[str, Any] = (
                {"ticket": timer.ticket} if timer.ticket else {"conversation": timer.conversation}
            )
            name = str(timer.payload["name"])
            await self.tell(happens(TimerFired, self.now, "timer", name=name, due=timer.due_at, **about))
        self.now = until

    def event(self) -> AnyEvent:
        """Return what happens next: to some chat of a browser, or to some ticket."""
        kinds = (self._of_customer, self._of_customer, self._of_chat, self._of_ticket, self._of_ticket)
        return self.random.choice(kinds)()

    def _of_customer(self) -> AnyEvent:
        chat, choose = self._chat(), self.random.choice
        if choose((True, False, False)):
            fresh = ConversationId(external_id())
            person = choose(("dana", "pat", "kim"))
            asked: dict[str, Any] = {
                "conversation": fresh,
                "visitor": person,
                "widget": "desk",
                "answers": answers(),
            }
            return happens(SurveySubmitted, self.now, **asked)
        where: dict[str, Any] = {"conversation": chat.id, "visitor": chat.visitor}
        by: dict[str, Any] = {"ticket": chat.ticket, "sender": DANA, "name": "Dana Reyes"}
        fresh = ConversationId(external_id())
        return choose(
            (
                happens(CustomerMessaged, self.now, text="Any news?", **where),
                happens(CustomerLeft, self.now, **where),
                happens(CustomerEnded, self.now, solved=choose((True, False)), **where),
                happens(PortalCommented, self.now, "portal", conversation=fresh, text="More", **by),
                happens(PortalSolved, self.now, "portal", conversation=fresh, **by),
            )
        )

    def _of_chat(self) -> AnyEvent:
        where: dict[str, Any] = {
            "conversation": self._chat().id,
            "agent": self.random.choice((MARCUS, PRIYA)),
        }
        note: dict[str, Any] = {"text": SECRET, "visibility": Visibility.INTERNAL}
        answer: dict[str, Any] = {"text": "Hello.", "visibility": Visibility.PUBLIC}
        kinds: tuple[Step, ...] = (
            (AgentJoined, {}),
            (AgentEnded, {}),
            (AgentMessaged, note),
            (AgentMessaged, answer),
        )
        kind, facts = self.random.choice(kinds)
        return happens(kind, self.now, **where, **facts)

    def _of_ticket(self) -> AnyEvent:
        tickets, choose = sorted(self.store.record.tickets), self.random.choice
        vendor: dict[str, Any] = {
            "trigger": Trigger.WAIT_FOR_VENDOR,
            "until": self.now + timedelta(hours=5),
            "text": SECRET,
        }
        kinds: tuple[Step, ...] = (
            (TicketTaken, {}),
            (TicketAssigned, {"assignee": choose((MARCUS, PRIYA)), "reason": SECRET}),
            (TicketPaused, {"trigger": Trigger.ASK_CUSTOMER, "text": "Which floor?"}),
            (TicketPaused, vendor),
            (TicketResolved, {"resolution": "Done."}),
            (TicketReopened, {"reason": SECRET}),
            (TicketCancelled, {"reason": SECRET}),
            (TicketMerged, {"into": choose(tickets), "other_company": True}),
        )
        kind, facts = choose(kinds)
        return happens(kind, self.now, ticket=choose(tickets), agent=choose((MARCUS, PRIYA)), **facts)

    def _chat(self) -> Conversation:
        chats = [chat for chat in self.store.record.conversations.values() if chat.channel == "web"]
        return self.random.choice(sorted(chats, key=lambda chat: chat.id))

    def check(self) -> None:
        """Say what must hold whatever has happened."""
        record = self.store.record
        assert not self.store.items_set_aside
        public = (m for m in record.messages.values() if m.visibility is Visibility.PUBLIC)
        assert not [message for message in public if SECRET in message.text]
        chats = list(record.conversations.values())
        for chat in chats:
            assert not chat.is_open or record.tickets[_number(chat)].is_active
            assert not isinstance(chat.state, Live) or chat.state.agents
        of_ticket = {_number(chat) for chat in chats}
        for ticket in record.tickets.values():
            _check_ticket(ticket, has_chat=ticket.number in of_ticket)


def _number(chat: Conversation) -> TicketNumber:
    assert chat.ticket is not None
    return chat.ticket


def _check_ticket(ticket: Ticket, *, has_chat: bool) -> None:
    merged = ticket.status is TicketStatus.MERGED
    assert has_chat is not merged
    assert (ticket.merged_into is not None) is merged
    assert not ticket.is_active or ticket.due_at is not None
    assert ticket.status is not TicketStatus.ASSIGNED or ticket.assignee


@pytest.mark.property
@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(["at once", "after a day"]))
async def test_whatever_happens_to_several_chats_and_tickets_the_rules_hold(seed: int, closes: str) -> None:
    store = FakeStore()
    config = LATER if closes == "after a day" else desk()
    async with running(new_desk(store, config=config)) as opened:
        walk = Walk(opened, store, random.Random(seed))
        await walk.tell(survey("one"))
        for _ in range(30):
            await walk.pass_time(walk.random.choice((0, 1, 5, 30, 120, 600, 1500)))
            await walk.tell(walk.event())
