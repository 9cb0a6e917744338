"""[channels]: the ways in, in the order in which customers see them [R8]."""

from __future__ import annotations

from collections.abc import Mapping

from chatdesk.business_hours import Calendar
from chatdesk.channels import DIRECT, LABELS
from chatdesk.settings import values
from chatdesk.settings.durations import duration
from chatdesk.settings.model import AfterHours, ChannelSettings, UnknownSender
from chatdesk.settings.table import Table
from chatdesk.ticket import Priority

SET_BY_FILE = tuple(name for name in LABELS if name != DIRECT)
"""The channels that a desk can offer its customers."""

OFFERED = ("web", "form", "email", "phone")
"""The channels of a desk whose file has no [channels]."""


def calendar_in(calendars: Mapping[str, Calendar]) -> values.Reader[Calendar]:
    """Make the reader of a calendar's name."""

    def read(value: object) -> Calendar:
        name = values.text()(value)
        if name not in calendars:
            hint = values.suggest(name, calendars)
            raise values.unusable(value, f"is not a calendar; write {values.listed(calendars)}.{hint}")
        return calendars[name]

    return read


def default_calendar(calendars: Mapping[str, Calendar]) -> Calendar:
    """Return what counts where no calendar is named: "desk" if the file has one, else "always"."""
    return calendars.get("desk", calendars["always"])


def read_channels(table: Table, calendars: Mapping[str, Calendar]) -> dict[str, ChannelSettings]:
    """Read [channels], keeping the file's order; without it those of OFFERED are."""
    channels = {
        name: _channel(name, table.table(name), calendars) for name in table.values if name in SET_BY_FILE
    }
    for name in SET_BY_FILE:
        table.take(name)
    table.finish()
    return channels or {name: _channel(name, table.table(name), calendars) for name in OFFERED}


def _channel(name: str, table: Table, calendars: Mapping[str, Calendar]) -> ChannelSettings:
    channel = ChannelSettings(
        name=name,
        names_calendar="calendar" in table,
        label=table.read("label", values.text(40), LABELS[name]),
        calendar=table.read("calendar", calendar_in(calendars), default_calendar(calendars)),
        after_hours=table.read("after_hours", values.member(AfterHours), AfterHours.TICKET),
        priority=table.read("priority", values.member(Priority), Priority.STANDARD),
        first_contact=table.read("first_contact", duration, None),
        unknown_sender=table.read("unknown_sender", values.member(UnknownSender), UnknownSender.HOLD),
        customer_sets_priority=table.read("customer_sets_priority", values.boolean, False),
    )
    if channel.first_contact is not None and channel.calendar.never_open:
        table.note(
            "first_contact", "cannot be counted on a calendar that never opens; name another calendar."
        )
    table.finish()
    return channel
