"""The console's reports: a page with a period's figures, and the same figures as CSV."""

from __future__ import annotations

from urllib.parse import urlencode

from aiohttp import web
from msgspec import Struct

from adapters.web.console_pages import page
from adapters.web.file_response import disposition
from adapters.web.services import SERVICES
from adapters.web.sign_in import signed_in_or_led
from chatdesk.config import Config
from chatdesk.errors import EventRefused
from chatdesk.report import Report
from chatdesk.report_period import Period, Preset, own_period, preset_period
from chatdesk.report_reading import ReportReads
from chatdesk.report_tables import WHOLE_DESK, Figures, heading_of, report_csv, say_figure, tables_of
from chatdesk.report_tally import make_report

PATH = "/console/reports"
CSV_PATH = "/console/reports.csv"
_READS: web.AppKey[ReportReads] = web.AppKey("report_reads")
_BYTE_ORDER_MARK = "\ufeff"
"""Without it Excel takes UTF-8 for an older encoding."""


class _Asked(Struct, frozen=True):
    """What a report is asked of: a period, by a preset's name or "", and a company's id, "" for all."""

    period: Period
    preset: str
    company: str


class _Shown(Struct, frozen=True):
    """A line as the page shows it: each figure in words, and how long its bar is, in per cent."""

    name: str
    figures: tuple[str, ...]
    within: bool
    bar: float


def add_routes(application: web.Application, reads: ReportReads) -> None:
    """Add the page and the file."""
    application[_READS] = reads
    _ = application.router.add_get(PATH, show)
    _ = application.router.add_get(CSV_PATH, download)


async def show(request: web.Request) -> web.Response:
    """Show the report that the address asks for, of the last month where it names no period."""
    _ = await signed_in_or_led(request)
    try:
        asked = _asked(request)
    except EventRefused as refused:
        return _refused(request, refused)
    made = await _make(request, asked)
    title, as_of = heading_of(made, request.app[SERVICES].config.desk.timezone)
    tables = [(table, _lines(table), _facts(table)) for table in tables_of(made)]
    period = asked.period
    return page(
        request,
        "report.html",
        title=title,
        as_of=as_of,
        tables=tables,
        empty=made.is_empty,
        csv=f"{CSV_PATH}?{_query(period.first.isoformat(), period.last.isoformat(), asked.company)}",
        problem="",
        wrong="",
        **_choices(request, period.first.isoformat(), period.last.isoformat(), asked),
    )


async def download(request: web.Request) -> web.Response:
    """Hand out the report that the address asks for as CSV."""
    _ = await signed_in_or_led(request, str(request.rel_url.with_path(PATH, keep_query=True)))
    try:
        asked = _asked(request)
    except EventRefused as refused:
        raise web.HTTPBadRequest(text=str(refused)) from None
    made = await _make(request, asked)
    text = report_csv(made, request.app[SERVICES].config.desk.timezone)
    whose = f"-{asked.company}" if asked.company else ""
    headers = {
        "Content-Disposition": disposition(f"report{whose}-{asked.period.first}-to-{asked.period.last}.csv"),
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    return web.Response(text=_BYTE_ORDER_MARK + text, content_type="text/csv", headers=headers)


async def _make(request: web.Request, asked: _Asked) -> Report:
    services = request.app[SERVICES]
    return await make_report(
        services.config, request.app[_READS], asked.period, services.clock(), asked.company
    )


def _asked(request: web.Request) -> _Asked:
    """Read the address. Raises EventRefused for what is no period, or a company that the desk has not."""
    services, query = request.app[SERVICES], request.query
    zone, now = services.config.desk.timezone, services.clock()
    company = query.get("company", "")
    if company and services.config.company(company) is None:
        raise EventRefused("Choose a company of the list.", code="company", field="company")
    preset = query.get("period", "")
    if preset in Preset.__members__.values():
        return _Asked(preset_period(Preset(preset), zone, now), preset, company)
    first, last = query.get("from", "").strip(), query.get("to", "").strip()
    preset = "" if first or last else Preset.LAST_MONTH.value
    return _Asked(own_period(first, last, zone, now), preset, company)


def _refused(request: web.Request, refused: EventRefused) -> web.Response:
    """Show the form again with what was asked for, and what is wrong with it."""
    first, last = (request.query.get(name, "")[:20] for name in ("from", "to"))
    shown = page(
        request,
        "report.html",
        title="Reports",
        as_of="",
        tables=[],
        empty=True,
        csv="",
        problem=str(refused),
        wrong=refused.field or "",
        **_choices(request, first, last, None),
    )
    shown.set_status(400)
    return shown


def _choices(request: web.Request, first: str, last: str, asked: _Asked | None) -> dict[str, object]:
    """Return what the page's form and its links offer, with what is chosen."""
    config: Config = request.app[SERVICES].config
    company = asked.company if asked else ""
    presets = [
        (
            preset.label,
            f"{PATH}?{_query(period=preset.value, company=company)}",
            bool(asked and preset.value == asked.preset),
        )
        for preset in Preset
    ]
    return {
        "presets": presets,
        "companies": [("", WHOLE_DESK), *((one.id, one.name) for one in config.companies)],
        "company": company,
        "first": first,
        "last": last,
    }


def _query(first: str = "", last: str = "", company: str = "", period: str = "") -> str:
    given = {"period": period, "from": first, "to": last, "company": company}
    return urlencode({name: value for name, value in given.items() if value})


def _lines(table: Figures) -> list[_Shown]:
    """Return a table's lines; the bar stands for the first figure."""
    shown: list[_Shown] = []
    for line in table.lines:
        figures = tuple(
            say_figure(column.kind, value) for column, value in zip(table.columns, line.values, strict=True)
        )
        first = line.values[0]
        bar = 100 * first / table.of if table.of and isinstance(first, int) else 0.0
        shown.append(_Shown(line.name, figures, line.within, round(bar, 1)))
    return shown


def _facts(table: Figures) -> list[tuple[str, str, str]]:
    """Return each fact's title, what it is and what it was before, "" where that is not told."""
    return [
        (
            fact.title,
            say_figure(fact.kind, fact.value),
            say_figure(fact.kind, fact.before) if table.compared else "",
        )
        for fact in table.facts
    ]
