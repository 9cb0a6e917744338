"""Who gets into the customer portal, and what they may see and do there [R32, R33]."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.channels import VOUCHED_CHANNELS
from chatdesk.config import Config
from chatdesk.conversation import Conversation
from chatdesk.mail_address import compared
from chatdesk.sender import (
    LONGEST_ADDRESS,
    STANDING,
    Standing,
    commenter,
    commenter_of,
    correspondent,
    visitor_of,
)
from chatdesk.settings.model import PORTAL, CompanySettings
from chatdesk.ticket import Ticket, format_number


class PortalCustomer(Struct, frozen=True):
    """A signed-in customer: ``address`` is in lower case, it and ``name`` are as the service told them.

    ``company`` is the one that the desk's file names for the address, None for a contact without one;
    ``manages`` says that they see all of its tickets.
    """

    address: str
    name: str
    company: CompanySettings | None = None
    manages: bool = False

    @property
    def visitor(self) -> str:
        """Who speaks, as their conversations name them: mail from the same address is theirs too."""
        return visitor_of(self.address)

    @property
    def mailbox(self) -> str:
        """The form in which their address is compared with others."""
        return compared(self.address)

    @property
    def commenter(self) -> str:
        """Who comments, as conversations on tickets name them that only affect them."""
        return commenter_of(self.address)

    @property
    def managed_company(self) -> str:
        """The id of the company whose tickets they see all of, "" for none."""
        return self.company.id if self.manages and self.company else ""


def customer_of(config: Config, address: str, name: str) -> PortalCustomer:
    """Return the customer as the desk's file has them; whether they get in is for ``is_listed`` to say."""
    address = address.lower()
    managed = config.managed_by(address)
    return PortalCustomer(address, name, managed or config.company_of(address), managed is not None)


def with_portal(config: Config, services: Sequence[object]) -> Config:
    """Return the desk with its portal open, if its file offers one and there is a service to sign in with."""
    return replace(config, portal_opens=PORTAL in config.channels and bool(services))


def is_listed(customer: PortalCustomer) -> bool:
    """Tell whether the desk's file knows the address: by its company's domain, or as a manager's."""
    return customer.company is not None


def vouches_for_requester(ticket: Ticket) -> bool:
    """Tell whether the ticket shows that its requester's address is theirs [R32].

    It came by a channel on which an address is more than typed, and by mail only if the desk's own mail
    server has verified the sender.
    """
    if ticket.channel == "email":
        return dict(ticket.answers).get(STANDING) == Standing.VERIFIED
    return ticket.channel in VOUCHED_CHANNELS


def can_be_known(address: str) -> bool:
    """Tell whether a conversation can name somebody by that address."""
    return 0 < len(address) <= LONGEST_ADDRESS


def may_set_priority(config: Config, customer: PortalCustomer) -> bool:
    """Tell whether the desk lets them change a ticket's priority: the company's word, or the channel's."""
    company = customer.company
    if company is not None and company.customer_sets_priority is not None:
        return company.customer_sets_priority
    return config.channel(PORTAL).customer_sets_priority


def may_see(
    customer: PortalCustomer, conversation: Conversation, opened: Ticket, companies: Collection[str]
) -> bool:
    """Tell whether the customer may read a conversation; ``opened`` is the ticket it was opened with.

    ``companies`` are the ids that the conversations opened with that ticket name. Of a ticket of theirs the
    requester reads what they said themselves, by whichever way in, and what their company's manager did;
    a manager reads what the company's people did. Whoever takes part by mail alone reads their own mails.
    Others' mails, and another requester's chat that a merge has brought to it, stay theirs [R20, R38]; so are
    the comments of somebody whom it affects theirs, and the manager's to read.
    """
    beside = compared(commenter(conversation.visitor))
    speaker, requester = compared(correspondent(conversation.visitor)), compared(opened.requester_email)
    if customer.mailbox in (speaker, beside):
        return True
    company = customer.company
    if customer.managed_company and customer.managed_company in companies:
        return (speaker in ("", requester) and not beside) or _is_of(company, speaker or beside)
    if beside or requester != customer.mailbox:
        return False
    return not speaker or (company is not None and speaker in company.managers)


def is_said_to_requester(conversation: Conversation, opened: Ticket) -> bool:
    """Tell whether technicians speak to the requester of ``opened`` there, and not to somebody else."""
    if conversation.is_aside:
        return False
    return compared(correspondent(conversation.visitor)) in ("", compared(opened.requester_email))


def path_of(config: Config, number: int) -> str:
    """Return the path of a ticket's page."""
    return f"/portal/tickets/{format_number(config.desk.ticket_prefix, number)}"


def link_to(config: Config, ticket: Ticket, conversation: Conversation, address: str) -> str:
    """Return the link to the ticket's page for whoever is mailed at ``address`` about the conversation.

    "" where there is no portal, and where the ticket and the conversation do not show that they would get in
    and may see it.
    """
    customer, site = customer_of(config, address, ""), config.desk.public_url
    if not (config.portal_opens and site):
        return ""
    is_requester = compared(ticket.requester_email) == customer.mailbox
    gets_in = is_listed(customer) or (is_requester and vouches_for_requester(ticket))
    brought = conversation.opened_with not in (None, ticket.number)
    theirs = compared(correspondent(conversation.visitor)) == customer.mailbox
    # Of what a merge has brought to it, the requester sees only what they said themselves.
    sees = theirs if brought else may_see(customer, conversation, ticket, {conversation.company_id})
    return f"{site}{path_of(config, ticket.number)}" if gets_in and sees else ""


def _is_of(company: CompanySettings | None, address: str) -> bool:
    """Tell whether the address, in the form in which it is compared, is of the company."""
    domain = address.rpartition("@")[2]
    return company is not None and (domain in company.domains or address in company.managers)
