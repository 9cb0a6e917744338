"""A service to sign in with: its metadata and keys, where a browser is sent, and a code for a token.

What it publishes is fetched when somebody signs in, and kept; a key that is not known has it fetched again,
so that a rotated one works at once (OpenID Connect Core 1.0, 10.1.1).
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from urllib.parse import urlencode

import aiohttp
import structlog
from jwt import PyJWK, PyJWTError
from msgspec import Struct

from adapters.web.openid_attempt import SignInAttempt
from adapters.web.openid_token import ALGORITHM, SigningKey
from chatdesk.errors import ChatdeskError
from chatdesk.settings.portal_access import SignInService

SCOPE = "openid email profile"
KEPT = 24 * 3600.0
"""Seconds for which metadata and keys are used."""
PAUSE = 30.0
"""Seconds between two fetches for a key that is not known: anybody can make a token name one."""

log = structlog.get_logger(__name__)


class ServiceUnreachable(ChatdeskError):
    """The service cannot be asked now, or answers what cannot be used."""


class Metadata(Struct, frozen=True):
    """What the service says of itself (OpenID Connect Discovery 1.0, 3)."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


class OpenIdProvider:
    """One service; ``session`` is for requests to it."""

    def __init__(self, service: SignInService, session: aiohttp.ClientSession) -> None:
        self.service = service
        self._session = session
        self._metadata: Metadata | None = None
        self._keys: Mapping[str, SigningKey] = {}
        self._fetched_at = 0.0
        self._lock = asyncio.Lock()

    async def metadata(self) -> Metadata:
        """Return what the service says of itself. Raises ServiceUnreachable."""
        async with self._lock:
            if self._metadata is None or self._is_older_than(KEPT):
                self._metadata = await self._fetch()
            return self._metadata

    async def key(self, identity: str) -> SigningKey | None:
        """Return the key of that id, None when the service has none such. Raises ServiceUnreachable."""
        _ = await self.metadata()
        async with self._lock:
            if identity not in self._keys and self._is_older_than(PAUSE):
                self._metadata = await self._fetch()
            return self._keys.get(identity)

    async def sign_in_address(self, attempt: SignInAttempt, redirect_uri: str) -> str:
        """Return where a browser is sent (RFC 6749, 4.1.1; RFC 7636, 4.3). Raises ServiceUnreachable."""
        asked = {
            "client_id": self.service.client_id,
            "response_type": "code",
            "scope": SCOPE,
            "redirect_uri": redirect_uri,
            "state": attempt.state,
            "nonce": attempt.nonce,
            "code_challenge": attempt.code_challenge,
            "code_challenge_method": "S256",
            # Whoever has several accounts there says which one it is to be.
            "prompt": "select_account",
        }
        endpoint = (await self.metadata()).authorization_endpoint
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def redeem(self, code: str, attempt: SignInAttempt, redirect_uri: str) -> str:
        """Return the id_token for the code, "" when the service refuses the code (RFC 6749, 4.1.3).

        Raises ServiceUnreachable.
        """
        sent = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect_uri,
            "client_id": self.service.client_id,
            "client_secret": self.service.client_secret,
            "code_verifier": attempt.code_verifier,
        }
        status, answer = await self._ask("POST", (await self.metadata()).token_endpoint, sent)
        if status != 200:
            # Such as invalid_client: the desk's own secret has run out, which its owner has to know.
            log.warning("portal_code_refused", service=self.service.name, error=_text(answer, "error"))
            return ""
        return _text(answer, "id_token")

    async def _fetch(self) -> Metadata:
        found = await self._published(f"{self.service.issuer}/.well-known/openid-configuration")
        metadata = Metadata(*(_text(found, name) for name in Metadata.__struct_fields__))
        endpoints = (metadata.authorization_endpoint, metadata.token_endpoint, metadata.jwks_uri)
        if not metadata.issuer or not all(map(self._is_safe, endpoints)):
            raise ServiceUnreachable(f"{self.service.name}: its metadata cannot be used")
        keys = (await self._published(metadata.jwks_uri)).get("keys")
        self._keys = _signing_keys(keys if isinstance(keys, list) else [])
        self._fetched_at = asyncio.get_running_loop().time()
        log.info("portal_keys_fetched", service=self.service.name, keys=len(self._keys))
        return metadata

    async def _published(self, address: str) -> Mapping[str, object]:
        status, found = await self._ask("GET", address)
        if status != 200:
            raise ServiceUnreachable(f"{self.service.name}: {status} from {address}")
        return found

    async def _ask(
        self, method: str, address: str, sent: Mapping[str, str] | None = None
    ) -> tuple[int, Mapping[str, object]]:
        try:
            async with self._session.request(method, address, data=sent, allow_redirects=False) as answer:
                found: object = await answer.json(content_type=None) if answer.status < 500 else None
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise ServiceUnreachable(f"{self.service.name}: {type(error).__name__}") from error
        if not isinstance(found, dict):
            raise ServiceUnreachable(f"{self.service.name}: {answer.status} from {address}")
        return answer.status, found

    def _is_safe(self, address: str) -> bool:
        """Tell whether it is encrypted; what a test's service on this machine says of itself need not be."""
        own = self.service.issuer.startswith("http://") and address.startswith(f"{self.service.issuer}/")
        return own or address.startswith("https://")

    def _is_older_than(self, seconds: float) -> bool:
        return asyncio.get_running_loop().time() - self._fetched_at > seconds


def _signing_keys(published: list[object]) -> dict[str, SigningKey]:
    """Return those that can be used; a service may have some of other kinds."""
    found: dict[str, SigningKey] = {}
    for key in published:
        if isinstance(key, dict) and key.get("kty") == "RSA" and key.get("use", "sig") == "sig":
            try:
                found[_text(key, "kid")] = SigningKey(PyJWK(key, ALGORITHM), _text(key, "issuer"))
            except PyJWTError:
                continue
    return found


def _text(source: Mapping[str, object], name: str) -> str:
    found = source.get(name)
    return found if isinstance(found, str) else ""
