from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest

from chatdesk.errors import TransitionRefused
from chatdesk.ticket import (
    ACTIVE,
    DONE,
    PAUSED,
    Priority,
    TicketStatus,
    Trigger,
    can,
    format_number,
    parse_number,
    transition,
    typed_number,
)
from tests.desk_builders import TUESDAY, ticket

LATER = TUESDAY + timedelta(hours=1)

# The product's table, a line a row of it.
TABLE = """
new                 | assigned                           | assigned
assigned            | answered                           | in progress
in progress         | set to wait for the customer       | waiting on customer
waiting on customer | moved on by a customer's message   | in progress
in progress         | set to wait for a vendor           | waiting on vendor
in progress         | scheduled                          | scheduled
waiting on vendor   | moved on by its date               | in progress
scheduled           | moved on by its date               | in progress
waiting on vendor   | resumed                            | in progress
scheduled           | resumed                            | in progress
new                 | resolved                           | resolved
assigned            | resolved                           | resolved
in progress         | resolved                           | resolved
waiting on customer | resolved                           | resolved
waiting on vendor   | resolved                           | resolved
scheduled           | resolved                           | resolved
new                 | marked as solved by the customer   | resolved
assigned            | marked as solved by the customer   | resolved
in progress         | marked as solved by the customer   | resolved
waiting on customer | marked as solved by the customer   | resolved
waiting on vendor   | marked as solved by the customer   | resolved
scheduled           | marked as solved by the customer   | resolved
resolved            | closed                             | closed
resolved            | re-opened                          | assigned
closed              | re-opened                          | assigned
new                 | merged                             | merged
assigned            | merged                             | merged
in progress         | merged                             | merged
waiting on customer | merged                             | merged
waiting on vendor   | merged                             | merged
scheduled           | merged                             | merged
new                 | cancelled                          | cancelled
"""

# What the desk allows besides: work that is handed over keeps its state, also what a tier gets, where nobody
# has taken it yet; a ticket may wait before its first answer; a technician may go on before the customer
# answers; nobody had taken a ticket that was done.
ADDITIONS = """
assigned            | assigned                           | assigned
in progress         | assigned                           | in progress
waiting on customer | assigned                           | waiting on customer
waiting on vendor   | assigned                           | waiting on vendor
scheduled           | assigned                           | scheduled
new                 | escalated to a tier                | new
assigned            | escalated to a tier                | assigned
in progress         | escalated to a tier                | in progress
waiting on customer | escalated to a tier                | waiting on customer
waiting on vendor   | escalated to a tier                | waiting on vendor
scheduled           | escalated to a tier                | scheduled
assigned            | set to wait for the customer       | waiting on customer
assigned            | set to wait for a vendor           | waiting on vendor
assigned            | scheduled                          | scheduled
waiting on customer | resumed                            | in progress
resolved            | re-opened for nobody               | new
closed              | re-opened for nobody               | new
"""


def rows(table: str) -> dict[tuple[TicketStatus, Trigger], TicketStatus]:
    cells = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return {(TicketStatus(before), Trigger(step)): TicketStatus(after) for before, step, after in cells}


ALLOWED = rows(TABLE) | rows(ADDITIONS)
REFUSED = [pair for pair in product(TicketStatus, Trigger) if pair not in ALLOWED]


def test_the_tables_of_this_test_cover_every_state_and_every_step() -> None:
    assert len(ALLOWED) == 32 + 17
    assert len(ALLOWED) + len(REFUSED) == len(TicketStatus) * len(Trigger) == 160


@pytest.mark.parametrize(("status", "trigger"), ALLOWED)
def test_a_step_of_the_table_leads_to_its_state(status: TicketStatus, trigger: Trigger) -> None:
    after = transition(ticket(status=status), trigger, LATER)
    assert (after.status, after.changed_at) == (ALLOWED[status, trigger], LATER)
    assert can(status, trigger)


