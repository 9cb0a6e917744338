"""Socket Mode: Slack's requests over two overlapping WebSockets, with no public address needed.

Slack closes a socket every few hours and announces it. Each of the two is replaced on its own, so that one
is always open; Slack sends a request to either, and sends it again when it was not acknowledged.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import aiohttp
import structlog
from slack_bolt.app.async_app import AsyncApp

from adapters.slack.api import SlackApi
from adapters.slack.bolt_app import dispatch_frame, frame_answer
from adapters.slack.payload import Payload, part, text
from chatdesk.errors import DeliveryDelayed, DeliveryError

SOCKETS = 2
HEARTBEAT = 20.0
"""Seconds between pings; a socket that does not answer is replaced."""
FIRST_WAIT, LONGEST_WAIT = 0.5, 30.0
log = structlog.get_logger(__name__)


class SocketMode:
    """Keeps ``SOCKETS`` sockets open and has their requests worked on, each acknowledged by itself.

    ``jitter`` returns a number from 0 up to 1.
    """

    def __init__(
        self,
        api: SlackApi,
        app_token: str,
        session: aiohttp.ClientSession,
        app: AsyncApp,
        jitter: Callable[[], float],
    ) -> None:
        self._api = api
        self._app_token = app_token
        self._session = session
        self._app = app
        self._jitter = jitter
        self._requests: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Stay connected until cancelled."""
        async with asyncio.TaskGroup() as group:
            for _ in range(SOCKETS):
                group.create_task(self._stay_connected())

    async def _stay_connected(self) -> None:
        wait = FIRST_WAIT
        while True:
            try:
                address = await self._address()
                async with self._session.ws_connect(address, heartbeat=HEARTBEAT) as socket:
                    wait = FIRST_WAIT
                    await self._listen(socket)
            except DeliveryDelayed as delayed:
                wait = max(wait, delayed.retry_after or 0.0)
                log.warning("slack_socket_waits", error=str(delayed))
            except (DeliveryError, aiohttp.ClientError, TimeoutError, ConnectionError) as error:
                log.warning("slack_socket_lost", error=str(error))
            except Exception:
                log.exception("slack_socket_failed")
            await asyncio.sleep(wait * (0.5 + self._jitter()))
            wait = min(wait * 2, LONGEST_WAIT)

    async def _address(self) -> str:
        answer = await self._api.write_as(self._app_token, "apps.connections.open")
        return text(answer, "url")

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Take requests until the socket closes or Slack says that it will."""
        async for received in socket:
            if received.type is not aiohttp.WSMsgType.TEXT:
                continue
            frame = _read(received.data)
            if text(frame, "type") == "disconnect":
                log.info("slack_socket_replaced", reason=text(frame, "reason"))
                await self._drain(socket)
                return
            if text(frame, "envelope_id"):
                task = asyncio.create_task(self._answer(socket, frame))
                self._requests.add(task)
                task.add_done_callback(self._requests.discard)

    async def _answer(self, socket: aiohttp.ClientWebSocketResponse, frame: Payload) -> None:
        """Have one request worked on and acknowledge it; what is not acknowledged comes again."""
        try:
            response = await dispatch_frame(self._app, dict(part(frame, "payload")))
            if response.status != 200:
                log.warning("slack_request_not_answered", status=response.status)
                return
            answer: dict[str, object] = {"envelope_id": text(frame, "envelope_id")}
            payload = frame_answer(response)
            if payload is not None:
                answer["payload"] = payload
            await socket.send_json(answer)
        except (aiohttp.ClientError, ConnectionError) as error:
            log.info("slack_answer_lost", error=str(error))
        except Exception:
            log.exception("slack_request_failed")

    async def _drain(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        """Let requests that are under way be acknowledged where they came from."""
        if self._requests:
            await asyncio.wait(tuple(self._requests), timeout=2.0)
        await socket.close()


def _read(data: str) -> Payload:
    try:
        found: object = json.loads(data)
    except ValueError:
        log.warning("slack_frame_unreadable")
        return {}
    return found if isinstance(found, dict) else {}
