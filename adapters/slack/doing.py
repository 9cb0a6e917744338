"""What technicians do from Slack, as events through the desk's one way in [R36, R37]."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypedDict

from adapters.slack.merged_chats import MergedChats
from chatdesk.affected import AffectedPerson
from chatdesk.config import Config, TierSettings
from chatdesk.conversation import Agent, ConversationId, Live, Visibility
from chatdesk.desk import Desk
from chatdesk.errors import EventRefused, NotFound
from chatdesk.events import (
    AgentEnded,
    AgentJoined,
    AgentMessaged,
    CallLogged,
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
from chatdesk.note_mark import is_note, without_note_mark
from chatdesk.ports import Clock, NewId
from chatdesk.reading import StaffReads
from chatdesk.ticket import Priority, Ticket, TicketNumber, Trigger, format_number, typed_number
from chatdesk.tiers import tiers_open_to

ACTIONS = "slack.actions"
"""Where such events come from. It is not the thread's own name, so that what follows is shown there too."""


@dataclass(frozen=True, slots=True)
class Doer:
    """A technician who does something; ``request`` names the request for good, so that it counts once."""

    agent: Agent
    request: str


class _Common(TypedDict):
    at: datetime
    channel: str
    external_id: str
    ticket: TicketNumber
    agent: Agent


