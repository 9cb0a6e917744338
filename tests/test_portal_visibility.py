"""Who sees what in the portal: one's own, a manager the company's, and nobody anything else [R33, R38]."""

from __future__ import annotations

import re
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.web.late_routes import LATE
from chatdesk.bootstrap import now
from chatdesk.conversation import Agent, ConversationId, Visibility
from chatdesk.events import (
    AgentMessaged,
    CustomerEnded,
    MailReceived,
    MailReplied,
    SurveySubmitted,
    TicketAffects,
    TicketMerged,
    TicketReopened,
    TicketResolved,
    TicketSplit,
)
from chatdesk.ids import new_id
from chatdesk.portal import vouches_for_requester
from chatdesk.sender import Standing
from chatdesk.ticket import TicketNumber
from tests.fake_openid import FakeOpenId, fake_openid
from tests.portal_people import Customer, browser_of, customer_of, hidden, portal_desk
from tests.running_desk import ANSWERS, ServedDesk, serving
from tests.web_people import PNG, signed_in, visitor

MARCUS = Agent("marcus", "Marcus Bell")
DANA, LEE = "dana@contoso.example", "lee@contoso.example"
BOTH_FORMS = ("dana@bücher.example", "dana@xn--bcher-kva.example")
GUEST = "guest@gmail.com"
EVE, FAY = "eve@fabrikam.example", "fay@fabrikam.example"


@dataclass
class Scene:
    """A desk with a portal, and what happens to its tickets besides."""

    desk: ServedDesk
    openid: FakeOpenId

    async def tell(self, kind: Any, **facts: Any) -> Any:
        """Have something happen; return its outcome."""
        shared = {"at": now(), "channel": "web", "external_id": secrets.token_hex(8)}
        return await self.desk.running.desk.receive(kind(**{**shared, **facts}))

    async def opened(self, email: str, issue: str, **facts: Any) -> tuple[int, ConversationId]:
        """Somebody opens a ticket by a form; return its number and its conversation."""
        named = {"name": f"{email.partition('@')[0].capitalize()} Smith", "email": email}
        answers = {**ANSWERS, **named, "issue": issue, "company": "Somewhere"}
        asked = ("name", "company", "email", "phone", "impact", "urgency", "issue")
        by = {"channel": "form", "widget": "desk", "live": False, "visitor": secrets.token_hex(32), **facts}
        conversation = ConversationId(new_id())
        given = tuple((field, answers[field]) for field in asked)
        outcome = await self.tell(SurveySubmitted, conversation=conversation, answers=given, **by)
        return outcome.ticket, conversation

    async def said(self, conversation: ConversationId, text: str, *, note: bool = False) -> None:
        """A technician writes there."""
        see = Visibility.INTERNAL if note else Visibility.PUBLIC
        await self.tell(AgentMessaged, conversation=conversation, agent=MARCUS, text=text, visibility=see)

    async def page(self, address: str, number: int) -> str:
        """Return the ticket's page as that person sees it, "" when there is none for them."""
        async with customer_of(self.desk, self.openid, address) as customer:
            status, page = await customer.get(f"/portal/tickets/HD-{number}")
        assert status in (200, 404)
        return page if status == 200 else ""

    async def listed(self, address: str) -> list[str]:
        """Return the numbers of that person's list, as they stand there."""
        async with customer_of(self.desk, self.openid, address) as customer:
            _, page = await customer.get("/portal")
        return re.findall(r'<span class="whole">(HD-\d+)</span>', page)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with portal_desk() as (desk, openid):
        yield Scene(desk, openid)


def same(page: str) -> str:
    """Return a page without what differs at every request."""
    return re.sub(r"[0-9a-v]{24}", "", page)


