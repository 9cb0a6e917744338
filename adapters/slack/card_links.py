"""Where a ticket's card stands in Slack, as an address that opens it there."""

from __future__ import annotations

from adapters.slack.memory import Memory
from adapters.slack.workspace import Workspace
from chatdesk.errors import DeliveryError
from chatdesk.ticket import TicketNumber


class CardLinks:
    """Makes links to cards."""

    def __init__(self, workspace: Workspace, memory: Memory) -> None:
        self._workspace = workspace
        self._memory = memory

    async def to(self, number: TicketNumber) -> str:
        """Return the card's address, "" where there is no card or Slack does not say where it is."""
        place = await self._memory.place(number)
        if place is None:
            return ""
        try:
            address = await self._workspace.address()
        except DeliveryError:
            return ""
        return f"{address}archives/{place.channel}/p{place.ts.replace('.', '')}" if address else ""