class Doing:
    """Each thing that can be done to a ticket. Everything raises EventRefused for what cannot be done."""

    def __init__(
        self,
        config: Config,
        desk: Desk,
        reads: StaffReads,
        merged: MergedChats,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._config = config
        self._desk = desk
        self._reads = reads
        self._merged = merged
        self._clock = clock
        self._new_id = new_id

    async def take(self, by: Doer, number: TicketNumber) -> Outcome:
        """Take the ticket, or join its chat when somebody else has it."""
        ticket, conversation = await self._open_chat(number)
        if ticket.assignee not in (None, by.agent.id) and conversation is not None:
            joined = AgentJoined(
                at=self._clock(),
                channel=ACTIONS,
                external_id=by.request,
                conversation=conversation,
                agent=by.agent,
            )
            return await self._desk.receive(joined)
        return await self._desk.receive(TicketTaken(**self._common(by, number)))

    async def assign(self, by: Doer, number: TicketNumber, to: Agent, reason: str = "") -> Outcome:
        """Give the ticket to somebody; the reason is for technicians."""
        event = TicketAssigned(**self._common(by, number), assignee=to, reason=reason.strip())
        return await self._desk.receive(event)

    async def escalate(self, by: Doer, number: TicketNumber, tier: str, reason: str) -> Outcome:
        """Give it to a tier, by the tier's id [R37]."""
        event = TicketEscalated(**self._common(by, number), tier=tier, reason=reason)
        return await self._desk.receive(event)

    async def tiers(self, number: TicketNumber) -> tuple[TierSettings, ...]:
        """Return the tiers it can be escalated to. Raises EventRefused where there are none."""
        found = tiers_open_to(self._config, await self.ticket(number))
        if not found:
            raise EventRefused(f"There is no tier to escalate {self.name(number)} to.", code="tier")
        return found

    async def write(self, by: Doer, number: TicketNumber, words: str, *, internal: bool) -> Outcome:
        """Answer the customer, by chat or mail, or write a note; words marked as a note are one [R38]."""
        event = AgentMessaged(
            at=self._clock(),
            channel=ACTIONS,
            external_id=by.request,
            conversation=await self._conversation(number),
            agent=by.agent,
            text=without_note_mark(words),
            visibility=Visibility.INTERNAL if internal or is_note(words) else Visibility.PUBLIC,
        )
        return await self._desk.receive(event)

    async def wait(
        self, by: Doer, number: TicketNumber, trigger: Trigger, words: str, until: datetime | None
    ) -> Outcome:
        """Wait for the customer (with a question), a vendor or a date."""
        event = TicketPaused(**self._common(by, number), trigger=trigger, text=words, until=until)
        return await self._desk.receive(event)

    async def resume(self, by: Doer, number: TicketNumber) -> Outcome:
        """Go on before the date or the answer came."""
        return await self._desk.receive(TicketResumed(**self._common(by, number)))

    async def resolve(self, by: Doer, number: TicketNumber, resolution: str) -> Outcome:
        """Resolve with a text for the customer."""
        return await self._desk.receive(TicketResolved(**self._common(by, number), resolution=resolution))

    async def reopen(self, by: Doer, number: TicketNumber, reason: str = "") -> Outcome:
        """Open it again."""
        return await self._desk.receive(TicketReopened(**self._common(by, number), reason=reason))

    async def end_chat(self, by: Doer, number: TicketNumber) -> Outcome:
        """End the live chat; the ticket stays as it is. Raises EventRefused where there is none."""
        file = await self._reads.ticket_file(number)
        chat = await self._merged.speaking(file.conversations) if file else None
        if chat is None or not isinstance(chat.state, Live):
            raise EventRefused(f"There is no live chat about {self.name(number)}.", code="no_chat")
        ended = AgentEnded(
            at=self._clock(),
            channel=ACTIONS,
            external_id=by.request,
            conversation=chat.id,
            agent=by.agent,
        )
        return await self._desk.receive(ended)

    async def work_around(self, by: Doer, number: TicketNumber, words: str) -> Outcome:
        """Record how the customer can work meanwhile; "" takes away what was recorded [R37]."""
        return await self._desk.receive(TicketEdited(**self._common(by, number), workaround=words))

    async def prioritise(self, by: Doer, number: TicketNumber, priority: Priority) -> Outcome:
        """Set or confirm the priority [R40]."""
        return await self._desk.receive(TicketEdited(**self._common(by, number), priority=priority))

    async def merge(self, by: Doer, number: TicketNumber, into: TicketNumber) -> Outcome:
        """Say that it is a duplicate of another [R20]."""
        return await self._desk.receive(TicketMerged(**self._common(by, number), into=into))

    async def log(self, by: Doer, way: str, answers: dict[str, str]) -> Outcome:
        """Write down a call ("phone") or a request made in Slack ("direct") as a ticket [R5, R9]."""
        event = CallLogged(
            at=self._clock(),
            channel=way,
            external_id=by.request,
            conversation=ConversationId(self._new_id()),
            agent=by.agent,
            answers=tuple(answers.items()),
        )
        return await self._desk.receive(event)

    def number(self, written: str) -> TicketNumber:
        """Return the ticket number that is written. Raises EventRefused, NotFound for one of another desk."""
        if not written.strip():
            raise EventRefused(f"Name a ticket, such as {self.name(TicketNumber(1024))}.", field="ticket")
        number = typed_number(self._config.desk.ticket_prefix, written)
        if number is None:
            raise NotFound(f"The ticket {written[:40]}")
        return number

    def name(self, number: TicketNumber) -> str:
        """Return a ticket's number as people see it."""
        return format_number(self._config.desk.ticket_prefix, number)

    async def ticket(self, number: TicketNumber) -> Ticket:
        """Return the ticket. Raises NotFound."""
        found = await self._reads.ticket(number)
        if found is None:
            raise NotFound(f"The ticket {self.name(number)}")
        return found

    async def affected(self, number: TicketNumber) -> Sequence[AffectedPerson]:
        """Return whom the ticket affects besides its requester [R33]."""
        return await self._reads.affected(number)

    async def _open_chat(self, number: TicketNumber) -> tuple[Ticket, ConversationId | None]:
        file = await self._reads.ticket_file(number)
        if file is None:
            raise NotFound(f"The ticket {self.name(number)}")
        chat = next((one for one in file.conversations if one.is_open), None)
        return file.ticket, chat.id if chat else None

    async def _conversation(self, number: TicketNumber) -> ConversationId:
        file = await self._reads.ticket_file(number)
        if file is not None and file.ticket.merged_into is not None:
            into = self.name(file.ticket.merged_into)
            raise EventRefused(f"{self.name(number)} is part of {into} now; name that one.", code="merged")
        found = await self._merged.speaking(file.conversations) if file else None
        if found is None:
            raise NotFound(f"The ticket {self.name(number)}")
        return found.id

    def _common(self, by: Doer, number: TicketNumber) -> _Common:
        return _Common(
            at=self._clock(), channel=ACTIONS, external_id=by.request, ticket=number, agent=by.agent
        )