async def test_a_customer_and_their_manager_see_a_ticket_and_all_others_are_told_there_is_none(
    scene: Scene,
) -> None:
    number, chat = await scene.opened(DANA, "My secret matter")
    await scene.said(chat, "We are looking into it.")
    for address in (DANA, LEE):
        page = await scene.page(address, number)
        assert "My secret matter" in page
        assert "We are looking into it." in page
        assert await scene.listed(address) == [f"HD-{number}"]
    for address in (EVE, FAY, "sam@contoso.example"):
        assert await scene.listed(address) == []
        async with customer_of(scene.desk, scene.openid, address) as other:
            status, real = await other.get(f"/portal/tickets/HD-{number}")
            unknown = await other.get("/portal/tickets/HD-9999")
            assert (status, same(real)) == (404, same(unknown[1]))
            assert unknown[0] == 404
            assert '<a href="/portal">All tickets</a>' in real
            assert '<a href="tel:5550100">555-0100</a>' in real


async def test_walking_the_numbers_finds_nothing(scene: Scene) -> None:
    for _ in range(3):
        await scene.opened(DANA, "My secret matter")
    async with customer_of(scene.desk, scene.openid, EVE) as eve:
        tried = (*range(995, 1010), 0, -1, 2**63, 10**30)
        found = {await eve.get(f"/portal/tickets/HD-{number}") for number in tried}
        odd = ("XX-1001", "1001", "HD-1001x", "HD-%00", "HD-1001%20OR%201=1")
        found |= {await eve.get(f"/portal/tickets/{text}") for text in odd}
    assert {status for status, _ in found} == {404}
    assert len({same(page) for _, page in found}) == 1


async def test_internal_notes_are_never_shown_nor_are_their_files(scene: Scene) -> None:
    async with (
        visitor(scene.desk, email=DANA) as dana,
        signed_in(scene.desk) as marcus,
        customer_of(scene.desk, scene.openid, DANA) as in_portal,
        customer_of(scene.desk, scene.openid, EVE) as eve,
    ):
        shown = await (await dana.upload(name="shot.png")).json()
        await dana.say("Look at this", shown["id"])
        await marcus.take("HD-1001")
        secret = await (await marcus.upload(dana.conversation, name="plan.png", internal="1")).json()
        await marcus.say(dana.conversation, "She is always difficult", secret["id"], internal=True)
        waiting = await (await dana.upload(name="unsent.png")).json()
        _, page = await in_portal.get("/portal/tickets/HD-1001")
        assert "shot.png" in page
        assert "difficult" not in page
        assert "plan.png" not in page
        files = "/portal/tickets/HD-1001/files"
        async with in_portal.http.get(f"{scene.desk.base}{files}/{shown['id']}") as answer:
            assert (answer.status, await answer.read()) == (200, PNG)
            assert answer.headers["Content-Disposition"].startswith("attachment;")
        for identity in (secret["id"], waiting["id"], "0" * 24):
            assert (await in_portal.get(f"{files}/{identity}"))[0] == 404
        assert (await eve.get(f"{files}/{shown['id']}"))[0] == 404


async def test_of_merged_tickets_each_requester_sees_the_own_words_alone(scene: Scene) -> None:
    danas, _ = await scene.opened(DANA, "Dana's own matter")
    eves, eves_chat = await scene.opened(EVE, "Eve's own matter")
    merge = {"ticket": TicketNumber(danas), "agent": MARCUS, "into": TicketNumber(eves)}
    await scene.tell(TicketMerged, **merge, other_company=True)
    await scene.said(eves_chat, "Only for Eve")
    for address in (DANA, LEE):
        assert await scene.listed(address) == [f"HD-{eves}"]
        for number in (danas, eves):
            page = await scene.page(address, number)
            assert "Dana&#39;s own matter" in page
            assert f"HD-{danas} goes on as HD-{eves}." in page
            assert "Eve" not in page
    for address in (EVE, FAY):
        assert await scene.listed(address) == [f"HD-{eves}"]
        page = await scene.page(address, eves)
        assert "Only for Eve" in page
        assert "Dana" not in page
        assert await scene.page(address, danas) == ""
    await scene.tell(TicketResolved, ticket=TicketNumber(eves), agent=MARCUS, resolution="New cable")
    assert "New cable" in await scene.page(EVE, eves)
    assert "Eve" not in await scene.page(DANA, danas)


