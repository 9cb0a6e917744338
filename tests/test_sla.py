from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from chatdesk.sla import (
    Counted,
    Pauses,
    Promise,
    due_after_pause,
    due_after_response,
    due_by,
    due_for,
    earliest,
    open_promises,
    resolve_by,
    respond_by,
    target_of,
)
from chatdesk.ticket import PAUSED, Priority, TicketNumber, TicketStatus, TicketType
from tests.desk_builders import CHAT, NORTHWIND, SCHEDULED_ROW, TUESDAY, at, desk, ticket

CRITICAL, HIGH, STANDARD, LOW, SCHEDULED = Priority
NO_RESOLUTION = desk(('respond = "24h", resolve = "48h"', 'respond = "24h"'))


@pytest.mark.parametrize(
    ("priority", "start", "due"),
    [
        (CRITICAL, "09-19 03:00", "09-19 03:15"),
        (HIGH, "09-15 10:12", "09-15 12:12"),
        (HIGH, "09-15 16:20", "09-16 09:50"),
        (HIGH, "09-16 06:45", "09-16 10:30"),
        (HIGH, "11-25 16:00", "11-27 09:30"),
        (STANDARD, "09-18 14:00", "09-21 09:30"),
        (LOW, "09-18 14:00", "09-19 14:00"),
    ],
)
def test_a_response_is_due_by_the_priority_s_own_clock(priority: Priority, start: str, due: str) -> None:
    assert respond_by(NORTHWIND, "web", NORTHWIND.sla.get(priority), at(start)) == at(due)


@pytest.mark.parametrize(
    ("priority", "start", "due"),
    [
        (CRITICAL, "09-18 23:00", "09-19 03:00"),
        (HIGH, "09-15 16:20", "09-16 09:50"),
        (STANDARD, "09-18 14:00", "09-21 13:30"),
        (LOW, "10-31 12:00", "11-02 11:00"),
        (SCHEDULED, "11-24 10:00", "12-02 10:00"),
    ],
)
def test_a_resolution_is_due_by_the_priority_s_own_clock(priority: Priority, start: str, due: str) -> None:
    assert resolve_by(NORTHWIND, NORTHWIND.sla.get(priority), at(start)) == at(due)


def test_due_times_are_in_utc() -> None:
    due = respond_by(NORTHWIND, "web", NORTHWIND.sla.get(HIGH), TUESDAY)
    assert due == datetime(2026, 9, 15, 16, 12, tzinfo=UTC)
    assert due.tzinfo is UTC


@pytest.mark.parametrize(
    ("priority", "due"),
    [(STANDARD, "09-15 14:12"), (LOW, "09-15 16:12"), (SCHEDULED, "09-15 16:12")],
)
def test_the_channel_s_first_contact_binds_too_and_the_earlier_one_counts(
    priority: Priority, due: str
) -> None:
    assert respond_by(NORTHWIND, "email", NORTHWIND.sla.get(priority), TUESDAY) == at(due)


def test_without_a_target_there_is_no_due_time() -> None:
    assert respond_by(NORTHWIND, "web", NORTHWIND.sla.get(SCHEDULED), TUESDAY) is None
    assert respond_by(NORTHWIND, "nowhere", NORTHWIND.sla.get(SCHEDULED), TUESDAY) is None
    assert resolve_by(NO_RESOLUTION, NO_RESOLUTION.sla.get(LOW), TUESDAY) is None


# Clocks stop while waiting [R44]


def paused(since: str, due: str, priority: Priority = STANDARD) -> datetime | None:
    waiting = ticket(
        status=TicketStatus.WAITING_ON_CUSTOMER, changed_at=at(since), due_at=at(due), priority=priority
    )
    return due_after_pause(NORTHWIND, waiting, at("09-16 10:00"))


def test_a_pause_moves_the_due_time_by_its_open_time() -> None:
    assert paused("09-15 11:00", "09-15 17:00") == at("09-16 16:00")


