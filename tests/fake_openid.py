"""A service to sign in with, over loopback: real HTTP, keys and signatures, and tokens bent at will."""

from __future__ import annotations

import base64
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa
from yarl import URL

from chatdesk.settings.portal_access import PortalAccess, SignInService
from tests.signing_keys import new_rsa_key, published

CLIENT_ID, CLIENT_SECRET = "chatdesk-client", "chatdesk-client-secret"
CONTOSO_TENANT = "00000000-0000-4000-8000-00000000c070"
OTHER_TENANT = "00000000-0000-4000-8000-0000000e71e0"
DANA: Mapping[str, Any] = {
    "sub": "dana-1", "email": "dana@contoso.example", "email_verified": True, "hd": "contoso.example",
    "name": "Dana Reyes",
}  # fmt: skip

Bend = Callable[[dict[str, Any]], dict[str, Any]]
"""Changes what a token says."""


@cache
def rsa_key(name: str) -> rsa.RSAPrivateKey:
    """Return a key; the same name gives the same one, since making one takes long."""
    assert name
    return new_rsa_key()


def sign(claims: Mapping[str, Any], key: str = "first", algorithm: str = "RS256", **header: Any) -> str:
    """Return the token, signed with that key."""
    secret: Any = rsa_key(key) if algorithm.startswith("RS") else None
    return jwt.encode(dict(claims), secret, algorithm, headers={"kid": key, **header})


@dataclass
class FakeOpenId:
    """The service. ``person`` signs in; ``bend`` changes the claims; ``signed`` makes the token.

    ``template`` is its issuer with the tenant left open, as Microsoft's is. ``asked`` are the queries that
    browsers came with, ``posts`` the forms in which codes were redeemed.
    """

    base: str = ""
    person: Mapping[str, Any] = field(default_factory=lambda: dict(DANA))
    bend: Bend = dict
    signed: Callable[[Mapping[str, Any]], str] = sign
    keys: list[str] = field(default_factory=lambda: ["first"])
    key_issuer: str = ""
    template: bool = False
    away: bool = False
    cancels: bool = False
    asked: list[Mapping[str, str]] = field(default_factory=list)
    posts: list[Mapping[str, str]] = field(default_factory=list)
    _codes: dict[str, Mapping[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        """What it calls itself."""
        return f"{self.base}/{{tenantid}}/v2.0" if self.template else self.base

    def access(self, *names: str) -> PortalAccess:
        """Return the desk's registrations at this service, under the names of known ones."""
        services = (SignInService(name, CLIENT_ID, CLIENT_SECRET, self.base) for name in names or ("google",))
        return PortalAccess(tuple(services))

    def claims(self, nonce: str) -> dict[str, Any]:
        """Return what a token says of the person, before it is bent."""
        now = int(time.time())
        tenant = str(self.person.get("tid", ""))
        own = {"iss": self.issuer.replace("{tenantid}", tenant), "aud": CLIENT_ID, "nonce": nonce}
        return {**own, "iat": now, "exp": now + 300, **self.person}

    def application(self) -> web.Application:
        application = web.Application()
        application.router.add_get("/.well-known/openid-configuration", self._metadata)
        application.router.add_get("/keys", self._keys)
        application.router.add_get("/authorize", self._authorize)
        application.router.add_post("/token", self._token)
        return application

    async def _metadata(self, _: web.Request) -> web.Response:
        if self.away:
            return web.Response(status=503)
        found = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.base}/authorize",
            "token_endpoint": f"{self.base}/token",
            "jwks_uri": f"{self.base}/keys",
        }
        return web.json_response(found)

    async def _keys(self, _: web.Request) -> web.Response:
        return web.json_response({"keys": [self._published(key) for key in self.keys]})

    def _published(self, name: str) -> dict[str, Any]:
        issuer = {"issuer": self.key_issuer} if self.key_issuer else {}
        return published(rsa_key(name), name, **issuer)

    async def _authorize(self, request: web.Request) -> web.Response:
        self.asked.append(dict(request.query))
        back = {"state": request.query["state"]}
        if self.cancels:
            back["error"] = "access_denied"
        else:
            back["code"] = secrets.token_hex(8)
            self._codes[back["code"]] = dict(request.query)
        return web.HTTPSeeOther(str(URL(request.query["redirect_uri"]).with_query(back)))

    async def _token(self, request: web.Request) -> web.Response:
        sent = {name: str(value) for name, value in (await request.post()).items()}
        self.posts.append(sent)
        asked = self._codes.pop(sent.get("code", ""), None)
        digest = hashlib.sha256(sent.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        right = asked is not None and (
            challenge == asked["code_challenge"]
            and sent["redirect_uri"] == asked["redirect_uri"]
            and (sent["client_id"], sent["client_secret"]) == (CLIENT_ID, CLIENT_SECRET)
        )
        if asked is None or not right:
            return web.json_response({"error": "invalid_grant"}, status=400)
        token = self.signed(self.bend(self.claims(asked["nonce"])))
        return web.json_response({"id_token": token, "access_token": "unused", "token_type": "Bearer"})


@asynccontextmanager
async def fake_openid(**changes: Any) -> AsyncIterator[FakeOpenId]:
    """Serve it on a free port of this machine."""
    service = FakeOpenId(**changes)
    runner = web.AppRunner(service.application())
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        service.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield service
    finally:
        await runner.cleanup()
