"""Short answers in Slack that only the one who asked can see; nothing depends on their arrival."""

from __future__ import annotations

import aiohttp
import structlog

from adapters.slack.api import SlackApi
from adapters.slack.mrkdwn import escape
from chatdesk.errors import DeliveryError

log = structlog.get_logger(__name__)


class Teller:
    """Tells one person something in a channel or thread."""

    def __init__(self, api: SlackApi) -> None:
        self._api = api

    async def tell(self, channel: str, user: str, words: str, thread: str = "") -> None:
        """Show ``words`` (plain text) to the user only."""
        where = {"thread_ts": thread} if thread else {}
        try:
            await self._api.write(
                "chat.postEphemeral", channel=channel, user=user, text=escape(words), **where
            )
        except (DeliveryError, aiohttp.ClientError) as error:
            log.info("slack_not_told", error=str(error))
