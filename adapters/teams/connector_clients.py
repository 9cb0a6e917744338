"""The SDK's connector clients, one for each service address: making one takes milliseconds of work."""

from __future__ import annotations

import aiohttp
from botframework.connector.aio import ConnectorClient
from botframework.connector.auth import ConnectorFactory
from msrest.authentication import Authentication

from adapters.teams.bot_token import BotToken
from adapters.teams.connector_pipeline import connector_pipeline
from chatdesk.errors import DeliveryRefused
from chatdesk.settings.teams_access import TeamsAccess


class ConnectorClients(ConnectorFactory):  # type: ignore[misc]
    """Hands out connector clients that send over aiohttp, to allowed services only."""

    def __init__(self, access: TeamsAccess, session: aiohttp.ClientSession, token: BotToken) -> None:
        self._access = access
        self._session = session
        self._token = token
        self._clients: dict[str, ConnectorClient] = {}

    async def create(self, service_url: str, audience: str | None = None) -> ConnectorClient:
        """Return the client of a service. Raises DeliveryRefused for an address that is not allowed."""
        return self.client(service_url)

    def client(self, service_url: str) -> ConnectorClient:
        """Return the client of a service. Raises DeliveryRefused for an address that is not allowed."""
        if not self._access.allows(service_url):
            raise DeliveryRefused("The address of the Teams service is not an allowed one.")
        client = self._clients.get(service_url)
        if client is None:
            client = ConnectorClient(Authentication(), base_url=service_url)
            # The SDK takes a pipeline of one's own only once the client is built.
            client.config.pipeline = connector_pipeline(self._session, self._token)
            self._clients[service_url] = client
        return client
