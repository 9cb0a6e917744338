"""Who sent a mail, and how well our own mail server vouches for it."""

from __future__ import annotations

from enum import StrEnum

from chatdesk.channels import VOUCHED_CHANNELS
from chatdesk.conversation import ASIDE
from chatdesk.mail_address import compared
from chatdesk.site_identity import identified_by
from chatdesk.ticket import Ticket

MAIL_VISITOR = "mail:"
"""What the visitor's name of a mail conversation begins with; the address follows."""
LONGEST_ADDRESS = 120
"""Characters of the longest address that can write to the desk by itself; longer ones are held for staff."""
STANDING = "sender"
"""The answer of a ticket that says how its sender stood, where it came by mail."""


class Standing(StrEnum):
    """What our own mail server's Authentication-Results say of the address in From (RFC 8601)."""

    VERIFIED = "verified"
    UNVERIFIED = "not verified"
    FAILED = "failed verification"


def visitor_of(address: str) -> str:
    """Return how a conversation names the person who writes from that address."""
    return f"{MAIL_VISITOR}{address.lower()}"


def commenter_of(address: str) -> str:
    """Return how a conversation names whoever comments only because the ticket affects them [R33].

    They take no part by mail: nobody is mailed what is said there.
    """
    return f"{ASIDE}{address.lower()}"


def same_speaker(visitor: str, other: str) -> bool:
    """Tell whether two conversations name one person: a domain may be written in its xn-- form or not."""
    return visitor == other or compared(visitor) == compared(other)


def commenter(visitor: str) -> str:
    """Return the address of somebody affected whose comments a conversation holds, "" for any other."""
    return visitor.removeprefix(ASIDE) if visitor.startswith(ASIDE) else ""


def correspondent(visitor: str) -> str:
    """Return the address of a mail conversation's person, "" for any other conversation."""
    return visitor.removeprefix(MAIL_VISITOR) if visitor.startswith(MAIL_VISITOR) else ""


def is_vouched(ticket: Ticket) -> bool:
    """Tell whether the requester's address is known to be theirs, and not merely what somebody typed."""
    by_channel = ticket.channel in VOUCHED_CHANNELS and not is_unverified(ticket)
    return by_channel or bool(identified_by(ticket))


def is_unverified(ticket: Ticket) -> bool:
    """Tell whether the ticket came by mail from an address that nobody vouched for."""
    standing = dict(ticket.answers).get(STANDING)
    return ticket.channel == "email" and standing is not None and standing != Standing.VERIFIED
