"""The smallest bot in the SDK's own way, to compare with: its authentication, its connector, its turns."""

from __future__ import annotations

from aiohttp import web
from botbuilder.core import TurnContext
from botbuilder.core.cloud_adapter_base import CloudAdapterBase
from botbuilder.schema import Activity
from botframework.connector.auth import (
    BotFrameworkAuthenticationFactory,
    PasswordServiceClientCredentialFactory,
)
from botframework.connector.auth.microsoft_app_credentials import MicrosoftAppCredentials

from chatdesk.settings.teams_access import TeamsAccess


class _Credentials(MicrosoftAppCredentials):  # type: ignore[misc]
    """The SDK's credentials with a token at hand: its sign-in library takes no loopback address."""

    def get_access_token(self, force_refresh: bool = False) -> str:
        return "any token"


class _Factory(PasswordServiceClientCredentialFactory):  # type: ignore[misc]
    async def create_credentials(
        self, app_id: str, oauth_scope: str, login_endpoint: str, validate_authority: bool
    ) -> _Credentials:
        return _Credentials(app_id, self.password)


def plain_bot(access: TeamsAccess) -> web.Application:
    """Return a web application whose bot answers each message with one line."""
    authentication = BotFrameworkAuthenticationFactory.create(
        to_channel_from_bot_login_url=access.login_url,
        to_channel_from_bot_oauth_scope="https://api.botframework.com",
        to_bot_from_channel_token_issuer=access.issuer,
        oauth_url=access.login_url,
        to_bot_from_channel_open_id_metadata_url=access.openid_url,
        to_bot_from_emulator_open_id_metadata_url=access.openid_url,
        credential_factory=_Factory(access.app_id, access.password),
    )
    adapter = CloudAdapterBase(authentication)

    async def answer(context: TurnContext) -> None:
        await context.send_activity("Write what is the matter and a technician answers you here.")

    async def receive(request: web.Request) -> web.Response:
        activity = Activity.deserialize(await request.json())
        await adapter.process_activity(request.headers.get("Authorization", ""), activity, answer)
        return web.Response()

    application = web.Application()
    application.router.add_post("/api/messages", receive)
    return application
