"""The issuer of tokens: OpenID metadata, keys that can be rotated, and the bot's own token."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.signing_keys import new_rsa_key, published

APP_ID, APP_PASSWORD = "11111111-2222-3333-4444-555555555555", "not-a-real-secret"
TENANT = "00000000-0000-0000-0000-0000000000aa"
ISSUER = "https://issuer.example.com"


@dataclass(frozen=True)
class Key:
    """A signing key and the channels it vouches for."""

    kid: str
    private: rsa.RSAPrivateKey
    endorsements: Sequence[str]

    def public(self) -> dict[str, Any]:
        return published(self.private, self.kid, endorsements=list(self.endorsements))


def new_key(kid: str, endorsements: Sequence[str] = ("msteams",)) -> Key:
    """Return a fresh key."""
    return Key(kid, new_rsa_key(), endorsements)


class Issuer:
    """Signs calls to the bot, and gives the bot tokens for its own calls."""

    def __init__(self) -> None:
        self.keys = [new_key("key-1")]
        self.base = ""
        self.fetches = 0
        self.tokens_given: list[str] = []
        self.refuses_tokens = False

    def add_routes(self, application: web.Application) -> None:
        application.router.add_get("/openid", self._metadata)
        application.router.add_get("/keys", self._keys)
        application.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)

    def rotate(self, kid: str) -> Key:
        """Withdraw every key and return the one that signs from now on."""
        self.keys = [new_key(kid)]
        return self.keys[0]

    def sign(self, service_url: str, key: Key | None = None, **changes: Any) -> str:
        """Return an Authorization header; ``changes`` are claims, None leaves one out."""
        signer = key or self.keys[0]
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": ISSUER,
            "aud": APP_ID,
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "serviceurl": service_url,
            **changes,
        }
        kept = {name: value for name, value in claims.items() if value is not None}
        return f"Bearer {jwt.encode(kept, signer.private, algorithm='RS256', headers={'kid': signer.kid})}"

    async def _metadata(self, request: web.Request) -> web.Response:
        self.fetches += 1
        return web.json_response({"issuer": ISSUER, "jwks_uri": f"{self.base}/keys"})

    async def _keys(self, request: web.Request) -> web.Response:
        return web.json_response({"keys": [key.public() for key in self.keys]})

    async def _token(self, request: web.Request) -> web.Response:
        form = await request.post()
        good = (form.get("client_id"), form.get("client_secret")) == (APP_ID, APP_PASSWORD)
        if self.refuses_tokens or not good or request.match_info["tenant"] != TENANT:
            return web.json_response({"error": "invalid_client"}, status=401)
        token = f"bot-token-{len(self.tokens_given)}"
        self.tokens_given.append(token)
        return web.json_response({"access_token": token, "expires_in": 3600, "token_type": "Bearer"})
