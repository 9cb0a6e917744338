"""Who calls the bot: the SDK's token check with keys over aiohttp, and every failure one kind of refusal."""

from __future__ import annotations

import aiohttp
import structlog
from botbuilder.schema import Activity
from botframework.connector.auth import (
    BotFrameworkAuthenticationFactory,
    PasswordServiceClientCredentialFactory,
)
from botframework.connector.auth.jwt_token_extractor import JwtTokenExtractor

from adapters.teams.json_value import Json, text_at, value_at
from adapters.teams.keys import KeysUnreachable, SigningKeys, UnknownKey
from chatdesk.settings.teams_access import TeamsAccess

CHANNEL = "msteams"
EMULATOR_KEYS = "no emulator may call"
"""Stands for the address of the emulator's keys: tokens of the SDK's emulator are not taken."""

log = structlog.get_logger(__name__)


class NotAuthentic(Exception):
    """The call does not come from Teams, or is not for this bot."""


class _NoKeys:
    """An issuer without keys."""

    async def get(self, key_id: str | None) -> None:
        raise UnknownKey(f"no key {key_id!r}")


class Authentication:
    """Checks calls to the bot [threat 41].

    Issuer, signature, validity, audience, service address and endorsement of the channel are checked by the
    SDK; that they are there at all, and that the service is an allowed one, is checked here.
    """

    def __init__(self, access: TeamsAccess, session: aiohttp.ClientSession) -> None:
        self._access = access
        cache = JwtTokenExtractor.metadataCache
        cache[access.openid_url] = SigningKeys(session, access.openid_url)
        cache[EMULATOR_KEYS] = _NoKeys()
        self._sdk = BotFrameworkAuthenticationFactory.create(
            to_channel_from_bot_login_url=access.login_url,
            to_channel_from_bot_oauth_scope="https://api.botframework.com",
            to_bot_from_channel_token_issuer=access.issuer,
            oauth_url="",
            to_bot_from_channel_open_id_metadata_url=access.openid_url,
            to_bot_from_emulator_open_id_metadata_url=EMULATOR_KEYS,
            credential_factory=PasswordServiceClientCredentialFactory(access.app_id, access.password),
        )

    async def check(self, activity: Json, header: str) -> None:
        """Return when the call is authentic.

        Raises NotAuthentic, or KeysUnreachable when that cannot be judged now.
        """
        service_url = text_at(activity, "serviceUrl")
        if not self._access.allows(service_url):
            raise NotAuthentic("the service address is not an allowed one")
        if text_at(activity, "channelId") != CHANNEL:
            raise NotAuthentic("the channel is not Teams")
        if self._access.anonymous:
            return
        if not header or not self._access.app_id:
            raise NotAuthentic("there is no token")
        await self._check_token(service_url, header)

    async def _check_token(self, service_url: str, header: str) -> None:
        asked = Activity(channel_id=CHANNEL, service_url=service_url)
        try:
            result = await self._sdk.authenticate_request(asked, header)
        except KeysUnreachable:
            raise
        except Exception as error:
            # The SDK raises what its parts happen to raise: each of them means that the token is no good.
            raise NotAuthentic(f"{type(error).__name__}: {error}") from error
        claims: object = result.claims_identity.claims
        if value_at(claims, "exp") is None:
            raise NotAuthentic("the token never ends")