async def test_what_is_written_on_a_merged_ticket_stays_with_its_writer(scene: Scene) -> None:
    danas, _ = await scene.opened(DANA, "Dana's own matter")
    eves, _ = await scene.opened(EVE, "Eve's own matter")
    merge = {"ticket": TicketNumber(danas), "agent": MARCUS, "into": TicketNumber(eves)}
    await scene.tell(TicketMerged, **merge, other_company=True)
    for address, text in ((DANA, "Dana adds"), (LEE, "Lee adds"), (EVE, "Eve adds")):
        async with customer_of(scene.desk, scene.openid, address) as customer:
            path = f"/portal/tickets/HD-{eves if address == EVE else danas}"
            _, page = await customer.form(path, do="comment", text=text)
            assert text in page
    both = ["Dana adds", "Lee adds"]
    for address, seen in ((DANA, both), (LEE, both), (EVE, ["Eve adds"])):
        page = await scene.page(address, eves)
        assert re.findall(r"\w+ adds", page) == seen


async def test_who_takes_part_by_mail_sees_their_own_mails_and_no_more(scene: Scene) -> None:
    number, chat = await scene.opened(DANA, "My secret matter")
    reply = {"channel": "email", "ticket": TicketNumber(number), "name": "Eve", "sender": EVE}
    told = await scene.tell(
        MailReplied, conversation=ConversationId(new_id()), text="Eve writes", by_token=True, **reply
    )
    await scene.said(chat, "For Dana alone")
    await scene.said(told.conversation, "For Eve alone")
    page = await scene.page(EVE, number)
    assert "Eve writes" in page
    assert "For Eve alone" in page
    assert "For Dana alone" not in page
    assert "Requester" not in page
    assert "Close the ticket" not in page
    for address in (DANA, LEE):
        page = await scene.page(address, number)
        assert "For Dana alone" in page
        assert "Eve" not in page


async def test_an_address_that_was_only_typed_lets_nobody_in(scene: Scene) -> None:
    async def enters(address: str) -> bool:
        async with browser_of(scene.desk, scene.openid) as somebody:
            return (await somebody.sign_in(address))[0] == 200

    async def mailed(standing: Standing) -> None:
        sent = {"conversation": ConversationId(new_id()), "sender": "pat@gmail.com", "standing": standing}
        mail = {"channel": "email", "subject": "Help", "text": "It is slow", "name": "Pat"}
        await scene.tell(MailReceived, **mail, **sent)

    await scene.opened("pat@gmail.com", "Typed")
    await scene.opened("pat@gmail.com", "Typed in Slack", channel="slack")
    assert not await enters("pat@gmail.com")
    for standing in (Standing.UNVERIFIED, Standing.FAILED):
        await mailed(standing)
        assert not await enters("pat@gmail.com")
    await mailed(Standing.VERIFIED)
    assert await enters("pat@gmail.com")
    assert len(await scene.listed("pat@gmail.com")) == 5, "all that was opened under the address"


async def test_an_address_is_the_same_in_any_capitals(scene: Scene) -> None:
    number, _ = await scene.opened("Dana@Contoso.Example", "My own matter")
    assert await scene.listed(DANA) == [f"HD-{number}"]
    assert await scene.listed("DANA@contoso.example") == [f"HD-{number}"]


