"""A customer's search in the portal finds what their pages show, and nothing that these do not [R33, R38]."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from chatdesk.conversation import Author, AuthorKind, Message, Visibility
from chatdesk.portal import PortalCustomer
from chatdesk.search import holds
from chatdesk.ticket import TicketNumber
from storage.database import Database
from storage.portal_reading import TortoisePortalReads
from storage.portal_search import TortoisePortalSearch
from storage.search_index import index_all
from storage.store import TortoiseStore
from tests.core_builders import url
from tests.desk_builders import TUESDAY
from tests.portal_people import customer_of, portal_desk
from tests.test_portal_affected import PAT, SECRET, Affecting
from tests.test_portal_lists import DANA, FAY, KIM, LEE, Desk
from tests.test_portal_visibility import DANA as DANAS
from tests.test_portal_visibility import EVE
from tests.test_portal_visibility import LEE as LEES

WORDS = ("paper", "Scanner", "müde", "printed", "printer")


@pytest.fixture(params=["sqlite", "postgres"])
async def database(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Database]:
    async with Database(url(tmp_path, request.param)) as opened:
        yield opened


@pytest.fixture
async def scene() -> AsyncIterator[Affecting]:
    async with portal_desk() as (desk, openid):
        yield Affecting(desk, openid)


def talk(desk: Desk) -> None:
    """Have everybody say something everywhere: publicly or in a note, some of it deleted since."""
    chosen = desk.random
    for conversation in desk.made.conversations.values():
        for seq in range(1, 4):
            side, public = chosen.choice((AuthorKind.AGENT, AuthorKind.CUSTOMER)), chosen.random() < 0.6
            gone = chosen.random() < 0.2
            desk.made.messages.append(
                Message(
                    conversation.id,
                    seq,
                    Author(side, "somebody", "Somebody"),
                    Visibility.PUBLIC if public else Visibility.INTERNAL,
                    f"about {chosen.choice(WORDS)} again",
                    TUESDAY + timedelta(seconds=seq),
                    changed=seq,
                    deleted_at=TUESDAY if gone else None,
                )
            )
    for number, ticket in desk.made.tickets.items():
        desk.made.tickets[number] = replace(ticket, subject=f"No {chosen.choice(WORDS)}")


async def shown(reads: TortoisePortalReads, customer: PortalCustomer, asked: str) -> set[int]:
    """Return the numbers in their list on whose pages the words stand."""
    page = await reads.tickets(customer, "", 99)
    found = set[int]()
    for line in page.lines:
        ticket = await reads.ticket(customer, line.opened)
        assert ticket is not None
        texts = [ticket.ticket.subject, *(m.text for m in ticket.messages if not m.deleted_at)]
        if any(holds(text, [asked]) for text in texts):
            found.add(line.opened)
    return found


@pytest.mark.parametrize(("looked", "listed"), [(1, 100), (500, 1), (1, 1)], ids=["near", "far", "neither"])
@pytest.mark.parametrize("seed", range(3))
async def test_everybody_finds_what_their_pages_show_and_nothing_else(
    database: Database, monkeypatch: pytest.MonkeyPatch, seed: int, looked: int, listed: int
) -> None:
    desk = Desk(seed)
    talk(desk)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(desk.made)
    await index_all(database)
    monkeypatch.setattr("storage.search.NARROWED", looked)
    monkeypatch.setattr("storage.portal_search.LISTED", listed)
    reads, search = TortoisePortalReads(database), TortoisePortalSearch(database)
    for customer in (DANA, LEE, FAY, KIM):
        for asked in ("PAPER", "scanner", "mude", "print"):
            matches = await search.find(customer, asked)
            found = [each.line.opened for each in matches.found]
            assert len(found) == len({*found})
            whole = await shown(reads, customer, asked)
            assert matches.cut is (looked == listed)
            assert {*found} <= whole if matches.cut else {*found} == whole, (customer, asked)


@pytest.mark.parametrize("asked", ["HD-7", "7", " hd-7 "])
async def test_a_number_finds_the_ticket_for_whom_it_is_and_nobody_else(
    database: Database, asked: str
) -> None:
    desk = Desk(4)
    async with TortoiseStore(database).batch() as batch:
        await batch.write(desk.made)
    reads, search = TortoisePortalReads(database), TortoisePortalSearch(database)
    seen = 0
    for customer in (DANA, LEE, FAY, KIM):
        page = await reads.ticket(customer, TicketNumber(7))
        found = [each.line.opened for each in (await search.find(customer, asked)).found]
        assert found == ([page.opened] if page else [])
        seen += page is not None
    assert 0 < seen < 4


async def results(scene: Affecting, address: str, asked: str) -> str:
    """Return the page of a search."""
    async with customer_of(scene.desk, scene.openid, address) as customer:
        status, page = await customer.get("/portal", q=asked)
    assert status == 200
    return page


def numbers(page: str) -> list[str]:
    """Return the tickets on a page of the list."""
    return re.findall(r'<span class="whole">(HD-\d+)</span>', page)


async def test_a_page_shows_what_was_found_marked_and_what_is_hostile_as_text(scene: Affecting) -> None:
    number, chat = await scene.opened(DANAS, "<b>Toner</b> is empty")
    await scene.said(chat, "We ordered <script>alert(1)</script> cartridges.")
    await scene.said(chat, "A note about plutonium", note=True)
    page = await results(scene, DANAS, "ton")
    assert numbers(page) == [f"HD-{number}"]
    assert "1 ticket found." in page
    assert "&lt;b&gt;<mark>Toner</mark>&lt;/b&gt; is empty" in page
    page = await results(scene, DANAS, "cartridges")
    assert "&lt;/script&gt; <mark>cartridges</mark>." in page
    assert "<script" not in page
    for address in (DANAS, LEES, EVE):
        page = await results(scene, address, "plutonium")
        assert (numbers(page), "No tickets match." in page) == ([], True)
    assert numbers(await results(scene, LEES, "cartridges")) == [f"HD-{number}"]
    assert numbers(await results(scene, EVE, "cartridges")) == []
    assert 'value="&#34;&gt;&lt;b&gt;"' in await results(scene, DANAS, '"><b>')


async def test_whom_it_affects_finds_what_technicians_say_and_not_the_requester_s_words(
    scene: Affecting,
) -> None:
    number, chat = await scene.opened(DANAS, "The network is down")
    await scene.affects(number, PAT)
    await scene.comments(DANAS, number, SECRET)
    await scene.said(chat, "A switch is replaced.")
    assert numbers(await results(scene, DANAS, SECRET)) == [f"HD-{number}"]
    assert numbers(await results(scene, PAT, SECRET)) == []
    assert numbers(await results(scene, PAT, "switch")) == [f"HD-{number}"]
    await scene.affects(number, PAT, affected=False)
    assert numbers(await results(scene, PAT, "switch")) == []


async def test_who_searches_all_the_time_is_asked_to_wait(scene: Affecting) -> None:
    number, _ = await scene.opened(DANAS, "Toner")
    async with customer_of(scene.desk, scene.openid, DANAS) as dana:
        answers = [await dana.get("/portal", q="toner") for _ in range(121)]
        assert [status for status, _ in answers] == [200] * 120 + [429]
        assert "Please try again in a few minutes." in answers[-1][1]
        assert numbers((await dana.get("/portal"))[1]) == [f"HD-{number}"]
