"""Why a ticket stands where it stands: its steps, how long each lasted, and the rule of each due time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import pairwise

from chatdesk.business_hours import Calendar
from chatdesk.changes import OPENED, OUTSIDE_HOURS, HistoryEntry
from chatdesk.config import Config
from chatdesk.counted_time import counted_time
from chatdesk.customer_promises import promises_of
from chatdesk.duration import BusinessDays, Duration
from chatdesk.reading import TicketFile
from chatdesk.sla import Promise, resolve_by, respond_by, target_of
from chatdesk.ticket import Ticket, TicketStatus
from chatdesk.wording import describe_hours, say_length

ANSWER, SOLUTION = "A first answer", "A solution"
PROMISE = "We promised the customer that we would be in touch by then"
MOVED = "moved on by time that did not count"


@dataclass(frozen=True, slots=True)
class Step:
    """An entry of the history; ``lasted`` is how long the state it led to held, None if it led to none."""

    entry: HistoryEntry
    lasted: timedelta | None

    @property
    def status(self) -> TicketStatus | None:
        """The state it led to, if it moved the ticket."""
        return self.entry.after if self.lasted is not None else None


@dataclass(frozen=True, slots=True)
class Due:
    """One time by which something was owed, the rule it follows, and when it was done (None: not yet).

    ``binding`` is False for a target that another, earlier one replaces. ``words`` say the rule in plain
    words, without a full stop.
    """

    what: str
    at: datetime
    rule: str
    done_at: datetime | None
    binding: bool = True
    words: str = ""

    def is_met(self, now: datetime) -> bool | None:
        """Tell whether it was kept; None while that is still open at ``now``."""
        if self.done_at is not None:
            return self.done_at <= self.at
        return None if now <= self.at else False


@dataclass(frozen=True, slots=True)
class Explanation:
    """A ticket's life."""

    steps: tuple[Step, ...]
    dues: tuple[Due, ...]


def explain(config: Config, file: TicketFile, now: datetime) -> Explanation:
    """Explain the ticket as of ``now`` (aware), by the present configuration [R41, R44]."""
    return Explanation(tuple(_steps(file, now)), tuple(_dues(config, file)))


def explain_due(config: Config, file: TicketFile) -> str:
    """Say in one plain sentence why the ticket is due when it is: a promise or a target [R25, R27, R41].

    Says that the clock stands still for a paused ticket [R44], and nothing ("") for one that is not due.
    """
    ticket = file.ticket
    if ticket.is_paused:
        return "The clock stands still while the ticket waits."
    if ticket.running_due_at is None:
        return ""
    followed = _followed(config, file)
    if followed is not None:
        return f"{followed.words}."
    target = next(_owed(_targets(config, ticket)), None)
    return f"{target.words}, {MOVED}." if target is not None else f"{MOVED.capitalize()}."


def _steps(file: TicketFile, now: datetime) -> list[Step]:
    moves = [entry for entry in file.history if entry.after is not None and entry.after is not entry.before]
    ends = {id(entry): following.at for entry, following in pairwise(moves)}
    if moves and file.ticket.is_active:
        ends[id(moves[-1])] = now
    known = {id(entry) for entry in moves}
    steps: list[Step] = []
    for entry in file.history:
        end = ends.get(id(entry), entry.at)
        steps.append(Step(entry, end - entry.at if id(entry) in known else None))
    return steps


def _dues(config: Config, file: TicketFile) -> list[Due]:
    dues = [*_targets(config, file.ticket), *_promised(config, file)]
    moved = _moved(config, file)
    return [*dues, moved] if moved is not None else dues


def _targets(config: Config, ticket: Ticket) -> list[Due]:
    return _response(config, ticket) + _resolution(config, ticket)


def _owed(dues: Iterable[Due]) -> Iterator[Due]:
    return (due for due in dues if due.binding and due.done_at is None)


def _followed(config: Config, file: TicketFile) -> Due | None:
    """Return what gives the ticket its present due time: a promise, else a target."""
    dues = _owed([*_promised(config, file), *_targets(config, file.ticket)])
    return next((due for due in dues if due.at == file.ticket.due_at), None)


def _response(config: Config, ticket: Ticket) -> list[Due]:
    """The channel's own target and the ticket's; the earlier one binds."""
    binding = respond_by(config, ticket.channel, target_of(config, ticket), ticket.opened_at)
    found = (_response_by_channel(config, ticket), _response_by_target(config, ticket))
    return [replace(due, binding=due.at == binding) for due in found if due is not None]


