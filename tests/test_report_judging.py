"""chatdesk.report_judging: each rule by which a ticket or a chat is judged, as a table.

The sample desk answers a standard ticket within 4 hours and solves it within 8, from 8:30 to 17:00.
"""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from chatdesk.changes import OPENED, OUTSIDE_HOURS, HistoryEntry
from chatdesk.config import parse_config
from chatdesk.queue_words import CHAT_CLOSED, LEFT, NOBODY_CAME, say_joined, say_place
from chatdesk.report_judging import (
    ChatEnd,
    Judged,
    Verdict,
    Waited,
    came_after_hours,
    company_of,
    judge_answer,
    judge_solution,
    waited,
)
from chatdesk.report_reading import DeskWord, From, OpenedTicket
from chatdesk.ticket import TicketStatus
from tests.desk_builders import MARCUS, NORTHWIND, SAMPLE_DESK, TICKET, TUESDAY, at, ticket

NEW, ASSIGNED, IN_PROGRESS, WAITING, VENDOR, _, RESOLVED, CLOSED, MERGED, CANCELLED = TicketStatus
ANSWER_DUE, SOLUTION_DUE = at("09-15 14:12"), at("09-16 09:42")
LATER = at("09-20 12:00")
HOUR = timedelta(hours=1)


def row(*history: HistoryEntry, **fields: object) -> OpenedTicket:
    """Return Dana's ticket of Tuesday at 10:12, with ``fields`` of its own."""
    return OpenedTicket(ticket(**fields), From("", "Contoso"), history)


def moved(when: datetime, before: TicketStatus, after: TicketStatus) -> HistoryEntry:
    return HistoryEntry(TICKET, when, MARCUS.author, "moved", "", before, after)


PAUSED_FOR_TWO_HOURS = (
    moved(at("09-15 11:00"), ASSIGNED, VENDOR),
    moved(at("09-15 13:00"), VENDOR, IN_PROGRESS),
)


@pytest.mark.parametrize(
    ("one", "now", "verdict"),
    [
        (row(first_response_at=ANSWER_DUE), LATER, Verdict.MET),
        (row(first_response_at=ANSWER_DUE + timedelta(seconds=1)), LATER, Verdict.MISSED),
        (row(), ANSWER_DUE, Verdict.OPEN),
        (row(), ANSWER_DUE + timedelta(seconds=1), Verdict.MISSED),
        # What a later change of the due time says does not change what was owed as an answer.
        (row(first_response_at=ANSWER_DUE, due_at=TUESDAY), LATER, Verdict.MET),
        # The clock stands still while it waits for a vendor.
        (row(*PAUSED_FOR_TWO_HOURS, first_response_at=at("09-15 16:12")), LATER, Verdict.MET),
        (row(*PAUSED_FOR_TWO_HOURS, first_response_at=at("09-15 16:13")), LATER, Verdict.MISSED),
        (row(PAUSED_FOR_TWO_HOURS[0], status=VENDOR), LATER, Verdict.OPEN),
        # What happened after the answer has nothing to do with it.
        (
            row(
                moved(at("09-15 11:00"), IN_PROGRESS, RESOLVED),
                moved(at("09-18 11:00"), CLOSED, ASSIGNED),
                first_response_at=at("09-15 15:00"),
            ),
            LATER,
            Verdict.MISSED,
        ),
        # Opened again before anybody answered: its time begins afresh.
        (row(moved(at("09-18 11:00"), CLOSED, NEW)), at("09-18 14:00"), Verdict.OPEN),
        (row(status=CANCELLED), LATER, Verdict.OVER),
        (row(status=MERGED), LATER, Verdict.OVER),
        (row(status=CLOSED, resolved_at=TUESDAY + HOUR), LATER, Verdict.OVER),
        (row(first_response_at=TUESDAY), LATER, Verdict.AT_ONCE),
    ],
)
def test_the_first_answer_is_judged_by_the_target_that_was_owed(
    one: OpenedTicket, now: datetime, verdict: Verdict
) -> None:
    assert judge_answer(NORTHWIND, one, now).verdict is verdict


def test_without_a_target_an_answer_is_neither_met_nor_missed_but_its_time_is_known() -> None:
    planned = row(priority="scheduled", first_response_at=TUESDAY + HOUR)
    assert judge_answer(NORTHWIND, planned, LATER) == Judged(Verdict.NO_TARGET, HOUR)


def test_how_long_an_answer_took_is_told_by_the_clock_on_the_wall() -> None:
    night = row(*PAUSED_FOR_TWO_HOURS, first_response_at=TUESDAY + 30 * HOUR)
    assert judge_answer(NORTHWIND, night, LATER).took == 30 * HOUR


DONE = {"status": CLOSED, "first_response_at": TUESDAY, "due_at": SOLUTION_DUE}


