"""Nodes whose database is cut off, only reads or fails over wait, say so, and lose and repeat nothing."""

from __future__ import annotations

import asyncio
from pathlib import Path

import asyncpg
import pytest

from tests import postgres_server
from tests.core_builders import url
from tests.postgres_standby import standby
from tests.running_desk import Line, customer, technician
from tests.test_nodes import start_chat
from tests.two_nodes import two_nodes, until_ready

pytestmark = [pytest.mark.slow, pytest.mark.postgres]
CUT = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()"""


async def say(page: Line, numbers: range) -> None:
    for number in numbers:
        await page.send(t="message", id=f"c{number}", text=f"number {number}")


async def acknowledged(page: Line, numbers: range) -> list[int]:
    """Return the numbers that messages were stored under."""
    return [(await page.next("ack", within=40.0))["seq"] for _ in numbers]


async def shown(console: Line, numbers: list[int]) -> list[str]:
    """Wait until the console was told of the messages with these numbers; return their texts in order."""
    found: dict[int, str] = {}
    while len(found) < len(numbers):
        news = await console.next("news", within=40.0)
        for message in news.get("messages", ()):
            if message["seq"] in numbers:
                assert found.setdefault(message["seq"], message["text"]) == message["text"]
    assert list(found) == numbers, "told in order"
    return [found[number] for number in numbers]


async def test_cut_connections_and_a_server_that_only_reads_are_waited_out(tmp_path: Path) -> None:
    async with (
        two_nodes(tmp_path) as nodes,
        customer(nodes.a.base) as page,
        technician(nodes.b.base, await nodes.b.sign_in()) as console,
    ):
        chat = await start_chat(page)
        await console.send(t="watch", conversation=chat["conversation"], after=0)
        await console.next("ready")
        database = await nodes.database.fetchval("SELECT current_database()")
        await say(page, range(10))
        await nodes.database.execute(CUT)
        numbers = await acknowledged(page, range(10))
        await nodes.database.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        await nodes.database.execute(CUT)
        await say(page, range(10, 20))
        for node in (nodes.a, nodes.b):
            await until_ready(node, 503, "only reads")
        await nodes.database.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        numbers += await acknowledged(page, range(10, 20))
        assert numbers == list(range(numbers[0], numbers[0] + 20))
        assert await shown(console, numbers) == [f"number {number}" for number in range(20)]
        for node in (nodes.a, nodes.b):
            await until_ready(node, 200)


async def test_the_desk_follows_a_fail_over_to_a_standby_and_loses_nothing_acknowledged(
    tmp_path: Path,
) -> None:
    address = url(tmp_path, "postgres")
    with standby() as other:
        async with (
            two_nodes(tmp_path, address=other.either(address)) as nodes,
            customer(nodes.a.base) as page,
            technician(nodes.b.base, await nodes.b.sign_in()) as console,
        ):
            chat = await start_chat(page)
            await console.send(t="watch", conversation=chat["conversation"], after=0)
            await console.next("ready")
            await say(page, range(10))
            await asyncio.to_thread(postgres_server.stop_at_once)
            await say(page, range(10, 20))
            for node in (nodes.a, nodes.b):
                await until_ready(node, 503)
            await asyncio.to_thread(other.promote)
            numbers = await acknowledged(page, range(20))
            assert numbers == list(range(numbers[0], numbers[0] + 20))
            assert await shown(console, numbers) == [f"number {number}" for number in range(20)]
            for node in (nodes.a, nodes.b):
                await until_ready(node, 200)
            kept = await asyncpg.connect(other.either(address))
            query = "SELECT count(*) FROM message WHERE conversation = $1 AND text LIKE 'number %'"
            assert await kept.fetchval(query, chat["conversation"]) == 20
            await kept.close()