def _response_by_channel(config: Config, ticket: Ticket) -> Due | None:
    channel = config.channels.get(ticket.channel)
    if channel is None or channel.first_contact is None:
        return None
    calendar = channel.calendar
    due = calendar.add(ticket.opened_at, channel.first_contact)
    setting = f"channels.{channel.name}.first_contact = {write_duration(channel.first_contact)}"
    rule = f"{setting}, counted on {_hours(calendar, ticket.opened_at)}"
    words = _within(ANSWER, channel.first_contact, channel.label or channel.name, calendar.name)
    return Due("first response", due, rule, ticket.first_response_at, words=words)


def _response_by_target(config: Config, ticket: Ticket) -> Due | None:
    target = target_of(config, ticket)
    # A channel that the desk does not have brings no target of its own.
    due = respond_by(config, "", target, ticket.opened_at)
    if target is None or target.respond is None or due is None:
        return None
    rule = _sla_rule(config, ticket, "respond", target.respond, target.clock)
    words = _within(ANSWER, target.respond, _by(config, ticket), target.clock)
    return Due("first response", due, rule, ticket.first_response_at, words=words)


def _resolution(config: Config, ticket: Ticket) -> list[Due]:
    target = target_of(config, ticket)
    due = resolve_by(config, target, ticket.opened_at)
    if target is None or target.resolve is None or due is None:
        return []
    rule = _sla_rule(config, ticket, "resolve", target.resolve, target.clock)
    words = _within(SOLUTION, target.resolve, _by(config, ticket), target.clock)
    return [Due("resolution", due, rule, ticket.resolved_at, words=words)]


def _promised(config: Config, file: TicketFile) -> list[Due]:
    """What each of the ticket's people was promised last [R20, R25, R27]."""
    begun_at = counted_time(file.ticket, file.history, file.ticket.changed_at).begun_at
    promises = promises_of(file.ticket, file.conversations, file.history, file.messages, begun_at)
    return [_promise(config, file, each) for each in promises]


def _promise(config: Config, file: TicketFile, promise: Promise) -> Due:
    rule = _promise_rule(config, file, promise)
    return Due("promise to the customer", promise.by, rule, promise.kept_at, words=PROMISE)


def _promise_rule(config: Config, file: TicketFile, promise: Promise) -> str:
    """Return why it was made: by the hours of the conversation in which it was told, or nobody came [R45]."""
    chat = next(one for one in file.conversations if one.id == promise.conversation)
    calendar = config.hours_of(chat.channel, chat.widget, chat.company_id or None)
    opened = next((entry for entry in file.history if entry.what == OPENED), None)
    outside = opened is not None and opened.why == OUTSIDE_HOURS and opened.at == promise.made_at
    if not outside and calendar.is_open(promise.made_at):
        return f"nobody took the chat within queue.no_answer = {write_duration(config.queue.no_answer)}"
    following = "the desk's next business day" if calendar.never_open else "its next opening"
    return f"it came outside the hours of {_hours(calendar, promise.made_at)}; {following}"


def _moved(config: Config, file: TicketFile) -> Due | None:
    """The due time as it stands now, where pauses or a change have moved it away from the targets."""
    ticket = file.ticket
    if ticket.due_at is None or not ticket.is_active or _followed(config, file) is not None:
        return None
    why = "the clock stands still while it waits" if ticket.is_paused else MOVED
    return Due("next step, as it stands", ticket.due_at, f"{why} (waiting, or before it was re-opened)", None)


def _sla_rule(config: Config, ticket: Ticket, target: str, duration: Duration, clock: str) -> str:
    counted = "elapsed time" if clock == "elapsed" else _hours(config.calendars[clock], ticket.opened_at)
    by_type = ticket.type in config.sla_types
    row = f"types.{ticket.type.name.lower()}" if by_type else ticket.priority.value
    return f"sla.{row}.{target} = {write_duration(duration)}, counted on {counted}"


def _within(what: str, duration: Duration, by: str, clock: str) -> str:
    counted = {"always": "around the clock", "elapsed": "elapsed time"}.get(clock, f"{clock} hours")
    return f"{what} within {say_length(duration)} ({by}, {counted})"


def _by(config: Config, ticket: Ticket) -> str:
    return ticket.type.value if ticket.type in config.sla_types else f"{ticket.priority.value} priority"


def _hours(calendar: Calendar, at: datetime) -> str:
    return f"the calendar {calendar.name} ({describe_hours(calendar, at)})"


def write_duration(duration: Duration) -> str:
    """Write a duration as the desk's file does: "15m", "4h", "5bd"."""
    if isinstance(duration, BusinessDays):
        return f"{duration.days}bd"
    minutes, seconds = divmod(round(duration.total_seconds()), 60)
    if seconds:
        return f"{minutes * 60 + seconds}s"
    return f"{minutes // 60}h" if minutes and minutes % 60 == 0 else f"{minutes}m"
