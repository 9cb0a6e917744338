"""Who may call the bot: an own issuer signs good and bad tokens, and rotates its keys [threat 41]."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.fake_connector.connector import Json
from tests.fake_connector.issuer import Issuer, new_key
from tests.fake_connector.running import DANA, TeamsDesk, teams_desk

HOUR = 3600


def signed(**claims: Any) -> Callable[[Issuer, str], str]:
    return lambda issuer, url: issuer.sign(url, **claims)


BAD_HEADERS: dict[str, Callable[[Issuer, str], str | None]] = {
    "no header": lambda issuer, url: None,
    "garbage": lambda issuer, url: "garbage",
    "garbage for a token": lambda issuer, url: "Bearer garbage",
    "three parts": lambda issuer, url: f"{issuer.sign(url)} x",
    "Basic": lambda issuer, url: "Basic dXNlcjpwYXNz",
    "Basic with a good token": lambda issuer, url: issuer.sign(url).replace("Bearer", "Basic"),
    "wrong audience": signed(aud="another-app"),
    "no audience": signed(aud=None),
    "wrong service URL": signed(serviceurl="https://smba.trafficmanager.net/other/"),
    "no service URL": signed(serviceurl=None),
    "expired": signed(exp=int(time.time()) - HOUR),
    "without an end": signed(exp=None),
    "not yet": signed(nbf=int(time.time()) + HOUR, iat=int(time.time()) + HOUR),
    "wrong issuer": signed(iss="https://other.example.com"),
    "no issuer": signed(iss=None),
    "wrong key under a known id": lambda issuer, url: issuer.sign(url, new_key("key-1")),
    "unknown key id": lambda issuer, url: issuer.sign(url, new_key("key-of-nobody")),
    "a token of the emulator": signed(
        iss="https://sts.windows.net/d6d49420-f39b-4df7-a1dc-d59a935871db/", ver="1.0", appid="x"
    ),
    "a token of another bot": signed(aud="another-bot", appid="yet-another", ver="1.0"),
}


def hello(desk: TeamsDesk) -> Json:
    return desk.activity(DANA, text="hello")


async def test_a_good_token_is_accepted() -> None:
    async with teams_desk() as desk:
        assert (await desk.call(hello(desk)))[0] == 200


async def test_every_bad_token_is_refused_with_401() -> None:
    async with teams_desk() as desk:
        issuer = desk.microsoft.issuer
        answers = {
            name: (await desk.call(hello(desk), make(issuer, desk.microsoft.base)))[0]
            for name, make in BAD_HEADERS.items()
        }
        assert answers == dict.fromkeys(BAD_HEADERS, 401)
        assert (await desk.call(hello(desk)))[0] == 200
        assert desk.connector.entries == []


async def test_a_rotated_key_works_at_once_and_the_withdrawn_one_no_longer() -> None:
    async with teams_desk() as desk:
        issuer, url = desk.microsoft.issuer, desk.microsoft.base
        old = issuer.keys[0]
        assert (await desk.call(hello(desk)))[0] == 200
        issuer.rotate("key-2")
        assert (await desk.call(hello(desk)))[0] == 200
        assert (await desk.call(hello(desk), issuer.sign(url, old)))[0] == 401


@pytest.mark.parametrize("endorsements", [("webchat",), ()])
async def test_a_key_that_does_not_vouch_for_teams_is_refused(endorsements: tuple[str, ...]) -> None:
    async with teams_desk() as desk:
        issuer, url = desk.microsoft.issuer, desk.microsoft.base
        unendorsed = new_key("unendorsed", endorsements)
        issuer.keys.append(unendorsed)
        assert (await desk.call(hello(desk), issuer.sign(url, unendorsed)))[0] == 401


async def test_made_up_key_ids_do_not_make_the_desk_fetch_keys_without_end() -> None:
    async with teams_desk() as desk:
        issuer, url = desk.microsoft.issuer, desk.microsoft.base
        key = new_key("x")
        for number in range(30):
            forged = issuer.sign(url, type(key)(f"made-up-{number}", key.private, key.endorsements))
            assert (await desk.call(hello(desk), forged))[0] == 401
        assert issuer.fetches <= 6


@pytest.mark.parametrize(
    "url",
    ["https://evil.example.com/", "http://smba.trafficmanager.net/teams/", "https://smba.trafficmanager.net@evil.example.com/",
     "https://smba.trafficmanager.net.evil.example.com/", "http://127.0.0.1:1/", ""],
)  # fmt: skip
async def test_a_service_that_is_not_an_allowed_one_is_refused_even_with_a_token(url: str) -> None:
    async with teams_desk() as desk:
        activity = {**hello(desk), "serviceUrl": url}
        assert (await desk.call(activity))[0] == 401


async def test_a_token_of_another_channel_is_refused() -> None:
    async with teams_desk() as desk:
        assert (await desk.call({**hello(desk), "channelId": "webchat"}))[0] == 401


async def test_keys_that_cannot_be_fetched_ask_for_the_call_again() -> None:
    async with teams_desk(openid_url="http://127.0.0.1:9/openid") as desk:
        assert (await desk.call(hello(desk)))[0] == 503


@pytest.mark.parametrize("header", [{"X-Forwarded-For": "203.0.113.9"}, {"Host": "desk.example.com"}, {}])
async def test_anonymous_calls_that_a_proxy_on_this_machine_passes_on_are_refused(
    header: dict[str, str],
) -> None:
    async with teams_desk(anonymous=True) as desk:
        address = f"{desk.base}/api/messages"
        async with desk.session.post(address, json=hello(desk), headers=header) as answer:
            assert answer.status == (401 if header else 200)


async def test_anonymous_calls_are_taken_only_when_switched_on_by_name() -> None:
    async with teams_desk(anonymous=True) as desk:
        assert (await desk.call(hello(desk), None))[0] == 200
    async with teams_desk(app_id="", password="", anonymous=True) as desk:
        activity = {**hello(desk), "serviceUrl": "https://smba.trafficmanager.net/teams/"}
        assert (await desk.call(activity, None))[0] == 401
