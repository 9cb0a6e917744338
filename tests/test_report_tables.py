"""chatdesk.report_tables: what people, programs and spreadsheets read of a report."""

from __future__ import annotations

import csv
import io
import json
from datetime import date, timedelta

import pytest
from msgspec.structs import replace

from chatdesk.report import Group, Report
from chatdesk.report_judging import Verdict
from chatdesk.report_period import period_of
from chatdesk.report_reading import From, OpenedTicket
from chatdesk.report_tables import (
    Kind,
    Value,
    heading_of,
    report_csv,
    report_json,
    say_days,
    say_figure,
    spreadsheet_safe,
    tables_of,
)
from chatdesk.report_tally import Tally
from tests.desk_builders import NEW_YORK, NORTHWIND, TUESDAY, at, ticket

NOW = at("10-05 12:00")
EVIL = '=HYPERLINK("https://evil.example")'


def made(*companies: str, company: str = "") -> Report:
    """Return a report on September with a ticket of each company, answered after two hours."""
    tally = Tally(NORTHWIND, period_of(date(2026, 9, 1), date(2026, 9, 30), NEW_YORK, NOW), NOW, company)
    answered = ticket(first_response_at=TUESDAY + timedelta(hours=2), due_at=TUESDAY)
    tally.add_opened([OpenedTicket(answered, From("", name)) for name in companies])
    return tally.report()


def compared(report: Report) -> Report:
    earlier = replace(made("Contoso"), period=report.period.before(NEW_YORK))
    return replace(report, earlier=earlier)


@pytest.mark.parametrize(
    ("kind", "value", "said"),
    [
        (Kind.COUNT, 0, "0"),
        (Kind.COUNT, 1204, "1204"),
        (Kind.SHARE, 0.816, "82 %"),
        (Kind.SHARE, 0.9999, "99 %"),
        (Kind.SHARE, 0.0001, "1 %"),
        (Kind.SHARE, 1.0, "100 %"),
        (Kind.SHARE, 0.0, "0 %"),
        (Kind.SCORE, 4.25, "4.2"),
        (Kind.TIME, timedelta(minutes=75), "1 h 15 min"),
        (Kind.TIME, timedelta(0), "0 s"),
        (Kind.SHARE, None, "\N{EN DASH}"),
        (Kind.TIME, None, "\N{EN DASH}"),
    ],
)
def test_a_figure_is_said_as_people_read_it(kind: Kind, value: Value, said: str) -> None:
    assert say_figure(kind, value) == said


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("Contoso", "Contoso"),
        (EVIL, f"'{EVIL}"),
        ("+1 555 0100", "'+1 555 0100"),
        ("-2+3", "'-2+3"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1+1", "'=1+1"),
        ("\t=1+1", "'=1+1"),
        ("\r\n=1+1", "'=1+1"),
        ("\u200b=1+1", "'\u200b=1+1"),
        ("\uff1d1+1", "'\uff1d1+1"),
        ("A = B", "A = B"),
        ("Two\nlines", "Two lines"),
    ],
)
def test_no_text_from_outside_is_run_as_a_formula(text: str, written: str) -> None:
    assert spreadsheet_safe(text) == written


def test_csv_has_a_figure_a_line_with_its_unit() -> None:
    rows = list(csv.reader(io.StringIO(report_csv(made("Contoso", EVIL), NEW_YORK))))
    assert rows[0] == ["Table", "Name", "Figure", "Value", "Unit"]
    assert {len(row) for row in rows} == {5}
    for row in (
        ["Report", "From", "First day", "2026-09-01", "day"],
        ["Tickets", "Opened", "Tickets", "2", ""],
        ["First answer", "In time", "Share", "100.0", "%"],
        ["First answer", "Median time", "Time", "120.0", "minutes"],
        ["Ratings", "Average of 5", "Score", "", "of 5"],
        ["By company", f"'{EVIL}", "Opened", "1", ""],
    ):
        assert row in rows
    assert not [cell for row in rows for cell in row if cell.startswith(("=", "+", "-", "@"))]


def test_every_ticket_stands_in_one_line_of_each_table_against_targets() -> None:
    tables = {table.key: table for table in tables_of(made("Contoso", "Fabrikam"))}
    for key in ("answers", "solutions"):
        counted = [line.values[0] for line in tables[key].lines if not line.within]
        assert sum(count for count in counted if isinstance(count, int)) == 2
    assert len(Verdict) == len([line for line in tables["answers"].lines if not line.within])


def test_tables_with_one_column_have_the_days_before_beside_it() -> None:
    report = compared(made("Contoso", "Fabrikam"))
    tables = {table.key: table for table in tables_of(report)}
    assert [column.title for column in tables["tickets"].columns] == ["Tickets", "Before"]
    assert tables["tickets"].lines[0].values == (2, 1)
    assert (tables["answers"].facts[0].value, tables["answers"].facts[0].before) == (1.0, 1.0)
    assert tables["companies"].columns[0].title == "Opened"
    assert not tables["companies"].compared
    assert "Before" not in str(tables_of(made("Contoso")))


def test_the_heading_says_whose_days_they_are_as_of_when_and_with_what_they_are_compared() -> None:
    report = compared(made("Contoso"))
    assert heading_of(report, NEW_YORK) == (
        "All companies: September 1 to 30, 2026",
        "As of Monday, October 5, 2026, 12:00 PM EDT. Before: August 1 to 31, 2026.",
    )
    title, told = heading_of(made("Contoso", company="contoso"), NEW_YORK)
    assert (title, "Before" in told) == ("Contoso: September 1 to 30, 2026", False)


@pytest.mark.parametrize(
    ("first", "last", "said", "before"),
    [
        ("2026-09-01", "2026-09-30", "September 1 to 30, 2026", "August 1 to 31, 2026"),
        ("2026-01-01", "2026-03-31", "January 1 to March 31, 2026", "October 1 to December 31, 2025"),
        ("2026-09-07", "2026-09-13", "September 7 to 13, 2026", "August 31 to September 6, 2026"),
        ("2026-09-15", "2026-09-15", "September 15, 2026", "September 14, 2026"),
        ("2025-12-30", "2026-01-02", "December 30, 2025 to January 2, 2026", "December 26 to 29, 2025"),
    ],
)
def test_whole_months_are_compared_with_months_and_other_days_with_as_many(
    first: str, last: str, said: str, before: str
) -> None:
    period = period_of(date.fromisoformat(first), date.fromisoformat(last), NEW_YORK, NOW)
    assert (say_days(period), say_days(period.before(NEW_YORK))) == (said, before)


def test_json_has_times_in_seconds_and_shares_of_one() -> None:
    found = json.loads(json.dumps(report_json(compared(made("Contoso")), NEW_YORK)))
    assert (found["from"], found["to"], found["company"]) == ("2026-09-01", "2026-09-30", None)
    assert found["before"] == {"from": "2026-08-01", "to": "2026-08-31"}
    facts = {fact["key"]: fact for fact in found["answers"]["facts"]}
    assert (facts["share"]["value"], facts["median"]["value"]) == (1.0, 7200.0)
    assert found["companies"]["lines"] == [
        {"key": "contoso", "name": "Contoso", "opened": 1, "answers": 1.0, "solutions": 0.0}
    ]


def test_a_group_in_which_nothing_was_owed_has_no_share() -> None:
    report = replace(made(), companies=(Group("", "Contoso", 1, None, None),))
    assert "By company,Contoso,Answered in time,,%" in report_csv(report, NEW_YORK)
