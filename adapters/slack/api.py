"""Slack's Web API: one call at a time, and each failure told apart by whether the call happened.

Nothing is repeated here. The relay knows what to do with a delivery that was delayed, refused or unknown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlsplit

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.payload import Block, Payload, parts, text
from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown

log = structlog.get_logger(__name__)

BUSY = frozenset({"ratelimited", "rate_limited", "message_limit_exceeded", "team_added_to_org"})
DOUBTFUL = frozenset({"fatal_error", "internal_error", "request_timeout", "service_unavailable"})
"""Errors after which nobody knows whether the call had its effect."""
ADVICE = {
    "account_inactive": "the app was removed from the workspace; install it again.",
    "channel_not_found": "the channel is not there or the app may not see it; invite the app to it.",
    "invalid_auth": "SLACK_BOT_TOKEN is not accepted; copy it again from the app's page.",
    "is_archived": "the channel is archived; name another in the desk's file.",
    "missing_scope": "a permission is missing; install the app again from `chatdesk slack manifest`.",
    "not_authed": "SLACK_BOT_TOKEN is not accepted; copy it again from the app's page.",
    "not_in_channel": "the app is not in the channel; invite it there.",
    "token_revoked": "SLACK_BOT_TOKEN was revoked; install the app again.",
}
MAX_PAGES = 20


class SlackAskedToWait(DeliveryDelayed):
    """Slack takes no more such calls for ``seconds``; ``channel`` is the one that was named, "" for none."""

    def __init__(self, method: str, seconds: float, channel: str) -> None:
        super().__init__(f"Slack asked to wait with {method}.", retry_after=seconds)
        self.seconds = seconds
        self.channel = channel


class SlackApi:
    """Calls of one workspace. ``session`` carries them all and has the time limits."""

    def __init__(self, token: str, api_url: str, session: aiohttp.ClientSession) -> None:
        # Its own handlers would repeat a post whose outcome is unknown.
        self.client = AsyncWebClient(
            token=token, base_url=api_url, session=session, retry_handlers=[], timeout=10
        )
        self._token = token
        self._session = session
        self._hosts = {urlsplit(api_url).netloc}

    async def write(self, method: str, **body: object) -> Payload:
        """Call a method that changes something.

        Raises DeliveryDelayed (it did not happen; SlackAskedToWait when Slack is too busy), DeliveryRefused
        (it never will) or DeliveryUnknown.
        """
        return await self._call(method, http_verb="POST", json=body)

    async def write_as(self, token: str, method: str) -> Payload:
        """Call a method without arguments with another token; raises as ``write``."""
        headers = {"Authorization": f"Bearer {token}"}
        return await self._call(method, http_verb="POST", headers=headers)

    async def whoami(self) -> tuple[Payload, frozenset[str]]:
        """Return whose token this is and what it may do, its scopes; raises as ``write``."""
        try:
            answer = await self.client.auth_test()
        except SlackApiError as error:
            raise _told_apart("auth.test", error) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise DeliveryDelayed(f"Slack cannot be reached at {self.client.base_url}: {error}") from error
        scopes = str(answer.headers.get("x-oauth-scopes", ""))
        found = answer.data if isinstance(answer.data, dict) else {}
        return found, frozenset(scope.strip() for scope in scopes.split(",") if scope.strip())

    async def read(self, method: str, **query: str | int) -> Payload:
        """Call a method that only reads. Raises DeliveryDelayed or DeliveryRefused."""
        try:
            return await self._call(method, http_verb="GET", params=query)
        except DeliveryUnknown as unknown:
            raise DeliveryDelayed(str(unknown)) from unknown

    async def form(self, method: str, **fields: str | int) -> Payload:
        """Call a method that takes form fields only; raises as ``write``."""
        return await self._call(method, http_verb="POST", data=fields)

    async def pages(self, method: str, **query: str | int) -> AsyncIterator[Payload]:
        """Yield the messages of a listing, page by page; at most ``MAX_PAGES`` pages."""
        cursor = ""
        for _ in range(MAX_PAGES):
            page = await self.read(method, **query, **({"cursor": cursor} if cursor else {}))
            for message in parts(page, "messages"):
                yield message
            cursor = text(page, "response_metadata", "next_cursor")
            if not cursor:
                return

    async def upload(self, address: str, content: bytes) -> None:
        """Put a file's bytes where Slack said. Raises as ``write``."""
        self._check_host(address)
        try:
            async with self._session.post(address, data=content) as answer:
                if answer.status != 200:
                    raise DeliveryDelayed(f"Slack did not take the file (HTTP {answer.status}).")
        except (aiohttp.ClientError, TimeoutError) as error:
            # Bytes alone show nothing to anybody; they can be sent again.
            raise DeliveryDelayed(f"Slack did not take the file: {error}") from error

    async def download(self, address: str) -> AsyncIterator[bytes]:
        """Yield a file's bytes. Raises DeliveryRefused for an address that is not Slack's, or on failure."""
        self._check_host(address)
        headers = {"Authorization": f"Bearer {self._token}"}
        # A redirect would carry the token to another place.
        async with self._session.get(address, headers=headers, allow_redirects=False) as answer:
            if answer.status != 200:
                raise DeliveryRefused(f"Slack did not hand out the file (HTTP {answer.status}).")
            async for chunk in answer.content.iter_chunked(64 * 1024):
                yield chunk

    def _check_host(self, address: str) -> None:
        """Let the token and files go to Slack only."""
        url = urlsplit(address)
        ours = url.netloc in self._hosts
        slack = url.scheme == "https" and (url.hostname or "").endswith(".slack.com") and url.port is None
        if not ours and not slack:
            raise DeliveryRefused("The file's address is not one of Slack's.")

    async def _call(
        self,
        method: str,
        http_verb: str,
        json: Mapping[str, object] | None = None,
        params: Mapping[str, object] | None = None,
        data: Mapping[str, object] | None = None,
        headers: dict[str, str] | None = None,
    ) -> Payload:
        try:
            answer = await self.client.api_call(
                method,
                http_verb=http_verb,
                json=dict(json) if json is not None else None,
                params=dict(params) if params is not None else None,
                data=dict(data) if data is not None else None,
                headers=headers,
            )
        except SlackApiError as error:
            raise _told_apart(method, error, text(json or {}, "channel")) from error
        except aiohttp.ClientConnectorError as error:
            raise DeliveryDelayed(f"Slack cannot be reached for {method}.") from error
        except (aiohttp.ClientError, TimeoutError, SlackClientError, ConnectionError) as error:
            raise DeliveryUnknown(f"{method} was cut off: {type(error).__name__}.") from error
        found = answer.data
        return found if isinstance(found, dict) else {}


def _told_apart(
    method: str, error: SlackApiError, channel: str = ""
) -> DeliveryDelayed | DeliveryRefused | DeliveryUnknown:
    """Return what an error answer means for the delivery."""
    response = error.response
    status = int(getattr(response, "status_code", 0) or getattr(response, "status", 0) or 0)
    data = getattr(response, "data", None)
    code = text(data, "error") if isinstance(data, dict) else ""
    if status == 429 or code in BUSY:
        return SlackAskedToWait(method, _retry_after(response), channel)
    if status >= 500 or code in DOUBTFUL or not code:
        return DeliveryUnknown(f"Slack failed at {method} (HTTP {status} {code}).")
    return DeliveryRefused(f"Slack refused {method}: {code}: {ADVICE.get(code, 'see the Slack API.')}")


def _retry_after(response: object) -> float:
    headers = getattr(response, "headers", {})
    given = headers.get("Retry-After", headers.get("retry-after", "")) if isinstance(headers, Mapping) else ""
    return float(given) if str(given).isdigit() else 1.0


def message_metadata(kind: str, **facts: str | int) -> Block:
    """Return what a post carries so that it can be found again."""
    return {"event_type": f"chatdesk_{kind}", "event_payload": dict(facts)}
