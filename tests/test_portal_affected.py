"""Whom a ticket affects: they see it in the portal, can comment, and no more than that [R33, R38]."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from typing import Any

import pytest

from chatdesk.bootstrap import now
from chatdesk.conversation import AuthorKind, ConversationId
from chatdesk.events import (
    MailReplied,
    TicketAffects,
    TicketEdited,
    TicketMerged,
    TicketPaused,
    TicketResolved,
    TicketSplit,
)
from chatdesk.ids import new_id
from chatdesk.reading import TicketFile
from chatdesk.ticket import Priority, TicketNumber, TicketStatus, Trigger
from tests.portal_people import browser_of, customer_of, hidden, portal_desk
from tests.test_portal_visibility import DANA, EVE, LEE, MARCUS, Scene, same
from tests.web_people import signed_in, visitor

PAT, GUEST = "pat@contoso.example", "guest@gmail.com"
SECRET = "What only the requester wrote"


class Affecting(Scene):
    """A scene in which tickets affect people."""

    async def affects(self, number: int, address: str, *, affected: bool = True) -> None:
        """A technician says so."""
        facts = {"address": address, "name": "Pat Lee", "affected": affected}
        await self.step(TicketAffects, number, **facts)

    async def step(self, kind: Any, number: int, **facts: Any) -> None:
        """Marcus does something to the ticket."""
        await self.tell(kind, ticket=TicketNumber(number), agent=MARCUS, **facts)

    async def file(self, number: int) -> TicketFile:
        """Return the ticket as staff see it."""
        found = await self.desk.running.services.staff_reads.ticket_file(TicketNumber(number))
        assert found is not None
        return found

    async def comments(self, address: str, number: int, text: str) -> tuple[int, str]:
        """Somebody comments in the portal."""
        async with customer_of(self.desk, self.openid, address) as customer:
            path = f"/portal/tickets/HD-{number}"
            _, page = await customer.get("/portal/new")
            kept = {name: hidden(page, name) for name in ("csrf", "token")}
            return await customer.post(path, {**kept, "do": "comment", "text": text})


@pytest.fixture
async def scene() -> AsyncIterator[Affecting]:
    async with portal_desk() as (desk, openid):
        yield Affecting(desk, openid)


async def test_somebody_affected_sees_how_it_goes_on_and_nothing_else(scene: Affecting) -> None:
    number, chat = await scene.opened(DANA, SECRET)
    await scene.said(chat, "We are looking into it.")
    await scene.said(chat, "Dana is always difficult", note=True)
    assert await scene.page(PAT, number) == ""
    await scene.affects(number, PAT)
    await scene.step(TicketEdited, number, subject="Mail is down", workaround="Use the web mail.")
    await scene.step(TicketEdited, number, priority=Priority.HIGH)
    page = await scene.page(PAT, number)
    for words in ("Mail is down", "This ticket affects you", "We are looking into it.", "Use the web mail."):
        assert words in page
    assert "High" in page
    for words in (
        SECRET,
        "difficult",
        "Dana",
        "Requester",
        "555-0134",
        "Close the ticket",
        "Change priority",
    ):
        assert words not in page
    assert await scene.listed(PAT) == [f"HD-{number}"]
    async with customer_of(scene.desk, scene.openid, PAT) as pat:
        _, listed = await pat.get("/portal")
        assert "Affects you" in listed
        assert "Dana" not in listed
    for address in (DANA, LEE):
        async with customer_of(scene.desk, scene.openid, address) as other:
            assert "Affects you" not in (await other.get("/portal"))[1]
        assert "affects you" not in await scene.page(address, number)


async def test_they_read_how_it_was_solved_and_when_it_goes_on(scene: Affecting) -> None:
    number, _ = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    async with signed_in(scene.desk) as marcus:
        await marcus.take(f"HD-{number}")
    until = now().replace(year=now().year + 1)
    await scene.step(TicketPaused, number, trigger=Trigger.WAIT_FOR_VENDOR, until=until, text="for them")
    page = await scene.page(PAT, number)
    assert "Waiting for a supplier" in page
    assert "We are waiting for a supplier and will come back to the requester on" in page
    assert "for them" not in page
    await scene.step(TicketResolved, number, resolution="A new cable.")
    page = await scene.page(PAT, number)
    assert page.count("A new cable.") == 1
    assert "Still affected?" in page
    assert 'name="text"' not in page


async def test_a_question_to_the_requester_is_not_theirs_to_answer(scene: Affecting) -> None:
    number, chat = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    async with signed_in(scene.desk) as marcus:
        await marcus.take(f"HD-{number}")
    await scene.said(chat, "Hello.")
    await scene.step(TicketPaused, number, trigger=Trigger.ASK_CUSTOMER, text="Which floor?")
    page = await scene.page(PAT, number)
    assert "Waiting for an answer" in page
    assert "Waiting for your answer" not in page
    status, _ = await scene.comments(PAT, number, "It is the third.")
    assert status == 200
    file = await scene.file(number)
    assert file.ticket.status is TicketStatus.WAITING_ON_CUSTOMER
    (aside,) = (one for one in file.conversations if one.is_aside)
    (said,) = (one for one in file.messages if one.conversation == aside.id)
    assert (said.text, said.author.kind, said.author.name) == ("It is the third.", AuthorKind.CUSTOMER, "Pat")


async def test_a_comment_stays_between_them_and_staff_and_moves_no_answer(scene: Affecting) -> None:
    number, _ = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    await scene.affects(number, EVE)
    await scene.comments(PAT, number, "Here too, says Pat")
    await scene.comments(PAT, number, "And again, says Pat")
    assert "Here too, says Pat" in await scene.page(PAT, number)
    assert "says Pat" in await scene.page(LEE, number), "the manager reads what the company's people write"
    for address in (DANA, EVE):
        assert "says Pat" not in await scene.page(address, number)
    file = await scene.file(number)
    assert [one.is_aside for one in file.conversations] == [False, True]
    # What a technician says next goes to the requester, whose words these are an answer to.
    await scene.step(TicketResolved, number, resolution="A new cable.")
    file = await scene.file(number)
    told = [one.conversation for one in file.messages if one.text == "A new cable."]
    assert told == [file.conversations[0].id]
    chosen = await scene.desk.running.services.staff_reads.chat_file(TicketNumber(number))
    assert chosen is not None
    assert chosen.conversations == file.conversations[:1], "a transcript for the customer is theirs"
    mailed = {note.delivery.payload.get("to") for note in file.deliveries}
    assert mailed == {DANA}


@pytest.mark.parametrize("deed", [{"do": "solved"}, {"do": "priority", "priority": "low"}, {"do": "reopen"}])
async def test_they_close_nothing_and_set_no_priority(scene: Affecting, deed: dict[str, str]) -> None:
    number, _ = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    before = (await scene.file(number)).ticket
    async with customer_of(scene.desk, scene.openid, PAT) as pat:
        status, page = await pat.form(f"/portal/tickets/HD-{number}", **deed)
    assert (status, "This cannot be done here." in page) == (422, True)
    assert (await scene.file(number)).ticket == before


async def test_they_open_nothing_again(scene: Affecting) -> None:
    number, _ = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    await scene.step(TicketResolved, number, resolution="A new cable.")
    status, page = await scene.comments(PAT, number, "Still slow")
    assert status == 422
    assert re.search(rf"HD-{number} is (resolved|closed)\. Please open a new ticket\.", page)
    file = await scene.file(number)
    assert file.ticket.is_done
    assert "Still slow" not in [message.text for message in file.messages]


async def test_taken_off_they_are_told_that_there_is_no_such_ticket(scene: Affecting) -> None:
    number, _ = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    await scene.comments(PAT, number, "Here too")
    await scene.affects(number, "PAT@contoso.example", affected=False)
    assert await scene.listed(PAT) == []
    async with customer_of(scene.desk, scene.openid, PAT) as pat:
        status, real = await pat.get(f"/portal/tickets/HD-{number}")
        _, unknown = await pat.get("/portal/tickets/HD-9999")
        assert (status, same(real)) == (404, same(unknown))
    assert (await scene.comments(PAT, number, "Once more"))[0] == 404
    assert "Here too" in await scene.page(LEE, number)
    await scene.affects(number, PAT)
    assert "Here too" in await scene.page(PAT, number)


async def test_their_address_gets_them_in_while_a_ticket_affects_them(scene: Affecting) -> None:
    async def enters(address: str) -> bool:
        async with browser_of(scene.desk, scene.openid) as somebody:
            return (await somebody.sign_in(address))[0] == 200

    number, _ = await scene.opened(DANA, SECRET)
    other, _ = await scene.opened(EVE, "Something else")
    assert not await enters(GUEST)
    await scene.affects(number, "Guest@Gmail.com")
    assert not await enters(GUEST.replace("@", "+another@")), "whose that is nobody here can tell"
    async with browser_of(scene.desk, scene.openid) as guest:
        await guest.sign_in(GUEST)
        assert f"HD-{number}" in (await guest.get("/portal"))[1]
        assert (await guest.get(f"/portal/tickets/HD-{other}"))[0] == 404
        await scene.affects(number, GUEST, affected=False)
        assert "Sign in with Google" in (await guest.get("/portal"))[1], "the session ends with it"
    assert not await enters(GUEST)


async def test_files_of_the_requester_and_of_technicians_stay_theirs(scene: Affecting) -> None:
    async with (
        visitor(scene.desk, email=DANA) as dana,
        signed_in(scene.desk) as marcus,
    ):
        shot = await (await dana.upload(name="shot.png")).json()
        await dana.say("Look", shot["id"])
        await marcus.take("HD-1001")
        plan = await (await marcus.upload(dana.conversation, name="plan.png")).json()
        await marcus.say(dana.conversation, "This is the plan", plan["id"])
        await scene.affects(1001, PAT)
        page = await scene.page(PAT, 1001)
        assert "This is the plan" in page
        assert "shot.png" not in page
        assert "plan.png" not in page
        async with customer_of(scene.desk, scene.openid, PAT) as pat:
            for identity in (shot["id"], plan["id"]):
                assert (await pat.get(f"/portal/tickets/HD-1001/files/{identity}"))[0] == 404
            await pat.attach("/portal/tickets/HD-1001", "Mine", ("mine.png", b"\x89PNG\r\n\x1a\n" + bytes(9)))
        page = await scene.page(PAT, 1001)
        assert "mine.png" in page
        assert "mine.png" not in await scene.page(DANA, 1001)


async def test_after_a_merge_they_know_their_ticket_by_its_new_number(scene: Affecting) -> None:
    danas, danas_chat = await scene.opened(DANA, "Dana's matter")
    eves, eves_chat = await scene.opened(EVE, "Eve's matter")
    await scene.affects(danas, PAT)
    await scene.said(danas_chat, "To Dana, before")
    await scene.step(TicketMerged, danas, into=TicketNumber(eves), other_company=True)
    await scene.said(eves_chat, "To Eve alone")
    await scene.said(danas_chat, "To Dana, after")
    assert await scene.listed(PAT) == [f"HD-{eves}"]
    for number in (danas, eves):
        page = await scene.page(PAT, number)
        assert f"HD-{danas} goes on as HD-{eves}." in page
        assert "To Dana, before" in page
        assert "To Dana, after" in page
        assert "Eve" not in page
    await scene.comments(PAT, danas, "Here too")
    assert "Here too" in await scene.page(PAT, eves)
    await scene.affects(eves, PAT, affected=False)
    assert await scene.listed(PAT) == []
    assert await scene.page(PAT, danas) == await scene.page(PAT, eves) == ""


async def test_what_is_split_off_affects_nobody(scene: Affecting) -> None:
    number, chat = await scene.opened(DANA, SECRET)
    await scene.affects(number, PAT)
    await scene.comments(PAT, number, "And my chair squeaks")
    file = await scene.file(number)
    (aside,) = (one for one in file.conversations if one.is_aside)
    await scene.step(TicketSplit, number, conversation=chat, messages=(1,), subject="Something else")
    await scene.step(TicketSplit, number, conversation=aside.id, messages=(1,), subject="Chair")
    assert await scene.page(PAT, number + 1) == ""
    # What they asked for themselves is theirs, and the requester is not told of it.
    assert "Chair" in await scene.page(PAT, number + 2)
    assert await scene.page(DANA, number + 2) == ""
    assert await scene.listed(PAT) == [f"HD-{number + 2}", f"HD-{number}"]


async def test_who_also_takes_part_by_mail_keeps_their_own_mails(scene: Affecting) -> None:
    number, chat = await scene.opened(DANA, SECRET)
    await scene.said(chat, "For Dana")
    reply = {"channel": "email", "ticket": TicketNumber(number), "name": "Eve", "sender": EVE}
    await scene.tell(
        MailReplied, conversation=ConversationId(new_id()), text="Eve writes", by_token=True, **reply
    )
    await scene.affects(number, EVE)
    page = await scene.page(EVE, number)
    assert "Eve writes" in page
    assert "For Dana" in page
    await scene.affects(number, EVE, affected=False)
    page = await scene.page(EVE, number)
    assert "Eve writes" in page
    assert "For Dana" not in page


async def test_a_manager_whom_it_affects_still_sees_the_whole(scene: Affecting) -> None:
    number, _ = await scene.opened(DANA, SECRET)
    await scene.affects(number, LEE)
    page = await scene.page(LEE, number)
    assert SECRET in page
    assert "Close the ticket" in page
    assert await scene.listed(LEE) == [f"HD-{number}"]


async def test_the_list_goes_on_page_by_page_with_what_affects_them(scene: Affecting) -> None:
    numbers = []
    for count in range(60):
        number, _ = await scene.opened(PAT if count % 3 == 0 else DANA, f"Matter {count}")
        if count % 3 == 1:
            await scene.affects(number, PAT)
        if count % 3 != 2:
            numbers.append(f"HD-{number}")
    seen: list[str] = []
    async with customer_of(scene.desk, scene.openid, PAT) as pat:
        _, page = await pat.get("/portal")
        while True:
            seen += re.findall(r'<span class="whole">(HD-\d+)</span>', page)
            following = re.search(r'href="(/portal\?after=\w+)"', page)
            if following is None:
                break
            _, page = await pat.get(following[1])
    assert seen == numbers[::-1]
