"""The bot's own token for Microsoft's connector: fetched over aiohttp, once for everybody, before it ends."""

from __future__ import annotations

import asyncio
from json import JSONDecodeError

import aiohttp

from adapters.teams.json_value import object_at, text_at, value_at
from chatdesk.errors import DeliveryDelayed
from chatdesk.settings.teams_access import TeamsAccess

SCOPE = "https://api.botframework.com/.default"
EARLY = 300.0
"""Seconds before its end in which a token is no longer begun with."""


class BotToken:
    """Hands out the bot's access token (OAuth 2.0 client credentials)."""

    def __init__(self, session: aiohttp.ClientSession, access: TeamsAccess) -> None:
        self._session = session
        self._access = access
        self._token = ""
        self._good_until = 0.0
        self._lock = asyncio.Lock()

    async def get(self) -> str:
        """Return a token, "" in anonymous mode. Raises DeliveryDelayed when none can be had now."""
        if self._access.anonymous:
            return ""
        async with self._lock:
            if asyncio.get_running_loop().time() >= self._good_until:
                await self._fetch()
            return self._token

    def forget(self, token: str) -> None:
        """Fetch another one next time: the connector does not take this one any more."""
        if token == self._token:
            self._good_until = 0.0

    async def _fetch(self) -> None:
        url = f"{self._access.login_url}/{self._access.tenant}/oauth2/v2.0/token"
        form = {
            "grant_type": "client_credentials",
            "client_id": self._access.app_id,
            "client_secret": self._access.password,
            "scope": SCOPE,
        }
        try:
            async with self._session.post(url, data=form, allow_redirects=False) as answer:
                body = object_at({"body": await answer.json(content_type=None)}, "body")
                status = answer.status
        except (aiohttp.ClientError, TimeoutError, JSONDecodeError, UnicodeDecodeError) as error:
            raise DeliveryDelayed(f"Microsoft's sign-in cannot be reached: {error}") from error
        token, lifetime = text_at(body, "access_token"), value_at(body, "expires_in")
        if status != 200 or not token:
            reason = text_at(body, "error") or f"status {status}"
            text = f"Microsoft's sign-in refuses the bot ({reason}); run `chatdesk doctor teams`."
            raise DeliveryDelayed(text)
        seconds = float(lifetime) if isinstance(lifetime, int | float | str) else 0.0
        self._token = token
        self._good_until = asyncio.get_running_loop().time() + max(0.0, seconds - EARLY)
