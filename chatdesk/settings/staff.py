"""[staff] and [[maintenance]]: where technicians work, and when systems are maintained [R47]."""

from __future__ import annotations

from collections.abc import Collection
from datetime import time

from chatdesk.settings import values
from chatdesk.settings.model import MaintenanceWindow, StaffChannel, StaffSettings
from chatdesk.settings.table import Table

WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")

_SLACK = values.matching(
    r"[CG][A-Z0-9]{2,20}", 'a Slack channel id; write the id, such as "C0TRIAGE", not the name'
)
_TEAMS = values.matching(
    r"19:[A-Za-z0-9_.-]+@(thread\.(tacv2|v2|skype)|unq\.gbl\.spaces)",
    'a Teams channel id; write one such as "19:abc@thread.tacv2"',
)
_WEEKS = values.unique(values.list_of(values.integer(1, 5)))


def read_staff(table: Table, companies: Collection[str]) -> StaffSettings:
    """Read [staff.slack] and [staff.teams]; a service that is left out is not used."""
    staff = StaffSettings(
        slack=_channel(table, "slack", _SLACK, "C0TRIAGE", companies),
        teams=_channel(table, "teams", _TEAMS, "19:abc@thread.tacv2", companies),
    )
    table.finish()
    return staff


def _channel(
    table: Table, service: str, reader: values.Reader[str], example: str, companies: Collection[str]
) -> StaffChannel | None:
    row = table.table(service)
    if service not in table:
        return None
    channel = row.require("channel", reader, "", f'"{example}"')
    own = row.table("companies")
    for company in own.values:
        if company not in companies:
            hint = values.suggest(company, companies)
            own.note(
                company,
                f"is not a company of [companies]; known are {values.listed(companies, 'and')}.{hint}",
            )
    by_company = {company: own.read(company, reader, channel) for company in own.values}
    row.finish()
    return StaffChannel(channel, by_company)


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
    table.finish()
    return window
