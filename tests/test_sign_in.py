"""Signing in to the console: sessions that cannot be fixed, links that open once, guesses that are slowed."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from argon2 import PasswordHasher
from argon2.exceptions import VerifyMismatchError
from yarl import URL

from adapters.web import sign_in_throttle
from adapters.web.known_devices import COOKIE, KnownDevices
from adapters.web.sign_in_routes import next_page
from adapters.web.sign_in_throttle import PER_ACCOUNT, PER_NETWORK
from chatdesk.bootstrap import now
from chatdesk.errors import EventRefused
from storage.database import Database
from storage.staff import NOBODY, TortoiseStaff
from tests.core_builders import url
from tests.running_desk import ServedDesk, cookies_from, database_url, pressing, serving

EMAIL, PASSWORD = "lena@northwind.example", "correct horse battery staple"
NOON = datetime(2026, 9, 15, 12, tzinfo=UTC)


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        await served.running.staff.add("Lena Ortiz", EMAIL, PASSWORD, now())
        yield served


@pytest.fixture
async def browser_session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        yield session


async def sign_in(
    session: aiohttp.ClientSession,
    desk: ServedDesk,
    password: str = PASSWORD,
    email: str = EMAIL,
    come_from: str = "",
    **more: str,
) -> tuple[int, str]:
    address = f"{desk.base}/console/sign-in"
    headers = {"Origin": desk.base} | ({"X-Forwarded-For": come_from} if come_from else {})
    sent = {"email": email, "password": password, **more}
    async with session.post(address, data=sent, headers=headers, allow_redirects=False) as answer:
        return answer.status, answer.headers.get("Location", "") or await answer.text()


def cookie(session: aiohttp.ClientSession, desk: ServedDesk) -> str:
    found = session.cookie_jar.filter_cookies(URL(desk.base) / "console").get("chatdesk_session")
    return found.value if found else ""


async def is_signed_in(session: aiohttp.ClientSession, desk: ServedDesk) -> bool:
    async with session.get(f"{desk.base}/console/api/me") as answer:
        return answer.status == 200


async def test_address_and_password_open_the_console(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    assert await sign_in(browser_session, desk, email=f" {EMAIL.upper()} ") == (303, "/console")
    assert await is_signed_in(browser_session, desk)


async def test_the_cookie_is_kept_from_scripts_and_from_other_pages(desk: ServedDesk) -> None:
    async with aiohttp.ClientSession() as session:
        address, headers = f"{desk.base}/console/sign-in", {"Origin": desk.base}
        sent = {"email": EMAIL, "password": PASSWORD}
        async with session.post(address, data=sent, headers=headers, allow_redirects=False) as answer:
            written = answer.headers["Set-Cookie"].casefold()
    assert "httponly" in written
    assert "samesite=lax" in written
    assert "path=/console" in written


async def test_a_session_that_the_browser_brought_along_is_never_signed_in(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    planted = "planted-by-somebody-else-0123456789abcdef"
    browser_session.cookie_jar.update_cookies({"chatdesk_session": planted}, URL(desk.base) / "console")
    assert (await sign_in(browser_session, desk))[0] == 303
    assert cookie(browser_session, desk) != planted
    async with aiohttp.ClientSession(cookies={"chatdesk_session": planted}) as attacker:
        assert not await is_signed_in(attacker, desk)


async def test_signing_in_again_ends_the_session_before(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    await sign_in(browser_session, desk)
    before = cookie(browser_session, desk)
    await sign_in(browser_session, desk)
    assert cookie(browser_session, desk) != before
    async with aiohttp.ClientSession(cookies={"chatdesk_session": before}) as old:
        assert not await is_signed_in(old, desk)


async def test_signing_out_ends_the_session_itself(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    await sign_in(browser_session, desk)
    kept = cookie(browser_session, desk)
    async with browser_session.get(f"{desk.base}/console/api/me") as answer:
        csrf = (await answer.json())["csrf"]
    for headers in ({"Origin": desk.base}, {"Origin": "https://evil.example", "X-CSRF-Token": csrf}):
        async with browser_session.post(f"{desk.base}/console/sign-out", headers=headers) as answer:
            assert answer.status == 403
    headers = {"Origin": desk.base, "X-CSRF-Token": csrf}
    async with browser_session.post(f"{desk.base}/console/sign-out", headers=headers) as answer:
        assert answer.status == 200
    async with aiohttp.ClientSession(cookies={"chatdesk_session": kept}) as thief:
        assert not await is_signed_in(thief, desk)


async def test_another_sites_form_cannot_sign_somebody_in(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    for origin in ("https://evil.example", "null", ""):
        address = f"{desk.base}/console/sign-in"
        headers = {"Origin": origin} if origin else {}
        sent = {"email": EMAIL, "password": PASSWORD}
        async with browser_session.post(address, data=sent, headers=headers) as answer:
            assert answer.status == 403, origin
    assert cookie(browser_session, desk) == ""


async def test_a_wrong_password_and_an_unknown_address_get_one_answer(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    wrong = await sign_in(browser_session, desk, password="guess")
    unknown = await sign_in(browser_session, desk, email="nobody@northwind.example")
    assert wrong[0] == unknown[0] == 401
    assert wrong[1].replace(EMAIL, "") == unknown[1].replace("nobody@northwind.example", "")
    assert "do not belong together" in wrong[1]


async def test_what_was_typed_is_shown_again_as_text_and_the_password_never(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    typed = '"><script>alert(1)</script>@northwind.example'
    _, shown = await sign_in(browser_session, desk, email=typed, password="secret-guess")
    assert "<script>alert" not in shown
    assert "&lt;script&gt;" in shown
    assert "secret-guess" not in shown


@pytest.mark.parametrize(("email", "password"), [("", PASSWORD), (EMAIL, ""), ("  ", " ")])
async def test_a_blank_field_is_asked_for(
    desk: ServedDesk, browser_session: aiohttp.ClientSession, email: str, password: str
) -> None:
    status, shown = await sign_in(browser_session, desk, email=email, password=password)
    assert (status, "Enter your e-mail address and your password." in shown) == (422, True)


async def test_guesses_at_one_account_are_stopped_even_when_the_next_one_is_right(
    desk: ServedDesk, browser_session: aiohttp.ClientSession
) -> None:
    for _ in range(PER_ACCOUNT):
        assert (await sign_in(browser_session, desk, password="guess"))[0] == 401
    status, shown = await sign_in(browser_session, desk)
    assert (status, "Too many attempts" in shown) == (429, True)
    assert cookie(browser_session, desk) == ""


async def test_guesses_sent_all_at_once_are_counted_one_by_one(desk: ServedDesk) -> None:
    async with aiohttp.ClientSession() as session:
        found = await asyncio.gather(*(sign_in(session, desk, password=f"guess {n}") for n in range(20)))
    assert [status for status, _ in found].count(401) == PER_ACCOUNT


async def test_all_addresses_of_one_network_have_the_attempts_of_one() -> None:
    """Who is given an IPv6 network has 18 million million million addresses in it."""
    async with serving(behind_proxy=True) as desk, aiohttp.ClientSession() as session:
        found = [
            await sign_in(session, desk, email=f"{n}@x.example", come_from=f"2001:db8::{n:x}")
            for n in range(PER_NETWORK + 2)
        ]
        assert [status for status, _ in found] == [401] * PER_NETWORK + [429] * 2
        assert (await sign_in(session, desk, come_from="2001:db8:0:1::1"))[0] == 401


async def test_strangers_lock_nobody_out_who_has_signed_in_in_this_browser_before(
    browser_session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_throttle, "FROM_EVERYWHERE", PER_ACCOUNT)
    async with serving(behind_proxy=True) as desk, aiohttp.ClientSession() as stranger:
        for name, email in (("Lena Ortiz", EMAIL), ("Sam Lee", "sam@northwind.example")):
            await desk.running.staff.add(name, email, PASSWORD, now())
        assert (await sign_in(browser_session, desk, come_from="203.0.113.7"))[0] == 303
        for n in range(PER_ACCOUNT):
            for email in (EMAIL, "sam@northwind.example"):
                await sign_in(stranger, desk, "guess", email, come_from=f"198.51.100.{n}")

        assert (await sign_in(stranger, desk, come_from="203.0.113.7"))[0] == 429
        assert (await sign_in(browser_session, desk, come_from="198.51.100.200"))[0] == 303
        other = await sign_in(browser_session, desk, email="sam@northwind.example", come_from="203.0.113.7")
        assert other[0] == 429


@pytest.mark.parametrize("mark", ["", ".", "x.y", "x." + "0" * 64, "\u00fc.\u00fc", "." * 100])
def test_an_invented_mark_of_a_browser_means_nothing(mark: str) -> None:
    asked = make_mocked_request("POST", "/console/sign-in", headers={"Cookie": f"{COOKIE}={mark}"})
    assert KnownDevices("secret").find(asked, EMAIL) is None


def test_a_mark_of_a_browser_is_good_for_one_account_of_one_desk() -> None:
    answer = web.Response()
    asked = make_mocked_request("POST", "/console/sign-in")
    KnownDevices("secret").remember(asked, answer, EMAIL, "laptop")
    headers = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE].value}"}
    again = make_mocked_request("POST", "/console/sign-in", headers=headers)

    assert KnownDevices("secret").find(again, EMAIL) == "laptop"
    assert KnownDevices("secret").find(again, "sam@northwind.example") is None
    assert KnownDevices("another").find(again, EMAIL) is None
    with pytest.raises(ValueError, match="secret"):
        KnownDevices("")


async def test_where_many_passwords_wait_to_be_checked_the_next_one_is_asked_to_come_again(
    desk: ServedDesk, browser_session: aiohttp.ClientSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in_throttle, "AT_ONCE", 0)
    status, shown = await sign_in(browser_session, desk)
    assert (status, "Wait a few seconds and try again." in shown) == (429, True)
    monkeypatch.setattr(sign_in_throttle, "AT_ONCE", 1)
    assert (await sign_in(browser_session, desk))[0] == 303


async def test_a_sign_in_link_opens_once(desk: ServedDesk, browser_session: aiohttp.ClientSession) -> None:
    link = await desk.sign_in_link()
    async with browser_session.get(link) as shown:
        page = await shown.text()
        assert "You will be signed in as <strong>Marcus Bell</strong>." in page
        assert "<script" not in page
    async with pressing(browser_session, link) as answer:
        assert (answer.status, answer.headers["Location"]) == (303, "/console")
    assert await is_signed_in(browser_session, desk)
    async with aiohttp.ClientSession() as second:
        for again in (second.get(link), pressing(second, link)):
            async with again as answer:
                assert answer.status == 401
                assert "used already or is too old" in await answer.text()
                assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("method", ["HEAD", "GET", "OPTIONS"])
async def test_what_looks_at_a_link_by_itself_neither_uses_it_nor_is_signed_in(
    desk: ServedDesk, method: str
) -> None:
    """Mail programs and chats open the links in a text, to show what is behind them and to check them."""
    link = await desk.sign_in_link()
    async with aiohttp.ClientSession() as preview, preview.request(method, link) as answer:
        assert "Set-Cookie" not in answer.headers
    assert await cookies_from(link)


async def test_another_sites_page_cannot_press_the_button_of_a_link(desk: ServedDesk) -> None:
    link = await desk.sign_in_link()
    async with aiohttp.ClientSession() as session:
        for headers in ({"Origin": "https://evil.example"}, {"Origin": "null"}, {}):
            async with session.post(link, headers=headers) as answer:
                assert answer.status == 403
    assert await cookies_from(link)


async def test_of_two_who_use_a_link_at_the_same_time_one_gets_in(desk: ServedDesk) -> None:
    link = await desk.sign_in_link()

    async def use() -> int:
        async with aiohttp.ClientSession() as session, pressing(session, link) as answer:
            return answer.status

    assert sorted(await asyncio.gather(*(use() for _ in range(5)))) == [303, 401, 401, 401, 401]


async def test_an_old_link_and_a_link_of_a_closed_account_open_nothing(desk: ServedDesk) -> None:
    staff = desk.running.staff
    account = await staff.add("Sam Lee", "sam@northwind.example", None, now())
    old = await staff.sign_in_link(account, now(), now() - timedelta(seconds=1))
    fresh = await staff.sign_in_link(account, now(), now() + timedelta(minutes=5))
    await staff.disable("sam@northwind.example", now())
    for secret in (old, fresh, "x" * 43, "%01"):
        async with aiohttp.ClientSession() as session:
            address = f"{desk.base}/console/sign-in/{secret}"
            for asked in (session.get(address), pressing(session, address)):
                async with asked as answer:
                    assert answer.status == 401, secret


async def test_a_link_is_no_session_and_a_session_is_no_link(desk: ServedDesk) -> None:
    secret = (await desk.sign_in_link()).rpartition("/")[2]
    async with aiohttp.ClientSession(cookies={"chatdesk_session": secret}) as session:
        assert not await is_signed_in(session, desk)
    cookies = await desk.sign_in()
    address = f"{desk.base}/console/sign-in/{cookies['chatdesk_session']}"
    async with aiohttp.ClientSession() as session, pressing(session, address) as answer:
        assert answer.status == 401


@pytest.mark.parametrize(
    "path",
    [
        "/console",
        "/console?tier=network&company=Smith+%26+Sons",
        "/console/tickets/HD-1001",
        "/console/tickets/HD-1001?priority=high",
        "/console/problems",
        "/console/reports?from=2026-11-01&to=2026-11-30&company=M%C3%BCller",
        "/console/mail",
        "/console/mail/dc5lg3r8b1244osohssahgl2",
    ],
)
async def test_who_is_not_signed_in_is_led_to_the_form_and_back(
    desk: ServedDesk, browser_session: aiohttp.ClientSession, path: str
) -> None:
    address = URL(desk.base + path, encoded=True)
    async with browser_session.get(address, allow_redirects=False) as answer:
        assert answer.status == 303
        following = URL(answer.headers["Location"]).query["next"]
    assert await sign_in(browser_session, desk, next=following) == (303, path)


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "/console/../x",
        "/console\n",
        "/console?a\r\nb",
        "/console?a#b",
        f"/console?{'a' * 1001}",
        "/console/sign-in/x",
        "/console/api/tickets",
        "",
        "/demo",
    ],
)
def test_signing_in_leads_nowhere_but_to_the_console(wanted: str) -> None:
    assert next_page(wanted) == "/console"


async def test_a_session_ends_by_itself(desk: ServedDesk) -> None:
    staff = desk.running.staff
    account = next(each for each in await staff.accounts() if each.email == EMAIL)
    secret = await staff.begin_session(account, NOON, NOON + timedelta(hours=12))
    assert await staff.session(secret, NOON + timedelta(hours=11)) is not None
    assert await staff.session(secret, NOON + timedelta(hours=12)) is None


async def test_neither_passwords_nor_secrets_are_in_the_database(desk: ServedDesk) -> None:
    secret = (await desk.sign_in())["chatdesk_session"]
    reader = desk.running.database.reader
    agents = await reader.execute_query_dict("SELECT * FROM agent")
    sessions = await reader.execute_query_dict("SELECT * FROM session")
    written = repr([dict(row) for row in (*agents, *sessions)])
    assert PASSWORD not in written
    assert secret not in written
    assert "$argon2id$" in written


class CountingHasher(PasswordHasher):
    """Counts the checks: what takes the time."""

    checks = 0

    def verify(self, *arguments: object) -> bool:  # type: ignore[override]
        type(self).checks += 1
        return super().verify(*arguments)  # type: ignore[arg-type]


@pytest.mark.parametrize("email", [EMAIL, "nobody@northwind.example", "linked@northwind.example"])
async def test_a_password_is_checked_whether_or_not_there_is_such_an_account(
    tmp_path_factory: pytest.TempPathFactory, email: str
) -> None:
    folder = tmp_path_factory.mktemp("staff")
    async with Database(database_url(folder)) as database:
        staff = TortoiseStaff(database, CountingHasher(time_cost=1, memory_cost=64))
        await staff.add("Lena Ortiz", EMAIL, PASSWORD, NOON)
        await staff.add("Link Only", "linked@northwind.example", None, NOON)
        before = CountingHasher.checks
        assert await staff.check_password(email, "guess") is None
        assert CountingHasher.checks == before + 1


class WaitingHasher(PasswordHasher):
    """Checks nothing before it is told to, and knows how many checks ran side by side."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=64)
        self.begun, self.go = asyncio.Event(), threading.Event()
        self.running = self.most = 0
        self._loop = asyncio.get_running_loop()

    def verify(self, *arguments: object) -> bool:  # type: ignore[override]
        self._loop.call_soon_threadsafe(self.begun.set)
        self.running += 1
        self.most = max(self.most, self.running)
        self.go.wait(30)
        self.running -= 1
        raise VerifyMismatchError