@pytest.mark.parametrize(("typed", "signed"), [BOTH_FORMS, BOTH_FORMS[::-1]], ids=["encoded", "shown"])
async def test_an_international_domain_is_the_same_in_both_of_its_forms(
    scene: Scene, typed: str, signed: str
) -> None:
    number, _ = await scene.opened(typed, "My secret matter", channel="phone")
    assert await scene.listed(signed) == [f"HD-{number}"]
    for address, words in ((signed, "First"), (typed, "Second")):
        async with customer_of(scene.desk, scene.openid, address) as customer:
            _, page = await customer.form(f"/portal/tickets/HD-{number}", do="comment", text=words)
        assert "Your comment was added." in page
        assert "First" in page
        assert "Close the ticket" in page
    async with signed_in(scene.desk) as marcus, await marcus.get(f"/console/api/tickets/HD-{number}") as got:
        chats = (await got.json())["conversations"]
    assert [chat["channel"] for chat in chats] == ["phone", "portal"]
    assert await scene.page(EVE, number) == ""


async def test_a_typed_company_gives_a_manager_nothing_and_a_widgets_does(scene: Scene) -> None:
    await scene.opened("pat@gmail.com", "Typed", channel="form")
    number, _ = await scene.opened("pat@gmail.com", "By Contoso's widget", widget="contoso")
    assert await scene.listed(LEE) == [f"HD-{number}"]
    assert await scene.listed(FAY) == []


NUMBER = r'<span class="whole">HD-(\d+)</span>'


async def test_the_list_has_open_tickets_first_and_goes_on_page_by_page(scene: Scene) -> None:
    numbers = [(await scene.opened(DANA, f"Matter {count}"))[0] for count in range(60)]
    done = numbers[10:50]
    for number in done:
        await scene.tell(TicketResolved, ticket=TicketNumber(number), agent=MARCUS, resolution="Done")
    seen: list[str] = []
    async with customer_of(scene.desk, scene.openid, DANA) as dana:
        _, page = await dana.get("/portal")
        seen += re.findall(NUMBER, page)
        while following := re.search(r'href="(/portal\?after=\w+)"', page):
            _, page = await dana.get(following[1])
            seen += re.findall(NUMBER, page)
        assert "First page" in page
        for odd in ("x", "o", "o-1", "p" + "9" * 30, "o0;--", "é"):
            assert (await dana.get("/portal", after=odd))[0] == 200
    still_open = [number for number in numbers if number not in done]
    assert seen == [str(number) for part in (still_open, done) for number in sorted(part, reverse=True)]


def routes(application: web.Application, method: str) -> list[str]:
    """Return the portal's routes of that method."""
    inner = application[LATE].load()
    return sorted(
        route.resource.canonical
        for route in inner.router.routes()
        if route.method == method and route.resource and route.resource.canonical.startswith("/portal")
    )


async def test_a_cookie_alone_changes_nothing(scene: Scene) -> None:
    number, _ = await scene.opened(DANA, "My own matter")
    async with (
        customer_of(scene.desk, scene.openid, DANA) as dana,
        browser_of(scene.desk, scene.openid) as nobody,
    ):
        before = (await dana.get(f"/portal/tickets/HD-{number}"))[1]
        csrf = hidden(before, "csrf")
        forms = ["/portal/new", "/portal/sign-out", "/portal/tickets/{number}"]
        assert routes(scene.desk.running.application, "POST") == forms
        fields = {"do": "comment", "text": "Forged", "issue": "Forged", "name": "Dana", "phone": "555-0134"}
        for path in ("/portal/new", f"/portal/tickets/HD-{number}", "/portal/sign-out"):
            assert (await dana.post(path, fields))[0] == 403
            assert (await dana.post(path, {**fields, "csrf": "0" * 64}))[0] == 403
            assert (await dana.post(path, {**fields, "csrf": csrf}, origin="https://evil.example"))[0] == 403
            assert "Sign in with Google" in (await nobody.post(path, {**fields, "csrf": csrf}))[1]
            assert (await nobody.post(path, fields, origin="https://evil.example"))[0] in (200, 403)
        async with customer_of(scene.desk, scene.openid, LEE) as lee:
            assert (await lee.post(f"/portal/tickets/HD-{number}", {**fields, "csrf": csrf}))[0] == 403
        after = (await dana.get(f"/portal/tickets/HD-{number}"))[1]
        assert re.sub(r'name="token".*', "", after) == re.sub(r'name="token".*', "", before)
        assert await scene.listed(DANA) == [f"HD-{number}"]


