"""[sla] and [priority]: how soon, and how a priority is proposed [R40], [R41]."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from chatdesk.business_hours import Calendar
from chatdesk.duration import BusinessDays, Duration
from chatdesk.settings import values
from chatdesk.settings.channels import default_calendar
from chatdesk.settings.durations import duration, span
from chatdesk.settings.model import PriorityMatrix, SlaTarget
from chatdesk.settings.table import Table
from chatdesk.survey import FieldType, Survey, SurveyField
from chatdesk.ticket import Priority, TicketType

ELAPSED = "elapsed"
NEVER, LONGEST_ESCALATION = timedelta(0), timedelta(days=7)
USUAL_ESCALATION = timedelta(hours=1)
"""How long before it is due a standard ticket escalates, unless its target is short or the file says so."""

DEFAULT_ROWS = {
    "Only me": ("low", "standard", "high"),
    "Several people": ("standard", "standard", "critical"),
    "Everyone": ("standard", "high", "critical"),
}
"""The matrix that goes with the default survey."""

DEFAULT_URGENCY = ("Yes", "With difficulty", "No")
"""The answers that the entries of its rows are for."""


def _sample_policy(clock: str) -> dict[Priority, SlaTarget]:
    def hours(count: float) -> timedelta:
        return timedelta(hours=count)

    return {
        Priority.CRITICAL: SlaTarget(hours(0.25), hours(4), "always"),
        Priority.HIGH: SlaTarget(hours(2), hours(2), clock),
        Priority.STANDARD: SlaTarget(hours(4), hours(8), clock, USUAL_ESCALATION),
        Priority.LOW: SlaTarget(hours(24), hours(48), ELAPSED),
        Priority.SCHEDULED: SlaTarget(None, BusinessDays(5), clock),
    }


def read_sla(
    table: Table, calendars: Mapping[str, Calendar]
) -> tuple[dict[Priority, SlaTarget], dict[TicketType, SlaTarget]]:
    """Read [sla]: a priority that is left out keeps the sample policy's targets, a type has none."""
    usual = default_calendar(calendars)
    clock = "always" if usual.never_open else usual.name
    targets = _sample_policy(clock)
    for priority in Priority:
        row = table.table(priority.value)
        if priority.value in table:
            escalates = priority is Priority.STANDARD
            targets[priority] = _target(row, targets[priority].clock, calendars, escalates=escalates)
    types = _read_types(table.table("types"), clock, calendars)
    table.finish()
    return targets, types


def _read_types(table: Table, clock: str, calendars: Mapping[str, Calendar]) -> dict[TicketType, SlaTarget]:
    rows: dict[TicketType, SlaTarget] = {}
    for each in TicketType:
        key = each.name.lower()
        row = table.table(key)
        if key in table:
            rows[each] = _target(row, clock, calendars, escalates=False)
    table.finish()
    return rows


def _target(row: Table, clock: str, calendars: Mapping[str, Calendar], *, escalates: bool) -> SlaTarget:
    # A clock that never runs has no due time.
    clocks = [name for name, calendar in calendars.items() if not calendar.never_open]
    respond, resolve = row.read("respond", duration, None), row.read("resolve", duration, None)
    usual = _usual_escalation(respond, resolve) if escalates else NEVER
    target = SlaTarget(
        respond=respond,
        resolve=resolve,
        clock=row.read("clock", values.one_of([*clocks, ELAPSED]), clock),
        escalate=row.read("escalate", span(NEVER, LONGEST_ESCALATION), usual),
    )
    _check_target(row, target)
    row.finish()
    return target


def _usual_escalation(*targets: Duration | None) -> timedelta:
    """Return an hour, or a quarter of a target that is shorter than four; never without a target."""
    if not any(targets):
        return NEVER
    return min([USUAL_ESCALATION, *(each / 4 for each in targets if isinstance(each, timedelta))])


def _check_target(row: Table, target: SlaTarget) -> None:
    for key, length in (("respond", target.respond), ("resolve", target.resolve)):
        if target.clock == ELAPSED and isinstance(length, BusinessDays):
            row.note(
                key, 'business days cannot be counted in elapsed time; write days ("5d"), or name a calendar.'
            )
    respond, resolve = target.respond, target.resolve
    if isinstance(respond, timedelta) and isinstance(resolve, timedelta) and respond > resolve:
        row.note("respond", "is longer than resolve; a ticket is answered before it is resolved.")
    if any(isinstance(each, timedelta) and each <= target.escalate for each in (respond, resolve)):
        row.note("escalate", "is not shorter than the target; write how long before it staff are told.")
    elif target.escalate and respond is None and resolve is None:
        row.note("escalate", "needs a target, respond or resolve, before which it counts.")


def read_priority(table: Table, survey: Survey) -> PriorityMatrix:
    """Read [priority]: a row for each answer to the impact question, an entry for each urgency answer.

    Without it the default matrix counts if it fits the survey, and a survey that asks neither proposes
    standard.
    """
    impact = _question(table, survey, "impact_field", "impact")
    urgency = _question(table, survey, "urgency_field", "urgency")
    if impact is None or urgency is None:
        for key in table.values:
            table.take(key)
        return PriorityMatrix()
    fits = set(impact.options) == set(DEFAULT_ROWS) and urgency.options == DEFAULT_URGENCY
    given = any(key in table for key in impact.options)
    rows: dict[str, Mapping[str, Priority]] = {}
    for option in impact.options:
        default = DEFAULT_ROWS[option] if fits and not given else ()
        rows[option] = _row(table, option, urgency, default)
    table.finish()
    return PriorityMatrix(rows, impact.id, urgency.id)


def _question(table: Table, survey: Survey, key: str, usual: str) -> SurveyField | None:
    field_id = table.read(key, values.text(), usual)
    field = survey.field(field_id)
    if field is not None and field.type is FieldType.CHOICE:
        return field
    if table.values:
        table.note(
            key, f'the survey has no choice field "{field_id}"; add it to [survey], or leave [priority] out.'
        )
    return None


def _row(table: Table, option: str, urgency: SurveyField, default: tuple[str, ...]) -> dict[str, Priority]:
    if option not in table and not default:
        table.note(
            option,
            f"is missing; write {len(urgency.options)} priorities, "
            f"one for each answer to {values.shown(urgency.ask)}.",
        )
    row = table.read(option, _one_for_each(urgency.options), tuple(map(Priority, default)))
    # A row that could not be read is empty here, and its problem is noted.
    return dict(zip(urgency.options, row, strict=False))


def _one_for_each(options: tuple[str, ...]) -> values.Reader[tuple[Priority, ...]]:
    read_row = values.list_of(values.member(Priority))

    def read(value: object) -> tuple[Priority, ...]:
        row = read_row(value)
        if len(row) != len(options):
            wanted = f"write {len(options)}: for {values.listed(options, 'and')}"
            raise values.Unusable(("", f"has {len(row)} priorities; {wanted}."))
        return row

    return read
