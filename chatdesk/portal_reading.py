"""What the customer portal may read, and by whom: each read knows the signed-in customer [R33].

What they may not see answers exactly as what does not exist [design: who may see what].
"""

from __future__ import annotations

from typing import Protocol

from msgspec import Struct

from chatdesk.conversation import ConversationId, Message
from chatdesk.portal import PortalCustomer
from chatdesk.ticket import Ticket, TicketNumber


class PortalLine(Struct, frozen=True):
    """One line of the list: the ticket as the customer may see it, and the one by which they know it.

    The two differ where it was merged into another [R20]. ``affected`` says that they know it only because it
    affects them.
    """

    ticket: Ticket
    opened: TicketNumber
    affected: bool = False


class PortalPage(Struct, frozen=True):
    """One page of the list, open tickets first, then past ones, each newest first.

    ``next`` asks for the page after it, "" when there is none.
    """

    lines: tuple[PortalLine, ...]
    next: str


class PortalFound(Struct, frozen=True):
    """A ticket that a search found by its number, its subject or its messages.

    Of those ``excerpt`` is what was found, cut as chatdesk.search.Found has it; else it is empty.
    """

    line: PortalLine
    excerpt: tuple[str, ...] = ()


class PortalMatches(Struct, frozen=True):
    """What a search found, open tickets first, each part newest first; ``cut`` tells of perhaps more."""

    found: tuple[PortalFound, ...]
    cut: bool = False


class SolvedBy(Struct, frozen=True):
    """Which customer said that a ticket is solved; ``name`` is "" where the reader is not to know them."""

    name: str = ""
    you: bool = False


class PortalTicket(Struct, frozen=True):
    """A ticket as the customer may see it, with the public messages of what they may read, oldest first.

    ``opened`` is the ticket by which they know it. ``whole`` says that it is theirs or their company's;
    whoever takes part in it by mail alone sees no more of it than their own mails. ``affected`` says that it
    is neither, but affects them: they read what technicians said to whoever asked for it, without files.
    ``omitted`` says that of
    very many messages the newest are shown. ``own`` is the conversation that they have on it by the portal.
    ``solved_by`` is there when it was no technician who resolved it.
    """

    ticket: Ticket
    opened: TicketNumber
    messages: tuple[Message, ...]
    whole: bool
    omitted: bool = False
    own: ConversationId | None = None
    affected: bool = False
    solved_by: SolvedBy | None = None

    @property
    def merged(self) -> TicketNumber | None:
        """The merged ticket by which they know it, None when it is the ticket itself."""
        return self.opened if self.opened != self.ticket.number else None


class PortalReads(Protocol):
    """What a signed-in customer may read."""

    async def is_contact(self, address: str) -> bool:
        """Tell whether a ticket shows that the address is its requester's own, or affects its owner.

        It is in lower case [R32, R33].
        """

    async def tickets(self, customer: PortalCustomer, page: str, limit: int) -> PortalPage:
        """Return one page of their tickets, those that affect them, and for a manager their company's."""

    async def ticket(self, customer: PortalCustomer, number: TicketNumber) -> PortalTicket | None:
        """Return the ticket, if they may see it."""

    async def last_answers(self, customer: PortalCustomer) -> tuple[tuple[str, str], ...]:
        """Return the answers of the newest ticket that shows that it was they who gave them."""


class PortalSearch(Protocol):
    """Finds among what a signed-in customer may see: numbers, subjects, and public words of messages."""

    async def find(self, customer: PortalCustomer, text: str) -> PortalMatches:
        """Return what has every word asked for; the last may be the beginning of one.

        Internal notes are not searched [R38].
        """