DEEDS = ({"do": "comment", "text": "Hello"}, {"do": "solved"}, {"do": "priority", "priority": "low"})


async def test_nobody_writes_on_anothers_ticket(scene: Scene) -> None:
    number, _ = await scene.opened(DANA, "My own matter")
    async with customer_of(scene.desk, scene.openid, EVE) as eve:
        csrf = hidden((await eve.get("/portal"))[1], "csrf")
        for deed in DEEDS:
            status, real = await eve.post(f"/portal/tickets/HD-{number}", {**deed, "csrf": csrf})
            _, unknown = await eve.post("/portal/tickets/HD-9999", {**deed, "csrf": csrf})
            assert (status, same(real)) == (404, same(unknown))
    assert "Hello" not in await scene.page(DANA, number)


SIGN_IN = "/portal/sign-in"
EVERYBODY = {
    "/portal/portal.css",
    "/portal/theme.css",
    *(f"{SIGN_IN}{more}" for more in ("", "/{service}", "/{service}/answer")),
}
"""Shows nothing of anybody."""


async def test_no_page_of_the_portal_shows_anything_to_who_is_not_signed_in(scene: Scene) -> None:
    number, _ = await scene.opened(DANA, "My secret matter")
    paths = [
        route.replace("{number}", ticket).replace("{id}", "x")
        for route in routes(scene.desk.running.application, "GET")
        for ticket in (f"HD-{number}", "HD-9999")
        if route not in EVERYBODY
    ]
    assert len(paths) == 2 * 4, "say of a new page who may see it"
    async with browser_of(scene.desk, scene.openid) as nobody:
        for path in paths:
            url = f"{scene.desk.base}{path}"
            async with nobody.http.get(url, allow_redirects=False) as answer:
                assert (answer.status, "secret" in await answer.text()) == (303, False)
                assert answer.headers["Location"].startswith("/portal/sign-in?next=")
                assert answer.headers["Cache-Control"] == "no-store"


async def test_who_is_no_contact_any_longer_is_out_at_once(tmp_path: Path) -> None:
    known = '[companies.contoso]\nname = "Contoso"\ndomains = ["contoso.example"]\n'
    text = '[desk]\nname = "Northwind IT"\n[channels]\nportal = {}\n'
    jar = aiohttp.CookieJar(unsafe=True)
    async with fake_openid() as openid, aiohttp.ClientSession(cookie_jar=jar) as http:
        async with serving(text + known, demo=False, data=tmp_path, portal=openid.access()) as desk:
            assert (await Customer(desk, openid, http).sign_in(DANA))[0] == 200
            assert "Sign out" in (await Customer(desk, openid, http).get("/portal"))[1]
        async with serving(text, demo=False, data=tmp_path, portal=openid.access()) as desk:
            assert "Sign in with Google" in (await Customer(desk, openid, http).get("/portal"))[1]


async def test_what_a_participant_wrote_and_is_split_off_is_theirs_and_not_the_requesters(
    scene: Scene,
) -> None:
    number, _ = await scene.opened(DANA, "It is slow")
    told = await scene.tell(
        MailReplied, channel="email", conversation=ConversationId(new_id()), ticket=TicketNumber(number),
        sender=EVE, name="Eve Park", text="Our vault code leaks.", by_token=True,
    )  # fmt: skip
    outcome = await scene.tell(
        TicketSplit, ticket=TicketNumber(number), agent=MARCUS, conversation=told.conversation, messages=(1,),
        subject="The vault",
    )  # fmt: skip
    pages = {who: await scene.page(who, number + 1) for who in (DANA, LEE, EVE, FAY)}
    assert {who: "vault code" in page for who, page in pages.items()} == {
        DANA: False, LEE: False, EVE: True, FAY: True,
    }  # fmt: skip
    file = await scene.desk.running.services.staff_reads.ticket_file(TicketNumber(number + 1))
    assert outcome.ticket == number
    assert file is not None
    assert (file.ticket.requester_name, file.ticket.requester_email, file.ticket.requester_phone) == (
        "Eve Park", EVE, "",
    )  # fmt: skip
    # Splitting vouches for nobody.
    assert not vouches_for_requester(file.ticket)


