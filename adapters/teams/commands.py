"""What technicians write to the bot directly: new, mine, queue, HD-1024, take, resolve, merge, help, more."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence

from adapters.teams.calls import call_card
from adapters.teams.card_parts import card, execute, heading, line, maintenance_notes
from adapters.teams.json_value import Document
from adapters.teams.people import People
from adapters.teams.services import TeamsServices
from adapters.teams.ticket_card import TIER, kept_fresh, name_of, summary, ticket_card
from adapters.teams.ticket_facts import facts_of_line, read_facts
from adapters.teams.ticket_steps import Step, take_step
from adapters.teams.turn import Turn
from chatdesk.conversation import Agent
from chatdesk.errors import EventRefused
from chatdesk.plain_text import shortened
from chatdesk.reading import TicketFilter, TicketLine, TicketView
from chatdesk.ticket import TicketNumber, typed_number
from chatdesk.tiers import begun_by, tier_named

LISTED = 8
"""Tickets that a list shows; the console has them all."""
HELP = (
    "queue: open tickets, due soonest first\n"
    "mine: my tickets\n"
    "new or phone: write down a call as a ticket\n"
    "{prefix}-1024: show a ticket\n"
    "take {prefix}-1024: take it\n"
    "resolve {prefix}-1024 what was done: resolve it; the customer reads the text\n"
    "priority {prefix}-1024 high: set or confirm the priority\n"
    "workaround {prefix}-1024 how to go on meanwhile: record it; the ticket stays open\n"
    "end {prefix}-1024: end the chat; the ticket stays open\n"
    "reopen {prefix}-1024 why: open it again\n"
    "merge {prefix}-1024 into {prefix}-1023: when both are about the same\n"
    "{escalate}"
    "find printer: search in tickets\n"
    "link: make this account known as a technician's"
)
LINK = "link"
LINK_TEXT = (
    "Open this page within 15 minutes, sign in to the console and confirm that this account is yours:\n{url}"
)

ESCALATE = (
    "escalate {prefix}-1024 {tier} why: give it to a tier; the customer does not read why\n"
    "queue {tier}: the tier's tickets\n"
)
"""What the help says besides where the desk has tiers."""

Command = Callable[[Turn, Agent, str], Awaitable[None]]


async def link_account(turn: Turn) -> bool:
    """Tell a colleague who asks how to become known as a technician; return whether this was done."""
    if turn.incoming.text.casefold().strip(" .") != LINK:
        return False
    url = await People(turn.services).begin_link(turn.incoming)
    if url is not None:
        turn.say(LINK_TEXT.format(url=url))
    return url is not None


async def receive_command(turn: Turn, agent: Agent) -> None:
    """Carry out one command. Raises StorageError when it has to be sent again."""
    word, _, rest = turn.incoming.text.strip().partition(" ")
    number = _number(turn.services, word)
    try:
        if number is not None:
            await _show_ticket(turn, number)
        else:
            await COMMANDS.get(word.casefold(), _help)(turn, agent, rest.strip())
    except EventRefused as refused:
        turn.say(str(refused))


async def list_card(services: TeamsServices, title: str, lines: Sequence[TicketLine], empty: str) -> Document:
    """Return tickets as a card; each can be opened in its place."""
    body: list[Document] = [heading(title), *maintenance_notes(services.config, services.clock())]
    for found in lines[:LISTED]:
        facts = await facts_of_line(services, found)
        body.append(
            {
                "type": "ColumnSet",
                "columns": [
                    {"type": "Column", "width": "stretch", "items": [line(summary(services.config, facts))]},
                    {"type": "Column", "width": "auto", "items": [_open_button(found)]},
                ],
            }
        )
    if not lines:
        body.append(line(empty))
    if len(lines) > LISTED:
        body.append(line("There are more; the console shows them all.", subtle=True))
    return card(body)


def _open_button(found: TicketLine) -> Document:
    button = execute("Open", "show", ticket=int(found.ticket.number))
    return {"type": "ActionSet", "actions": [button]}


async def _queue(turn: Turn, agent: Agent, rest: str) -> None:
    tier = tier_named(turn.services.config, rest)
    if tier is not None:
        wanted = TicketFilter(TicketView.QUEUE, tier=tier.id)
        found = await turn.services.staff_reads.tickets(wanted, limit=LISTED + 1)
        turn.show(await list_card(turn.services, tier.name, found.lines, "No open tickets."), tier.name)
        return
    page = await turn.services.staff_reads.tickets(TicketFilter(TicketView.QUEUE), limit=LISTED + 1)
    turn.show(await list_card(turn.services, "Open tickets", page.lines, "No open tickets."), "Open tickets")


async def _mine(turn: Turn, agent: Agent, rest: str) -> None:
    wanted = TicketFilter(TicketView.MINE, agent=agent.id)
    page = await turn.services.staff_reads.tickets(wanted, limit=LISTED + 1)
    turn.show(await list_card(turn.services, "My tickets", page.lines, "You have no tickets."), "My tickets")


async def _find(turn: Turn, agent: Agent, rest: str) -> None:
    if not rest:
        raise EventRefused("Write what to look for: find printer", code="empty")
    wanted = TicketFilter(TicketView.ALL, text=rest)
    page = await turn.services.staff_reads.tickets(wanted, limit=LISTED + 1)
    title = f"Found for {shortened(rest, 60)}"
    turn.show(await list_card(turn.services, title, page.lines, "Nothing."), "Found")


async def _log(turn: Turn, agent: Agent, rest: str) -> None:
    issue = {"issue": rest} if rest and turn.services.config.survey.field("issue") else {}
    turn.show(call_card(turn.services, issue), "Log a call")


def _stepping(verb: str) -> Command:
    """Return the command that takes the step of that name with what follows the ticket's number."""

    async def take_it(turn: Turn, agent: Agent, rest: str) -> None:
        await _step(turn, agent, verb, rest)

    return take_it


