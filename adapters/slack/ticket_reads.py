"""What commands and the Home tab read: lists, and transcripts, whose sending is written down."""

from __future__ import annotations

from adapters.slack.block_limits import context, plain
from adapters.slack.card_links import CardLinks
from adapters.slack.doing import ACTIONS, Doer, Doing
from adapters.slack.lists import MAX_LINES, ticket_list
from adapters.slack.mrkdwn import literal
from adapters.slack.payload import Block
from adapters.slack.people import People
from chatdesk.config import Config
from chatdesk.conversation import Agent
from chatdesk.desk import Desk
from chatdesk.errors import NotFound
from chatdesk.events import TranscriptSent
from chatdesk.ports import Clock
from chatdesk.reading import StaffReads, TicketFilter, TicketLine, TicketView
from chatdesk.ticket import TicketNumber
from chatdesk.tiers import tier_named
from chatdesk.transcript import Form, record_of, slices


class TicketReads:
    """Reads for one technician at a time."""

    def __init__(
        self,
        config: Config,
        desk: Desk,
        reads: StaffReads,
        people: People,
        doing: Doing,
        links: CardLinks,
        clock: Clock,
    ) -> None:
        self._config = config
        self._desk = desk
        self._reads = reads
        self._people = people
        self._doing = doing
        self._links = links
        self._clock = clock

    async def listed(self, wanted: str, agent: Agent) -> list[Block]:
        """Return the list that is asked for: mine, overdue, a tier's, a company's, or the queue."""
        match wanted.casefold():
            case "mine":
                return await self.mine(agent)
            case "" | "all" | "queue":
                return await self.queue()
            case "overdue":
                found = await self._lines(TicketFilter(TicketView.QUEUE), 200)
                at = self._clock()
                late = [line for line in found if (due := line.ticket.running_due_at) and due < at]
                return await self._blocks("Overdue", late)
        tier = tier_named(self._config, wanted)
        if tier is not None:
            found = await self._lines(TicketFilter(TicketView.QUEUE, tier=tier.id), MAX_LINES + 1)
            return await self._blocks(f"Open tickets of {literal(tier.name)}", found)
        found = await self._lines(
            TicketFilter(TicketView.QUEUE, company=self._company(wanted)), MAX_LINES + 1
        )
        if not found:
            names = f'No open tickets of a company called "{wanted[:60]}".'
            return [context(plain(f"{names} Write mine, overdue, a tier or a company's whole name."))]
        return await self._blocks(f"Open tickets of {literal(wanted[:60])}", found)

    async def mine(self, agent: Agent) -> list[Block]:
        """Return the technician's own open tickets, due soonest first."""
        found = await self._lines(TicketFilter(TicketView.MINE, agent=agent.id), MAX_LINES + 1)
        return await self._blocks("My open tickets", found)

    async def queue(self) -> list[Block]:
        """Return every open ticket, due soonest first."""
        found = await self._lines(TicketFilter(TicketView.QUEUE), MAX_LINES + 1)
        return await self._blocks("All open tickets, due soonest first", found)

    async def transcript(self, by: Doer, number: TicketNumber) -> str:
        """Return the transcript of the ticket's newest conversation for staff, after noting that it left."""
        file = await self._reads.chat_file(number)
        if file is None:
            raise NotFound(f"The ticket {self._doing.name(number)}")
        at = self._clock()
        record = record_of(file, file.conversations[0], self._config.desk, at)
        pieces = self._reads.message_pieces(record.conversation.id)
        made = "".join([part async for part in slices(Form.TEXT, record, pieces, internal=True)])
        sent = TranscriptSent(
            at=at,
            channel=ACTIONS,
            external_id=by.request,
            conversation=record.conversation.id,
            by=by.agent.author,
            to="their own Slack",
            format="text",
            internal=True,
        )
        await self._desk.receive(sent)
        return made

    def _company(self, wanted: str) -> str:
        names = [company.name for company in self._config.companies]
        return next((name for name in names if name.casefold() == wanted.casefold()), wanted)

    async def _lines(self, wanted: TicketFilter, most: int) -> list[TicketLine]:
        return list((await self._reads.tickets(wanted, limit=most)).lines)

    async def _blocks(self, title: str, lines: list[TicketLine]) -> list[Block]:
        names = await self._people.agent_names(line.ticket.assignee for line in lines)
        numbers = [line.ticket.number for line in lines[:MAX_LINES]]
        links = {number: await self._links.to(number) for number in numbers}
        return ticket_list(self._config, title, lines, names, self._clock(), links)
