"""Killed at random moments: the clients' ledgers against the database [fault: killed at any step].

Nothing acknowledged is lost, nothing is stored or shown twice, and the order is kept on both sides.
"""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import aiohttp
import pytest

from adapters.web.sign_in import CSRF_HEADER
from chatdesk.errors import EventRefused
from chatdesk.events import TicketResolved, TicketTaken
from chatdesk.ticket import TicketNumber
from storage.database import Database
from storage.store import TortoiseStore
from tests.asking import ask, number
from tests.core_builders import message, new_desk, running, survey, url
from tests.desk_builders import MARCUS, TUESDAY, external_id
from tests.ledger_clients import Ledger, Talker, until_done
from tests.running_desk import ANSWERS, ServerProcess, customer, database_url, serving

SEED = 20261121
CHATS, MESSAGES, KILLS = 50, 12, 4
pytestmark = pytest.mark.crash


@dataclass
class LiveChat:
    """A taken chat: both sides' ledgers, and the browser's secret."""

    conversation: str
    visitor: str
    customer: Ledger
    agent: Ledger


class Served(Protocol):
    """A desk, wherever it is to be found now."""

    @property
    def base(self) -> str: ...


async def take(server: Served, cookies: Mapping[str, str], ticket: str) -> None:
    """Take a ticket as the console does."""
    base = server.base
    async with aiohttp.ClientSession(cookies=dict(cookies), headers={"Origin": base}) as session:
        async with session.get(f"{base}/console/api/me") as answer:
            token = (await answer.json())["csrf"]
        body = {"id": secrets.token_hex(8)}
        address = f"{base}/console/api/tickets/{ticket}/take"
        async with session.post(address, json=body, headers={CSRF_HEADER: token}) as answer:
            assert answer.status == 200, await answer.text()


async def open_chat(
    server: Served, cookies: Mapping[str, str], number: int, messages: int = MESSAGES
) -> LiveChat:
    visitor = secrets.token_urlsafe(32)
    async with customer(server.base, visitor) as line:
        await line.next("ready")
        await line.send(t="start", id="survey", answers={**ANSWERS, "email": f"c{number}@contoso.example"})
        ready = await line.next("ready")
        await take(server, cookies, ready["state"]["ticket"])
    ours, theirs = ([f"{side}{number}-{n}" for n in range(messages)] for side in ("c", "t"))
    return LiveChat(ready["conversation"], visitor, Ledger("customer", ours), Ledger("agent", theirs))


def as_customer(server: Served) -> Callable[[aiohttp.ClientSession], Any]:
    def connect(session: aiohttp.ClientSession) -> Any:
        base = server.base
        return session.ws_connect(f"{base}/widget/socket?key=desk", origin=base)

    return connect


def as_technician(server: Served, cookies: Mapping[str, str]) -> Callable[[aiohttp.ClientSession], Any]:
    header = "; ".join(f"{name}={value}" for name, value in cookies.items())

    def connect(session: aiohttp.ClientSession) -> Any:
        base = server.base
        return session.ws_connect(f"{base}/console/socket", origin=base, headers={"Cookie": header})

    return connect


async def talk(
    server: Served,
    cookies: Mapping[str, str],
    chat: LiveChat,
    on_ack: Callable[[], None],
    chance: random.Random,
) -> None:
    ours, theirs = chat.customer, chat.agent
    customer_side = Talker(ours, chat.conversation, set(theirs.to_send), on_ack, chance)
    staff_side = Talker(theirs, chat.conversation, set(ours.to_send), on_ack, chance)
    await asyncio.gather(
        until_done(
            customer_side,
            as_customer(server),
            lambda: {
                "t": "hello",
                "v": 1,
                "visitor": chat.visitor,
                "conversation": chat.conversation,
                "after": ours.last,
            },
        ),
        until_done(
            staff_side,
            as_technician(server, cookies),
            lambda: {"t": "watch", "conversation": chat.conversation, "after": theirs.last},
        ),
    )


