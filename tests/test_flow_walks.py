"""Random walks: whatever happens in whatever order, the flows answer or refuse, and what must hold holds."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from chatdesk.conversation import Agent, Conversation, Ended, Live, Surveying, Ticketed, Visibility, Waiting
from chatdesk.effects import Effect, MailRequester, OpenTicket, Post, Record
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AnyEvent,
    TicketAffects,
    TicketCancelled,
    TicketEdited,
    TicketEvent,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketResumed,
)
from chatdesk.situation import Situation
from chatdesk.ticket import TRANSITIONS, Priority, Ticket, TicketNumber, Trigger
from flows import live_chat, ticket_work
from tests.desk_builders import (
    CHAT,
    MARCUS,
    PRIYA,
    TICKET,
    TIERED,
    TUESDAY,
    answered,
    assigned,
    conversation,
    ended,
    escalated,
    external_id,
    fired,
    left,
    situation,
    submitted,
    taken,
    wrote,
)  # fmt: skip

pytestmark = pytest.mark.property

SECRET = "secret note"
STEPS = (
    "wrote", "left", "ended", "solved", "answered", "noted", "joined", "agent ended", "taken", "assigned",
    "escalated", "asked", "vendor", "resumed", "resolved", "re-opened", "cancelled", "edited", "affects",
    "timer",
    "date",
)  # fmt: skip


def happening(step: str, when: datetime, agent: Agent, chat: Conversation, ticket: Ticket) -> AnyEvent:
    state = chat.state
    simple: dict[str, AnyEvent] = {
        "wrote": wrote("Any news?", when),
        "left": left(when),
        "ended": ended(when),
        "solved": ended(when, solved=True),
        "answered": answered("Hello.", when, agent),
        "noted": answered(SECRET, when, agent, Visibility.INTERNAL),
        "taken": taken(when, agent),
        "assigned": assigned(PRIYA, when, agent, SECRET),
        "escalated": escalated("second", when, agent, SECRET),
        "timer": fired("no_answer", state.until if isinstance(state, Waiting) else when, when),
        "date": fired("date_reached", ticket.waiting_until or when, when, of_ticket=True),
    }
    return simple.get(step) or staff_step(step, when, agent)


def staff_step(step: str, when: datetime, agent: Agent) -> AnyEvent:
    identity = external_id()
    soon = when + timedelta(days=1)
    match step:
        case "joined":
            return AgentJoined(at=when, channel="web", external_id=identity, conversation=CHAT, agent=agent)
        case "agent ended":
            return AgentEnded(at=when, channel="web", external_id=identity, conversation=CHAT, agent=agent)
    base = TicketResumed(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent)
    common = (when, identity, agent)
    return base if step == "resumed" else ticket_step(step, common, soon)


def ticket_step(step: str, common: tuple[datetime, str, Agent], soon: datetime) -> AnyEvent:
    when, identity, agent = common
    ask, vendor = Trigger.ASK_CUSTOMER, Trigger.WAIT_FOR_VENDOR
    steps: dict[str, TicketEvent] = {
        "asked": TicketPaused(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                              trigger=ask, text="Which?"),
        "vendor": TicketPaused(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                               trigger=vendor, text=SECRET, until=soon),
        "resolved": TicketResolved(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                                   resolution="Done."),
        "re-opened": TicketReopened(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                                    reason=SECRET),
        "cancelled": TicketCancelled(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                                     reason=SECRET),
        "edited": TicketEdited(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                               priority=Priority.HIGH, workaround=SECRET),
        "affects": TicketAffects(at=when, channel="web", external_id=identity, ticket=TICKET, agent=agent,
                                 address="pat@contoso.example", name=SECRET),
    }  # fmt: skip
    return steps[step]


def carry_out(
    chat: Conversation, ticket: Ticket, event: AnyEvent
) -> tuple[Conversation, Ticket, list[Effect]]:
    """Step both flows in the order in which the desk does."""
    here = situation(ticket, chat=chat, config=TIERED)
    if isinstance(event, TicketEvent):
        worked = ticket_work.step(ticket, event, here)
        talked = live_chat.step(chat.state, event, replace(here, ticket=worked.ticket))
        moved = replace(chat, state=talked.state)
    else:
        talked = live_chat.step(chat.state, event, here)
        moved = replace(chat, state=talked.state)
        after: Situation = replace(here, conversation=moved, conversations=(moved,))
        worked = ticket_work.step(ticket, event, after)
    return moved, worked.ticket, [*talked.effects, *worked.effects]


def opened() -> tuple[Conversation, Ticket]:
    decision = live_chat.step(Surveying(), submitted(), situation(next_number=1024))
    [ticket] = [effect.ticket for effect in decision.effects if isinstance(effect, OpenTicket)]
    return conversation(decision.state), replace(ticket, number=TicketNumber(1024))


def check(before: Ticket, after: Ticket, chat: Conversation, effects: list[Effect]) -> None:
    moves = [effect for effect in effects if isinstance(effect, Record) and effect.after is not None]
    path = [before.status, *(move.after for move in moves)]
    assert path[-1] is after.status
    assert all(move.before is start for move, start in zip(moves, path, strict=False))
    assert {move.after for move in moves} <= set(TRANSITIONS.values())
    public = [e.text for e in effects if isinstance(e, Post) and e.visibility is Visibility.PUBLIC]
    mailed = [e.text for e in effects if isinstance(e, MailRequester)]
    assert not any(SECRET in text for text in (*public, *mailed))
    assert len(public) == len(set(public))
    assert len(mailed) <= 1
    assert isinstance(chat.state, Waiting | Live | Ticketed | Ended)
    assert not isinstance(chat.state, Live) or chat.state.agents
    if not after.is_active and before.is_active:
        assert not chat.is_open


@settings(max_examples=150, deadline=None)
@given(
    st.lists(
        st.tuples(st.sampled_from(STEPS), st.sampled_from([MARCUS, PRIYA]), st.integers(0, 2_000)),
        max_size=25,
    )
)
def test_whatever_happens_the_rules_hold(walk: list[tuple[str, Agent, int]]) -> None:
    chat, ticket = opened()
    now = TUESDAY
    for step, agent, minutes in walk:
        now += timedelta(minutes=minutes)
        event = happening(step, now, agent, chat, ticket)
        try:
            chat_after, ticket_after, effects = carry_out(chat, ticket, event)
        except EventRefused as refused:
            assert str(refused)
            continue
        check(ticket, ticket_after, chat_after, effects)
        chat, ticket = chat_after, ticket_after
    assert ticket.is_paused or ticket.waiting_until is None
