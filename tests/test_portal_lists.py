"""The portal's lists: each ticket that somebody knows on one page and on no other, by indexes alone [R33]."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from msgspec.structs import replace

from chatdesk.affected import AffectedChange, AffectedPerson
from chatdesk.changes import Changes
from chatdesk.config import parse_config
from chatdesk.conversation import Conversation, ConversationId, Ended
from chatdesk.portal import PortalCustomer, customer_of
from chatdesk.sender import visitor_of
from chatdesk.ticket import Ticket, TicketNumber, TicketStatus
from storage.database import Database
from storage.portal_lists import list_of
from storage.portal_reading import TortoisePortalReads
from storage.selecting import Selecting
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import TUESDAY, conversation, ticket
from tests.portal_people import PORTAL_DESK

CONFIG = parse_config(PORTAL_DESK, "chatdesk.toml")
ADDRESSES = ("dana@contoso.example", "LEE@contoso.example", "fay@fabrikam.example", "kim@bücher.example")
DANA, LEE, FAY, _ = (customer_of(CONFIG, address, "Somebody") for address in ADDRESSES)
KIM = customer_of(CONFIG, "kim@xn--bcher-kva.example", "Somebody")
"""Somebody whose address stands in its other form on their tickets."""
EVERY = 40


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


class Desk:
    """Tickets as they may come about: of several people and companies, some merged, some with mails."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.made = Changes()
        self.into = {number: self._into(number) for number in range(1, EVERY + 1)}
        for number in self.into:
            self._open(TicketNumber(number))

    def final(self, number: int) -> TicketNumber:
        """Return the ticket that the one with that number is part of now."""
        while self.into[number]:
            number = self.into[number]
        return TicketNumber(number)

    def known_to(self, customer: PortalCustomer) -> dict[int, bool]:
        """Return the numbers of the tickets that they know, and whether only because these affect them."""
        found: dict[int, bool] = {}
        for one in self.made.tickets.values():
            if _same(one.requester_email, customer):
                found[one.number] = False
        for chat in self.made.conversations.values():
            theirs = _same(chat.visitor.removeprefix("mail:"), customer)
            if theirs or (chat.company_id and chat.company_id == customer.managed_company):
                found[chat.opened_with or chat.ticket or 0] = False
        for change in self.made.affected.values():
            for person in change.after:
                if person.mailbox == customer.mailbox:
                    _ = found.setdefault(person.known_as or person.ticket, True)
        return found

    def listed_for(self, customer: PortalCustomer) -> list[tuple[int, bool]]:
        """Return what their list has to show: open tickets first, each part newest first."""
        known = self.known_to(customer)
        shown = [n for n in known if self.final(n) == n or self.final(n) not in known]
        order = sorted(shown, key=lambda n: (not self.made.tickets[self.final(n)].is_active, -n))
        return [(number, known[number]) for number in order]

    def _into(self, number: int) -> int:
        return self.random.randint(number + 1, EVERY) if number < EVERY and self.random.random() < 0.3 else 0

    def _open(self, number: TicketNumber) -> None:
        final = self.final(number)
        status = self.random.choice((TicketStatus.ASSIGNED, TicketStatus.CLOSED))
        if final != number:
            status = TicketStatus.MERGED
        made = ticket(number=number, version=1, status=status, requester_email=self.random.choice(ADDRESSES))
        self.made.tickets[number] = made
        self._talk(made, "a-browser", self.random.choice(("", "contoso", "fabrikam")))
        if self.random.random() < 0.3:
            self._talk(made, visitor_of(self.random.choice(ADDRESSES)))
        if self.random.random() < 0.3:
            known_as = number if final != number else None
            person = AffectedPerson(final, self.random.choice(ADDRESSES).lower(), "Somebody", known_as)
            change = self.made.affected.get(final, AffectedChange((), ()))
            if person.mailbox not in {one.mailbox for one in change.after}:
                self.made.affected[final] = AffectedChange((), (*change.after, person))

    def _talk(self, opened: Ticket, visitor: str, company: str = "") -> None:
        final = self.final(opened.number)
        brought = opened.number if final != opened.number else None
        identity = ConversationId(f"c{len(self.made.conversations)}")
        self.made.conversations[identity] = replace(
            _CHAT,
            id=identity,
            ticket=final,
            opened_with=brought,
            visitor=visitor,
            company_id=company,
        )


_CHAT: Conversation = replace(conversation(Ended(TUESDAY)), version=1)


def _same(address: str, customer: PortalCustomer) -> bool:
    return customer_of(CONFIG, address, "").mailbox == customer.mailbox


@pytest.mark.parametrize("seed", range(6))
async def test_everybody_is_listed_what_they_know_once_and_nothing_else(
    database: Database, seed: int
) -> None:
    desk = Desk(seed)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(desk.made)
    reads = TortoisePortalReads(database)
    for customer in (DANA, LEE, FAY, KIM):
        shown: list[tuple[int, bool]] = []
        page = ""
        while True:
            found = await reads.tickets(customer, page, 3)
            shown += [(line.opened, line.affected) for line in found.lines]
            page = found.next
            if not page:
                break
        assert shown == desk.listed_for(customer)


@pytest.mark.sqlite("its plans; PostgreSQL reads tables as small as these whole")
@pytest.mark.parametrize("is_open", [True, False])
async def test_no_page_of_a_manager_s_list_reads_all_of_the_company_s_tickets(
    tmp_path: Path, *, is_open: bool
) -> None:
    async with Database(url(tmp_path, "sqlite")) as opened:
        wanted = list_of(LEE, 2**62, 26, is_open=is_open)
        found = await Selecting(opened).one(f"EXPLAIN QUERY PLAN {wanted.query}", *wanted.values)
    plan = [row["detail"] for row in found]
    assert not [step for step in plan if step.startswith(("SCAN conversation", "SCAN affected"))], plan
    for index in ("ticket_of_requester", "idx_affected_mailbox"):
        assert any(index in step for step in plan), plan
    walked = "conversation_merged_of_company" if is_open else "conversation_of_company"
    at = next(i for i, step in enumerate(plan) if f"{walked} (company_id=? AND" in step)
    assert not [step for step in plan[at : at + 3] if "TEMP B-TREE" in step], plan
