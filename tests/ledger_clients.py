"""Live clients that keep a ledger: what they sent, what was acknowledged, what they were shown.

They do what the protocol asks of any client [docs/protocol.md]: come back after a cut, say the last
sequence number they have, and send again, in order and under its own id, whatever was not acknowledged.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import aiohttp

WINDOW = 3
"""Messages one client has on the way at most."""
CUTS = 0.03
"""How often a client's own connection is cut just after it sent something."""


@dataclass
class Ledger:
    """One side of one chat: ``acknowledged`` has numbers by client id, ``shown`` texts by number."""

    side: str
    to_send: list[str]
    acknowledged: dict[str, int] = field(default_factory=dict)
    shown: dict[int, tuple[str, str]] = field(default_factory=dict)
    order: list[int] = field(default_factory=list)
    repeated: int = 0
    resent: int = 0

    @property
    def unacknowledged(self) -> list[str]:
        """The next messages to be on the way, oldest first."""
        return [text for text in self.to_send if text not in self.acknowledged][:WINDOW]

    @property
    def last(self) -> int:
        """The highest sequence number it was shown."""
        return self.order[-1] if self.order else 0

    def show(self, messages: list[dict[str, Any]]) -> None:
        """Take in messages; one that is here already is not shown again."""
        for message in messages:
            if message["seq"] in self.shown:
                self.repeated += 1
                continue
            self.shown[message["seq"]] = (message["from"], message["text"])
            self.order.append(message["seq"])


class Talker:
    """Sends its ledger's messages over one connection after another until all is acknowledged and shown."""

    def __init__(
        self,
        ledger: Ledger,
        conversation: str,
        expects: set[str],
        on_ack: Callable[[], None],
        chance: random.Random,
    ) -> None:
        self.ledger = ledger
        self._conversation = conversation
        self._expects = expects
        self._on_ack = on_ack
        self._chance = chance
        self._on_the_way: set[str] = set()
        self._sent: set[str] = set()

    async def talk(self, socket: aiohttp.ClientWebSocketResponse, greeting: Mapping[str, object]) -> bool:
        """Talk until done (True) or the connection is cut (False)."""
        self._on_the_way.clear()
        try:
            await socket.send_json(greeting)
            early: list[dict[str, Any]] = []
            ready = False
            async for received in socket:
                if received.type is not aiohttp.WSMsgType.TEXT:
                    break
                frames = received.json()
                for frame in frames if isinstance(frames, list) else [frames]:
                    if frame["t"] == "news" and not ready:
                        # What it missed before that is still on its way.
                        early += frame.get("messages", [])
                    elif frame["t"] == "ready":
                        self.ledger.show(frame["messages"])
                        self.ledger.show([m for m in early if m["seq"] not in self.ledger.shown])
                        ready = True
                    else:
                        self._take(frame)
                if ready and await self._send(socket) and self._chance.random() < CUTS:
                    return False
                if self.done:
                    return True
        except (ConnectionError, aiohttp.ClientError):
            pass
        return False

    @property
    def done(self) -> bool:
        """Whether all it sent is acknowledged and all it waits for was shown."""
        shown = {text for _, text in self.ledger.shown.values()}
        return len(self.ledger.acknowledged) == len(self.ledger.to_send) and self._expects <= shown

    def _take(self, frame: dict[str, Any]) -> None:
        match frame["t"]:
            case "news":
                self.ledger.show(frame.get("messages", []))
            case "ack":
                assert self.ledger.acknowledged.setdefault(frame["id"], frame["seq"]) == frame["seq"]
                self._on_ack()
            case "error":
                raise AssertionError(frame)

    async def _send(self, socket: aiohttp.ClientWebSocketResponse) -> int:
        """Send what may be on the way and is not yet; return how many messages that were."""
        due = [text for text in self.ledger.unacknowledged if text not in self._on_the_way]
        for text in due:
            self.ledger.resent += text in self._sent
            self._sent.add(text)
            self._on_the_way.add(text)
            frame = {"t": "message", "id": text, "text": text}
            if self.ledger.side == "agent":
                frame["conversation"] = self._conversation
            await socket.send_json(frame)
        return len(due)


async def until_done(
    talker: Talker,
    connect: Callable[[aiohttp.ClientSession], Any],
    greeting: Callable[[], Mapping[str, object]],
) -> None:
    """Connect again and again until the talker is done; ``connect`` knows where the server is now."""
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                async with connect(session) as socket:
                    if await talker.talk(socket, greeting()):
                        return
            except (ConnectionError, aiohttp.ClientError):
                # Nobody listens there: it is being started again.
                await asyncio.sleep(0.02)