async def _escalate(turn: Turn, agent: Agent, rest: str) -> None:
    written, _, words = rest.partition(" ")
    tier, reason = begun_by(turn.services.config, words)
    inputs = {"to": f"{TIER}{tier.id}", "text_hand_over": reason}
    await _step(turn, agent, "hand_over", written, inputs)


async def _step(
    turn: Turn, agent: Agent, verb: str, rest: str, inputs: Mapping[str, str] | None = None
) -> None:
    word, _, text = rest.partition(" ")
    number = _number(turn.services, word)
    if number is None:
        prefix = turn.services.config.desk.ticket_prefix
        raise EventRefused(f"Write the ticket's number as well: {verb} {prefix}-1024", code="number")
    step = Step(agent, number, verb, turn.incoming.key, inputs or {f"text_{verb}": text})
    _ = await take_step(turn.services, step)
    await _show_ticket(turn, number)


async def _show_ticket(turn: Turn, number: TicketNumber) -> None:
    services = turn.services
    facts = await read_facts(services, number)
    shown = kept_fresh(ticket_card(services.config, facts), number, turn.incoming.person.id)
    turn.show(shown, name_of(services.config, facts.ticket))


async def _help(turn: Turn, agent: Agent, rest: str) -> None:
    turn.say(help_text(turn.services))


def help_text(services: TeamsServices) -> str:
    """Return what technicians can write."""
    prefix = services.config.desk.ticket_prefix
    known = "".join(ESCALATE.format(prefix=prefix, tier=tier.id) for tier in services.config.tiers[:1])
    return HELP.format(prefix=prefix, escalate=known)


def _number(services: TeamsServices, word: str) -> TicketNumber | None:
    return typed_number(services.config.desk.ticket_prefix, word.strip(" .,!"))


STEPS = ("take", "resolve", "priority", "workaround", "end", "reopen", "merge")
COMMANDS: dict[str, Command] = {
    "new": _log,
    "phone": _log,
    "mine": _mine,
    "queue": _queue,
    "find": _find,
    **{verb: _stepping(verb) for verb in STEPS},
    "escalate": _escalate,
    "help": _help,
}
