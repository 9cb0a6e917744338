"""[companies] and [widgets]: the desk's client companies, and the chat widgets on web pages [R34]."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

from chatdesk.business_hours import Calendar
from chatdesk.settings import addresses, values
from chatdesk.settings.channels import calendar_in, default_calendar
from chatdesk.settings.model import (
    ChannelSettings,
    CompanySettings,
    DeskSettings,
    SiteIdentity,
    WidgetSettings,
)
from chatdesk.settings.table import Table, check_name

OWN_WIDGET = "desk"
"""The key of the desk's own widget, which is always there."""

# fmt: off
PUBLIC_MAIL = frozenset(
    {
        "aol.com", "gmail.com", "gmx.com", "gmx.de", "gmx.net", "googlemail.com", "hotmail.com",
        "icloud.com", "live.com", "mac.com", "mail.com", "me.com", "msn.com", "outlook.com",
        "proton.me", "protonmail.com", "yahoo.com", "ymail.com", "zoho.com",
    }
)
# fmt: on
"""Mail domains that anybody can have an address at, so that none of them tells the company."""

_TENANT = values.matching(r"[0-9A-Fa-f-]{36,38}", "a directory (tenant) id; write the id, not the name")


class Surroundings(Struct, frozen=True):
    """What companies and widgets refer to and inherit from."""

    desk: DeskSettings
    calendars: Mapping[str, Calendar]
    channels: Mapping[str, ChannelSettings]

    @property
    def chat_calendar(self) -> Calendar:
        """The hours of a widget that names none: the web channel's."""
        channel = self.channels.get("web")
        return channel.calendar if channel else default_calendar(self.calendars)


def read_companies(
    table: Table, around: Surroundings
) -> tuple[tuple[CompanySettings, ...], tuple[WidgetSettings, ...]]:
    """Read [companies]: the companies, and the widgets that belong to them."""
    companies: list[CompanySettings] = []
    widgets: list[WidgetSettings] = []
    for company_id, row in table.named():
        check_name(table, company_id)
        company = _company(company_id, row, around.calendars)
        _check_domains(row, company, companies)
        _check_tenants(row, company, companies)
        _check_managers(row, company, companies)
        companies.append(company)
        key = row.read("widget", values.identifier, "")
        origins = _origins(row, around)
        if key:
            _check_key(row, "widget", key, widgets)
            widgets.append(_company_widget(key, company, origins, around))
        elif "origins" in row:
            row.note("widget", "is missing; origins are those of a widget, write its key.")
        elif company.identity:
            row.note("widget", "is missing; identity is for the visitors of a widget, write its key.")
        row.finish()
    return tuple(companies), tuple(widgets)


def read_widgets(
    table: Table, around: Surroundings, others: Sequence[WidgetSettings]
) -> tuple[WidgetSettings, ...]:
    """Read [widgets], the desk's own, by key; the widget "desk" comes first and is there in any case."""
    for key in table.values:
        check_name(table, key)
        _check_key(table, key, key, others)
    keys = dict.fromkeys((OWN_WIDGET, *table.values))
    return tuple(_own_widget(key, table.table(key), around) for key in keys)


def _company_domain(value: object) -> str:
    found = addresses.domain(value)
    if found in PUBLIC_MAIL:
        raise values.unusable(value, "is a public mail domain; its senders belong to no one company.")
    return found


def _company(company_id: str, row: Table, calendars: Mapping[str, Calendar]) -> CompanySettings:
    return CompanySettings(
        id=company_id,
        name=row.require("name", values.text(60), company_id, '"Contoso"'),
        domains=row.read("domains", values.unique(values.list_of(_company_domain)), ()),
        calendar=row.read("calendar", calendar_in(calendars), None),
        colour=row.read("colour", values.colour, ""),
        logo=row.read("logo", addresses.link("https"), ""),
        customer_sets_priority=row.read("customer_sets_priority", values.boolean, None),
        teams_tenants=row.read("teams_tenants", values.unique(values.list_of(_TENANT)), ()),
        managers=row.read("managers", values.unique(values.list_of(addresses.email)), ()),
        identity=row.read("identity", values.member(SiteIdentity), None),
    )


def _company_widget(
    key: str, company: CompanySettings, origins: tuple[str, ...], around: Surroundings
) -> WidgetSettings:
    return WidgetSettings(
        key=key,
        company=company.id,
        origins=origins,
        colour=company.colour or around.desk.colour,
        logo=company.logo or around.desk.logo,
        name=around.desk.name,
        calendar=company.calendar or around.chat_calendar,
    )


def _own_widget(key: str, row: Table, around: Surroundings) -> WidgetSettings:
    widget = WidgetSettings(
        key=key,
        company=None,
        origins=_origins(row, around),
        colour=row.read("colour", values.colour, around.desk.colour),
        logo=row.read("logo", addresses.link("https"), around.desk.logo),
        name=row.read("name", values.text(60), around.desk.name),
        calendar=row.read("calendar", calendar_in(around.calendars), around.chat_calendar),
    )
    row.finish()
    return widget


def _origins(row: Table, around: Surroundings) -> tuple[str, ...]:
    listed: tuple[str, ...] = row.read("origins", values.unique(values.list_of(addresses.origin)), ())
    own = (around.desk.public_url,) if around.desk.public_url else ()
    return tuple(dict.fromkeys((*own, *listed)))


def _check_key(table: Table, where: str, key: str, others: Sequence[WidgetSettings]) -> None:
    # A company may not take the desk's own key either: that widget would show the company's name.
    if any(key == other.key for other in others) or (key == OWN_WIDGET and where == "widget"):
        table.note(where, f"{values.shown(key)} is the key of another widget; give each its own.")


def _check_domains(row: Table, company: CompanySettings, others: Sequence[CompanySettings]) -> None:
    for domain in company.domains:
        for other in others:
            if domain in other.domains:
                row.note(
                    "domains",
                    f"{values.shown(domain)} belongs to {other.id} already; a domain tells one company.",
                )


def _check_tenants(row: Table, company: CompanySettings, others: Sequence[CompanySettings]) -> None:
    for tenant in company.teams_tenants:
        for other in others:
            if tenant in other.teams_tenants:
                row.note("teams_tenants", f"{values.shown(tenant)} belongs to {other.id} already.")


def _check_managers(row: Table, company: CompanySettings, others: Sequence[CompanySettings]) -> None:
    for manager in company.managers:
        for other in others:
            if manager in other.managers:
                row.note("managers", f"{values.shown(manager)} is a manager of {other.id} already.")