async def test_passwords_that_wait_to_be_checked_hold_up_nothing_else(tmp_path: Path) -> None:
    async with Database(database_url(tmp_path)) as database:
        hasher = WaitingHasher()
        staff = TortoiseStaff(database, hasher)
        checks = [asyncio.create_task(staff.check_password(f"{n}@x.example", "guess")) for n in range(64)]
        await hasher.begun.wait()

        async with asyncio.timeout(10):
            assert await asyncio.to_thread(int) == 0
        hasher.go.set()
        assert await asyncio.gather(*checks) == [None] * 64
        assert hasher.most == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_an_account_opened_by_several_at_once_is_opened_once(tmp_path: Path, kind: str) -> None:
    async with Database(url(tmp_path, kind)) as database:
        staff = TortoiseStaff(database)
        for address in ("first@x.example", EMAIL):
            results = await asyncio.gather(
                *(staff.add("Lena Ortiz", address, None, NOON) for _ in range(8)), return_exceptions=True
            )
            refused = [result.code for result in results if isinstance(result, EventRefused)]
            assert refused == ["exists"] * 7
        assert len(await staff.accounts()) == 2


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_a_link_used_by_several_at_once_signs_one_in(tmp_path: Path, kind: str) -> None:
    async with Database(url(tmp_path, kind)) as database:
        staff = TortoiseStaff(database)
        account = await staff.add("Lena Ortiz", EMAIL, None, NOON)
        secret = await staff.sign_in_link(account, NOON, NOON + timedelta(minutes=5))
        used = await asyncio.gather(*(staff.use_link(secret, NOON) for _ in range(8)))
        assert [one for one in used if one] == [account]


