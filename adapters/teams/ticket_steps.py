"""What technicians do to a ticket from Teams, as events through the desk's one way in [R36, R37]."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TypedDict

from adapters.teams.services import CARD, TeamsServices
from adapters.teams.ticket_card import TIER
from adapters.teams.ticket_facts import conversation_at, read_file
from chatdesk.conversation import Agent, Conversation, FileRef, Live, Visibility
from chatdesk.errors import EventRefused
from chatdesk.events import (
    AgentEnded,
    AgentMessaged,
    Outcome,
    TicketAssigned,
    TicketEdited,
    TicketEscalated,
    TicketMerged,
    TicketPaused,
    TicketReopened,
    TicketResolved,
    TicketResumed,
    TicketTaken,
)
from chatdesk.local_clock import first_instant
from chatdesk.note_mark import is_note, without_note_mark
from chatdesk.ticket import Priority, TicketNumber, Trigger, typed_number, typed_priority

TRIGGERS = {
    "customer": Trigger.ASK_CUSTOMER,
    "vendor": Trigger.WAIT_FOR_VENDOR,
    "date": Trigger.SCHEDULE,
}
MORNING = time(9)


@dataclass(frozen=True, slots=True)
class Step:
    """A technician's step. ``key`` names the happening for good; ``inputs`` are the fields of the card."""

    agent: Agent
    ticket: TicketNumber
    verb: str
    key: str
    inputs: Mapping[str, str]
    channel: str = CARD

    @property
    def text(self) -> str:
        """The text of the step's own field."""
        return self.inputs.get(f"text_{self.verb}", "").strip()


class _Common(TypedDict):
    at: datetime
    channel: str
    external_id: str
    ticket: TicketNumber
    agent: Agent


async def take_step(services: TeamsServices, step: Step) -> Outcome:
    """Carry out the step. Raises EventRefused, with the reason in plain words."""
    common = _common(services, step)
    match step.verb:
        case "take":
            return await services.desk.receive(TicketTaken(**common))
        case "take_over":
            return await services.desk.receive(await _take_over(services, common))
        case "hand_over":
            return await services.desk.receive(await _hand_over(services, step, common))
        case "reply" | "note":
            internal = step.verb == "note" or is_note(step.text)
            visibility = Visibility.INTERNAL if internal else Visibility.PUBLIC
            return await write(services, step, without_note_mark(step.text), visibility)
        case "wait":
            return await services.desk.receive(_pause(services, step, common))
        case "resume":
            return await services.desk.receive(TicketResumed(**common))
        case "resolve":
            if not step.text:
                raise EventRefused("Write what was done; the customer reads it.", code="empty")
            return await services.desk.receive(TicketResolved(**common, resolution=step.text))
        case "reopen":
            reason = step.text or "re-opened in Teams"
            return await services.desk.receive(TicketReopened(**common, reason=reason))
    return await _further_step(services, step, common)


async def _further_step(services: TeamsServices, step: Step, common: _Common) -> Outcome:
    match step.verb:
        case "end":
            return await services.desk.receive(await _end_chat(services, step))
        case "priority":
            return await services.desk.receive(TicketEdited(**common, priority=_priority(step.text)))
        case "workaround":
            if not step.text:
                raise EventRefused("Write how the customer can work meanwhile.", code="empty")
            return await services.desk.receive(TicketEdited(**common, workaround=step.text))
        case "merge":
            into = _into(services, step.text)
            return await services.desk.receive(TicketMerged(**common, into=into))
    raise EventRefused("This button is not known any more; open the ticket again.", code="unknown")


async def _end_chat(services: TeamsServices, step: Step) -> AgentEnded:
    _, conversation = await conversation_at(services, step.ticket)
    if not isinstance(conversation.state, Live):
        raise EventRefused("There is no live chat about this ticket.", code="no_chat")
    return AgentEnded(
        at=services.clock(),
        channel=step.channel,
        external_id=f"{step.key}/{step.verb}",
        conversation=conversation.id,
        agent=step.agent,
    )


def _priority(written: str) -> Priority:
    found = typed_priority(written)
    if found is None:
        raise EventRefused(f"A priority is one of {', '.join(Priority)}.", code="priority")
    return found


def _into(services: TeamsServices, written: str) -> TicketNumber:
    words = written.split()
    number = typed_number(services.config.desk.ticket_prefix, words[-1]) if words else None
    if number is None or len(words) > 2 or (len(words) == 2 and words[0].casefold() != "into"):
        prefix = services.config.desk.ticket_prefix
        raise EventRefused(f"Name both tickets: merge {prefix}-1024 into {prefix}-1023", code="into")
    return number


async def _take_over(services: TeamsServices, common: _Common) -> TicketTaken | TicketAssigned:
    """Return the step of who wants somebody's ticket; their own they take again, to be in its chat."""
    ticket, agent = (await read_file(services, common["ticket"])).ticket, common["agent"]
    if ticket.assignee in (None, agent.id):
        return TicketTaken(**common)
    return TicketAssigned(**common, assignee=agent)


async def _hand_over(
    services: TeamsServices, step: Step, common: _Common
) -> TicketAssigned | TicketEscalated:
    """Return the step to the technician or the tier that was chosen [R37]."""
    to = step.inputs.get("to", "")
    if to.startswith(TIER):
        return TicketEscalated(**common, tier=to.removeprefix(TIER), reason=step.text)
    account = await services.staff.account(to)
    if account is None or not account.is_open:
        raise EventRefused("Choose a technician.", code="nobody", field="to")
    return TicketAssigned(**common, assignee=account.agent, reason=step.text)


async def write(services: TeamsServices, step: Step, text: str, visibility: Visibility) -> Outcome:
    """Write into the ticket's conversation. Raises EventRefused."""
    _, conversation = await conversation_at(services, step.ticket)
    return await write_into(services, conversation, step, text, visibility)


async def write_into(
    services: TeamsServices,
    conversation: Conversation,
    step: Step,
    text: str,
    visibility: Visibility,
    files: tuple[FileRef, ...] = (),
) -> Outcome:
    """Write into that conversation. Raises EventRefused."""
    event = AgentMessaged(
        at=services.clock(),
        channel=step.channel,
        external_id=f"{step.key}/{step.verb}",
        conversation=conversation.id,
        agent=step.agent,
        text=text,
        files=files,
        visibility=visibility,
    )
    return await services.desk.receive(event)


def _pause(services: TeamsServices, step: Step, common: _Common) -> TicketPaused:
    trigger = TRIGGERS.get(step.inputs.get("on", ""))
    if trigger is None:
        raise EventRefused("Choose what the ticket waits for.", code="empty", field="on")
    return TicketPaused(**common, trigger=trigger, text=step.text, until=_until(services, step))


def _until(services: TeamsServices, step: Step) -> datetime | None:
    """Return the morning of the day that was chosen, on the desk's clock."""
    chosen = step.inputs.get("until", "")
    if not chosen:
        return None
    try:
        day = date.fromisoformat(chosen)
    except ValueError:
        raise EventRefused("Choose a date from the calendar.", code="date", field="until") from None
    return first_instant(datetime.combine(day, MORNING), services.config.desk.timezone)


def _common(services: TeamsServices, step: Step) -> _Common:
    return _Common(
        at=services.clock(),
        channel=step.channel,
        external_id=f"{step.key}/{step.verb}",
        ticket=step.ticket,
        agent=step.agent,
    )
