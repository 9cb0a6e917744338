"""When the desk owes its next step: response and resolution targets turned into due times [R40, R41]."""

from __future__ import annotations

from datetime import datetime, timedelta

from chatdesk.config import Config
from chatdesk.duration import BusinessDays
from chatdesk.ticket import Priority


def respond_by(config: Config, channel: str, priority: Priority, at: datetime) -> datetime | None:
    """Return when a person has to have answered a contact that came at ``at``; aware, UTC.

    The channel's ``first_contact`` and the priority's ``respond`` both bind: the earlier one counts.
    None when neither is configured.
    """
    settings = config.channels.get(channel)
    dues: list[datetime] = []
    if settings is not None and settings.first_contact is not None:
        dues.append(settings.calendar.add(at, settings.first_contact))
    target = config.sla.get(priority)
    if target is not None and target.respond is not None:
        dues.append(_add(config, target.clock, at, target.respond))
    return min(dues, default=None)


def resolve_by(config: Config, priority: Priority, at: datetime) -> datetime | None:
    """Return when work that came at ``at`` has to be done; aware, UTC; None when there is no target."""
    target = config.sla.get(priority)
    if target is None or target.resolve is None:
        return None
    return _add(config, target.clock, at, target.resolve)


def _add(config: Config, clock: str, at: datetime, duration: timedelta | BusinessDays) -> datetime:
    if clock == "elapsed" and isinstance(duration, timedelta):
        return at + duration
    return config.calendars["always" if clock == "elapsed" else clock].add(at, duration)
