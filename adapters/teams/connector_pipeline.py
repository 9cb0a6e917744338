"""How the SDK's connector client reaches the network: one aiohttp session, an honest word on each failure.

The SDK sends through `requests` in a pool of six threads; this policy takes the place of that.
"""

from __future__ import annotations

import email.utils
from collections.abc import Mapping
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Any, NoReturn

import aiohttp
from msrest.pipeline import Request, Response
from msrest.pipeline.async_abc import AsyncHTTPPolicy, AsyncHTTPSender, AsyncPipeline
from msrest.pipeline.universal import RawDeserializer

from adapters.teams.bot_token import BotToken
from chatdesk.errors import DeliveryDelayed, DeliveryRefused, DeliveryUnknown
from chatdesk.plain_text import clean_line

TRY_AGAIN = frozenset(
    {
        HTTPStatus.PRECONDITION_FAILED,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)
"""Answers that Microsoft's guide on rate limits tells bots to repeat after a wait."""

SHOWN = 200
"""Characters of an answer that are kept to explain a failure."""


class NotThere(DeliveryRefused):
    """What a call was about does not stand in Teams, or not any more."""


class _Answer:
    """An answer as the SDK reads it."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status_code = status
        self.headers = headers
        self._body = body
        self.context: Mapping[str, object] = {}

    def text(self, encoding: str | None = None) -> str:
        return self._body.decode(encoding or "utf-8", errors="replace")

    def body(self) -> bytes:
        return self._body

    def raise_for_status(self) -> NoReturn:
        """Called by the SDK for a success that it does not expect."""
        raise DeliveryUnknown(f"Teams answered {self.status_code} where another success was expected.")


class _NoSender(AsyncHTTPSender[Any, Any]):
    """Ends the pipeline; the policy before it has sent the request already."""

    async def __aenter__(self) -> _NoSender:
        return self

    async def __aexit__(self, *_: object) -> None:
        return None

    def build_context(self) -> None:
        return None

    async def send(self, request: Request[Any], **_: object) -> NoReturn:
        raise NotImplementedError


class AiohttpPolicy(AsyncHTTPPolicy[Any, Any]):
    """Sends each request with the bot's token. Answers other than success are raised as the relay reads them.

    DeliveryDelayed: it did not happen. DeliveryRefused: it never will, NotThere when it is about nothing that
    stands in Teams. DeliveryUnknown: it cannot be told.
    """

    def __init__(self, session: aiohttp.ClientSession, token: BotToken) -> None:
        super().__init__()
        self._session = session
        self._token = token

    async def send(self, request: Request[Any], **_: object) -> Response[Any, Any]:
        token = await self._token.get()
        answer = await self._exchange(request, token)
        if answer.status_code == HTTPStatus.UNAUTHORIZED and token:
            self._token.forget(token)
            answer = await self._exchange(request, await self._token.get())
        if answer.status_code == HTTPStatus.NOT_FOUND:
            raise NotThere(f"Teams answered 404: {answer.text()[:SHOWN]}")
        if answer.status_code >= HTTPStatus.BAD_REQUEST:
            _raise(answer)
        return Response(request, answer)

    async def _exchange(self, request: Request[Any], token: str) -> _Answer:
        wanted = request.http_request
        headers = {**wanted.headers, **({"Authorization": f"Bearer {token}"} if token else {})}
        try:
            async with self._session.request(
                wanted.method, wanted.url, data=wanted.data, headers=headers, allow_redirects=False
            ) as answer:
                return _Answer(answer.status, answer.headers, await answer.read())
        except aiohttp.ClientConnectorError as error:
            raise DeliveryDelayed(f"Teams cannot be reached: {error}") from error
        except aiohttp.ConnectionTimeoutError as error:
            raise DeliveryDelayed("Teams cannot be reached in time.") from error
        except (aiohttp.ClientError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
            raise DeliveryUnknown(f"The connection to Teams broke off: {reason}") from error


def connector_pipeline(session: aiohttp.ClientSession, token: BotToken) -> AsyncPipeline[Any, Any]:
    """Return what takes the place of the connector client's own pipeline."""
    return AsyncPipeline([RawDeserializer(), AiohttpPolicy(session, token)], _NoSender())


def _raise(answer: _Answer) -> NoReturn:
    status = answer.status_code
    said = f"Teams answered {status}: {clean_line(answer.text())[:SHOWN]}"
    if status in TRY_AGAIN:
        raise DeliveryDelayed(said, retry_after=retry_after(answer.headers.get("Retry-After", "")))
    if status == HTTPStatus.UNAUTHORIZED:
        raise DeliveryDelayed(f"Teams does not accept the bot's token; run `chatdesk doctor teams`. {said}")
    if status == HTTPStatus.REQUEST_TIMEOUT or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        raise DeliveryUnknown(said)
    raise DeliveryRefused(said)


def retry_after(header: str) -> float | None:
    """Return the seconds of a Retry-After header (RFC 9110, 10.2.3), given as a number or a date."""
    if header.strip().isascii() and header.strip().isdigit():
        return float(header)
    try:
        at = email.utils.parsedate_to_datetime(header)
    except ValueError:
        return None
    return max(0.0, (at - datetime.now(UTC)).total_seconds()) if at.tzinfo else None


def new_session() -> aiohttp.ClientSession:
    """Return the session for all calls to Microsoft; no proxy, cookies or redirects."""
    connector = aiohttp.TCPConnector(limit=500, keepalive_timeout=15)
    timeout = aiohttp.ClientTimeout(total=30, sock_connect=10)
    return aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar())
