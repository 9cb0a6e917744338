"""What a service publishes is kept, fetched again for a new key, and believed only over safe addresses."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from adapters.web.openid_attempt import SignInAttempt
from adapters.web.openid_provider import KEPT, OpenIdProvider, ServiceUnreachable
from chatdesk.settings.portal_access import SignInService
from tests.fake_openid import CLIENT_ID, CLIENT_SECRET, fake_openid

ATTEMPT = SignInAttempt("s" * 43, "google")
BACK = "http://127.0.0.1/portal/sign-in/google/answer"


@asynccontextmanager
async def provider_of(base: str) -> AsyncIterator[OpenIdProvider]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5)) as session:
        yield OpenIdProvider(SignInService("google", CLIENT_ID, CLIENT_SECRET, base), session)


@asynccontextmanager
async def publishing(metadata: Any, keys: Any = None, status: int = 200) -> AsyncIterator[OpenIdProvider]:
    """Serve these answers; BASE in the metadata stands for the service's own address."""
    base = ""

    async def published(_: web.Request) -> web.Response:
        if not isinstance(metadata, dict):
            return web.Response(text=metadata, status=status)
        own = {name: str(value).replace("BASE", base) for name, value in metadata.items()}
        return web.json_response(own, status=status)

    async def its_keys(_: web.Request) -> web.Response:
        return web.json_response(keys)

    application = web.Application()
    application.router.add_get("/.well-known/openid-configuration", published)
    application.router.add_get("/keys", its_keys)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        async with provider_of(base) as provider:
            yield provider
    finally:
        await runner.cleanup()


GOOD = {
    "issuer": "BASE",
    "authorization_endpoint": "BASE/authorize",
    "token_endpoint": "BASE/token",
    "jwks_uri": "BASE/keys",
}


@pytest.mark.parametrize(
    ("metadata", "status"),
    [
        ("not JSON", 200),
        ("[]", 200),
        ({}, 200),
        ({**GOOD, "issuer": ""}, 200),
        ({**GOOD, "token_endpoint": "http://evil.example/token"}, 200),
        ({**GOOD, "authorization_endpoint": "javascript:alert(1)"}, 200),
        ({**GOOD, "jwks_uri": "BASE.evil.example/keys"}, 200),
        ({**GOOD, "jwks_uri": "BASE/nowhere"}, 200),
        (GOOD, 404),
        (GOOD, 302),
        (GOOD, 503),
    ],
)
async def test_a_service_whose_metadata_cannot_be_used_cannot_be_reached(metadata: Any, status: int) -> None:
    async with publishing(metadata, {"keys": []}, status) as provider:
        with pytest.raises(ServiceUnreachable):
            await provider.sign_in_address(ATTEMPT, BACK)


@pytest.mark.parametrize(
    "keys",
    [
        {"keys": None},
        {"keys": "x"},
        {"keys": [None, 1, {}, {"kty": "EC", "kid": "k"}, {"kty": "RSA", "kid": "k"}]},
        {"keys": [{"kty": "oct", "kid": "k", "k": "c2VjcmV0"}]},
        {"keys": [{"kty": "RSA", "kid": "k", "use": "enc", "n": "AQAB", "e": "AQAB"}]},
    ],
)
async def test_only_keys_that_sign_with_rsa_are_taken(keys: Any) -> None:
    async with publishing(GOOD, keys) as provider:
        assert await provider.key("k") is None


async def test_nobody_at_the_address_is_told_as_unreachable() -> None:
    async with provider_of("http://127.0.0.1:9") as provider:
        with pytest.raises(ServiceUnreachable):
            await provider.metadata()


async def test_what_is_published_is_fetched_once_a_day_however_often_somebody_signs_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with fake_openid() as service, provider_of(service.base) as provider:
        for _ in range(3):
            assert (await provider.metadata()).issuer == service.base
            assert await provider.key("first") is not None
        service.away = True
        assert await provider.key("unknown") is None, "it was fetched a moment ago"
        monkeypatch.setattr(OpenIdProvider, "_is_older_than", lambda _, seconds: seconds == KEPT)
        with pytest.raises(ServiceUnreachable):
            await provider.metadata()


async def test_a_code_is_redeemed_only_by_who_began_the_attempt() -> None:
    async with fake_openid() as service, provider_of(service.base) as provider:
        other = SignInAttempt("t" * 43, "google")
        assert await provider.redeem(await code_of(provider), other, BACK) == ""
        assert await provider.redeem(await code_of(provider), ATTEMPT, f"{BACK}/elsewhere") == ""
        assert await provider.redeem(await code_of(provider), ATTEMPT, BACK) != ""


async def code_of(provider: OpenIdProvider) -> str:
    """Sign in at the service and return the code that the browser brings back."""
    address = await provider.sign_in_address(ATTEMPT, BACK)
    async with aiohttp.ClientSession() as browser, browser.get(address, allow_redirects=False) as answer:
        assert answer.headers["Location"].startswith(BACK)
        return answer.headers["Location"].partition("code=")[2].partition("&")[0]
