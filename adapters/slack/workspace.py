"""The workspace whose bot this is."""

from __future__ import annotations

from adapters.slack.api import SlackApi
from adapters.slack.payload import Payload, text


class Workspace:
    """Whose bot this is; asked once."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api
        self._told: Payload = {}

    async def team(self) -> str:
        """Return the id of the desk's own workspace. Raises DeliveryError."""
        return text(await self._whose(), "team_id")

    async def address(self) -> str:
        """Return where it is opened, with a slash at the end; "" unless by https. Raises DeliveryError."""
        address = text(await self._whose(), "url")
        return address if address.startswith("https://") and address.endswith("/") else ""

    async def _whose(self) -> Payload:
        if not self._told:
            self._told = await self._api.write("auth.test")
        return self._told
