"""Whom a ticket affects besides its requester: named by staff, and kept through a merge [R20, R33]."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from chatdesk.affected import MOST_AFFECTED, AffectedChange, AffectedPerson, brought_together, named
from chatdesk.changes import AFFECTED_NO_LONGER, NOW_AFFECTED
from chatdesk.effects import Affect, Record, TicketDecision
from chatdesk.errors import EventRefused
from chatdesk.events import TicketAffects, TicketMerged, TicketSplit
from chatdesk.ids import new_id
from chatdesk.nodes import Node
from chatdesk.reading import TicketFile
from chatdesk.ticket import ACTIVE, DONE, Ticket, TicketNumber, TicketStatus
from flows.ticket_work import step
from storage.database import Database
from storage.reading import TortoiseStaffReads
from storage.store import TortoiseStore
from tests.core_builders import message, new_desk, running, survey, url
from tests.desk_builders import MARCUS, TICKET, TUESDAY, external_id, situation, ticket

NOW = TUESDAY + timedelta(minutes=48)
PAT = AffectedPerson(TICKET, "pat@contoso.example", "Pat Lee")
FIRST, SECOND = TicketNumber(1001), TicketNumber(1002)


def affects(
    about: Ticket,
    address: str = PAT.address,
    name: str = PAT.name,
    *,
    affected: bool = True,
    present: tuple[AffectedPerson, ...] = (),
) -> TicketDecision:
    event = TicketAffects(
        at=NOW, channel="web", external_id=external_id(), ticket=TICKET, agent=MARCUS, address=address,
        name=name, affected=affected,
    )  # fmt: skip
    here = situation(about)
    return step(about, event, replace(here, affected=present, requesters=frozenset({"dana@contoso.example"})))


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, ""),
        (1, "P0"),
        (2, "P0 and P1"),
        (5, "P0, P1, P2, P3 and P4"),
        (7, "P0, P1, P2, P3, P4 and 2 more"),
    ],
)
def test_one_line_names_the_first_few_and_says_how_many_more(count: int, words: str) -> None:
    people = [replace(PAT, name=f"P{number}") for number in range(count)]
    assert named(people) == words


@pytest.mark.parametrize("status", sorted(ACTIVE | DONE))
def test_somebody_is_named_and_taken_off_again_while_the_ticket_can_be_edited(status: TicketStatus) -> None:
    about = ticket(status=status)
    named = affects(about)
    record = Record(NOW_AFFECTED, MARCUS.author, "Pat Lee (pat@contoso.example)")
    assert named == TicketDecision(replace(about, changed_at=NOW), (Affect((PAT,)), record))
    taken_off = affects(about, affected=False, present=(PAT,))
    assert taken_off.effects == (
        Affect(()),
        Record(AFFECTED_NO_LONGER, MARCUS.author, "Pat Lee (pat@contoso.example)"),
    )


@pytest.mark.parametrize("status", [TicketStatus.MERGED, TicketStatus.CANCELLED])
@pytest.mark.parametrize("affected", [True, False])
def test_of_a_ticket_that_is_over_for_good_nothing_changes(status: TicketStatus, affected: bool) -> None:
    with pytest.raises(EventRefused, match=f"HD-1024 is {status.value}; it cannot be changed."):
        affects(ticket(status=status), affected=affected, present=(PAT,))


@pytest.mark.parametrize("written", [PAT.address, " PAT@Contoso.example ", "PAT@CONTOSO.example"])
def test_what_is_so_already_changes_nothing(written: str) -> None:
    about = ticket()
    assert affects(about, written, "Somebody", present=(PAT,)) == TicketDecision(about)
    assert affects(about, written, affected=False) == TicketDecision(about)


def test_without_a_name_the_address_stands_for_it() -> None:
    decision = affects(ticket(), name=" \n ")
    assert decision.effects == (
        Affect((replace(PAT, name=PAT.address),)),
        Record(NOW_AFFECTED, MARCUS.author, PAT.address),
    )


@pytest.mark.parametrize(
    ("address", "name", "field", "words"),
    [
        ("", "Pat", "address", "Enter an e-mail address"),
        ("Pat <pat@contoso.example>", "Pat", "address", "Enter an e-mail address"),
        ("pat@contoso.example\r\nBcc: eve@x.example", "Pat", "address", "Enter an e-mail address"),
        (f"pat@{'a.' * 60}example", "Pat", "address", "at most 120 characters"),
        (PAT.address, "P" * 101, "name", "A name has at most 100 characters."),
        ("Dana@Contoso.example", "Dana", "address", "opened this ticket and sees it already."),
    ],
)
def test_what_cannot_be_named_is_refused_at_its_field(
    address: str, name: str, field: str, words: str
) -> None:
    with pytest.raises(EventRefused, match=words) as refused:
        affects(ticket(), address, name)
    assert refused.value.field == field


def test_a_ticket_affects_a_limited_number_of_people() -> None:
    present = tuple(replace(PAT, address=f"pat{n}@contoso.example") for n in range(MOST_AFFECTED))
    assert len(affects(ticket(), present=present[1:]).effects) == 2
    with pytest.raises(EventRefused, match="at most 50 people") as refused:
        affects(ticket(), present=present)
    assert (refused.value.code, refused.value.field) == ("too_many", "address")
    assert affects(ticket(), present[7].address, present=present) == TicketDecision(ticket())


def test_a_merge_brings_each_person_once_and_no_requester() -> None:
    lee, eve = (replace(PAT, address=f"{name}@contoso.example", name=name) for name in ("lee", "eve"))
    there = replace(PAT, ticket=SECOND, name="Pat of the other")
    moved = brought_together(SECOND, (there,), (PAT, lee, eve), {"eve@contoso.example"})
    assert moved == (there, replace(lee, ticket=SECOND, known_as=TICKET))
    again = brought_together(FIRST, (), moved, set())
    assert [(one.ticket, one.known_as) for one in again] == [(FIRST, SECOND), (FIRST, TICKET)]
    assert brought_together(SECOND, (there,), (), {PAT.address}) == ()


def test_a_change_tells_who_is_gone_and_who_has_come() -> None:
    lee = replace(PAT, address="lee@contoso.example")
    change = AffectedChange((PAT,), (lee,))
    assert (list(change.gone), list(change.added)) == ([PAT], [lee])
    assert not [*AffectedChange((PAT,), (PAT,)).gone, *AffectedChange((PAT,), (PAT,)).added]


async def test_merge_and_split_in_the_record(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        reads = TortoiseStaffReads(database)

        async def file(number: TicketNumber) -> TicketFile:
            found = await reads.ticket_file(number)
            assert found is not None
            return found

        async with running(new_desk(TortoiseStore(database))) as desk:
            common: dict[str, Any] = {"at": NOW, "channel": "web", "agent": MARCUS}
            for chat in ("one", "two"):
                await desk.receive(survey(chat, f"visitor {chat}", live=False))

            async def tell(number: TicketNumber, address: str, *, affected: bool = True) -> None:
                event = TicketAffects(
                    **common, external_id=external_id(), ticket=number, address=address, affected=affected
                )
                await desk.receive(event)

            await tell(FIRST, "pat@contoso.example")
            await tell(FIRST, "lee@contoso.example")
            await tell(SECOND, "LEE@contoso.example")
            version = (await file(SECOND)).ticket.version
            merge = TicketMerged(**common, external_id=external_id(), ticket=FIRST, into=SECOND)
            await desk.receive(merge)
            assert (await file(FIRST)).affected == ()
            merged = await file(SECOND)
            assert [(one.address, one.known_as) for one in merged.affected] == [
                ("LEE@contoso.example", None),
                ("pat@contoso.example", FIRST),
            ]
            assert merged.ticket.version > version, "another node's change of them has to see this one"
            assert [entry.why for entry in merged.history if entry.what == NOW_AFFECTED] == [
                "LEE@contoso.example",
                "pat@contoso.example",
            ]
            await desk.receive(message("Also the scanner", "two", "visitor two"))
            (talk,) = (one for one in merged.conversations if one.id == "two")
            split = TicketSplit(
                **common, external_id=external_id(), ticket=SECOND, conversation=talk.id,
                messages=(talk.last_seq + 1,), subject="Scanner",
            )  # fmt: skip
            await desk.receive(split)
            assert (await file(TicketNumber(1003))).affected == ()
            await tell(SECOND, "pat@contoso.example", affected=False)
            assert [one.address for one in (await file(SECOND)).affected] == ["LEE@contoso.example"]
            with pytest.raises(EventRefused, match="opened this ticket"):
                await tell(SECOND, "dana@contoso.example")


async def test_who_is_named_twice_in_one_batch_is_kept_once(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        desk = new_desk(TortoiseStore(database))
        async with running(desk):
            await desk.receive(survey("one", "visitor one", live=False))
        again = new_desk(TortoiseStore(database))
        events = [
            TicketAffects(
                at=NOW, channel="web", external_id=external_id(), ticket=FIRST, agent=MARCUS,
                address="pat@contoso.example", affected=affected,
            )
            for affected in (True, True, False, True, False, True)
        ]  # fmt: skip
        waiting = [again.submit(event) for event in events]
        async with running(again):
            for each in waiting:
                await each
        found = await TortoiseStaffReads(database).ticket_file(FIRST)
        assert found is not None
        assert [one.address for one in found.affected] == ["pat@contoso.example"]
        assert [entry.what for entry in found.history].count(NOW_AFFECTED) == 3


@pytest.mark.postgres
async def test_two_nodes_that_name_people_at_once_lose_nobody(tmp_path: Path) -> None:
    async with Database(url(tmp_path, "postgres")) as database:
        desks = [new_desk(TortoiseStore(database, node=Node(new_id()))) for _ in range(2)]
        async with running(desks[0]), running(desks[1]):
            await desks[0].receive(survey("one", "visitor one", live=False))
            events = [
                TicketAffects(
                    at=NOW, channel="web", external_id=external_id(), ticket=FIRST, agent=MARCUS,
                    address=f"pat{number // 2}@contoso.example",
                )
                for number in range(4 * MOST_AFFECTED)
            ]  # fmt: skip
            told = [desks[number % 2].receive(event) for number, event in enumerate(events)]
            ends = await asyncio.gather(*told, return_exceptions=True)
        found = await TortoiseStaffReads(database).ticket_file(FIRST)
    assert found is not None
    assert len({person.mailbox for person in found.affected}) == len(found.affected) == MOST_AFFECTED
    refused = [end for end in ends if isinstance(end, EventRefused)]
    assert len(refused) == len(events) - 2 * MOST_AFFECTED
    assert {end.code for end in refused} == {"too_many"}
