"""The keys that sign Microsoft's calls: fetched over aiohttp, and afresh at once when one is not known."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import aiohttp
import structlog
from jwt import PyJWK, PyJWTError

from adapters.teams.json_value import Json, object_at, objects_at, text_at, value_at

KEPT = 24 * 3600.0
"""Seconds for which fetched keys are used."""
REFRESHES, WINDOW = 5, 60.0
"""Unknown key ids may cause so many fetches within so many seconds: anybody can make one up."""

log = structlog.get_logger(__name__)


class KeysUnreachable(Exception):
    """The keys cannot be fetched, so that no token can be judged now."""


class UnknownKey(Exception):
    """A token names a key that its issuer does not have, or one that vouches for no channel."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """One key as the SDK's token check reads it. ``endorsements`` are the channels it may sign for."""

    public_key: object
    endorsements: Sequence[str]


class SigningKeys:
    """An issuer's keys by id, in the form of the SDK's cache of OpenID metadata.

    A key id that is not known fetches the keys again, so that a rotated key works at once and a withdrawn
    one no longer.
    """

    def __init__(self, session: aiohttp.ClientSession, openid_url: str) -> None:
        self._session = session
        self._openid_url = openid_url
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at: float | None = None
        self._refreshes: list[float] = []
        self._lock = asyncio.Lock()

    async def get(self, key_id: str | None) -> SigningKey:
        """Return the key. Raises UnknownKey or KeysUnreachable."""
        if self._is_old() or key_id not in self._keys:
            await self._refresh(key_id)
        key = self._keys.get(key_id or "")
        if key is None or not key.endorsements:
            raise UnknownKey(f"no endorsed key {key_id!r}")
        return key

    def _is_old(self) -> bool:
        return self._fetched_at is None or asyncio.get_running_loop().time() - self._fetched_at > KEPT

    async def _refresh(self, key_id: str | None) -> None:
        async with self._lock:
            # Whoever waited here may find that the one before has fetched the key already.
            if not self._is_old() and key_id in self._keys:
                return
            now = asyncio.get_running_loop().time()
            self._refreshes = [at for at in self._refreshes if now - at < WINDOW]
            if not self._is_old() and len(self._refreshes) >= REFRESHES:
                return
            self._refreshes.append(now)
            self._keys = await self._fetch()
            self._fetched_at = now

    async def _fetch(self) -> dict[str, SigningKey]:
        try:
            metadata = await self._json(self._openid_url)
            keys = objects_at(await self._json(text_at(metadata, "jwks_uri")), "keys")
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            raise KeysUnreachable(f"{self._openid_url}: {error}") from error
        found = {text_at(key, "kid"): made for key in keys if (made := _key(key)) is not None}
        log.info("teams_keys_fetched", keys=len(found))
        return found

    async def _json(self, url: str) -> Json:
        async with self._session.get(url, allow_redirects=False) as answer:
            answer.raise_for_status()
            return object_at(await answer.json(content_type=None))


def _key(key: Json) -> SigningKey | None:
    """Return a usable key; an issuer may have some of kinds that are not used here."""
    endorsements = value_at(key, "endorsements")
    named = [one for one in endorsements if isinstance(one, str)] if isinstance(endorsements, list) else []
    try:
        return SigningKey(PyJWK(dict(key), algorithm="RS256").key, named)
    except PyJWTError:
        return None
