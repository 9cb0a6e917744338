from __future__ import annotations

from datetime import timedelta

import pytest
from msgspec.structs import replace

from chatdesk.conversation import DialogueState, Ended, Live
from chatdesk.effects import TicketDecision
from chatdesk.events import AnyEvent, TicketPaused, TicketResolved
from chatdesk.sla import Counted
from chatdesk.ticket import Priority, Ticket, TicketStatus, Trigger
from flows.ticket_work import step
from tests.desk_builders import (
    MARCUS,
    PRIYA,
    TICKET,
    TUESDAY,
    answered,
    assigned,
    at,
    ended,
    external_id,
    fired,
    left,
    situation,
    taken,
    ticket,
    wrote,
)  # fmt: skip

STATUS = TicketStatus
NOW = at("09-15 11:00")
LIVE = Live(("marcus",))


def work(about: Ticket, event: AnyEvent, state: DialogueState | None = None) -> TicketDecision:
    return step(about, event, situation(about, state or Ended(TUESDAY)))


def asked() -> TicketPaused:
    return TicketPaused(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS,
        trigger=Trigger.ASK_CUSTOMER, text="Which version?",
    )  # fmt: skip


def resolved() -> TicketResolved:
    return TicketResolved(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, resolution="Done."
    )


def test_the_assignee_s_first_public_message_moves_the_ticket_on() -> None:
    about = ticket(status=STATUS.ASSIGNED, assignee="marcus", due_at=at("09-15 14:12"))
    after = work(about, answered(when=NOW), LIVE)
    assert after.ticket.status is STATUS.IN_PROGRESS
    assert (after.ticket.first_response_at, after.ticket.due_at) == (NOW, at("09-16 09:42"))
    again = work(after.ticket, answered(when=NOW + timedelta(hours=1)), LIVE)
    assert again == TicketDecision(after.ticket)


def test_another_technician_s_public_message_responds_and_moves_nothing() -> None:
    about = ticket(status=STATUS.ASSIGNED, assignee="marcus")
    after = work(about, answered(when=NOW, agent=PRIYA), LIVE).ticket
    assert (after.status, after.first_response_at) == (STATUS.ASSIGNED, NOW)


@pytest.mark.parametrize("event", [taken(NOW), wrote(when=NOW), left(NOW), fired("no_answer", NOW)])
def test_the_desk_and_the_customer_do_not_respond(event: AnyEvent) -> None:
    assert work(ticket(), event).ticket.first_response_at is None


def test_a_question_and_a_resolution_are_responses_too() -> None:
    about = ticket(status=STATUS.ASSIGNED, assignee="marcus")
    for event in (asked(), resolved()):
        assert work(about, event).ticket.first_response_at == NOW
    assert work(about, ended(NOW, solved=True)).ticket.first_response_at is None


def test_the_clocks_stop_while_waiting_for_the_customer() -> None:
    opened = at("09-15 09:00")
    about = ticket(
        status=STATUS.IN_PROGRESS, opened_at=opened, first_response_at=opened, due_at=at("09-15 17:00")
    )
    waiting = work(about, asked()).ticket
    answer = wrote("16.2", at("09-16 10:00"))
    assert work(waiting, answer).ticket.due_at == at("09-16 16:00")


def test_a_hand_over_while_waiting_loses_no_time() -> None:
    about = ticket(status=STATUS.WAITING_ON_CUSTOMER, changed_at=NOW, due_at=at("09-15 17:00"))
    handed = work(about, assigned(PRIYA, at("09-15 15:00"))).ticket
    assert work(handed, wrote("16.2", at("09-16 10:00"))).ticket.due_at == at("09-16 16:00")


def test_a_ticket_opened_again_before_any_response_is_due_for_one() -> None:
    about = ticket(status=STATUS.CLOSED, resolved_at=TUESDAY)
    assert work(about, wrote(when=NOW)).ticket.due_at == at("09-15 15:00")


@pytest.mark.parametrize(
    ("answered_at", "begun", "due"),
    [
        (None, "09-19 10:00", "09-21 16:30"),
        ("09-15 10:12", "09-19 10:00", "09-21 16:30"),
        ("09-15 10:12", "09-15 10:12", "09-16 09:42"),
    ],
)
def test_an_answer_that_keeps_a_promise_leaves_the_whole_time_to_resolve(
    answered_at: str | None, begun: str, due: str
) -> None:
    monday = at("09-21 07:00")
    first = at(answered_at) if answered_at else None
    about = ticket(status=STATUS.ASSIGNED, first_response_at=first, promised_at=monday, due_at=monday)
    here = replace(situation(about, LIVE), counted=Counted(at(begun)))
    assert step(about, answered(when=monday), here).ticket.due_at == at(due)


def test_a_critical_ticket_resolves_around_the_clock() -> None:
    about = ticket(priority=Priority.CRITICAL, opened_at=at("09-18 23:00"))
    after = work(about, answered(when=at("09-18 23:05")), LIVE).ticket
    assert after.due_at == at("09-19 03:00")
