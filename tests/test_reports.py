"""storage.reports and chatdesk.report_tally: lives as the desk's dialogues write them, on both databases.

September 2026 is reported on; the desk's days are New York's.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from pathlib import Path

import pytest

from chatdesk.report import Chats, Group, Report, Technician, Times, Volumes
from chatdesk.report_period import Period, period_of
from chatdesk.report_tally import CUSTOMERS, make_report, times_of
from storage import reports
from storage.database import Database
from storage.reports import TortoiseReportReads
from tests.core_builders import url
from tests.desk_builders import MARCUS, NEW_YORK, NORTHWIND, PRIYA, at
from tests.report_lives import Lives, lives

NOW = at("10-05 12:00")
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Lives]:
    async with lives(database) as living:
        yield living


def september(last: int = 30, now: datetime = NOW) -> Period:
    return period_of(date(2026, 9, 1), date(2026, 9, last), NEW_YORK, now)


async def report(
    database: Database, period: Period | None = None, company: str = "", now: datetime = NOW
) -> Report:
    return await make_report(NORTHWIND, TortoiseReportReads(database), period or september(), now, company)


async def test_a_desk_without_tickets_has_a_report_of_nothing(database: Database) -> None:
    found = await report(database)
    assert found.volumes == Volumes(0, 0, 0, 0, 0, 0)
    assert (found.answers.share, found.answers.times) == (None, Times())
    assert (found.channels, found.companies, found.technicians) == ((), (), ())
    assert (found.ratings.count, found.ratings.average) == (0, None)


async def test_what_happened_in_a_period_is_counted_on_the_day_on_which_it_happened(
    database: Database, desk: Lives
) -> None:
    before = await desk.asked(at("08-31 23:59"))
    first = await desk.asked(at("09-01 00:00"))
    again = await desk.asked(at("09-03 10:00"))
    cancelled = await desk.called(at("09-04 10:00"))
    duplicate = await desk.called(at("09-04 11:00"))
    last = await desk.called(at("09-30 23:59"))
    after = await desk.called(at("10-01 00:00"))
    await desk.resolved(again, at("09-03 11:00"))
    await desk.wrote(again, at("09-05 09:00"))
    await desk.resolved(again, at("09-06 09:00"))
    await desk.cancelled(cancelled, at("09-04 10:05"))
    await desk.merged(duplicate, first, at("09-05 11:00"))
    await desk.resolved(before, at("09-30 23:59"))
    await desk.resolved(last, at("10-01 00:00"))
    await desk.resolved(after, at("10-02 10:00"))

    found = await report(database)
    assert found.volumes == Volumes(opened=5, resolved=3, reopened=1, cancelled=1, merged=1, open_at_end=2)


async def test_what_was_open_at_the_end_follows_from_what_happened_since(
    database: Database, desk: Lives
) -> None:
    """Of each ticket the first thing counts that happened to it after the period."""
    open_still, open_then, closed_then, reopened = [await desk.asked(at(f"09-01 1{n}:00")) for n in range(4)]
    del open_still
    await desk.resolved(closed_then, at("09-02 10:00"))
    await desk.resolved(reopened, at("09-02 11:00"))
    await desk.resolved(open_then, at("09-20 10:00"))
    await desk.wrote(open_then, at("09-21 10:00"))
    await desk.wrote(reopened, at("09-22 10:00"))
    _ = await desk.called(at("09-23 10:00"))

    counted = {
        day: (await report(database, september(day))).volumes.open_at_end for day in (1, 2, 20, 22, 30)
    }
    assert counted == {1: 4, 2: 2, 20: 1, 22: 3, 30: 4}


async def test_answers_and_solutions_are_told_with_who_gave_them(database: Database, desk: Lives) -> None:
    quick, slow, taken_over, unanswered, solved = [await desk.asked(at(f"09-15 1{n}:00")) for n in range(5)]
    del unanswered
    logged = await desk.called(at("09-15 09:00"))
    for number in (quick, slow, taken_over):
        await desk.taken(number, at("09-15 14:30"))
    await desk.answered(quick, at("09-15 14:31"), PRIYA)
    await desk.answered(slow, at("09-15 16:30"))
    await desk.resolved(slow, at("09-17 11:00"))
    await desk.resolved(taken_over, at("09-15 15:00"), PRIYA)
    await desk.resolved(quick, at("09-15 16:00"))
    await desk.ended(solved, at("09-15 14:40"), solved=True)
    await desk.resolved(logged, at("09-15 09:30"))

    found = await report(database)
    answers, solutions = found.answers, found.solutions
    assert (answers.met, answers.missed, answers.missed_open) == (1, 3, 1)
    assert (answers.over, answers.at_once, answers.open, answers.no_target) == (1, 1, 0, 0)
    assert answers.share == 0.25
    assert answers.times == Times(3, 4 * HOUR + 31 * MINUTE, 5 * HOUR + 30 * MINUTE)
    assert (solutions.met, solutions.missed, solutions.missed_open) == (4, 2, 1)
    assert solutions.times.count == 5
    assert found.technicians == (
        Technician(MARCUS.id, "Marcus", 1, 3),
        Technician(PRIYA.id, "Priya", 2, 1),
        Technician("", CUSTOMERS, 0, 1),
    )


async def test_a_ticket_that_waited_is_solved_in_time_by_its_own_clock(
    database: Database, desk: Lives
) -> None:
    number = await desk.called(at("09-15 09:00"))
    await desk.taken(number, at("09-15 09:00"))
    await desk.answered(number, at("09-15 10:00"))
    await desk.waits_for_vendor(number, at("09-15 11:00"), at("09-16 10:00"))
    await desk.resolved(number, at("09-16 16:00"))
    assert (await report(database)).solutions.share == 1


async def test_live_chats_are_told_by_how_waiting_ended(database: Database, desk: Lives) -> None:
    taken, late, given_up, left, waiting, solved = [await desk.opened(at(f"09-15 1{n}:00")) for n in range(6)]
    after_hours = await desk.opened(at("09-19 12:00"))
    by_form = await desk.asked(at("09-15 16:00"))
    without_chat = await desk.opened(at("09-15 16:00"), live=False)
    del waiting, after_hours, by_form, without_chat
    await desk.taken(taken, at("09-15 10:00") + 2 * MINUTE)
    await desk.nobody_came(late, at("09-15 11:00"))
    await desk.taken(late, at("09-15 11:09"))
    await desk.nobody_came(given_up, at("09-15 12:00"))
    await desk.left(left, at("09-15 13:01"))
    await desk.ended(solved, at("09-15 15:01"), solved=True)

    found = await report(database)
    assert found.chats == Chats(
        begun=6,
        joined=1,
        nobody_came=2,
        joined_late=1,
        left=1,
        waiting=1,
        otherwise=1,
        times=Times(1, 2 * MINUTE, 2 * MINUTE),
    )
    assert found.after_hours == 1


async def test_who_came_back_to_a_chat_has_begun_no_other(database: Database, desk: Lives) -> None:
    number = await desk.opened(at("09-15 10:00"))
    await desk.taken(number, at("09-15 10:01"))
    await desk.ended(number, at("09-15 10:30"))
    await desk.wrote(number, at("09-15 11:00"))
    found = await report(database)
    assert (found.chats.begun, found.chats.joined, found.chats.waiting) == (1, 1, 0)


async def test_a_ticket_belongs_to_the_company_of_its_widget_or_domain_else_to_the_one_that_was_typed(
    database: Database, desk: Lives
) -> None:
    _ = await desk.opened(at("09-15 10:00"), widget="contoso", company="The Contoso people")
    _ = await desk.opened(at("09-15 11:00"), company=" contoso ")
    _ = await desk.mailed(at("09-15 12:00"), "lee@contoso.example")
    _ = await desk.opened(at("09-15 13:00"), company="Fabrikam")
    rated = await desk.opened(at("09-15 14:00"), company="Fabrikam  ", widget="desk")
    await desk.taken(rated, at("09-15 14:01"))
    await desk.resolved(rated, at("09-15 14:30"))
    await desk.rated(rated, at("09-15 14:31"), 4)

    whole, contoso = await report(database), await report(database, company="contoso")
    assert [(group.key, group.name, group.opened) for group in whole.companies] == [
        ("contoso", "Contoso", 3),
        ("typed:fabrikam", "Fabrikam", 2),
    ]
    assert (contoso.company, contoso.volumes.opened, contoso.volumes.open_at_end) == ("Contoso", 3, 3)
    assert (contoso.volumes.resolved, contoso.ratings.count) == (0, 0)
    assert [(group.key, group.opened) for group in contoso.companies] == [("contoso", 3)]
    assert (whole.volumes.resolved, whole.ratings.count) == (1, 1)
    assert whole.volumes.open_at_end == 4


async def test_a_merged_ticket_stays_its_own_companys_and_channels(database: Database, desk: Lives) -> None:
    into = await desk.opened(at("09-15 10:00"), company="Contoso")
    chat = await desk.opened(at("09-15 11:00"), widget="contoso")
    await desk.taken(chat, at("09-15 11:01"))
    await desk.answered(chat, at("09-15 11:02"))
    await desk.merged(chat, into, at("09-15 11:10"))
    found = await report(database, company="contoso")
    assert (found.volumes.opened, found.volumes.merged) == (2, 1)
    assert (found.chats.begun, found.chats.joined) == (2, 1)
    assert found.technicians == (Technician(MARCUS.id, "Marcus", 1, 0),)


async def test_groups_come_in_the_order_in_which_they_are_read(database: Database, desk: Lives) -> None:
    for hour in ("10:00", "11:00"):
        _ = await desk.called(at(f"09-15 {hour}"))
    _ = await desk.opened(at("09-15 12:00"), impact="Everyone", urgency="No")
    found = await report(database)
    assert [(group.name, group.opened) for group in found.channels] == [("Phone", 2), ("Live chat", 1)]
    assert [(group.name, group.opened) for group in found.priorities] == [("Critical", 1), ("Standard", 2)]
    assert found.types == (Group("incident", "Incident", 3, 0.0, 0.0),)


async def test_of_several_ratings_of_a_chat_the_last_one_counts_and_only_those_of_the_period(
    database: Database, desk: Lives
) -> None:
    one, other, early = [await desk.opened(at(f"08-31 1{n}:00")) for n in range(3)]
    for number in (one, other, early):
        await desk.taken(number, at("08-31 13:00"))
        await desk.resolved(number, at("08-31 14:00"))
    await desk.rated(early, at("08-31 23:59"), 1)
    await desk.rated(one, at("09-01 00:00"), 2)
    await desk.rated(one, at("09-01 10:00"), 5)
    await desk.rated(other, at("09-30 23:59"), 4)
    await desk.rated(early, at("10-01 00:00"), 3)
    found = (await report(database)).ratings
    assert (found.scores, found.count, found.average) == ((0, 0, 0, 1, 1), 2, 4.5)


async def test_pages_leave_nothing_out_and_have_nothing_twice(
    database: Database, desk: Lives, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where many things happened in the same moment."""
    for name in ("_TICKETS", "_MOVES", "_LATER", "_OPEN_DATED", "_OPEN_UNDATED", "_RATINGS"):
        query = getattr(reports, name)
        shorter = re.sub(r"LIMIT \d\d+", "LIMIT 2", query)
        assert shorter != query
        monkeypatch.setattr(reports, name, shorter)
    numbers = [await desk.opened(at("09-15 10:00")) for _ in range(7)]
    for number in numbers[:5]:
        await desk.taken(number, at("09-15 10:01"))
        await desk.resolved(number, at("09-15 10:30"))
        await desk.rated(number, at("09-15 10:31"), 5)
    await database.writer.execute_query(f"UPDATE ticket SET due_at = NULL WHERE number > {numbers[4]}")
    for _ in range(5):
        await desk.resolved(await desk.called(at("10-01 10:00")), at("10-02 10:00"))
    await desk.resolved(numbers[5], at("10-02 10:00"))
    found = await report(database)
    assert found.volumes == Volumes(7, 5, 0, 0, 0, 2)
    assert (found.chats.joined, found.ratings.count) == (5, 5)


