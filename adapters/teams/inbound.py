"""Where an authentic activity goes: to whoever knows its kind; what is kept is kept before the answer."""

from __future__ import annotations

import asyncio
from collections import OrderedDict

import structlog

from adapters.teams import card_buttons, changes, commands, customers, extension, hand_over, thread_messages
from adapters.teams.card_parts import card_message
from adapters.teams.incoming import read_incoming
from adapters.teams.json_value import Json, text_at
from adapters.teams.people import People
from adapters.teams.services import TeamsServices
from adapters.teams.turn import Answers, Reply, Turn

REMEMBERED = 5_000
"""Activities whose repetition is known without the database: commands leave no event there."""
NO_REPLY = Reply()

log = structlog.get_logger(__name__)


class Inbound:
    """Works on authentic activities."""

    def __init__(self, services: TeamsServices, answers: Answers) -> None:
        self._services = services
        self._answers = answers
        self._people = People(services)
        self._done: OrderedDict[str, None] = OrderedDict()
        self._in_work: dict[str, asyncio.Event] = {}

    async def receive(self, raw: Json) -> Reply:
        """Work on one activity and return the answer to the call.

        Raises StorageError or DeskStopped when it was not stored and has to be sent again.
        """
        incoming = read_incoming(raw)
        if not incoming.id and incoming.type != "invoke":
            return NO_REPLY
        if incoming.kind == "channel":
            await self._services.memory.keep_service(incoming.channel, incoming.place.service_url)
        agent = await self._people.technician(incoming) if incoming.type in ACTED else None
        turn = Turn(self._services, incoming, agent, self._answers)
        return await self._dispatch(turn)

    async def _dispatch(self, turn: Turn) -> Reply:
        match turn.incoming.type:
            case "message":
                return await self._message(turn)
            case "messageUpdate" | "messageDelete":
                await changes.follow(turn)
            case "invoke":
                return await _invoke(turn)
            case "installationUpdate":
                await self._installed(turn)
        return NO_REPLY

    async def _message(self, turn: Turn) -> Reply:
        incoming = turn.incoming
        if incoming.value and not incoming.text:
            return await self._pressed(turn)
        if not incoming.is_personal:
            await thread_messages.receive_thread_message(turn)
        else:
            await self._once(turn)
        return NO_REPLY

    async def _once(self, turn: Turn) -> None:
        """Work on a personal message unless that was done; a repetition meanwhile waits for the end of it."""
        key = turn.incoming.key
        while (first := self._in_work.get(key)) is not None:
            await first.wait()
        if key in self._done:
            return
        ended = self._in_work[key] = asyncio.Event()
        try:
            await self._personal(turn)
            self._done[key] = None
        finally:
            del self._in_work[key]
            ended.set()
        while len(self._done) > REMEMBERED:
            self._done.popitem(last=False)

    async def _personal(self, turn: Turn) -> None:
        if await commands.link_account(turn):
            await customers.meet(self._services, turn.incoming)
            log.info("teams_account_link_begun")
        elif turn.agent is not None:
            await customers.meet(self._services, turn.incoming)
            await commands.receive_command(turn, turn.agent)
        else:
            await customers.receive_message(turn)

    async def _pressed(self, turn: Turn) -> Reply:
        """A card sent by Action.Submit: there is no place to answer in, so the result is posted."""
        reply = await card_buttons.press(turn)
        value = reply.body.get("value")
        if isinstance(value, dict):
            turn.answers.send(turn.incoming.place, card_message(value, "Done"))
        elif isinstance(value, str):
            turn.say(value)
        return NO_REPLY

    async def _installed(self, turn: Turn) -> None:
        incoming = turn.incoming
        if incoming.is_personal and text_at(incoming.raw, "action").startswith("add"):
            await customers.meet(self._services, incoming)
            if turn.agent is not None:
                turn.say(commands.help_text(self._services))
            else:
                turn.show(customers.greeting(self._services), self._services.config.desk.name)


ACTED = frozenset({"message", "messageUpdate", "messageDelete", "invoke", "installationUpdate"})
"""Activities for which it matters who acted."""


async def _invoke(turn: Turn) -> Reply:
    match turn.incoming.name:
        case "adaptiveCard/action":
            return await card_buttons.press(turn)
        case "application/search":
            return await hand_over.search(turn)
        case "composeExtension/query":
            return await extension.search(turn)
        case "composeExtension/fetchTask":
            return await extension.begin(turn)
        case "composeExtension/submitAction":
            return await extension.submit(turn)
    return Reply(status=501)
