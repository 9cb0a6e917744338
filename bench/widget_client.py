"""A customer's page as the load plays it: it comes back by the widget's own rule [docs/protocol.md].

The rule is that of adapters/web/static/widget-link.js, with the same figures; time and chance are the
caller's.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import aiohttp
from pydantic_core import from_json, to_json

from bench.chats import Target
from bench.websocket import Socket

LEAST_WAIT, GROWING_WAIT, LONGEST_WAIT, ANSWER_WITHIN, AGAIN_AFTER = 0.7, 0.05, 30.0, 10.0, 2.0
"""Seconds; of a wait one part stays and one doubles each time. AGAIN_AFTER is until a frame that could not be
stored is sent again.
"""


@dataclass
class Rule:
    """How long a page waits until it connects again, and when it gives WebSocket up for streams."""

    failures: int = 0
    unopened: int = 0
    patience: int = 2
    streams: bool = False

    def stands(self) -> None:
        """The line stands: it was greeted."""
        self.failures = self.unopened = 0
        self.patience = 6

    def refused(self) -> None:
        """The desk answered and did not let the page in, which counts twice."""
        self.failures += 1

    def broke(self, chance: float, *, opened: bool) -> float:
        """Return the seconds to wait; ``opened``: whether that line had opened; ``chance`` is 0 up to 1."""
        if not opened:
            self.unopened += 1
            if self.unopened % self.patience == 0:
                self.streams = not self.streams
        wait = min(LONGEST_WAIT, LEAST_WAIT + GROWING_WAIT * (1 << self.failures))
        self.failures += 1
        return wait * (0.5 + chance / 2)


@dataclass
class Page:
    """A page that has lost its line and has a message to send.

    ``attempts`` are the moments at which it tried to connect, ``served`` is when its message was
    acknowledged [time.perf_counter].
    """

    target: Target
    visitor: str
    chat: str
    chance: Callable[[], float]
    http: aiohttp.ClientSession
    rule: Rule = field(default_factory=lambda: Rule(patience=6))
    attempts: list[float] = field(default_factory=list)
    served: float = 0.0
    opened: bool = True

    async def come_back(self) -> None:
        """Connect again and again, until the message is acknowledged."""
        while not self.served:
            await asyncio.sleep(self.rule.broke(self.chance(), opened=self.opened))
            self.opened = False
            self.attempts.append(time.perf_counter())
            try:
                async with asyncio.timeout(ANSWER_WITHIN):
                    await (self._by_stream() if self.rule.streams else self._by_socket())
            except aiohttp.ClientResponseError:
                self.rule.refused()
            except (OSError, TimeoutError, aiohttp.ClientError):
                continue

    async def _by_socket(self) -> None:
        """Raises ConnectionError when the line breaks."""
        floor = self.target.kind == "floor"
        path = f"/socket?chat={self.chat}&side=customer" if floor else "/widget/socket?key=desk"
        socket = await Socket.connect(self.target.host, self.target.port, path, {"Origin": self.target.url})
        self.opened = True
        if not floor:
            socket.send(to_json(self._hello()))
            await socket.text_with(b'"t":"ready"')
        self.rule.stands()
        while not self.served:
            socket.send(to_json(self._message()))
            if b'"t":"ack"' in await socket.text_with(b'"id":"back"'):
                self.served = time.perf_counter()
            else:
                await asyncio.sleep(AGAIN_AFTER)

    async def _by_stream(self) -> None:
        """Raises ClientError when the line breaks."""
        token = (await self._post("session", self._hello()))["token"]
        self.opened = True
        url = f"{self.target.url}/widget/stream?key=desk&token={token}"
        async with self.http.get(url) as stream:
            stream.raise_for_status()
            async for line in stream.content:
                if b'"t":"ready"' in line:
                    self.rule.stands()
                    await self._post("send", {"token": token, "frame": self._message()})
                if b'"t":"ack"' in line:
                    self.served = time.perf_counter()
                    return

    async def _post(self, path: str, body: dict[str, object]) -> dict[str, str]:
        url = f"{self.target.url}/widget/{path}?key=desk"
        async with self.http.post(url, json=body, headers={"Origin": self.target.url}) as answer:
            answer.raise_for_status()
            found: dict[str, str] = from_json(await answer.read() or b"{}")
        return found

    def _hello(self) -> dict[str, object]:
        return {"t": "hello", "v": 1, "visitor": self.visitor}

    def _message(self) -> dict[str, object]:
        return {"t": "message", "id": "back", "text": "Are you still there?"}
