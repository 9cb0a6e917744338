"""[desk], [queue], [tickets], [links] and [[canned]]: the desk itself and how it works."""

from __future__ import annotations

from collections.abc import Set
from datetime import timedelta
from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, available_timezones

from chatdesk.settings import addresses, values
from chatdesk.settings.durations import span
from chatdesk.settings.model import (
    CannedReply,
    DeskSettings,
    Links,
    QueueOrder,
    QueueSettings,
    TicketSettings,
)
from chatdesk.settings.table import Table

_PREFIX = values.matching(
    r"[A-Z][A-Z0-9]{0,9}", 'a ticket prefix; write 1 to 10 capital letters and digits, such as "HD"'
)
_LANGUAGE = values.matching(
    r"en(-[A-Z]{2})?", 'a language chatdesk speaks; write "en", or "en" with a country such as "en-GB"'
)


@cache
def _usual_timezones() -> Set[str]:
    """Return the names that the package of time zones lists: the system's take many files to find."""
    return frozenset(files("tzdata").joinpath("zones").read_text(encoding="utf-8").splitlines())


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def read_timezone(value: object) -> ZoneInfo:
    """Read a time zone by its name in the IANA database."""
    name = values.text()(value)
    if name not in _usual_timezones() and name not in _timezones():
        hint = values.suggest(name, _timezones())
        raise values.unusable(value, f'is not a time zone; write one such as "America/New_York".{hint}')
    return ZoneInfo(name)


def read_desk(table: Table) -> DeskSettings:
    """Read [desk]; only its name has no default."""
    desk = DeskSettings(
        name=table.require("name", values.text(60), "Help desk", '"Northwind IT"'),
        timezone=table.read("timezone", read_timezone, ZoneInfo("UTC")),
        phone=table.read("phone", values.phone, ""),
        email=table.read("email", addresses.email, ""),
        public_url=table.read("public_url", addresses.origin, ""),
        ticket_prefix=table.read("ticket_prefix", _PREFIX, "HD"),
        first_ticket=table.read("first_ticket", values.integer(1, 999_999_999), 1001),
        logo=table.read("logo", addresses.link("https"), ""),
        colour=table.read("colour", values.colour, "#1f5fbf"),
        language=table.read("language", _LANGUAGE, "en"),
    )
    table.finish()
    return desk


def read_queue(table: Table) -> QueueSettings:
    """Read [queue]."""
    wait = span(timedelta(seconds=10), timedelta(days=1))
    queue = QueueSettings(
        order=table.read("order", values.member(QueueOrder), QueueOrder.PRIORITY),
        no_answer=table.read("no_answer", wait, timedelta(minutes=3)),
    )
    table.finish()
    return queue


def read_tickets(table: Table) -> TicketSettings:
    """Read [tickets]."""
    year = timedelta(days=365)
    tickets = TicketSettings(
        auto_close=table.read("auto_close", span(timedelta(0), year), timedelta(0)),
        reopen_window=table.read("reopen_window", _window_or_always, None),
    )
    table.finish()
    return tickets


def _window_or_always(value: object) -> timedelta | None:
    return None if value == "always" else span(timedelta(0), timedelta(days=3650))(value)


def read_links(table: Table) -> Links:
    """Read [links]; every name is allowed, three of them have a place of their own [R33]."""
    reader = addresses.link("https", "http", "mailto", "tel")
    own = {name: table.read(name, reader, "") for name in ("invoices", "meeting", "remote")}
    others = {name: table.read(name, reader, "") for name in table.values if name not in own}
    return Links(**own, others=others)


def read_canned(tables: list[Table]) -> tuple[CannedReply, ...]:
    """Read the [[canned]] replies; their titles must differ."""
    replies: list[CannedReply] = []
    for table in tables:
        reply = CannedReply(
            title=table.require("title", values.text(75), "", '"Restart and try again"'),
            text=table.require("text", values.paragraphs(), "", '"Please restart the computer."'),
        )
        if reply.title and any(reply.title == other.title for other in replies):
            table.note(
                "title", f"{values.shown(reply.title)} is the title of another reply; choose a different one."
            )
        table.finish()
        replies.append(reply)
    return tuple(replies)