class Killer:
    """Kills the server whenever as many of ``total`` messages are acknowledged as chance said before."""

    def __init__(self, server: ServerProcess, total: int, kills: int, chance: random.Random) -> None:
        self._server = server
        self._moments = sorted(chance.sample(range(total // 20, total - total // 20), kills))
        self._acknowledged = 0
        self._now = asyncio.Event()
        self.kills = 0

    def on_ack(self) -> None:
        self._acknowledged += 1
        if self._moments and self._acknowledged >= self._moments[0]:
            self._now.set()

    async def run(self) -> None:
        while self._moments:
            await self._now.wait()
            self._now.clear()
            await self._server.restart()
            self.kills += 1
            self._moments = [moment for moment in self._moments[1:] if moment > self._acknowledged]


async def stored(data: Path, conversation: str) -> list[tuple[Any, ...]]:
    """Return what people said in a conversation, as (number, side, text), in order."""
    query = (
        "SELECT seq, author_kind, text FROM message WHERE conversation = $1 "
        "AND author_kind IN ('customer', 'agent') ORDER BY seq"
    )
    return await ask(database_url(data), query, conversation)


def check(chat: LiveChat, rows: list[tuple[Any, ...]]) -> None:
    """Compare both ledgers with what is stored."""
    for own, other in ((chat.customer, chat.agent), (chat.agent, chat.customer)):
        mine = [(seq, text) for seq, side, text in rows if side == own.side and text in own.acknowledged]
        assert [text for _, text in mine] == own.to_send, "each once, in the order sent"
        assert {text: seq for seq, text in mine} == own.acknowledged
        seen = [own.shown[seq] for seq in own.order if own.shown[seq][1] in other.acknowledged]
        assert seen == [(other.side, text) for text in other.to_send], "each shown once, in order"
        assert own.order == sorted(own.order)


@pytest.mark.timeout(300)
async def test_fifty_live_chats_lose_and_double_nothing_when_the_server_is_killed(tmp_path: Path) -> None:
    async with ServerProcess(tmp_path) as server:
        cookies = await server.sign_in()
        chats = await asyncio.gather(*(open_chat(server, cookies, n) for n in range(CHATS)))
        chance = random.Random(SEED)
        killer = Killer(server, 2 * CHATS * MESSAGES, KILLS, chance)
        killing = asyncio.create_task(killer.run())
        await asyncio.gather(*(talk(server, cookies, chat, killer.on_ack, chance) for chat in chats))
        await killing
    assert killer.kills >= KILLS - 1
    assert sum(side.resent for chat in chats for side in (chat.customer, chat.agent)), "nothing was put to it"
    for chat in chats:
        check(chat, await stored(tmp_path, chat.conversation))


async def test_two_tabs_that_start_at_the_same_time_open_one_chat(tmp_path: Path) -> None:
    visitor = secrets.token_urlsafe(32)
    async with (
        serving(data=tmp_path) as desk,
        customer(desk.base, visitor) as one,
        customer(desk.base, visitor) as two,
    ):
        for tab in (one, two):
            await tab.next("ready")
        await asyncio.gather(
            *(tab.send(t="start", id=secrets.token_hex(4), answers=ANSWERS) for tab in (one, two))
        )
        shown = [await tab.next("ready") for tab in (one, two)]
        assert shown[0]["conversation"] == shown[1]["conversation"]
        assert shown[0]["messages"] == shown[1]["messages"]
    for table in ("conversation", "ticket"):
        assert await number(database_url(tmp_path), f"SELECT count(*) FROM {table}") == 1


async def test_a_reply_against_a_close_reopens_or_is_refused_and_is_never_lost(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    reopened = 0
    async with Database(url(tmp_path)) as database:
        store = TortoiseStore(database)
        async with running(new_desk(store)) as desk:
            for n in range(200):
                opened = await desk.receive(survey(f"chat{n}", visitor=f"visitor{n}"))
                assert opened.ticket is not None
                await desk.receive(taken(opened.ticket))
                reply = message("One more thing", f"chat{n}", f"visitor{n}")
                both = [lambda e=reply: desk.receive(e), lambda t=opened.ticket: desk.receive(resolved(t))]
                customer_first = chance.random() < 0.5
                tasks = []
                for begin in both if customer_first else reversed(both):
                    tasks.append(asyncio.create_task(begin()))
                    for _ in range(chance.randrange(40)):
                        await asyncio.sleep(0)
                answers = await asyncio.gather(*tasks, return_exceptions=True)
                said = answers[0 if customer_first else 1]
                reopened += await _is_kept(database.url, f"chat{n}", opened.ticket, said)
    assert 0 < reopened < 200, "both orders happened"


def taken(number: TicketNumber) -> TicketTaken:
    return TicketTaken(at=TUESDAY, channel="web", external_id=external_id(), ticket=number, agent=MARCUS)


def resolved(number: TicketNumber) -> TicketResolved:
    return TicketResolved(
        at=TUESDAY,
        channel="web",
        external_id=external_id(),
        ticket=number,
        agent=MARCUS,
        resolution="The disk was full.",
    )


async def _is_kept(url: str, chat: str, ticket: TicketNumber, said: object) -> bool:
    """Check that a reply is stored unless it was refused; return whether it opened the ticket again."""
    query = "SELECT seq, text FROM message WHERE conversation = $1 AND text IN ($2, $3) ORDER BY seq"
    texts = [text for _, text in await ask(url, query, chat, "One more thing", "The disk was full.")]
    if isinstance(said, EventRefused):
        assert "One more thing" not in texts
        return False
    assert not isinstance(said, BaseException), said
    assert texts.count("One more thing") == 1
    ((active,),) = await ask(url, "SELECT active FROM ticket WHERE number = $1", ticket)
    after_the_close = texts.index("One more thing") > texts.index("The disk was full.")
    assert bool(active) is after_the_close
    return after_the_close


@pytest.mark.timeout(240)
async def test_a_relay_killed_around_its_sending_sends_each_mail_once(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    async with ServerProcess(tmp_path) as server:
        for n in range(4):
            await asyncio.gather(*(leave_queue(server, 10 * n + m) for m in range(10)))
            await asyncio.sleep(chance.random() * 0.05)  # not waiting for anything: a random moment to die at
            await server.kill()
            await end_leases(tmp_path)
            await server.start()
        async with asyncio.timeout(30):
            while await outstanding(tmp_path):  # noqa: ASYNC110 - another process sends them
                await asyncio.sleep(0.05)
    url, by_ticket = database_url(tmp_path), "GROUP BY ticket ORDER BY ticket"
    queued = await ask(url, f"SELECT ticket, count(*) FROM delivery WHERE kind = 'mail' {by_ticket}")
    failed = await ask(url, "SELECT id, error FROM delivery WHERE kind = 'mail' AND status != 'done'")
    sent = await ask(url, f"SELECT ticket, count(*) FROM mail {by_ticket}")
    assert failed == []
    assert len(queued) == 40
    assert sent == queued


async def leave_queue(server: ServerProcess, number: int) -> None:
    """Ask for a chat and leave the queue: the ticket is confirmed by mail."""
    async with customer(server.base) as line:
        await line.next("ready")
        await line.send(t="start", id="survey", answers={**ANSWERS, "email": f"c{number}@contoso.example"})
        await line.next("ready")
        await line.send(t="leave", id="leave")
        while (await line.next("ack"))["id"] != "leave":
            pass


async def end_leases(data: Path) -> None:
    """Let the dead process's leases run out now instead of in two minutes."""
    statement = "UPDATE delivery SET due_at = created_at WHERE status = 'leased'"
    _ = await ask(database_url(data), statement)


async def outstanding(data: Path) -> int:
    """Return how many mails are still to be sent."""
    query = "SELECT count(*) FROM delivery WHERE kind = 'mail' AND status IN ('pending', 'leased')"
    return await number(database_url(data), query)