@pytest.mark.parametrize(("status", "trigger"), REFUSED)
def test_any_other_step_is_refused_naming_state_and_step(status: TicketStatus, trigger: Trigger) -> None:
    with pytest.raises(TransitionRefused) as refused:
        transition(ticket(status=status), trigger, LATER)
    assert str(refused.value) == f"A ticket that is {status.value} cannot be {trigger.value}."
    assert (refused.value.status, refused.value.attempted) == (status.value, trigger.value)
    assert refused.value.code == "transition"
    assert not can(status, trigger)


def test_a_step_changes_only_what_depends_on_the_state() -> None:
    before = ticket(status=TicketStatus.ASSIGNED, assignee="marcus", due_at=LATER)
    after = transition(before, Trigger.ANSWER, LATER)
    assert after == ticket(status=TicketStatus.IN_PROGRESS, assignee="marcus", due_at=LATER, changed_at=LATER)


def test_the_date_waited_for_is_kept_on_hand_over_and_gone_when_work_goes_on() -> None:
    waiting = ticket(status=TicketStatus.WAITING_ON_VENDOR, waiting_until=LATER)
    assert transition(waiting, Trigger.ASSIGN, LATER).waiting_until == LATER
    assert transition(waiting, Trigger.RESUME, LATER).waiting_until is None


def test_the_time_of_resolution_is_kept_on_closing_and_gone_on_re_opening() -> None:
    resolved = ticket(status=TicketStatus.RESOLVED, resolved_at=TUESDAY)
    closed = transition(resolved, Trigger.AUTO_CLOSE, LATER)
    assert closed.resolved_at == TUESDAY
    assert transition(closed, Trigger.REOPEN, LATER).resolved_at is None


@pytest.mark.parametrize("status", TicketStatus)
def test_a_ticket_knows_whether_it_is_active_paused_or_done(status: TicketStatus) -> None:
    it = ticket(status=status)
    assert (it.is_active, it.is_paused, it.is_done) == (status in ACTIVE, status in PAUSED, status in DONE)


@pytest.mark.parametrize("status", TicketStatus)
def test_a_ticket_is_due_while_its_clock_runs(status: TicketStatus) -> None:
    expected = LATER if status in ACTIVE - PAUSED else None
    assert ticket(status=status, due_at=LATER).running_due_at == expected
    assert ticket(status=status).running_due_at is None


def test_paused_states_are_active_and_done_ones_are_not() -> None:
    assert PAUSED < ACTIVE
    assert not ACTIVE & DONE
    assert set(TicketStatus) - ACTIVE - DONE == {TicketStatus.MERGED, TicketStatus.CANCELLED}


def test_priorities_rank_from_critical_to_scheduled() -> None:
    ranked = sorted(Priority, key=lambda priority: priority.rank)
    assert [priority.value for priority in ranked] == ["critical", "high", "standard", "low", "scheduled"]


@pytest.mark.parametrize("text", ["HD-1001", "hd-1001", "  Hd-1001\n", "HD-0001001"])
def test_a_number_is_read_however_it_is_written(text: str) -> None:
    assert parse_number("HD", text) == 1001


@pytest.mark.parametrize(
    "text",
    [
        "", "HD", "HD-", "1001", "HD1001", "NW-1001", "HD-10O1", "HD--1001", "HD-+1", "HD-1.0", "HD - 1001",
        "HD-1001-2", "HD-１００１", "HD-١٠٠١", "HD-" + "9" * 16, "HD-" + "9" * 10_000,
    ],
)  # fmt: skip
def test_what_is_no_number_of_this_desk_is_none(text: str) -> None:
    assert parse_number("HD", text) is None


@pytest.mark.parametrize("text", ["1001", " 1001 ", "HD-1001", "hd-1001"])
def test_a_number_is_typed_with_or_without_the_desks_prefix(text: str) -> None:
    assert typed_number("HD", text) == 1001


@pytest.mark.parametrize("text", ["", " ", "printer", "NW-1001", "-1001", "10 01", "HD 1001"])
def test_what_is_typed_and_no_number_is_none(text: str) -> None:
    assert typed_number("HD", text) is None


@pytest.mark.parametrize("number", [1, 1001, 999_999_999])
def test_a_number_that_was_written_is_read_again(number: int) -> None:
    assert parse_number("HD", format_number("HD", number)) == number