async def test_tickets_that_somebody_types_with_an_address_lock_its_owner_out_of_nothing(
    scene: Scene,
) -> None:
    pat = "pat@gmail.com"
    sent = {"conversation": ConversationId(new_id()), "sender": pat, "standing": Standing.VERIFIED}
    await scene.tell(MailReceived, channel="email", subject="Help", text="It is slow", name="Pat Lee", **sent)
    for number in range(60):
        await scene.opened(pat, f"Nonsense {number}")
    forged = {**sent, "conversation": ConversationId(new_id()), "standing": Standing.FAILED}
    issue = '["sender","verified"]'
    await scene.tell(MailReceived, channel="email", subject=issue, text=issue, name=issue, **forged)
    async with browser_of(scene.desk, scene.openid) as browser:
        status, _ = await browser.sign_in(pat)
        _, form = await browser.get("/portal/new")
    assert status == 200
    assert "Pat Lee" in form


async def test_who_said_that_it_is_solved_is_told_in_the_reader_s_words(scene: Scene) -> None:
    number, _ = await scene.opened(DANA, "The scanner jams")
    other, _ = await scene.opened(DANA, "The door is stuck")
    affects = {"agent": MARCUS, "address": GUEST, "name": "Pat Lee", "affected": True}
    await scene.tell(TicketAffects, ticket=TicketNumber(number), **affects)
    async with customer_of(scene.desk, scene.openid, DANA, "Dana Reyes") as dana:
        await dana.form(f"/portal/tickets/HD-{number}", do="solved")
    async with customer_of(scene.desk, scene.openid, LEE, "Lee Park") as lee:
        await lee.form(f"/portal/tickets/HD-{other}", do="solved")
    expected = {
        (DANA, number): "You said this is solved.",
        (LEE, number): "Dana Reyes said this is solved.",
        (GUEST, number): "We were told that this is solved.",
        (DANA, other): "Lee Park said this is solved.",
        (LEE, other): "You said this is solved.",
    }
    for (address, ticket), words in expected.items():
        assert resolution(await scene.page(address, ticket)) == words
    # What a technician writes is shown as written, whatever it is.
    await scene.tell(TicketReopened, ticket=TicketNumber(number), agent=MARCUS, reason="Not yet")
    await scene.tell(
        TicketResolved, ticket=TicketNumber(number), agent=MARCUS, resolution="Solved, says Dana."
    )
    page = await scene.page(DANA, number)
    assert ("Solved, says Dana." in page, "this is solved" in page) == (True, False)


async def test_what_was_solved_in_a_chat_was_said_by_the_requester(scene: Scene) -> None:
    browser = secrets.token_hex(32)
    by = {"channel": "web", "widget": "contoso", "live": True, "visitor": browser}
    number, chat = await scene.opened(DANA, "It is slow", **by)
    await scene.tell(CustomerEnded, conversation=chat, visitor=browser, solved=True)
    assert resolution(await scene.page(DANA, number)) == "You said this is solved."
    assert resolution(await scene.page(LEE, number)) == "Dana Smith said this is solved."


def resolution(page: str) -> str:
    """Return how a ticket was resolved, as its page says it."""
    found = re.search(r"<h2>Resolution</h2>\s*<div[^>]*>(.*?)</div>", page, re.DOTALL)
    return found[1] if found else ""