def test_a_pause_is_counted_by_the_priority_s_clock() -> None:
    assert paused("09-15 11:00", "09-15 13:00", CRITICAL) == at("09-16 12:00")
    assert paused("09-15 11:00", "09-17 11:00", LOW) == at("09-18 10:00")


def test_a_pause_counted_in_two_parts_comes_to_the_same() -> None:
    waiting = ticket(
        status=TicketStatus.WAITING_ON_VENDOR, changed_at=at("09-15 11:00"), due_at=at("09-15 17:00")
    )
    night = at("09-15 21:00")
    counted = ticket(
        status=TicketStatus.WAITING_ON_VENDOR,
        changed_at=night,
        due_at=due_after_pause(NORTHWIND, waiting, night),
    )
    assert due_after_pause(NORTHWIND, counted, at("09-16 10:00")) == at("09-16 16:00")


def test_a_pause_that_began_when_the_ticket_was_due_changes_nothing() -> None:
    assert paused("09-15 11:00", "09-15 11:00") == at("09-15 11:00")
    assert paused("09-15 11:00", "09-15 10:00") == at("09-15 10:00")


def test_a_pause_outside_the_hours_changes_nothing() -> None:
    waiting = ticket(status=TicketStatus.SCHEDULED, changed_at=at("09-15 18:00"), due_at=at("09-16 10:00"))
    assert due_after_pause(NORTHWIND, waiting, at("09-16 06:00")) == at("09-16 10:00")


def test_an_event_from_before_the_pause_changes_nothing() -> None:
    assert due_after_pause(NORTHWIND, ticket(status=TicketStatus.SCHEDULED, due_at=at("09-16 10:00")),
                           TUESDAY - timedelta(seconds=1)) == at("09-16 10:00")  # fmt: skip


@pytest.mark.parametrize("status", sorted(set(TicketStatus) - PAUSED))
def test_the_clocks_of_a_ticket_that_does_not_wait_run_on(status: TicketStatus) -> None:
    running = ticket(status=status, due_at=at("09-15 17:00"))
    assert due_after_pause(NORTHWIND, running, at("09-15 16:00")) == at("09-15 17:00")


def test_a_ticket_without_a_due_time_gets_none_by_waiting() -> None:
    assert due_after_pause(NORTHWIND, ticket(status=TicketStatus.SCHEDULED), at("09-16 10:00")) is None


# Another priority, or the first response


def test_the_first_response_makes_the_time_to_resolve_count_from_the_opening() -> None:
    new = ticket(due_at=respond_by(NORTHWIND, "web", NORTHWIND.sla.get(STANDARD), TUESDAY))
    assert due_after_response(NORTHWIND, new) == resolve_by(NORTHWIND, NORTHWIND.sla.get(STANDARD), TUESDAY)


def test_what_pauses_have_added_before_the_first_response_is_added_to_the_time_to_resolve() -> None:
    held = ticket(due_at=at("09-15 16:12"))
    assert due_after_response(NORTHWIND, held) == at("09-16 11:42")


def test_a_promise_before_the_target_does_not_shorten_the_time_to_resolve() -> None:
    promised = ticket(due_at=TUESDAY + timedelta(minutes=1))
    assert due_after_response(NORTHWIND, promised) == at("09-16 09:42")


def test_of_a_promise_and_a_target_the_earlier_one_counts_and_either_may_be_missing() -> None:
    soon, late = at("09-15 10:20"), at("09-15 14:12")
    assert earliest(late, soon) == earliest(soon, late) == soon
    assert earliest(None, soon) == earliest(soon, None) == soon
    assert earliest(None, None) is None


FORTNIGHT = (at("09-15 11:00"), at("09-29 11:00"))
"""A wait of 336 elapsed hours, before which 48 minutes had counted."""


