"""`chatdesk report`: the figures of a period, for the whole desk or one client company."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from rich.text import Text

from chatdesk.bootstrap import now
from chatdesk.cli.ending import errors_shown
from chatdesk.cli.offline import Offline, run
from chatdesk.cli.showing import facts, heading, output, plain, print_json, table
from chatdesk.config import Config
from chatdesk.errors import ConfigurationError, EventRefused
from chatdesk.report import Report
from chatdesk.report_period import Period, own_period
from chatdesk.report_tables import (
    Figures,
    heading_of,
    report_csv,
    report_json,
    say_fact,
    say_figure,
    tables_of,
)
from chatdesk.report_tally import make_report
from storage.reports import TortoiseReportReads


class Format(StrEnum):
    """What a report is printed as."""

    TEXT = "text"
    CSV = "csv"
    JSON = "json"


def report(
    first: Annotated[
        str, typer.Option("--from", help="First day, as 2026-10-01; left out: that of the month of --to.")
    ] = "",
    last: Annotated[str, typer.Option("--to", help="Last day, as 2026-10-31; left out: today.")] = "",
    company: Annotated[str, typer.Option(help="Only this company's: its id in the desk's file.")] = "",
    format_: Annotated[Format, typer.Option("--format", help="What to print.")] = Format.TEXT,
) -> None:
    """Report on a period, of the last month without --from and --to: tickets, targets, chats, ratings."""
    with errors_shown():
        at = now()

        async def read(offline: Offline) -> tuple[Report, ZoneInfo]:
            config = offline.config
            period = _period(first.strip(), last.strip(), config, at)
            wanted = _company(company.strip(), config)
            reads = TortoiseReportReads(offline.database)
            return await make_report(config, reads, period, at, wanted), config.desk.timezone

        made, zone = run(read)
        match format_:
            case Format.CSV:
                typer.echo(report_csv(made, zone), nl=False)
            case Format.JSON:
                print_json(report_json(made, zone))
            case Format.TEXT:
                _print(output(), made, zone)


def _period(first: str, last: str, config: Config, at: datetime) -> Period:
    try:
        return own_period(first, last, config.desk.timezone, at)
    except EventRefused as refused:
        raise ConfigurationError(f"--{refused.field}: {refused}") from None


def _company(company: str, config: Config) -> str:
    """Return the id of a company that the desk's file has, or "". Raises ConfigurationError."""
    if not company or config.company(company) is not None:
        return company
    known = ", ".join(one.id for one in config.companies)
    fix = f"Use the id of one of [companies]: {known}." if known else "Its file has no [companies]."
    raise ConfigurationError(f"--company: this desk has no company {company!r}. {fix}")


def _print(console: Console, made: Report, zone: ZoneInfo) -> None:
    title, as_of = heading_of(made, zone)
    console.print(plain(title, "bold"), soft_wrap=True)
    console.print(plain(as_of, "dim"))
    for figures in tables_of(made):
        _print_table(console, figures)


def _print_table(console: Console, figures: Figures) -> None:
    heading(console, figures.title)
    console.print(plain(figures.counts, "dim"), soft_wrap=True)
    if figures.facts:
        console.print(
            facts([(fact.title, say_fact(fact, compared=figures.compared)) for fact in figures.facts])
        )
    if not figures.lines:
        console.print("None.")
        return
    shown = table(figures.named, *(column.title for column in figures.columns))
    for column in shown.columns[1:]:
        column.justify = "right"
    for line in figures.lines:
        said = (
            say_figure(column.kind, value) for column, value in zip(figures.columns, line.values, strict=True)
        )
        indented = Text("  " if line.within else "").append_text(plain(line.name))
        shown.add_row(indented, *said)
    console.print(shown)
