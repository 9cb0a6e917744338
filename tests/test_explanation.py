"""Every step with how long its state lasted, and every due time with the rule it follows [R41] [R44]."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from msgspec.structs import replace

from chatdesk.changes import HistoryEntry
from chatdesk.conversation import Author, AuthorKind, ConversationId, Message, Ticketed, Visibility
from chatdesk.explanation import Due, explain, explain_due
from chatdesk.reading import TicketFile
from chatdesk.sla import resolve_by, respond_by
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus, TicketType
from tests.desk_builders import (
    CHAT,
    MARCUS,
    NORTHWIND,
    SCHEDULED_ROW,
    TUESDAY,
    at,
    conversation,
    desk,
    ticket,
)

DANA = Author(AuthorKind.CUSTOMER, "visitor", "Dana Reyes")
NEW, ASSIGNED, AT_WORK = TicketStatus.NEW, TicketStatus.ASSIGNED, TicketStatus.IN_PROGRESS
WAITING = (TicketStatus.WAITING_ON_CUSTOMER, TicketStatus.WAITING_ON_VENDOR, TicketStatus.SCHEDULED)
OVER = (TicketStatus.RESOLVED, TicketStatus.CLOSED, TicketStatus.MERGED, TicketStatus.CANCELLED)
BY_PRIORITY = {
    Priority.CRITICAL: "A first answer within 15 minutes (critical priority, around the clock).",
    Priority.HIGH: "A first answer within 2 hours (high priority, desk hours).",
    Priority.STANDARD: "A first answer within 4 hours (standard priority, desk hours).",
    Priority.LOW: "A first answer within 24 hours (low priority, elapsed time).",
    Priority.SCHEDULED: "",
}
BY_CHANNEL = {
    "email": "A first answer within 6 hours (E-mail, desk hours).",
    "portal": "A first answer within 6 hours (Customer portal, desk hours).",
}
PROMISED = "We promised the customer that we would be in touch by then."
PROMISE = "promise to the customer"
STANDS_STILL = "The clock stands still while the ticket waits."


def first_answer(channel: str, priority: Priority) -> str:
    """Return what a new ticket of the sample desk is due by: of its two targets the earlier one."""
    later_than_six_hours = priority in (Priority.LOW, Priority.SCHEDULED)
    return BY_CHANNEL.get(channel, BY_PRIORITY[priority]) if later_than_six_hours else BY_PRIORITY[priority]


def entry(
    what: str, when: str, before: TicketStatus | None = None, after: TicketStatus | None = None, why: str = ""
) -> HistoryEntry:
    return HistoryEntry(TicketNumber(1024), at(when), MARCUS.author, what, why, before, after)


def file(made: Ticket, *history: HistoryEntry) -> TicketFile:
    return TicketFile(made, (conversation(),), (), (), history, ())


def dues(made: Ticket, *history: HistoryEntry, now: str = "09-15 10:13") -> list[Due]:
    return list(explain(NORTHWIND, file(made, *history), at(now)).dues)


def test_each_state_lasted_until_the_next_one_and_the_present_one_until_now() -> None:
    made = ticket(status=AT_WORK, opened_at=at("09-15 10:00"))
    history = (
        entry("opened", "09-15 10:00", after=NEW),
        entry("assigned", "09-15 10:05", NEW, ASSIGNED),
        entry("priority changed", "09-15 10:07", why="to high"),
        entry("answered", "09-15 10:15", ASSIGNED, AT_WORK),
    )
    steps = explain(NORTHWIND, file(made, *history), at("09-15 11:15")).steps
    assert [(step.status, step.lasted) for step in steps] == [
        (NEW, timedelta(minutes=5)),
        (ASSIGNED, timedelta(minutes=10)),
        (None, None),
        (AT_WORK, timedelta(hours=1)),
    ]


def test_handing_over_does_not_begin_a_new_state() -> None:
    made = ticket(status=AT_WORK)
    history = (
        entry("answered", "09-15 10:00", ASSIGNED, AT_WORK),
        entry("assigned", "09-15 11:00", AT_WORK, AT_WORK),
    )
    steps = explain(NORTHWIND, file(made, *history), at("09-15 12:00")).steps
    assert [step.lasted for step in steps] == [timedelta(hours=2), None]


def test_a_ticket_that_is_done_counts_no_further() -> None:
    made = ticket(status=TicketStatus.CLOSED)
    closed = entry("closed", "09-15 10:00", TicketStatus.RESOLVED, TicketStatus.CLOSED)
    steps = explain(NORTHWIND, file(made, closed), at("09-20 10:00")).steps
    assert steps[0].lasted == timedelta(0)


def test_a_high_priority_is_owed_two_business_hours_as_in_the_worked_example() -> None:
    opened = at("09-15 16:20")
    made = ticket(priority=Priority.HIGH, opened_at=opened, due_at=at("09-16 09:50"), first_response_at=None)
    first, resolution = dues(made)
    assert (first.what, first.at) == ("first response", at("09-16 09:50"))
    assert first.rule == (
        "sla.high.respond = 2h, counted on the calendar desk (Monday to Friday, 8:30 AM to 5:00 PM EDT)"
    )
    assert (resolution.what, resolution.at) == ("resolution", at("09-16 09:50"))


def test_of_a_channels_and_a_prioritys_target_the_earlier_one_binds() -> None:
    made = ticket(channel="email", priority=Priority.STANDARD, opened_at=at("09-15 10:00"))
    by_channel, by_priority, _ = dues(made)[:3]
    assert by_channel.rule.startswith("channels.email.first_contact = 6h, counted on the calendar desk")
    assert (by_channel.at, by_channel.binding) == (at("09-15 16:00"), False)
    assert (by_priority.at, by_priority.binding) == (at("09-15 14:00"), True)


def test_a_due_time_is_kept_missed_or_open() -> None:
    due = Due("first response", at("09-15 12:00"), "", None)
    assert due.is_met(at("09-15 12:00")) is None
    assert due.is_met(at("09-15 12:01")) is False
    kept = Due("first response", at("09-15 12:00"), "", at("09-15 11:59"))
    assert kept.is_met(at("09-16 12:00")) is True
    assert Due("first response", at("09-15 12:00"), "", at("09-15 12:01")).is_met(at("09-16 12:00")) is False


def test_a_promise_outside_the_hours_names_the_calendar_of_the_page() -> None:
    opened = at("09-18 17:30")
    made = ticket(opened_at=opened, promised_at=at("09-21 07:00"), due_at=at("09-21 07:00"))
    opening = HistoryEntry(TicketNumber(1024), opened, DANA, "opened", "outside business hours", None, NEW)
    (promise,) = [due for due in dues(made, opening) if due.what == PROMISE]
    assert promise.at == at("09-21 07:00")
    assert promise.rule == (
        "it came outside the hours of the calendar chat (Monday to Friday, 7:00 AM to 5:30 PM EDT); "
        "its next opening"
    )
    assert not any(due.what.startswith("next step") for due in dues(made, opening))


@pytest.mark.parametrize(
    ("channel", "hours"),
    [("form", "chat (Monday to Friday, 7:00 AM"), ("desktop", "desk (Monday to Friday, 8:30 AM")],
)
def test_a_promise_outside_the_hours_of_another_channel_names_its_calendar(channel: str, hours: str) -> None:
    opened = at("09-18 17:00")
    made = ticket(channel=channel, opened_at=opened, promised_at=at("09-21 08:30"))
    opening = HistoryEntry(TicketNumber(1024), opened, DANA, "opened", "outside business hours", None, NEW)
    whole = replace(file(made, opening), conversations=(conversation(channel=channel, opened_at=opened),))
    rules = [due.rule for due in explain(NORTHWIND, whole, opened).dues if due.what == PROMISE]
    assert len(rules) == 1
    assert rules[0].startswith(f"it came outside the hours of the calendar {hours}")


def test_a_promise_of_a_call_back_names_the_waiting_time() -> None:
    made = ticket(promised_at=at("09-15 14:12"))
    (promise,) = [due for due in dues(made) if due.what == PROMISE]
    assert promise.rule == "nobody took the chat within queue.no_answer = 3m"


def test_a_due_time_moved_on_by_waiting_is_said_to_be_moved() -> None:
    made = ticket(
        priority=Priority.STANDARD,
        opened_at=at("09-15 09:00"),
        first_response_at=at("09-15 09:10"),
        due_at=at("09-16 16:00"),
        status=AT_WORK,
    )
    moved = dues(made)[-1]
    assert (moved.what, moved.at) == ("next step, as it stands", at("09-16 16:00"))
    assert "did not count" in moved.rule


@pytest.mark.parametrize("channel", ["web", "form", "email", "portal", "phone"])
@pytest.mark.parametrize("priority", Priority)
@pytest.mark.parametrize(
    ("promised_at", "promise_binds"),
    [(None, False), (at("09-15 10:20"), True), (at("09-30 07:00"), False)],
    ids=["no promise", "promised earlier", "promised later"],
)
def test_a_due_time_is_explained_by_the_promise_or_the_target_that_is_earlier(
    channel: str, priority: Priority, promised_at: datetime | None, promise_binds: bool
) -> None:
    target = respond_by(NORTHWIND, channel, NORTHWIND.sla.get(priority), TUESDAY)
    due = min((moment for moment in (target, promised_at) if moment is not None), default=None)
    made = ticket(channel=channel, priority=priority, promised_at=promised_at, due_at=due)
    promise_alone = target is None and promised_at is not None
    expected = PROMISED if promise_binds or promise_alone else first_answer(channel, priority)
    assert explain_due(NORTHWIND, file(made)) == expected
    for status in WAITING:
        assert explain_due(NORTHWIND, file(replace(made, status=status))) == STANDS_STILL
    for status in OVER:
        assert explain_due(NORTHWIND, file(replace(made, status=status))) == ""


@pytest.mark.parametrize(
    ("priority", "words"),
    [
        (Priority.CRITICAL, "A solution within 4 hours (critical priority, around the clock)"),
        (Priority.HIGH, "A solution within 2 hours (high priority, desk hours)"),
        (Priority.LOW, "A solution within 48 hours (low priority, elapsed time)"),
        (Priority.SCHEDULED, "A solution within 5 business days (scheduled priority, desk hours)"),
    ],
)
def test_after_the_first_answer_a_solution_is_due_even_if_a_promise_was_made(
    priority: Priority, words: str
) -> None:
    due = resolve_by(NORTHWIND, NORTHWIND.sla.get(priority), TUESDAY)
    answered = ticket(priority=priority, promised_at=due, due_at=due, first_response_at=TUESDAY)
    assert explain_due(NORTHWIND, file(answered)) == f"{words}."
    moved = replace(answered, due_at=at("10-30 09:00"))
    assert explain_due(NORTHWIND, file(moved)) == f"{words}, moved on by time that did not count."


def test_a_call_that_was_written_down_is_due_by_its_solution() -> None:
    due = resolve_by(NORTHWIND, NORTHWIND.sla[Priority.STANDARD], TUESDAY)
    logged = ticket(channel="phone", due_at=due)
    expected = "A solution within 8 hours (standard priority, desk hours)."
    assert explain_due(NORTHWIND, file(logged)) == expected


def test_a_due_time_that_no_target_of_today_explains_is_said_to_be_moved() -> None:
    config = desk(('scheduled = { resolve = "5bd", clock = "desk" }', 'scheduled = { clock = "desk" }'))
    made = ticket(priority=Priority.SCHEDULED, due_at=at("09-30 09:00"))
    assert explain_due(config, file(made)) == "Moved on by time that did not count."


@pytest.mark.parametrize(
    ("target", "said"), [("90s", "90 seconds"), ("1m", "1 minute"), ("1h", "1 hour"), ("2h", "2 hours")]
)
def test_one_of_a_unit_is_said_in_the_singular(target: str, said: str) -> None:
    config = desk(('respond = "15m"', f'respond = "{target}"'))
    due = respond_by(config, "web", config.sla.get(Priority.CRITICAL), TUESDAY)
    made = ticket(priority=Priority.CRITICAL, due_at=due)
    expected = f"A first answer within {said} (critical priority, around the clock)."
    assert explain_due(config, file(made)) == expected


def test_a_promise_made_after_an_answer_is_kept_by_the_next_answer_only() -> None:
    promised, made_at = at("09-17 10:03"), "09-16 10:03"
    made = ticket(first_response_at=at("09-15 10:20"), promised_at=promised, due_at=promised)
    promise = entry("contact promised", made_at)
    said = Message(CHAT, 1, MARCUS.author, Visibility.PUBLIC, "Good morning.", at("09-15 10:20"))
    note = replace(said, seq=2, visibility=Visibility.INTERNAL, at=at("09-16 11:00"))
    answer = replace(said, seq=3, at=at("09-16 12:00"))

    def kept(*messages: Message) -> datetime | None:
        told = explain(NORTHWIND, replace(file(made, promise), messages=messages), at("09-16 13:00"))
        return next(due.done_at for due in told.dues if due.what == PROMISE)

    assert kept(said, note) is None
    assert kept(said, note, answer) == at("09-16 12:00")


def test_an_answer_that_a_merge_brought_along_does_not_hide_what_a_ticket_is_due_by() -> None:
    promised, made_at = at("09-16 07:00"), "09-15 20:00"
    made = ticket(first_response_at=at("09-15 10:20"), promised_at=promised, due_at=promised)
    theirs = conversation(id=ConversationId("d" * 24), opened_with=TicketNumber(1025))
    said = Message(theirs.id, 1, MARCUS.author, Visibility.PUBLIC, "Good evening.", at("09-15 20:05"))
    whole = replace(file(made, entry("contact promised", made_at)), messages=(said,))
    merged = replace(whole, conversations=(*whole.conversations, theirs))
    assert explain_due(NORTHWIND, merged) == "We promised the customer that we would be in touch by then."


def test_each_of_a_merged_ticket_s_people_has_their_promise_by_the_hours_of_their_own_chat() -> None:
    opened, chat, pat = at("09-18 17:20"), ConversationId("d" * 24), TicketNumber(1025)
    made = ticket(channel="desktop", opened_at=opened, promised_at=at("09-21 08:30"))
    opening = HistoryEntry(TicketNumber(1024), opened, DANA, "opened", "outside business hours", None, NEW)
    mine = conversation(channel="desktop", widget="", opened_at=opened)
    theirs = conversation(
        Ticketed(at("09-18 17:30")), id=chat, widget="closed", opened_with=pat, opened_at=TUESDAY
    )
    answer = Message(CHAT, 1, MARCUS.author, Visibility.PUBLIC, "Good evening.", at("09-18 18:00"))
    whole = replace(file(made, opening), conversations=(theirs, mine), messages=(answer,))
    pats, danas = [due for due in explain(NORTHWIND, whole, opened).dues if due.what == PROMISE]
    assert danas.rule.startswith("it came outside the hours of the calendar desk (Monday")
    assert (danas.at, danas.done_at) == (at("09-21 08:30"), answer.at)
    assert "the calendar never" in pats.rule
    assert pats.rule.endswith("the desk's next business day")
    assert (pats.at, pats.done_at) == (at("09-18 17:30"), None)


def test_targets_of_a_type_are_named_after_it() -> None:
    config = desk(
        (SCHEDULED_ROW, f'{SCHEDULED_ROW}\ntypes.project = {{ resolve = "24h", clock = "elapsed" }}')
    )
    due = resolve_by(config, config.sla_types[TicketType.PROJECT], TUESDAY)
    project = ticket(type=TicketType.PROJECT, due_at=due)
    assert explain_due(config, file(project)) == "A solution within 24 hours (project, elapsed time)."
    [by] = [each for each in explain(config, file(project), TUESDAY).dues if each.at == due]
    assert by.rule == "sla.types.project.resolve = 24h, counted on elapsed time"
