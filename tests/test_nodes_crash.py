"""Two nodes killed in turn under load: clients go on at the other, and both sides' ledgers are right."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path

import asyncpg
import pytest

from tests.test_crash import Killer, check, open_chat, talk
from tests.two_nodes import Nodes, two_nodes

SEED = 20261122
CHATS, MESSAGES = 20, 12
pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.postgres]


class Either:
    """A load balancer of sorts: whoever connects gets one of the nodes, perhaps one that is dead."""

    def __init__(self, nodes: Nodes, chance: random.Random) -> None:
        self._nodes = nodes
        self._chance = chance

    @property
    def base(self) -> str:
        return self._chance.choice((self._nodes.a, self._nodes.b)).base


async def stored(database: asyncpg.Connection, conversation: str) -> list[tuple[int, str, str]]:
    """Return what people said in a conversation, as (number, side, text), in order."""
    query = (
        "SELECT seq, author_kind, text FROM message WHERE conversation = $1 "
        "AND author_kind IN ('customer', 'agent') ORDER BY seq"
    )
    return [tuple(row) for row in await database.fetch(query, conversation)]


async def test_chats_across_two_nodes_lose_and_double_nothing_when_the_nodes_are_killed(
    tmp_path: Path,
) -> None:
    chance = random.Random(SEED)
    async with two_nodes(tmp_path) as nodes:
        cookies = await nodes.b.sign_in()
        either = Either(nodes, chance)
        chats = await asyncio.gather(*(open_chat(either, cookies, n, 0) for n in range(CHATS)))
        sides = [side for chat in chats for side in (chat.customer, chat.agent)]
        for round_, victim in enumerate((nodes.a, nodes.b, nodes.a)):
            for number, side in enumerate(sides):
                side.to_send += [f"{number}-{round_}-{n}" for n in range(MESSAGES)]
            killer = Killer(victim, len(sides) * MESSAGES, 1, chance)
            await asyncio.gather(
                killer.run(), *(talk(either, cookies, chat, killer.on_ack, chance) for chat in chats)
            )
            assert killer.kills == 1
        assert sum(side.resent for side in sides), "nothing was put to it"
        for chat in chats:
            check(chat, await stored(nodes.database, chat.conversation))
