"""What Slack and Teams tell single technicians: that a ticket was given to them, or goes on [R36, R37].

It is read from the ticket's history, so that nothing is lost when several steps came while the service was
away, and the same technician who gets a ticket for a second time is told a second time.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import Protocol

from msgspec import Struct

from chatdesk.changes import HistoryEntry
from chatdesk.config import Config
from chatdesk.conversation import Live
from chatdesk.errors import DeliveryDelayed
from chatdesk.escalation import ESCALATED
from chatdesk.reading import TicketFile
from chatdesk.staff import AgentAccount
from chatdesk.ticket import Ticket, TicketNumber, Trigger
from chatdesk.tiers import news_key, say_escalated

MAX_WORDS = 400
"""Characters of what technicians are told of a ticket, directly and in the channel of a tier."""
SKEW = timedelta(minutes=1)
"""How much earlier than its delivery a step may have happened: of a batch's steps the first is delivered."""
_ASSIGN, _ESCALATE = Trigger.ASSIGN.value, Trigger.ESCALATE.value
_GOES_ON = {
    Trigger.REOPEN.value: "{by} has opened your ticket again.",
    Trigger.CUSTOMER_MESSAGE.value: "{by} has answered; your ticket goes on.",
    Trigger.DATE_REACHED.value: "The date has come on which your ticket goes on.",
    ESCALATED: "Your ticket {why}.",
}
_TOLD = frozenset({_ASSIGN, _ESCALATE, *_GOES_ON})


class StaffNews(Struct, frozen=True):
    """News of a ticket for technicians. ``to`` are their ids; ``key`` tells it from its other news."""

    to: tuple[str, ...]
    words: str
    key: str


class Told(Protocol):
    """Remembers which news of a ticket a technician was told last, by its key, "" for none."""

    async def told(self, ticket: TicketNumber, agent: str) -> str:
        """Return which news it was."""

    async def keep_told(self, ticket: TicketNumber, agent: str, news: str) -> None:
        """Remember which news it is."""


async def tell_each(
    news: StaffNews, ticket: TicketNumber, memory: Told, tell: Callable[[str], Awaitable[None]]
) -> None:
    """Call ``tell`` with each technician's id who has not been told this yet.

    Raises DeliveryDelayed when somebody could not be told yet; they and those after them are told by the next
    call.
    """
    for agent in news.to:
        before = await memory.told(ticket, agent)
        if before == news.key:
            continue
        # Noted first: whoever is told twice is misled, and the card says it as well.
        await memory.keep_told(ticket, agent, news.key)
        try:
            await tell(agent)
        except DeliveryDelayed:
            await memory.keep_told(ticket, agent, before)
            raise


def news_since(
    since: datetime, file: TicketFile, accounts: Sequence[AgentAccount], config: Config
) -> StaffNews | None:
    """Return the latest that single technicians have to know of the ticket, None where there is nothing.

    It happened at ``since`` (aware) or later. Nobody is told what they did themselves, nor, in a live chat,
    what they read there.
    """
    told = [entry for entry in file.history if entry.what in _TOLD]
    if not told or told[-1].at < since - SKEW or not file.ticket.is_active:
        return None
    last = told[-1]
    to = [agent for agent in _concerned(file, last, accounts, config) if agent != last.by.id]
    return StaffNews(tuple(to), _words(last), news_key(last)) if to else None


def _concerned(
    file: TicketFile, entry: HistoryEntry, accounts: Sequence[AgentAccount], config: Config
) -> Sequence[str]:
    ticket = file.ticket
    if ticket.assignee is None:
        return _of_tier(ticket, accounts, config) if entry.what == _ESCALATE else ()
    if entry.what == _ASSIGN:
        return (ticket.assignee,)
    chats = (one.state for one in file.conversations)
    reads_it = any(isinstance(chat, Live) and ticket.assignee in chat.agents for chat in chats)
    return () if reads_it or entry.what == _ESCALATE else (ticket.assignee,)


def _of_tier(ticket: Ticket, accounts: Sequence[AgentAccount], config: Config) -> Sequence[str]:
    tier = config.tier(ticket.tier or "")
    return [one.id for one in accounts if tier and one.is_open and tier.has(one.email)]


def _words(entry: HistoryEntry) -> str:
    if entry.what == _ESCALATE:
        return say_escalated(entry)
    if entry.what == _ASSIGN:
        reason = entry.why.partition(": ")[2]
        return f"{entry.by.name} has given you a ticket{f': {reason}' if reason else '.'}"
    return _GOES_ON[entry.what].format(by=entry.by.name, why=entry.why)