@pytest.mark.parametrize(
    ("one", "now", "verdict"),
    [
        (row(**DONE, resolved_at=SOLUTION_DUE), LATER, Verdict.MET),
        (row(**DONE, resolved_at=SOLUTION_DUE + timedelta(seconds=1)), LATER, Verdict.MISSED),
        # The ticket's own due time counts, whatever the desk's targets say today.
        (row(**DONE | {"due_at": LATER}, resolved_at=LATER), LATER, Verdict.MET),
        (row(**DONE | {"due_at": None}, resolved_at=LATER), LATER, Verdict.NO_TARGET),
        (row(**DONE | {"status": IN_PROGRESS}), SOLUTION_DUE, Verdict.OPEN),
        (row(**DONE | {"status": IN_PROGRESS}), LATER, Verdict.MISSED),
        (row(**DONE | {"status": WAITING, "changed_at": TUESDAY + HOUR}), LATER, Verdict.OPEN),
        (row(**DONE | {"status": WAITING, "changed_at": SOLUTION_DUE + HOUR}), LATER, Verdict.MISSED),
        # Nobody answered: the ticket is due by its answer, the solution by its own target.
        (row(status=CLOSED, due_at=ANSWER_DUE, resolved_at=SOLUTION_DUE), LATER, Verdict.MET),
        (row(status=NEW, due_at=ANSWER_DUE), SOLUTION_DUE, Verdict.OPEN),
        (row(status=NEW, due_at=ANSWER_DUE), SOLUTION_DUE + HOUR, Verdict.MISSED),
        # It is due by what was promised meanwhile: that is no target.
        (
            row(**DONE | {"due_at": ANSWER_DUE}, promised_at=ANSWER_DUE, resolved_at=SOLUTION_DUE),
            LATER,
            Verdict.MET,
        ),
        (row(status=MERGED, due_at=SOLUTION_DUE), LATER, Verdict.OVER),
        (row(status=CANCELLED), LATER, Verdict.OVER),
    ],
)
def test_the_solution_is_judged_by_the_tickets_own_due_time(
    one: OpenedTicket, now: datetime, verdict: Verdict
) -> None:
    assert judge_solution(NORTHWIND, one, now).verdict is verdict


def test_a_ticket_that_is_open_again_is_not_solved() -> None:
    again = row(status=IN_PROGRESS, first_response_at=TUESDAY, due_at=LATER, resolved_at=None)
    assert judge_solution(NORTHWIND, again, LATER) == Judged(Verdict.OPEN)


def chat(*words: tuple[int, str], waits: bool = False) -> OpenedTicket:
    """Return a ticket, and what the desk said so many seconds after it was opened."""
    said = tuple(DeskWord(TUESDAY + timedelta(seconds=seconds), text) for seconds, text in words)
    return OpenedTicket(ticket(), From("", ""), words=said, waits=waits)


QUEUED = (0, f"Thank you, Dana. Your ticket is HD-1024. {say_place(2)}")


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (chat(), None),
        (chat((0, "Thank you: we will contact you at 555-0134 today before 2:12 PM.")), None),
        # A form's customer who comes to the chat later has not begun one with the ticket.
        (chat((90, say_place(1)), (99, say_joined("Marcus"))), None),
        (chat(QUEUED, (42, say_joined("Marcus"))), Waited(ChatEnd.JOINED, timedelta(seconds=42))),
        (
            chat(QUEUED, (42, say_joined("Marcus")), (90, say_joined("Priya"))),
            Waited(ChatEnd.JOINED, timedelta(seconds=42)),
        ),
        (chat(QUEUED, (180, f"{NOBODY_CAME} we will contact you.")), Waited(ChatEnd.NOBODY_CAME)),
        (chat(QUEUED, (180, f"{CHAT_CLOSED} we will contact you.")), Waited(ChatEnd.NOBODY_CAME)),
        (
            chat(QUEUED, (180, f"{NOBODY_CAME} we will."), (200, say_place(1)), (240, say_joined("Marcus"))),
            Waited(ChatEnd.NOBODY_CAME, timedelta(seconds=240)),
        ),
        (chat(QUEUED, (9, f"{LEFT} we will contact you.")), Waited(ChatEnd.LEFT)),
        (chat(QUEUED, waits=True), Waited(ChatEnd.WAITING)),
        (chat(QUEUED, (30, "HD-1024 is closed.")), Waited(ChatEnd.OTHERWISE)),
    ],
)
def test_a_chat_is_judged_by_how_its_first_waiting_ended(one: OpenedTicket, found: Waited | None) -> None:
    assert waited(one) == found


@pytest.mark.parametrize(
    ("what", "why", "after_hours"),
    [(OPENED, OUTSIDE_HOURS, True), (OPENED, "", False), ("cancelled", OUTSIDE_HOURS, False)],
)
def test_a_ticket_came_after_hours_when_its_opening_says_so(what: str, why: str, after_hours: bool) -> None:
    assert came_after_hours(row(HistoryEntry(TICKET, TUESDAY, MARCUS.author, what, why))) is after_hours


@pytest.mark.parametrize(
    ("origin", "found"),
    [
        (From("contoso", "Contoso USA"), ("contoso", "Contoso")),
        (From("", "  contoso "), ("contoso", "Contoso")),
        (From("", "Fabrikam  Ltd"), ("", "Fabrikam Ltd")),
        (From("gone", "Old Client"), ("", "Old Client")),
        (From("gone", ""), ("", "gone")),
        (From("", " "), ("", "Not known")),
    ],
)
def test_a_tickets_company_is_the_one_that_the_way_in_told_else_the_one_that_was_typed(
    origin: From, found: tuple[str, str]
) -> None:
    assert company_of(NORTHWIND, origin) == found


def test_a_target_of_the_channel_binds_where_it_is_earlier() -> None:
    config = parse_config(
        SAMPLE_DESK.replace('first_contact = "6h", unknown', 'first_contact = "1h", unknown'), ""
    )
    mailed = row(channel="email", first_response_at=TUESDAY + 2 * HOUR)
    assert judge_answer(config, mailed, LATER).verdict is Verdict.MISSED
    assert judge_answer(NORTHWIND, mailed, LATER).verdict is Verdict.MET
