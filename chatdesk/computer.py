"""The managed computer whose icon opened the desk [R6]: its name, and where a ticket keeps it.

A name that comes with an address is a claim, as everything typed is: it shows and opens nothing, and says
which computer to look at.
"""

from __future__ import annotations

import re

from chatdesk.ticket import Ticket

COMPUTER = "Computer"
"""The answer of a ticket that names the computer. No question has this id: those begin in lower case."""
NAME = r"[\w.-]{1,64}"
"""What a name looks like: Windows takes 15 characters, DNS (RFC 1123) 63 and Linux 64, letters of any script.

Without blanks nobody can put a sentence of their own onto the desk's page, and a variable that an RMM tool
left as it was, such as %COMPUTERNAME%, is noticed.
"""
RULE = "1 to 64 letters, digits, dots, hyphens and underscores"
"""The same in words."""

_NAME = re.compile(NAME)


def is_computer_name(name: str) -> bool:
    """Tell whether this can be a computer's name."""
    return _NAME.fullmatch(name) is not None


def computer_of(ticket: Ticket) -> str:
    """Return the name of the computer whose icon opened the ticket, "" where none is known."""
    return dict(ticket.answers).get(COMPUTER, "")
