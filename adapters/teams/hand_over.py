"""To whom a ticket can be handed over: choices on its card, and a search where a card has not room for all.

While somebody types into the field Teams asks for what matches (invoke "application/search", "Adaptive Cards:
typeahead search").
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from adapters.teams.json_value import Document, object_at, text_at, value_at
from adapters.teams.services import TeamsServices
from adapters.teams.ticket_card import DATASET, TIER
from adapters.teams.turn import Reply, Turn
from chatdesk.staff import AgentAccount
from chatdesk.ticket import Ticket, typed_number
from chatdesk.tiers import tiers_open_to

MOST_FOUND = 15
"""Results that Teams shows."""
RESPONSE = "application/vnd.microsoft.search.searchResponse"


@dataclass(frozen=True, slots=True)
class Choice:
    """A technician or a tier; ``value`` is what the card sends, ``searched`` what a search looks at."""

    value: str
    title: str
    searched: str


async def choices_for(services: TeamsServices, ticket: Ticket) -> list[Choice]:
    """Return to whom it can be handed over: first the tiers, then the technicians by name."""
    tiers = tiers_open_to(services.config, ticket)
    found = [Choice(f"{TIER}{tier.id}", f"{tier.name} (tier)", f"{tier.name} tier") for tier in tiers]
    accounts = await services.staff.accounts() if ticket.is_active else ()
    others = [one for one in accounts if one.id != ticket.assignee and one.is_open]
    return [*found, *_technicians(others)]


async def search(turn: Turn) -> Reply:
    """Answer with those whose name or address has all the typed words; to a technician, and nobody else."""
    ticket = await _ticket(turn)
    if ticket is None or turn.agent is None:
        return _results(())
    words = text_at(turn.incoming.value, "queryText").casefold().split()
    choices = await choices_for(turn.services, ticket)
    found = [one for one in choices if all(word in one.searched.casefold() for word in words)]
    skip = value_at(object_at(turn.incoming.value, "queryOptions"), "skip")
    first = skip if isinstance(skip, int) and skip > 0 else 0
    return _results(found[first : first + MOST_FOUND])


async def _ticket(turn: Turn) -> Ticket | None:
    dataset = text_at(turn.incoming.value, "dataset")
    number = typed_number("", dataset.removeprefix(DATASET)) if dataset.startswith(DATASET) else None
    return await turn.services.staff_reads.ticket(number) if number is not None else None


def _technicians(accounts: Sequence[AgentAccount]) -> Iterable[Choice]:
    """Yield the technicians; those of one name are told apart by their address."""
    names = [account.name for account in accounts]
    for account in accounts:
        title = account.name if names.count(account.name) == 1 else f"{account.name} ({account.email})"
        yield Choice(account.id, title, f"{account.name} {account.email}")


def _results(found: Iterable[Choice]) -> Reply:
    results: list[Document] = [{"value": one.value, "title": one.title} for one in found]
    return Reply({"type": RESPONSE, "value": {"results": results}})
