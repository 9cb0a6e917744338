"""Who a visitor is by the word of their company's own site, and where a ticket keeps it [threat 2]."""

from __future__ import annotations

from msgspec import Struct

from chatdesk.ticket import Ticket

IDENTIFIED_BY = "Identified by"
"""The answer of a ticket that says who vouches for its requester. No question has this id: those begin in
lower case."""


class VouchedPerson(Struct, frozen=True):
    """Somebody as the site has signed it; ``email`` is in lower case, ``phone`` "" where it told none."""

    email: str
    name: str
    phone: str = ""


def site_of(company: str) -> str:
    """Return the words for a company's own site; "" where the company is not known."""
    return f"{company}'s site" if company else ""


def identified_by(ticket: Ticket) -> str:
    """Return whose word it is that the requester is who the ticket says, "" for nobody's."""
    return dict(ticket.answers).get(IDENTIFIED_BY, "")