async def test_a_row_that_cannot_be_read_is_left_out_and_keeps_nothing_else_from_the_report(
    database: Database, desk: Lives
) -> None:
    spoilt = await desk.called(at("09-15 10:00"))
    _ = await desk.called(at("09-15 11:00"))
    await database.writer.execute_query(f"UPDATE ticket SET priority = 'whenever' WHERE number = {spoilt}")
    assert (await report(database)).volumes.opened == 1


@pytest.mark.sqlite("its plans; PostgreSQL reads tables as small as these whole")
async def test_a_period_is_read_along_indexes_of_time(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "sqlite")) as database:
        for query, index in (
            (reports._TICKETS, "ticket_by_opening ((opened_at,number)>(?,?) AND opened_at<?)"),
            (reports._MOVES, "history_of_ends (at>"),
            (reports._LATER, "history_of_ends (at>"),
            (reports._RATINGS, "rating_by_time (at>"),
            (reports._OPEN_DATED, "idx_ticket_active"),
            (reports._OPEN_UNDATED, "idx_ticket_active"),
        ):
            asked = query.replace("?", "1")
            plan = [step["detail"] for step in await database.select(f"EXPLAIN QUERY PLAN {asked}")]
            assert any(index in step for step in plan), (query, plan)
            # What it scans is a page that it has just read.
            assert {step for step in plan if step.startswith("SCAN")} <= {"SCAN h", "SCAN page"}, plan


@pytest.mark.parametrize(
    ("minutes", "found"),
    [
        ([], Times()),
        ([7], Times(1, 7 * MINUTE, 7 * MINUTE)),
        ([9, 1], Times(2, 5 * MINUTE, 9 * MINUTE)),
        ([*range(1, 11)], Times(10, 5.5 * MINUTE, 9 * MINUTE)),
        ([*range(1, 12)], Times(11, 6 * MINUTE, 10 * MINUTE)),
    ],
)
def test_times_are_told_by_the_middle_one_and_the_one_that_nine_of_ten_did_not_pass(
    minutes: list[int], found: Times
) -> None:
    assert times_of([each * MINUTE for each in minutes]) == found