@pytest.mark.parametrize("kind", ["sqlite", "postgres"])
async def test_sessions_and_links_that_have_ended_are_removed_and_no_others(
    tmp_path: Path, kind: str
) -> None:
    async with Database(url(tmp_path, kind)) as database:
        staff = TortoiseStaff(database)
        account = await staff.add("Lena Ortiz", EMAIL, None, NOON)
        minute = timedelta(minutes=1)
        await staff.begin_session(account, NOON, NOON + minute)
        await staff.sign_in_link(account, NOON, NOON + minute)
        session = await staff.begin_session(account, NOON, NOON + 3 * minute)
        link = await staff.sign_in_link(account, NOON, NOON + 3 * minute)

        assert await staff.remove_ended(NOON + 2 * minute) == 2
        assert await staff.session(session, NOON + 2 * minute) is not None
        assert await staff.use_link(link, NOON + 2 * minute) == account


def test_nobodys_hash_costs_what_new_ones_do() -> None:
    assert not PasswordHasher().check_needs_rehash(NOBODY)


async def test_an_unknown_address_takes_as_long_as_a_wrong_password(desk: ServedDesk) -> None:
    staff = desk.running.staff

    async def median(email: str) -> float:
        times = []
        for _ in range(5):
            begun = time.perf_counter()
            await staff.check_password(email, "guess")
            times.append(time.perf_counter() - begun)
        return sorted(times)[2]

    known, unknown = await median(EMAIL), await median("nobody@northwind.example")
    # Without the check for nobody it would be about a hundredth.
    assert 0.3 < unknown / known < 3
