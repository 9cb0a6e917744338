"""What a signed-in customer may see of one ticket, for its page and for a search [R33].

Every ticket is theirs as the one it was opened with: of a merged ticket each requester knows their own.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from msgspec import Struct

from chatdesk.conversation import Author, Conversation
from chatdesk.mail_address import compared
from chatdesk.merging import as_opened
from chatdesk.portal import PortalCustomer, is_said_to_requester, may_see
from chatdesk.portal_reading import PortalLine, SolvedBy
from chatdesk.sender import correspondent
from chatdesk.ticket import Ticket, TicketNumber


class Sight(Struct, frozen=True):
    """A ticket as a customer knows it: ``opened`` is the one by which they do.

    Of ``own`` conversations they read what is public, of those ``told`` what technicians say, without files.
    ``whole`` and ``affected`` are as PortalTicket has them.
    """

    final: Ticket
    opened: Ticket
    own: tuple[Conversation, ...]
    told: tuple[Conversation, ...]
    whole: bool
    affected: bool

    @property
    def line(self) -> PortalLine:
        """The ticket as a line of the list."""
        return line_of(self.opened, self.final, affected=self.affected)

    def solved_by(self, customer: PortalCustomer, author: Author) -> SolvedBy:
        """Say who it was that said that it is solved; whose words they may not read is not named."""
        theirs = [each for each in self.own if each.visitor == author.id]
        if not theirs:
            return SolvedBy()
        # A browser has no address: what is said there is the requester's.
        address = compared(correspondent(author.id)) or compared(self.opened.requester_email)
        return SolvedBy(author.name, you=address == customer.mailbox)


def sight_of(
    customer: PortalCustomer,
    conversations: Sequence[Conversation],
    tickets: Mapping[int, Ticket],
    affecting: Collection[TicketNumber],
    asked: TicketNumber | None = None,
) -> Sight | None:
    """Return what they see of a ticket with all its conversations, of which there is one, oldest first.

    ``tickets`` has all that these name, ``affecting`` the numbers by which it affects the customer. They
    asked for the ticket by the number ``asked``; None if they know nothing of it by that.
    """
    final = tickets[TicketNumber(conversations[0].ticket or 0)]
    own = tuple(c for c in conversations if _is_visible(customer, c, conversations, tickets))
    # What they wrote while it affected them tells them of it no longer.
    known = {opening(conversation) for conversation in own if not conversation.is_aside} | {*affecting}
    asked = asked or final.number
    if not known or asked not in {final.number, *known}:
        # Also of another's ticket that was merged into theirs: nothing tells them of it.
        return None
    opened = tickets[asked if asked in known else min(known)]
    companies = _companies(opened.number, conversations)
    whole = compared(opened.requester_email) == customer.mailbox or customer.managed_company in companies
    affected = not whole and opened.number in affecting
    here = (c for c in conversations if affected and opening(c) == opened.number)
    told = tuple(c for c in here if is_said_to_requester(c, opened))
    return Sight(final, opened, own, told, whole, affected)


def line_of(opened: Ticket, final: Ticket, *, affected: bool = False) -> PortalLine:
    """Return the line of a ticket that they know by ``opened``."""
    shown = final if opened.number == final.number else as_opened(final, opened)
    return PortalLine(shown, opened.number, affected)


def opening(conversation: Conversation) -> TicketNumber:
    """Return the ticket that the conversation was opened with."""
    return TicketNumber(conversation.opened_with or conversation.ticket or 0)


def _is_visible(
    customer: PortalCustomer,
    conversation: Conversation,
    conversations: Sequence[Conversation],
    tickets: Mapping[int, Ticket],
) -> bool:
    number = opening(conversation)
    return may_see(customer, conversation, tickets[number], _companies(number, conversations))


def _companies(opened: TicketNumber, conversations: Sequence[Conversation]) -> set[str]:
    return {c.company_id for c in conversations if c.company_id and opening(c) == opened}
