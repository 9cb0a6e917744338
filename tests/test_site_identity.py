"""Who a visitor is by their company's own site, in the chat: over a WebSocket and without one [threat 2]."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import pytest

from adapters.web.visitor_identity import OVER, REFUSED, UNKNOWN, SiteIdentities
from chatdesk.config import parse_config
from chatdesk.errors import EventRefused
from chatdesk.portal import vouches_for_requester
from chatdesk.sender import is_vouched
from chatdesk.settings.identity import NO_IDENTITIES
from chatdesk.site_identity import IDENTIFIED_BY, identified_by
from chatdesk.ticket import Ticket, TicketNumber
from tests.running_desk import ServedDesk, customer, serving
from tests.site_tokens import (
    DESK,
    IDENTITIES,
    OLD_SECRET,
    OTHER_SECRET,
    SECRET,
    STRICT,
    WIDGET,
    claims,
    part,
    token,
)
from tests.web_people import signed_in

SIGNED = {
    "name": "Dana Reyes",
    "email": "dana@contoso.example",
    "phone": "555-0134",
    "company": "Contoso",
}
FORGED = {
    "name": "Your boss",
    "email": "boss@evil.example",
    "phone": "555-0199",
    "company": "Fabrikam",
    "issue": "It is slow",
    IDENTIFIED_BY: "Fabrikam's site",
}
CALL = f"{REFUSED} You can also call 555-0100."
NOW = datetime(2026, 9, 15, 14, 12, tzinfo=UTC)


def good(**other: Any) -> str:
    return token(claims(time.time(), **other))


def edited() -> str:
    head, _, signature = good().split(".")
    return f"{head}.{part(claims(time.time(), email='boss@contoso.example'))}.{signature}"


def unsigned() -> str:
    return f"{part({'alg': 'none'})}.{part(claims(time.time()))}."


BAD: Mapping[str, Callable[[], str]] = {
    "old": lambda: token(claims(time.time() - 7_200)),
    "good for too long": lambda: good(exp=int(time.time()) + 90_000),
    "without an end": lambda: token({**claims(time.time()), "exp": None}),
    "of another widget": lambda: good(aud=STRICT),
    "of another company": lambda: token(claims(time.time()), OTHER_SECRET),
    "edited": edited,
    "not signed": unsigned,
    "too long": lambda: good(note="x" * 5_000),
    "no token": lambda: "dana@contoso.example",
    "of another company's domain": lambda: good(email="lee@fabrikam.example"),
    "of another company's manager": lambda: good(email="Lee@elsewhere.example"),
}


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving(DESK, identities=IDENTITIES, demo=False) as served:
        yield served


async def ticket(desk: ServedDesk, number: int = 1001) -> Ticket | None:
    return await desk.running.services.staff_reads.ticket(TicketNumber(number))


@pytest.mark.parametrize("secret", [SECRET, OLD_SECRET])
async def test_the_sites_word_stands_above_everything_that_the_page_sends(
    desk: ServedDesk, secret: str
) -> None:
    given = token(claims(time.time()), secret)
    async with customer(desk.base, widget=WIDGET, identity=given) as line:
        fresh = await line.next("ready")
        assert (fresh["known"], fresh["who"]) == (SIGNED, {"signed": SIGNED})
        await line.send(t="start", id="s", answers=FORGED)
        assert (await line.next("ready"))["known"] == SIGNED
    opened = await ticket(desk)
    assert opened is not None
    assert (opened.requester_name, opened.requester_email) == ("Dana Reyes", "dana@contoso.example")
    assert (opened.requester_phone, opened.company) == ("555-0134", "Contoso")
    assert identified_by(opened) == "Contoso's site"
    assert dict(opened.answers) == {**SIGNED, "issue": "It is slow", IDENTIFIED_BY: "Contoso's site"}
    assert is_vouched(opened)
    # Into the portal leads only what led there before [R32].
    assert not vouches_for_requester(opened)
    async with signed_in(desk) as marcus, await marcus.get("/console/api/tickets/HD-1001") as answer:
        shown = (await answer.json())["ticket"]["answers"]
    assert {"ask": "Identified by", "answer": "Contoso's site"} in shown


@pytest.mark.parametrize("bad", BAD)
async def test_a_token_that_is_not_good_names_nobody_and_the_survey_is_the_usual_one(
    desk: ServedDesk, bad: str
) -> None:
    async with customer(desk.base, widget=WIDGET, identity=BAD[bad]()) as line:
        fresh = await line.next("ready")
        assert (fresh["known"], fresh["who"]) == ({}, {"notice": UNKNOWN})
        await line.send(t="start", id="s", answers=FORGED)
        await line.next("ready")
    opened = await ticket(desk)
    assert opened is not None
    assert (opened.requester_name, identified_by(opened)) == ("Your boss", "")
    assert not is_vouched(opened)


async def test_without_a_token_nothing_is_said_of_it_and_nobody_is_named(desk: ServedDesk) -> None:
    async with customer(desk.base, widget=WIDGET) as line:
        fresh = await line.next("ready")
        assert (fresh["known"], fresh["who"]) == ({}, {})
        await line.send(t="start", id="s", answers=FORGED)
        await line.next("ready")
    opened = await ticket(desk)
    assert opened is not None
    assert identified_by(opened) == ""


@pytest.mark.parametrize("bad", [*BAD, "none"])
async def test_where_identity_is_required_nobody_begins_a_chat_without_it(desk: ServedDesk, bad: str) -> None:
    given = BAD[bad]() if bad in BAD else ""
    async with customer(desk.base, widget=STRICT, identity=given) as line:
        assert (await line.next("ready"))["who"] == {"refusal": CALL}
        for frame in (
            {"t": "start", "answers": FORGED},
            {"t": "start", "answers": FORGED, "computer": "PC-042"},
            {"t": "start", "answers": FORGED, "live": False},
            {"t": "find", "ticket": "HD-1001", "email": "lee@fabrikam.example"},
            {"t": "join", "ticket": "HD-1001", "email": "lee@fabrikam.example", "code": "AAAA-AAAA"},
        ):
            await line.send(id="f", **frame)
            refused = await line.next("error")
            assert (refused["code"], refused["message"], refused["id"]) == ("identity", CALL, "f")
        await line.send(t="message", id="m", text="Let me in")
        assert (await line.next("error"))["code"] == "no_chat"
    assert await ticket(desk) is None


async def test_where_identity_is_required_whoever_has_it_begins_a_chat(desk: ServedDesk) -> None:
    lee = claims(time.time(), aud=STRICT, email="lee@fabrikam.example", name="Lee Park")
    async with customer(desk.base, widget=STRICT, identity=token(lee, OTHER_SECRET)) as line:
        assert (await line.next("ready"))["who"]["signed"]["company"] == "Fabrikam"
        await line.send(t="start", id="s", answers={"issue": "It is slow"})
        await line.next("ack")
    opened = await ticket(desk)
    assert opened is not None
    assert identified_by(opened) == "Fabrikam's site"


async def test_a_chat_goes_on_when_its_page_comes_back_with_a_token_that_has_expired(
    desk: ServedDesk,
) -> None:
    browser = secrets.token_urlsafe(32)
    async with customer(desk.base, browser, WIDGET, identity=good()) as line:
        await line.send(t="start", id="s", answers={"issue": "It is slow"})
        await line.next("ack")
    for given in (BAD["old"](), ""):
        async with customer(desk.base, browser, WIDGET, identity=given) as line:
            assert (await line.next("ready"))["state"]["ticket"] == "HD-1001"
            await line.send(t="message", id=secrets.token_hex(8), text="Still here")
            await line.next("ack")


async def test_a_token_opens_no_chat_of_another_browser(desk: ServedDesk) -> None:
    async with customer(desk.base, widget=WIDGET, identity=good()) as first:
        await first.send(t="start", id="s", answers={"issue": "It is slow"})
        await first.next("ack")
        async with customer(desk.base, widget=WIDGET, identity=good()) as other:
            fresh = await other.next("ready")
            assert (fresh["conversation"], fresh["known"]) == (None, SIGNED)


async def test_somebody_else_who_is_signed_in_at_the_same_browser_does_not_see_the_chat(
    desk: ServedDesk,
) -> None:
    browser = secrets.token_urlsafe(32)
    async with customer(desk.base, browser, WIDGET, identity=good()) as dana:
        await dana.send(t="start", id="s", answers={"issue": "It is slow"})
        await dana.next("ack")
        lee = good(email="lee@contoso.example", name="Lee Park")
        async with customer(desk.base, browser, WIDGET, identity=lee) as other:
            fresh = await other.next("ready")
            assert (fresh["conversation"], fresh["another"]) == (None, True)
            assert fresh["known"]["name"] == "Lee Park"
            await other.send(t="start", id="t", answers={"issue": "It is mine"})
            led = await other.next("ready")
            assert (led["conversation"], led["another"]) == (None, True)
            await other.send(t="message", id="m", text="Who is there?")
            assert (await other.next("error"))["code"] == "no_chat"
        async with customer(desk.base, browser, WIDGET, identity=good()) as again:
            assert (await again.next("ready"))["state"]["ticket"] == "HD-1001"


async def test_a_widget_that_takes_no_identities_knows_of_none(desk: ServedDesk) -> None:
    async with customer(desk.base, identity=good(aud="desk")) as line:
        fresh = await line.next("ready")
        assert (fresh["known"], "who" in fresh) == ({}, False)


async def test_without_a_websocket_the_same_token_says_the_same(desk: ServedDesk) -> None:
    async with aiohttp.ClientSession(headers={"Origin": desk.base}) as http:
        for given, who in ((good(), {"signed": SIGNED}), *((BAD[bad](), {"notice": UNKNOWN}) for bad in BAD)):
            assert (await first_frame(http, desk.base, WIDGET, given))["who"] == who
            assert (await first_frame(http, desk.base, STRICT, given))["who"] == {"refusal": CALL}


async def first_frame(http: aiohttp.ClientSession, base: str, widget: str, identity: str) -> dict[str, Any]:
    """Say hello by POST and return the first frame of the stream."""
    hello = {"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32), "identity": identity}
    async with http.post(f"{base}/widget/session?key={widget}", json=hello) as answer:
        opened = (await answer.json())["token"]
    async with (
        asyncio.timeout(10),
        http.get(f"{base}/widget/stream?key={widget}&token={opened}") as stream,
    ):
        while not (line := (await stream.content.readline()).decode()).startswith("data: "):
            pass
    found = json.loads(line.removeprefix("data: "))
    frames: list[dict[str, Any]] = found if isinstance(found, list) else [found]
    return frames[0]


async def test_a_token_that_is_no_text_is_told_at_once(desk: ServedDesk) -> None:
    async with customer(desk.base, widget=WIDGET, identity=7) as line:
        assert (await line.next("error"))["code"] == "bad_hello"


def test_a_new_survey_needs_a_token_that_is_still_good() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    widget = config.widget(WIDGET)
    assert widget is not None
    given = token(claims(NOW.timestamp()))
    identity = SiteIdentities(config, IDENTITIES).of(widget, given, NOW)
    assert dict(identity.admit(NOW + timedelta(minutes=60))) == SIGNED
    with pytest.raises(EventRefused, match=OVER) as refused:
        identity.admit(NOW + timedelta(minutes=61))
    assert refused.value.code == "identity"


def test_what_the_browsers_last_chat_told_is_only_theirs_who_told_it() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    widget = config.widget(WIDGET)
    assert widget is not None
    given = token(claims(NOW.timestamp(), phone=""))
    identity = SiteIdentities(config, IDENTITIES).of(widget, given, NOW)
    signed = {name: value for name, value in SIGNED.items() if name != "phone"}
    last = {"email": "Dana@contoso.example", "phone": "555-0177"}
    assert identity.known(last) == {**signed, "phone": "555-0177"}
    assert identity.known({"email": "lee@contoso.example", "phone": "555-0177"}) == signed
    assert identity.known({}) == signed


def test_what_a_question_of_the_desk_does_not_take_is_left_to_be_asked_but_never_who_it_is() -> None:
    survey = (
        '[survey]\nfields = [{ id = "name", ask = "Name", max_length = 5 }, { id = "email", ask = "Mail" }, '
        '{ id = "company", ask = "Company", options = ["Acme", "Other"] }, { id = "phone", ask = "Phone" }, '
        '{ id = "issue", ask = "What?", type = "long" }]\n'
    )
    config = parse_config(survey + DESK, "chatdesk.toml")
    widget = config.widget(WIDGET)
    assert widget is not None
    identities = SiteIdentities(config, IDENTITIES)
    short = identities.of(widget, token(claims(NOW.timestamp(), name="Dana")), NOW)
    assert dict(short.admit(NOW)) == {"name": "Dana", "email": SIGNED["email"], "phone": "555-0134"}
    assert identities.of(widget, token(claims(NOW.timestamp())), NOW).told == {"who": {"notice": UNKNOWN}}


def test_without_secrets_no_token_is_good() -> None:
    config = parse_config(DESK, "chatdesk.toml")
    widget = config.widget(STRICT)
    assert widget is not None
    given = token(claims(NOW.timestamp(), aud=STRICT), OTHER_SECRET)
    with pytest.raises(EventRefused, match="only for people who are signed in"):
        SiteIdentities(config, NO_IDENTITIES).of(widget, given, NOW).admit(NOW)
