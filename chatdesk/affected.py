"""Who else a ticket affects: people that staff have named, who read of it in the customer portal [R33]."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from msgspec import Struct
from msgspec.structs import replace

from chatdesk.mail_address import compared
from chatdesk.ticket import TicketNumber

MOST_AFFECTED = 50
"""People that a ticket can be said to affect; a merge may bring together more."""
MOST_NAMED = 5
"""People that one line names; of more it says how many."""


class AffectedPerson(Struct, frozen=True):
    """Somebody whom ``ticket`` affects. ``address`` and ``name`` are as staff wrote them.

    ``known_as`` is the ticket that they were named on where a merge has brought them to this one [R20]: it
    stays the one by which they know it.
    """

    ticket: TicketNumber
    address: str
    name: str
    known_as: TicketNumber | None = None

    @property
    def mailbox(self) -> str:
        """The form in which the address is compared [chatdesk.mail_address]: what follows a plus counts too.

        Mail to both may lie in one box, but it lets in, and only a provider of sign-ins knows whose each is.
        """
        return compared(self.address)

    @property
    def words(self) -> str:
        """The person as staff read of them in lists and in the history."""
        return f"{self.name} ({self.address})" if self.name != self.address else self.address


class AffectedChange(Struct, frozen=True):
    """Whom a ticket affected before a batch, and whom after it."""

    before: tuple[AffectedPerson, ...]
    after: tuple[AffectedPerson, ...]

    @property
    def gone(self) -> Iterator[AffectedPerson]:
        """Those who are no longer affected."""
        return _without(self.before, self.after)

    @property
    def added(self) -> Iterator[AffectedPerson]:
        """Those who were not affected before."""
        return _without(self.after, self.before)


def brought_together(
    into: TicketNumber,
    present: Sequence[AffectedPerson],
    merged: Sequence[AffectedPerson],
    requesters: Collection[str],
) -> tuple[AffectedPerson, ...]:
    """Return whom ticket ``into`` affects when another becomes part of it.

    ``requesters`` are the mailboxes of those who asked for either: they see more than somebody affected.
    """
    known = {person.mailbox for person in present} | set(requesters)
    moved = (
        replace(person, ticket=into, known_as=person.known_as or person.ticket)
        for person in merged
        if person.mailbox not in known
    )
    stay = (person for person in present if person.mailbox not in requesters)
    return (*stay, *moved)


def named(people: Sequence[AffectedPerson]) -> str:
    """Return the people in one line for staff: the first few by name, and how many more; "" for nobody."""
    names = [person.name for person in people[:MOST_NAMED]]
    more = len(people) - len(names)
    if more:
        return f"{', '.join(names)} and {more} more"
    *first, last = names or [""]
    return f"{', '.join(first)} and {last}" if first else last


def _without(people: Sequence[AffectedPerson], others: Sequence[AffectedPerson]) -> Iterator[AffectedPerson]:
    left_out = {person.mailbox for person in others}
    return (person for person in people if person.mailbox not in left_out)
