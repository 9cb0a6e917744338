"""[staff], [tiers] and [[maintenance]]: where technicians work, in which groups, and when systems rest."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time

from chatdesk.settings import addresses, values
from chatdesk.settings.model import MaintenanceWindow, StaffChannel, StaffSettings, TierSettings
from chatdesk.settings.table import Table, check_name
from chatdesk.survey import Survey

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SLACK = values.matching(
    r"[CG][A-Z0-9]{2,20}", 'a Slack channel id; write the id, such as "C0TRIAGE", not the name'
)
_TEAMS = values.matching(
    r"19:[A-Za-z0-9_.-]+@(thread\.(tacv2|v2|skype)|unq\.gbl\.spaces)",
    'a Teams channel id; write one such as "19:abc@thread.tacv2"',
)
_TECHNICIANS = values.sized(1, 500, values.unique(values.list_of(addresses.email)))
_WEEKS = values.unique(values.list_of(values.integer(1, 5)))


def read_staff(table: Table, companies: Collection[str], survey: Survey) -> StaffSettings:
    """Read [staff.slack] and [staff.teams]; a service that is left out is not used."""
    staff = StaffSettings(
        slack=_channel(table, "slack", _SLACK, "C0TRIAGE", companies, survey),
        teams=_channel(table, "teams", _TEAMS, "19:abc@thread.tacv2", companies, survey),
    )
    table.finish()
    return staff


def _channel(
    table: Table,
    service: str,
    reader: values.Reader[str],
    example: str,
    companies: Collection[str],
    survey: Survey,
) -> StaffChannel | None:
    row = table.table(service)
    if service not in table:
        return None
    channel = row.require("channel", reader, "", f'"{example}"')
    own = row.table("companies")
    for company in own.values:
        _check_company(own, company, company, companies)
    found = StaffChannel(
        channel,
        {company: own.read(company, reader, channel) for company in own.values},
        _by_answer(row.table("answers"), reader, channel, survey),
        _customers(row.table("customers"), reader, companies),
        row.read("emoji_buttons", values.boolean, False),
    )
    row.finish()
    return found


def _by_answer(
    table: Table, reader: values.Reader[str], channel: str, survey: Survey
) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for asked, answers in table.named():
        if survey.field(asked) is None:
            known = [field.id for field in survey.fields]
            table.note(asked, f"is not a field of [survey].{values.suggest(asked, known)}")
        found[asked] = {answer: answers.read(answer, reader, channel) for answer in answers.values}
    return found


def _customers(table: Table, reader: values.Reader[str], companies: Collection[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for shared in table.values:
        company = table.read(shared, values.text(), "")
        _check_company(table, shared, company, companies)
        try:
            found[reader(shared)] = company
        except values.Unusable as error:
            table.note(shared, str(error))
    return found


def _check_company(table: Table, key: str, company: str, companies: Collection[str]) -> None:
    if company not in companies:
        hint = values.suggest(company, companies)
        table.note(
            key, f"is not a company of [companies]; known are {values.listed(companies, 'and')}.{hint}"
        )


def read_tiers(table: Table, staff: StaffSettings) -> tuple[TierSettings, ...]:
    """Read [tiers]: groups of technicians, in the file's order, to whom tickets are escalated [R37].

    Their channels are in the services that ``staff`` uses.
    """
    tiers: list[TierSettings] = []
    for tier_id, row in table.named():
        check_name(table, tier_id)
        tier = TierSettings(
            id=tier_id,
            name=row.require("name", values.text(60), tier_id, '"Second line"'),
            technicians=row.require("technicians", _TECHNICIANS, (), '["priya@example.com"]'),
            slack=_of_tier(row, "slack", _SLACK, staff.slack),
            teams=_of_tier(row, "teams", _TEAMS, staff.teams),
        )
        if any(tier.name.casefold() == other.name.casefold() for other in tiers):
            row.note("name", f"{values.shown(tier.name)} is the name of another tier; give each its own.")
        row.finish()
        tiers.append(tier)
    return tuple(tiers)


def _of_tier(row: Table, service: str, reader: values.Reader[str], staff: StaffChannel | None) -> str:
    """Read a tier's channel; what is announced in it is for staff only [R38]."""
    channel = row.read(service, reader, "")
    if channel and staff is None:
        row.note(service, f"needs [staff.{service}]: set that up, or leave this out.")
    elif staff is not None and channel in staff.customers:
        shared = f"{values.shown(channel)} is shared with a client in [staff.{service}.customers]"
        row.note(service, f"{shared}; name a channel that only staff can read.")
    return channel


def read_maintenance(tables: list[Table]) -> tuple[MaintenanceWindow, ...]:
    """Read the [[maintenance]] windows."""
    return tuple(_window(table) for table in tables)


def _window(table: Table) -> MaintenanceWindow:
    midnight = time(0)
    name = table.require("name", values.text(60), "", '"Windows patching"')
    weekday = table.require("on", values.one_of(WEEKDAYS), "monday", '"wednesday"')
    weeks: tuple[int, ...] = table.read("weeks", _WEEKS, ())
    opens, closes = table.require("window", values.time_window, (midnight, midnight), '"01:00-04:00"')
    window = MaintenanceWindow(
        name=name,
        weekday=WEEKDAYS.index(weekday),
        weeks=tuple(sorted(weeks)),
        opens=opens,
        closes=closes,
        servers_until=table.read("servers_until", values.time_of_day, None),
    )
    if _servers_end_first(window):
        table.note(
            "servers_until",
            f'"{window.servers_until:%H:%M}" is within the window, which closes at "{window.closes:%H:%M}"; '
            "write that time or a later one, before the window would open again, or leave it out.",
        )
    table.finish()
    return window


def _servers_end_first(window: MaintenanceWindow) -> bool:
    """Whether the time until which servers stay in maintenance comes before the window closes."""
    if window.servers_until is None:
        return False
    opens, closes, servers = (
        at.hour * 60 + at.minute for at in (window.opens, window.closes, window.servers_until)
    )
    day = 24 * 60
    return (servers - opens) % day < (closes - opens) % day
