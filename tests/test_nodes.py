"""Two nodes of one desk on PostgreSQL, as processes: what one does, people on the other see; one may die."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from tests import postgres_server
from tests.running_desk import ANSWERS, Line, customer, technician
from tests.test_crash import take
from tests.two_nodes import Nodes, two_nodes, until_ready

pytestmark = [pytest.mark.slow, pytest.mark.postgres]


@pytest.fixture
async def nodes(tmp_path: Path) -> AsyncIterator[Nodes]:
    async with two_nodes(tmp_path) as pair:
        yield pair


@pytest.fixture
async def cookies(nodes: Nodes) -> Mapping[str, str]:
    return await nodes.b.sign_in()


async def start_chat(line: Line) -> dict[str, str]:
    await line.next("ready")
    await line.send(t="start", id=secrets.token_hex(8), answers=dict(ANSWERS))
    ready = await line.next("ready")
    return {"conversation": ready["conversation"], "ticket": ready["state"]["ticket"]}


async def presence(line: Line, **expected: object) -> None:
    """Wait until the technician's page is told this of who is here."""
    while True:
        frame = await line.next("presence")
        if all(frame[name] == value for name, value in expected.items()):
            return


async def text(line: Line, wanted: str) -> dict[str, object]:
    """Wait for a message of that text, and return it."""
    while True:
        news = await line.next("news")
        for message in news.get("messages", ()):
            if message["text"] == wanted:
                found: dict[str, object] = message
                return found


async def test_a_customer_on_one_node_talks_to_a_technician_on_the_other(
    nodes: Nodes, cookies: Mapping[str, str]
) -> None:
    async with customer(nodes.a.base) as page, technician(nodes.b.base, cookies) as console:
        await console.send(t="watch_desk")
        chat = await start_chat(page)
        while (await console.next("tickets"))["numbers"] != [chat["ticket"]]:
            pass
        await console.next("queue")
        await take(nodes.b, cookies, chat["ticket"])
        await console.send(t="watch", conversation=chat["conversation"], after=0)
        await console.next("ready")
        await presence(console, online=True)

        await page.send(t="message", id="c1", text="Is anybody there?")
        await text(console, "Is anybody there?")
        await page.send(t="typing", on=True)
        assert (await console.next("typing"))["customer"]
        await console.send(t="typing", conversation=chat["conversation"], on=True, internal=False)
        assert (await page.next("typing"))["name"] == "Marcus Bell"
        await console.send(
            t="message", id="t1", conversation=chat["conversation"], text="Yes, on the other node."
        )
        answer = await text(page, "Yes, on the other node.")
        await page.send(t="receipt", delivered=answer["seq"], seen=answer["seq"])
        while (await console.next("news")).get("state", {}).get("seen") != answer["seq"]:
            pass
        page_closed = asyncio.create_task(page.socket.close())
        await presence(console, online=False)
        await page_closed


async def test_places_in_the_queue_are_the_same_on_both_nodes(
    nodes: Nodes, cookies: Mapping[str, str]
) -> None:
    async with customer(nodes.a.base) as first, customer(nodes.b.base) as second:
        chat = await start_chat(first)
        await start_chat(second)
        while (await second.next("place"))["place"] != 2:
            pass
        await take(nodes.a, cookies, chat["ticket"])
        while (await second.next("place"))["place"] != 1:
            pass


async def test_when_a_node_dies_its_people_go_on_at_the_other_without_a_gap(
    nodes: Nodes, cookies: Mapping[str, str]
) -> None:
    visitor = secrets.token_urlsafe(32)
    async with technician(nodes.b.base, cookies) as console:
        async with customer(nodes.a.base, visitor) as page:
            chat = await start_chat(page)
            await take(nodes.a, cookies, chat["ticket"])
            await console.send(t="watch", conversation=chat["conversation"], after=0)
            await console.next("ready")
            await page.send(t="message", id="c1", text="before")
            last = (await page.next("ack"))["seq"]
            await nodes.a.kill()
        await console.send(t="message", id="t1", conversation=chat["conversation"], text="meanwhile")
        await console.next("ack")
        async with customer(nodes.b.base, visitor) as page:
            ready = await page.next("ready")
            shown = [message["text"] for message in ready["messages"] if message["seq"] > last]
            assert shown[-1:] == ["meanwhile"]
            await page.send(t="message", id="c1", text="before")
            assert (await page.next("ack"))["seq"] == last
        await presence(console, online=False)


async def test_the_desk_waits_for_a_restarted_database_and_repeats_nothing(
    nodes: Nodes, cookies: Mapping[str, str]
) -> None:
    async with customer(nodes.a.base) as page, technician(nodes.b.base, cookies) as console:
        chat = await start_chat(page)
        await take(nodes.b, cookies, chat["ticket"])
        await console.send(t="watch", conversation=chat["conversation"], after=0)
        await console.next("ready")
        texts = [f"number {n}" for n in range(20)]
        for number, said in enumerate(texts):
            if number == 10:
                await asyncio.to_thread(postgres_server.stop_at_once)
            await page.send(t="message", id=f"c{number}", text=said)
        await until_ready(nodes.a, 503)
        await asyncio.to_thread(postgres_server.start_again)
        numbers = [(await page.next("ack", within=30.0))["seq"] for _ in texts]
        assert numbers == list(range(numbers[0], numbers[0] + len(texts)))
        shown: dict[int, str] = {}
        while len(shown) < len(texts):
            news = await console.next("news", within=30.0)
            said_now = [message for message in news.get("messages", ()) if message["seq"] in numbers]
            shown |= {message["seq"]: message["text"] for message in said_now}
        assert [shown[number] for number in numbers] == texts
        await until_ready(nodes.a, 200)
        await until_ready(nodes.b, 200)