@pytest.mark.parametrize(
    ("priority", "begun", "pauses", "due"),
    [
        (HIGH, "09-15 10:12", (), "09-15 12:12"),
        (HIGH, "09-15 10:12", (FORTNIGHT,), "09-29 12:12"),
        (STANDARD, "09-15 10:12", (FORTNIGHT,), "09-30 09:42"),
        (CRITICAL, "09-15 10:12", (FORTNIGHT,), "09-29 14:12"),
        (LOW, "09-15 10:12", (FORTNIGHT,), "10-01 10:12"),
        (HIGH, "10-15 10:12", (), "10-15 12:12"),
        (CRITICAL, "10-15 10:12", (), "10-15 14:12"),
        (LOW, "10-15 10:12", (), "10-17 10:12"),
        (HIGH, "10-15 10:12", (FORTNIGHT,), "10-15 12:12"),
    ],
)
def test_another_priority_counts_on_its_own_clock_from_where_the_time_began(
    priority: Priority, begun: str, pauses: Pauses, due: str
) -> None:
    answered = ticket(priority=STANDARD, first_response_at=TUESDAY, due_at=at("10-16 09:42"))
    counted = Counted(at(begun), tuple(pauses))
    assert due_for(NORTHWIND, replace(answered, priority=priority), counted, responded=True) == at(due)


def test_before_the_first_response_another_priority_counts_to_its_time_to_respond() -> None:
    def due(priority: Priority, counted: Counted) -> datetime | None:
        return due_for(NORTHWIND, ticket(priority=priority), counted, responded=False)

    assert due(HIGH, Counted(TUESDAY)) == at("09-15 12:12")
    assert due(SCHEDULED, Counted(TUESDAY)) == at("09-22 10:12")
    assert due(HIGH, Counted(TUESDAY, ((at("09-15 11:00"), at("09-15 12:00")),))) == at("09-15 13:12")


def test_work_without_a_target_for_an_answer_is_due_by_its_end_from_the_start_on() -> None:
    opened = at("11-24 10:00")
    planned = ticket(
        opened_at=opened,
        priority=SCHEDULED,
        due_at=due_by(NORTHWIND, "web", NORTHWIND.sla.get(SCHEDULED), opened),
    )
    assert planned.due_at == at("12-02 10:00")
    assert due_after_response(NORTHWIND, planned) == at("12-02 10:00")
    # A wait for a vendor before the first answer is added to it, and stays so afterwards.
    held = due_after_pause(
        NORTHWIND,
        replace(planned, status=TicketStatus.WAITING_ON_VENDOR, changed_at=at("11-24 10:05")),
        at("11-30 10:05"),
    )
    assert held == at("12-07 10:00")
    assert due_after_response(NORTHWIND, replace(planned, due_at=held)) == held


# Targets of a type [R41]

PROJECTS = desk((SCHEDULED_ROW, f'{SCHEDULED_ROW}\ntypes.project = {{ resolve = "24h", clock = "elapsed" }}'))


def test_a_type_with_targets_of_its_own_has_them_whatever_the_priority() -> None:
    for priority in Priority:
        project = ticket(priority=priority, type=TicketType.PROJECT)
        due = due_for(PROJECTS, project, Counted(TUESDAY), responded=False)
        assert due == due_after_response(PROJECTS, project) == TUESDAY + timedelta(hours=24)
        question = replace(project, type=TicketType.QUESTION)
        assert target_of(PROJECTS, question) == target_of(NORTHWIND, question) == PROJECTS.sla[priority]


# Promises [R25, R27]


def test_a_promise_is_open_until_it_was_kept_and_may_be_another_person_s() -> None:
    noon, one = at("09-15 12:00"), at("09-15 13:00")
    hers, pats = Promise(None, CHAT, noon, TUESDAY), Promise(TicketNumber(1025), CHAT, one, TUESDAY)
    assert open_promises([hers, pats]) == [noon, one]
    assert open_promises([hers, pats], but=[None]) == [one]
    assert open_promises([replace(hers, kept_at=noon), pats]) == [one]
    assert open_promises([]) == []
