"""One activity being worked on: who acted, how to answer, and what is left to be sent afterwards."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import structlog

from adapters.teams.card_parts import CARD_TYPE, card_message, text_message
from adapters.teams.gateway import Place
from adapters.teams.incoming import Incoming
from adapters.teams.json_value import Document
from adapters.teams.services import TeamsServices
from chatdesk.conversation import Agent
from chatdesk.errors import DeliveryError

MESSAGE_TYPE = "application/vnd.microsoft.activity.message"
MAX_ANSWERS = 1_000
"""Answers that may be on their way at a time; further ones are dropped, as in a lost connection."""

log = structlog.get_logger(__name__)


class Answers:
    """Sends answers to commands after the call was answered: a slow connector must not hold up a call."""

    def __init__(self, services: TeamsServices) -> None:
        self._services = services
        self._sending: set[asyncio.Task[None]] = set()

    def send(self, place: Place, activity: Document) -> None:
        """Send the activity soon. An answer that does not arrive is asked for again by who asked."""
        if len(self._sending) >= MAX_ANSWERS:
            log.error("teams_answer_dropped", sending=len(self._sending))
            return
        task = asyncio.create_task(self._send(place, activity))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def finish(self, patience: float) -> None:
        """Wait ``patience`` seconds for what is on its way, and give up the rest."""
        if self._sending:
            _, late = await asyncio.wait(self._sending, timeout=patience)
            for task in late:
                task.cancel()

    async def _send(self, place: Place, activity: Document) -> None:
        try:
            _ = await self._services.gateway.send(place, activity)
        except DeliveryError as error:
            log.warning("teams_answer_not_sent", error=str(error))


@dataclass(frozen=True, slots=True)
class Turn:
    """An authentic activity. ``agent`` is the technician who acted, None for anybody else."""

    services: TeamsServices
    incoming: Incoming
    agent: Agent | None
    answers: Answers

    def say(self, text: str) -> None:
        """Answer with plain text where the activity happened."""
        self.answers.send(self.incoming.place, text_message(text))

    def show(self, card: Document, summary: str) -> None:
        """Answer with a card where the activity happened."""
        self.answers.send(self.incoming.place, card_message(card, summary))


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to the call itself; invokes want a body."""

    body: Document = field(default_factory=dict)
    status: int = 200


def card_reply(card: Document) -> Reply:
    """Answer a card's button with the card that takes its place."""
    return Reply({"statusCode": 200, "type": CARD_TYPE, "value": card})


def message_reply(text: str) -> Reply:
    """Answer a card's button with a text that is shown to who pressed it; the card stays."""
    return Reply({"statusCode": 200, "type": MESSAGE_TYPE, "value": text})
