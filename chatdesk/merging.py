"""Which tickets may be merged [R20], and what is shown of the one to the requester of the other [R38]."""

from __future__ import annotations

from msgspec.structs import replace

from chatdesk.errors import EventRefused
from chatdesk.ticket import Ticket, format_number


def check_merge(ticket: Ticket, into: Ticket, prefix: str, *, other_company: bool) -> None:
    """Raise EventRefused, with the reason, where ``ticket`` must not become part of ``into``.

    ``prefix`` is the desk's. ``other_company`` says that staff have confirmed that the companies differ.
    """
    if ticket.number == into.number:
        raise EventRefused("A ticket cannot be merged into itself.", code="merge", field="into")
    if not into.is_active:
        text = "The other ticket is done; merge into one that is open."
        raise EventRefused(text, code="merge", field="into")
    if other_company or same_company(ticket, into):
        return
    one, other = (
        f"{format_number(prefix, each.number)} is a ticket of {each.company or 'no named company'}"
        for each in (ticket, into)
    )
    text = f"{one}, {other}. Merge them in the console, and confirm there that they belong together."
    raise EventRefused(text, code="other_company", field="other_company")


def same_company(one: Ticket, other: Ticket) -> bool:
    """Tell whether two tickets name the same company, however it is spaced and capitalised."""
    return folded(one.company) == folded(other.company)


def folded(company: str) -> str:
    """Return a company's name as names are compared."""
    return " ".join(company.casefold().split())


def as_opened(ticket: Ticket, opened: Ticket) -> Ticket:
    """Return the ticket as it is shown to the requester of ``opened``, which was merged into it.

    Number, state and dates are the ticket's; who asked, for what and from where are their own. The
    resolution is read where it is told.
    """
    return replace(
        ticket,
        subject=opened.subject,
        channel=opened.channel,
        opened_at=opened.opened_at,
        requester_name=opened.requester_name,
        requester_email=opened.requester_email,
        requester_phone=opened.requester_phone,
        company=opened.company,
        answers=opened.answers,
        resolution="",
    )
