"""Every request of Slack's, answered after the commit or, when that takes too long, after it is kept."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

import structlog

from adapters.slack.inbox import Inbox
from adapters.slack.payload import Payload
from chatdesk.errors import DeliveryDelayed, DeliveryUnknown, DeskStopped, StorageError

ANSWER_WITHIN = 1.5
"""Seconds; Slack waits for three, and the way there and back takes its part."""
TRY_AGAIN = 2.0
LONGEST_WAIT = 60.0
log = structlog.get_logger(__name__)

Handler = Callable[[Payload], Awaitable[Payload | None]]
"""Works on one request and returns what Slack is answered; may be called again with the same request."""


class Gateway:
    """Hands requests to ``handler`` and sees that each is worked on to the end."""

    def __init__(self, handler: Handler, inbox: Inbox, answer_within: float = ANSWER_WITHIN) -> None:
        self._handler = handler
        self._inbox = inbox
        self._answer_within = answer_within
        self._under_way: set[asyncio.Task[Payload | None]] = set()
        self._later: set[asyncio.Task[None]] = set()
        self._in_hand: set[Path] = set()

    async def receive(self, body: Payload) -> Payload | None:
        """Work on the request and return the answer; None also when it is worked on later.

        Raises what the handler raises, and OSError when a request could not be kept: Slack sends it again.
        """
        task = asyncio.create_task(self._work(body))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        await asyncio.wait({task}, timeout=self._answer_within)
        if task.done() and not _may_work_later(task):
            return task.result()
        file = await self._inbox.keep(body)
        self._finish_later(file, body, task)
        return None

    async def resume(self, kept_before: datetime | None = None) -> None:
        """Work on what an earlier run has kept, or another node that shares the folder and is gone.

        What was kept since ``kept_before``, if that is given, is left to the node that has it in hand. What
        it has in hand for longer is worked on twice, which Slack's own ids make harmless.
        """
        for file, body in await self._inbox.left_over(kept_before):
            if file not in self._in_hand:
                log.info("slack_request_resumed", file=file.name)
                self._finish_later(file, body, None)

    async def stop(self) -> None:
        """Stop working; what is kept is worked on at the next start."""
        tasks = (*self._under_way, *self._later)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _work(self, body: Payload) -> Payload | None:
        return await self._handler(body)

    async def _finish(self, file: Path, body: Payload, begun: asyncio.Task[Payload | None] | None) -> None:
        """Work on a kept request until it is done; only what may succeed later is tried again."""
        wait = TRY_AGAIN
        while True:
            try:
                await (begun if begun is not None else self._handler(body))
                break
            except (StorageError, DeskStopped, DeliveryDelayed, DeliveryUnknown) as error:
                log.warning("slack_request_waits", file=file.name, error=str(error))
            except Exception:
                log.exception("slack_request_failed", file=file.name)
                break
            begun = None
            await asyncio.sleep(wait)
            wait = min(wait * 2, LONGEST_WAIT)
        await self._inbox.remove(file)
        self._in_hand.discard(file)

    def _finish_later(self, file: Path, body: Payload, begun: asyncio.Task[Payload | None] | None) -> None:
        self._in_hand.add(file)
        task = asyncio.create_task(self._finish(file, body, begun))
        self._later.add(task)
        task.add_done_callback(self._later.discard)


def _may_work_later(task: asyncio.Task[Payload | None]) -> bool:
    if task.cancelled():
        return False
    return isinstance(task.exception(), StorageError | DeskStopped | DeliveryDelayed | DeliveryUnknown)
