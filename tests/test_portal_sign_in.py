"""Signing in to the portal: only contacts of the desk, only with an answer made for this browser [R32]."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from yarl import URL

from adapters.web import portal_session
from adapters.web.openid_provider import PAUSE, OpenIdProvider
from adapters.web.portal_session import COOKIE, SESSION_LENGTH, next_page
from chatdesk.bootstrap import now
from chatdesk.portal_sessions import SignedInPerson
from storage.portal_sessions import TortoisePortalSessions
from tests.asking import ask
from tests.fake_openid import CONTOSO_TENANT, OTHER_TENANT, FakeOpenId, fake_openid, sign
from tests.portal_people import PORTAL_DESK, Customer, browser_of, customer_of, hidden, person, portal_desk
from tests.running_desk import ServedDesk, database_url, serving

REFUSED = "You cannot sign in with this account"
AGAIN = "Signing in did not work"
DANA = SignedInPerson("https://accounts.example", "dana-1", "", "dana@contoso.example", "Dana Reyes")


@pytest.fixture
async def served() -> AsyncIterator[tuple[ServedDesk, FakeOpenId]]:
    async with portal_desk() as both:
        yield both


@pytest.fixture
async def browser(served: tuple[ServedDesk, FakeOpenId]) -> AsyncIterator[Customer]:
    async with browser_of(*served) as customer:
        yield customer


async def step(customer: Customer, address: str) -> tuple[int, URL, str]:
    """Ask for one address and follow nothing; return status, where it leads, and the page."""
    url = URL(address, encoded=True) if address.startswith("http") else f"{customer.desk.base}{address}"
    async with customer.http.get(url, allow_redirects=False) as answer:
        return answer.status, URL(answer.headers.get("Location", ""), encoded=True), await answer.text()


async def answer_for(customer: Customer, address: str = "dana@contoso.example", **more: Any) -> URL:
    """Sign in at the service and return the address it sends the browser back to."""
    customer.openid.person = {**person(address), **more}
    _, there, _ = await step(customer, "/portal/sign-in/google")
    _, back, _ = await step(customer, str(there))
    return back


async def test_a_contact_signs_in_sees_who_they_are_and_signs_out(browser: Customer) -> None:
    status, page = await browser.get("/portal")
    assert (status, "Sign in with Google" in page) == (200, True)
    status, page = await browser.sign_in("dana@contoso.example", "Dana Reyes")
    assert (status, "Dana Reyes" in page) == (200, True)
    _, page = await browser.post("/portal/sign-out", {"csrf": hidden(page, "csrf")})
    assert "You are signed out." in page
    assert "Sign in with Google" in (await browser.get("/portal"))[1]


async def test_the_service_is_asked_with_pkce_state_and_nonce_and_gets_the_secret_with_the_code(
    browser: Customer,
) -> None:
    await browser.sign_in("dana@contoso.example")
    await browser.sign_in("dana@contoso.example")
    first, second = browser.openid.asked
    assert first["code_challenge_method"] == "S256"
    assert first["scope"].split() == ["openid", "email", "profile"]
    assert first["redirect_uri"] == f"{browser.desk.base}/portal/sign-in/google/answer"
    for name in ("state", "nonce", "code_challenge"):
        assert len(first[name]) == 43
        assert first[name] != second[name], f"{name} is the same every time"
    assert "client_secret" not in first
    assert len(browser.openid.posts[0]["code_verifier"]) == 43


@pytest.mark.parametrize(
    "who",
    [
        person("eve@elsewhere.example"),
        person("dana@gmail.com"),
        {**person("dana@contoso.example"), "email_verified": False},
        {**person("dana@contoso.example"), "email_verified": "true"},
        {**person("dana@contoso.example"), "hd": ""},
        {**person("dana@contoso.example"), "email": None},
        person("dana@contoso.example.evil.example"),
        person("dana@sub.contoso.example"),
    ],
)
async def test_everybody_else_reads_the_same_refusal_with_the_phone_number(
    browser: Customer, who: Mapping[str, Any]
) -> None:
    _, plain = await browser.sign_in("nobody@elsewhere.example")
    status, page = await browser.sign_in("", **who)
    assert status == 403
    assert REFUSED in page
    assert "555-0100" in page
    assert page == plain
    assert "elsewhere" not in page
    assert "Sign in with Google" in (await browser.get("/portal"))[1]


TAMPERED: Mapping[str, Mapping[str, Any]] = {
    "another issuer": {"bend": lambda c: {**c, "iss": "https://evil.example"}},
    "another audience": {"bend": lambda c: {**c, "aud": "another-client"}},
    "another nonce": {"bend": lambda c: {**c, "nonce": "x" * 43}},
    "no nonce": {"bend": lambda c: {k: v for k, v in c.items() if k != "nonce"}},
    "expired": {"bend": lambda c: {**c, "exp": c["iat"] - 300}},
    "no algorithm": {"signed": lambda c: sign(c, algorithm="none")},
    "a key that is not published": {"signed": lambda c: sign(c, key="second")},
    "another key under a known name": {"signed": lambda c: sign(c, key="second", kid="first")},
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_a_tampered_token_lets_nobody_in(browser: Customer, how: str) -> None:
    for name, value in TAMPERED[how].items():
        setattr(browser.openid, name, value)
    status, page = await browser.sign_in("dana@contoso.example")
    assert (status, REFUSED in page) == (403, True)
    assert "Sign in with Google" in (await browser.get("/portal"))[1]


async def test_an_answer_counts_only_in_the_browser_that_asked_and_once(
    served: tuple[ServedDesk, FakeOpenId], browser: Customer
) -> None:
    back = str(await answer_for(browser))
    async with browser_of(*served) as stranger:
        status, _, page = await step(stranger, back)
        assert (status, AGAIN in page) == (400, True)
        _ = await answer_for(stranger, "eve@elsewhere.example")
        status, _, page = await step(stranger, back)
        assert (status, AGAIN in page) == (400, True), "another's answer in the middle of one's own attempt"
    browser.openid.person = person("dana@contoso.example")
    assert (await step(browser, back))[0] == 303
    status, _, page = await step(browser, back)
    assert (status, AGAIN in page) == (400, True), "the same answer a second time"


async def test_an_answer_of_one_service_does_not_count_for_another() -> None:
    async with portal_desk(PORTAL_DESK, "google", "microsoft") as both, browser_of(*both) as dana:
        back = await answer_for(dana)
        other = back.with_path("/portal/sign-in/microsoft/answer").with_query(back.query)
        status, _, page = await step(dana, str(other))
        assert (status, AGAIN in page) == (400, True)


@pytest.mark.parametrize(
    "change",
    [
        {"state": "x" * 43},
        {"state": ""},
        {"code": ""},
        {"code": "made-up"},
        {"code": "x" * 5_000},
    ],
)
async def test_an_answer_that_was_changed_is_not_taken(browser: Customer, change: Mapping[str, str]) -> None:
    back = await answer_for(browser)
    status, _, page = await step(browser, str(back.update_query(change)))
    assert (status, AGAIN in page) == (400, True)


async def test_an_answer_that_names_another_issuer_is_refused(browser: Customer) -> None:
    back = (await answer_for(browser)).update_query(iss="https://evil.example")
    status, _, page = await step(browser, str(back))
    assert (status, REFUSED in page) == (403, True)


async def test_who_changes_their_mind_at_the_service_may_try_again(browser: Customer) -> None:
    browser.openid.cancels = True
    status, page = await browser.sign_in("dana@contoso.example")
    assert (status, "You have not signed in." in page) == (400, True)
    browser.openid.cancels = False
    assert (await browser.sign_in("dana@contoso.example"))[0] == 200


async def test_a_service_that_is_away_is_said_to_be(browser: Customer) -> None:
    browser.openid.away = True
    status, page = await browser.sign_in("dana@contoso.example")
    assert (status, "Google cannot be reached just now." in page) == (503, True)


async def test_a_service_that_is_not_set_up_does_not_exist(browser: Customer) -> None:
    for name in ("microsoft", "example"):
        assert (await browser.get(f"/portal/sign-in/{name}"))[0] == 404
        assert (await browser.get(f"/portal/sign-in/{name}/answer"))[0] == 404


async def test_a_rotated_key_works_at_once_and_a_withdrawn_one_no_longer(
    served: tuple[ServedDesk, FakeOpenId], monkeypatch: pytest.MonkeyPatch
) -> None:
    desk, openid = served
    async with customer_of(desk, openid, "dana@contoso.example"):
        openid.keys, openid.signed = ["second"], lambda claims: sign(claims, key="second")
        monkeypatch.setattr(OpenIdProvider, "_is_older_than", lambda _, seconds: seconds <= PAUSE)
        async with customer_of(desk, openid, "dana@contoso.example") as dana:
            openid.signed = sign
            assert (await dana.sign_in("dana@contoso.example"))[0] in (200, 403)
            async with browser_of(desk, openid) as again:
                assert (await again.sign_in("dana@contoso.example"))[0] == 403


@pytest.mark.parametrize(
    ("more", "gets_in"),
    [
        ({"tid": OTHER_TENANT, "xms_edov": True}, True),
        ({"tid": CONTOSO_TENANT}, True),
        ({"tid": OTHER_TENANT}, False),
        ({"tid": OTHER_TENANT, "xms_edov": False}, False),
        ({"tid": "common", "xms_edov": True}, False),
    ],
)
async def test_with_microsoft_the_tenant_has_to_be_the_addresses_own(
    more: Mapping[str, Any], gets_in: bool
) -> None:
    text = PORTAL_DESK.replace('widget = "contoso"', f'teams_tenants = ["{CONTOSO_TENANT}"]')
    async with portal_desk(text, "microsoft", template=True) as both, browser_of(*both) as dana:
        both[1].person = {**person("dana@contoso.example"), "oid": "object-1", **more}
        status, page = await dana.get("/portal/sign-in/microsoft")
        assert (status, "Sign out" in page) == ((200, True) if gets_in else (403, False))
        kept = await ask(database_url(both[0].data), "SELECT subject, tenant FROM portal_session")
        assert kept == ([("object-1", more["tid"])] if gets_in else [])


async def test_signing_in_makes_a_new_session_whatever_the_browser_brought(browser: Customer) -> None:
    browser.http.cookie_jar.update_cookies({COOKIE: "f" * 43}, URL(f"{browser.desk.base}/portal"))
    await browser.sign_in("dana@contoso.example")
    first = secret_of(browser)
    assert first != "f" * 43
    await browser.sign_in("dana@contoso.example")
    assert secret_of(browser) != first
    browser.http.cookie_jar.clear()
    browser.http.cookie_jar.update_cookies({COOKIE: first}, URL(f"{browser.desk.base}/portal"))
    assert "Sign in with Google" in (await browser.get("/portal"))[1], "the one before has ended"


def secret_of(customer: Customer) -> str:
    return customer.http.cookie_jar.filter_cookies(URL(f"{customer.desk.base}/portal"))[COOKIE].value


@pytest.mark.parametrize("secure", [False, True])
async def test_the_cookies_are_for_the_portal_alone_and_out_of_a_scripts_reach(secure: bool) -> None:
    proto = {"X-Forwarded-Proto": "https" if secure else "http"}
    async with (
        fake_openid() as openid,
        serving(PORTAL_DESK, demo=False, portal=openid.access(), behind_proxy=True) as desk,
        browser_of(desk, openid) as dana,
    ):
        there, cookies, headers = f"{desk.base}/portal/sign-in/google", list[str](), dict(proto)
        for _ in ("to the service", "at the service", "back"):
            url = URL(there, encoded=True).with_scheme("http")
            async with dana.http.get(url, headers=headers, allow_redirects=False) as answer:
                cookies += answer.headers.getall("Set-Cookie", [])
                there = answer.headers["Location"]
            # As a browser would over https; the client here keeps no secure cookie of a plain connection.
            headers["Cookie"] = "; ".join(cookie.partition(";")[0] for cookie in cookies)
    given = [cookie for cookie in cookies if "Max-Age=0" not in cookie]
    assert [re.findall(r"^\w+|Path=[^;]*", cookie) for cookie in given] == [
        ["chatdesk_portal_attempt", "Path=/portal/sign-in"],
        ["chatdesk_portal", "Path=/portal"],
    ]
    for cookie in given:
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert ("Secure" in cookie) == secure


async def test_a_session_ends_by_itself_and_its_secret_is_kept_nowhere(
    served: tuple[ServedDesk, FakeOpenId],
) -> None:
    desk, openid = served
    sessions = TortoisePortalSessions(desk.running.database)
    at = now()
    secret = await sessions.begin(DANA, at, at + SESSION_LENGTH)
    assert await sessions.person(secret, at) == DANA
    assert await sessions.person(secret, at + SESSION_LENGTH - timedelta(seconds=1)) == DANA
    assert await sessions.person(secret, at + SESSION_LENGTH) is None
    assert await sessions.person(secret + "x", at) is None
    kept = await ask(database_url(desk.data), "SELECT * FROM portal_session")
    assert secret not in str(kept)
    assert await sessions.remove_ended(at + SESSION_LENGTH - timedelta(seconds=1)) == 0
    assert await sessions.remove_ended(at + SESSION_LENGTH) == 1
    await sessions.end(secret)
    assert openid.asked == []


async def test_a_link_to_a_ticket_leads_there_after_signing_in(browser: Customer) -> None:
    browser.openid.person = person("dana@contoso.example")
    _, page = await browser.get("/portal/tickets/HD-77")
    found = re.search(r'href="(/portal/sign-in/google\?next=[^"]+)"', page)
    assert found, page
    status, page = await browser.get(found[1])
    assert status == 404, "it led to a ticket that is not there"


async def test_a_search_is_made_after_signing_in(browser: Customer) -> None:
    browser.openid.person = person("dana@contoso.example")
    _, page = await browser.get("/portal?q=caf%C3%A9+%26+%22bar%22")
    found = re.search(r'href="(/portal/sign-in/google\?next=[^"]+)"', page)
    assert found, page
    status, page = await browser.get(found[1])
    assert (status, 'value="café &amp; &#34;bar&#34;"' in page) == (200, True)


@pytest.mark.parametrize(
    "wanted",
    ["", "https://evil.example", "//evil.example", "/portal/../console", "/console", "/portal/new/../x",
     "/portal/tickets/HD-1\r\nSet-Cookie: a=b", "/portal/tickets/HD-1?x", "/portal:evil",
     "/portal?q=", "/portal?q=a&after=x", "/portal?q=:evil", "/portal?x"],
)  # fmt: skip
def test_signing_in_leads_to_no_other_site_or_page(wanted: str) -> None:
    assert next_page(wanted) == "/portal"


@pytest.mark.parametrize("wanted", ["/portal", "/portal/new", "/portal/tickets/HD-1001", "/portal?q=a%2Fb"])
def test_signing_in_leads_to_the_portals_own_pages(wanted: str) -> None:
    assert next_page(wanted) == wanted


async def test_signing_out_takes_the_sessions_own_token(browser: Customer) -> None:
    _, page = await browser.sign_in("dana@contoso.example")
    for fields, origin in (
        ({}, ""),
        ({"csrf": "0" * 64}, ""),
        ({"csrf": hidden(page, "csrf")}, "https://e.example"),
    ):
        assert (await browser.post("/portal/sign-out", fields, origin))[0] == 403
    assert "Sign out" in (await browser.get("/portal"))[1]


async def test_a_desk_without_a_service_or_without_the_channel_has_no_portal() -> None:
    async with serving(PORTAL_DESK, demo=False) as desk, browser_of(desk, FakeOpenId()) as dana:
        for path in ("/portal", "/portal/sign-in", "/portal/new", "/portal/portal.css"):
            assert (await dana.get(path))[0] == 404
    without = PORTAL_DESK.replace("portal = {", "desktop = {")
    async with portal_desk(without) as both, browser_of(*both) as dana:
        assert (await dana.get("/portal"))[0] == 404


def test_attempts_from_one_network_are_counted() -> None:
    limit = portal_session.PortalServices({}, None, None, None).attempts  # type: ignore[arg-type]
    at = now()
    taken = [limit.take("203.0.113.7", at) for _ in range(31)]
    assert taken == [*[True] * 30, False]
