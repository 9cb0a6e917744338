from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chatdesk.config import Config
from chatdesk.effects import Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketEdited
from chatdesk.ticket import Priority, Ticket, TicketStatus, TicketType
from flows.ticket_edits import MAX_SUBJECT, check_subject
from flows.ticket_work import step
from tests.desk_builders import (
    MARCUS,
    NORTHWIND,
    SCHEDULED_ROW,
    TICKET,
    TUESDAY,
    at,
    desk,
    external_id,
    situation,
    ticket,
    wrote,
)

NOW = TUESDAY + timedelta(minutes=48)


def edited(
    about: Ticket,
    *,
    when: datetime = NOW,
    priority: Priority | None = None,
    kind: TicketType | None = None,
    subject: str | None = None,
    workaround: str | None = None,
    needed_by: datetime | None = None,
    unneeded: bool = False,
    reason: str = "",
    config: Config = NORTHWIND,
) -> TicketDecision:
    event = TicketEdited(
        at=when, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, priority=priority,
        type=kind, subject=subject, workaround=workaround, needed_by=needed_by,
        unneeded=unneeded, reason=reason,
    )  # fmt: skip
    return step(about, event, replace(situation(about), config=config))


def test_a_type_with_targets_of_its_own_moves_the_due_time_and_back() -> None:
    rows = f'{SCHEDULED_ROW}\ntypes.project = {{ resolve = "24h", clock = "elapsed" }}'
    config = desk((SCHEDULED_ROW, rows))
    usual = ticket(due_at=at("09-15 14:12"))
    project = edited(usual, kind=TicketType.PROJECT, config=config).ticket
    assert project.due_at == TUESDAY + timedelta(hours=24)
    assert edited(project, kind=TicketType.INCIDENT, config=config).ticket.due_at == usual.due_at
    # Between types without targets of their own nothing moves.
    held = ticket(due_at=at("09-15 16:00"))
    assert edited(held, kind=TicketType.QUESTION, config=config).ticket.due_at == held.due_at


def record(what: str, why: str = "") -> Record:
    return Record(what, MARCUS.author, why)


def test_a_new_priority_moves_the_due_time_and_says_why() -> None:
    about = ticket(due_at=at("09-15 14:12"))
    after = edited(about, priority=Priority.HIGH, reason="payroll day")
    assert (after.ticket.priority, after.ticket.priority_confirmed) == (Priority.HIGH, True)
    assert after.ticket.due_at == at("09-15 12:12")
    assert after.effects == (record("priority changed", "to high: payroll day"),)


def test_the_proposed_priority_is_confirmed_without_moving_anything() -> None:
    about = ticket(due_at=at("09-15 14:12"))
    after = edited(about, priority=Priority.STANDARD)
    assert after.ticket == ticket(due_at=at("09-15 14:12"), priority_confirmed=True, changed_at=NOW)
    assert after.effects == (record("priority confirmed", "to standard"),)


def test_after_the_first_response_a_new_priority_moves_the_time_to_resolve() -> None:
    about = ticket(first_response_at=TUESDAY, due_at=at("09-16 09:42"))
    assert edited(about, priority=Priority.CRITICAL).ticket.due_at == at("09-15 14:12")


def test_a_needed_by_date_is_no_slip_of_the_keyboard() -> None:
    with pytest.raises(EventRefused, match=r"Choose a date within the next two years\.") as refused:
        edited(ticket(), needed_by=NOW + timedelta(days=200 * 365))
    assert (refused.value.code, refused.value.field) == ("date", "needed_by")


def test_a_needed_by_date_is_taken_away_once() -> None:
    after = edited(ticket(needed_by=TUESDAY + timedelta(days=3)), unneeded=True)
    assert after.ticket.needed_by is None
    assert after.effects == (record("needed-by date removed", "was: Friday, September 18"),)
    assert edited(ticket(), unneeded=True).effects == ()


@pytest.mark.parametrize(
    ("priority", "due"),
    [
        (Priority.CRITICAL, "09-18 18:15"),
        (Priority.HIGH, "09-21 07:00"),
        (Priority.LOW, "09-19 18:00"),
        (Priority.SCHEDULED, "09-21 07:00"),
    ],
)
def test_another_priority_is_never_due_later_than_the_customer_was_promised(
    priority: Priority, due: str
) -> None:
    monday = at("09-21 07:00")
    about = ticket(opened_at=at("09-18 18:00"), due_at=monday, promised_at=monday)
    assert edited(about, when=at("09-18 18:05"), priority=priority).ticket.due_at == at(due)


def test_a_promise_that_was_kept_binds_no_longer() -> None:
    about = ticket(promised_at=at("09-15 12:00"), first_response_at=TUESDAY, due_at=at("09-15 14:12"))
    assert edited(about, priority=Priority.LOW).ticket.due_at == at("09-17 10:12")


def test_each_changed_field_has_its_entry() -> None:
    day = at("09-21 07:00")
    after = edited(
        ticket(), kind=TicketType.SERVICE_REQUEST, subject=" New\tOutlook\n", workaround=" Use the web.\0 ",
        needed_by=day,
    )  # fmt: skip
    changed = after.ticket
    assert (changed.type, changed.subject) == (TicketType.SERVICE_REQUEST, "New Outlook")
    assert (changed.workaround, changed.needed_by, changed.changed_at) == ("Use the web.", day, NOW)
    assert after.effects == (
        record("type changed", "to service request"),
        record("subject changed", "was: Outlook does not open."),
        record("workaround recorded", "Use the web."),
        record("needed-by date set", "Monday, September 21"),
    )


def test_a_workaround_leaves_the_ticket_open() -> None:
    about = ticket(status=TicketStatus.IN_PROGRESS)
    assert edited(about, workaround="Use the web.").ticket.status is TicketStatus.IN_PROGRESS


def test_a_workaround_can_be_taken_back() -> None:
    after = edited(ticket(workaround="Use the web."), workaround=" ")
    assert after.ticket.workaround == ""
    assert after.effects == (record("workaround removed", "was: Use the web."),)


def test_what_is_said_already_changes_nothing() -> None:
    about = ticket(workaround="Use the web.", needed_by=TUESDAY)
    after = edited(
        about, kind=about.type, subject=about.subject, workaround="Use the web.", needed_by=TUESDAY
    )
    assert after == TicketDecision(about)
    assert edited(about) == TicketDecision(about)


@pytest.mark.parametrize(
    "subject", ["", " \n", "\0", "x" * (MAX_SUBJECT + 1)], ids=["empty", "blank", "NUL", "long"]
)
def test_a_subject_has_words_and_an_end(subject: str) -> None:
    with pytest.raises(EventRefused) as refused:
        edited(ticket(), subject=subject)
    assert (refused.value.code, refused.value.field) == ("subject", "subject")
    assert str(refused.value) == "A subject has 1 to 200 characters."


def test_the_longest_subject_is_taken() -> None:
    assert check_subject("x" * MAX_SUBJECT) == "x" * MAX_SUBJECT


def test_an_edit_while_the_ticket_waits_loses_no_time() -> None:
    waiting = ticket(
        status=TicketStatus.WAITING_ON_CUSTOMER, first_response_at=TUESDAY, changed_at=at("09-15 11:00"),
        opened_at=at("09-15 09:00"), due_at=at("09-15 17:00"),
    )  # fmt: skip
    renamed = edited(waiting, when=at("09-15 15:00"), subject="Outlook").ticket
    back = step(renamed, wrote(when=at("09-16 10:00")), situation(renamed)).ticket
    assert back.due_at == at("09-16 16:00")
