"""The whole desk, served: survey, take, talk, resolve over WebSockets; and as a process that is killed."""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from chatdesk.bootstrap import now
from chatdesk.conversation import Agent
from chatdesk.events import TicketResolved, TicketTaken
from chatdesk.ticket import TicketNumber
from tests.running_desk import ANSWERS, REPOSITORY, ServedDesk, ServerProcess, customer, serving, technician


async def take(desk: ServedDesk, agent: Agent, number: TicketNumber) -> None:
    at = now()
    taken = TicketTaken(at=at, channel="web", external_id=f"take-{number}", ticket=number, agent=agent)
    await desk.running.desk.receive(taken)


async def resolve(desk: ServedDesk, agent: Agent, number: TicketNumber) -> None:
    resolved = TicketResolved(
        at=now(),
        channel="web",
        external_id=f"resolve-{number}",
        ticket=number,
        agent=agent,
        resolution="The disk was full; it is tidy now.",
    )
    await desk.running.desk.receive(resolved)


def texts(frame: dict[str, Any]) -> list[str]:
    return [message["text"] for message in frame.get("messages", [])]


async def test_a_customer_asks_a_technician_takes_they_talk_and_it_is_resolved() -> None:
    async with serving() as desk:
        cookies = await desk.sign_in()
        async with customer(desk.base) as dana, technician(desk.base, cookies) as marcus:
            hello = await marcus.next("hello")
            agent = Agent(hello["agent"]["id"], hello["agent"]["name"])
            await dana.next("ready")
            await dana.send(t="start", id="1", answers=ANSWERS)
            ready = await dana.next("ready")
            assert "HD-1001" in " ".join(texts(ready))

            await take(desk, agent, TicketNumber(1001))
            joined = await dana.next("news")
            assert "Marcus Bell" in " ".join(texts(joined))

            await marcus.send(t="watch", conversation=ready["conversation"])
            # What is said before the console is ready comes with `ready`, not as news.
            await marcus.next("ready")
            await marcus.send(t="message", id="2", conversation=ready["conversation"], text="Hello Dana")
            while "Hello Dana" not in texts(await dana.next("news")):
                pass
            await dana.send(t="message", id="3", text="Hello Marcus")
            while "Hello Marcus" not in texts(await marcus.next("news")):
                pass

            await resolve(desk, agent, TicketNumber(1001))
            while not any("disk was full" in text for text in texts(await dana.next("news"))):
                pass
        file = await desk.running.services.staff_reads.ticket_file(TicketNumber(1001))
        assert file is not None
        assert file.ticket.is_done
        assert {"Hello Dana", "Hello Marcus"} <= {message.text for message in file.messages}


async def test_a_desk_served_again_from_the_same_data_knows_its_visitor(tmp_path: Path) -> None:
    visitor = secrets.token_urlsafe(32)
    async with serving(data=tmp_path) as desk, customer(desk.base, visitor) as dana:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers=ANSWERS)
        before = await dana.next("ready")
    async with serving(data=tmp_path) as desk, customer(desk.base, visitor) as dana:
        after = await dana.next("ready")
    assert after["conversation"] == before["conversation"]
    assert after["messages"] == before["messages"]


@pytest.mark.crash
async def test_a_killed_desk_comes_back_with_what_it_acknowledged(tmp_path: Path) -> None:
    visitor = secrets.token_urlsafe(32)
    async with ServerProcess(tmp_path) as process:
        async with customer(process.base, visitor) as dana:
            await dana.next("ready")
            await dana.send(t="start", id="1", answers=ANSWERS)
            before = await dana.next("ready")
            await process.restart()
        assert await process.sign_in()
        async with customer(process.base, visitor) as dana:
            after = await dana.next("ready")
    assert after["conversation"] == before["conversation"]


@pytest.mark.crash
async def test_a_real_desk_serves_no_demonstration_and_logs_json_lines(tmp_path: Path) -> None:
    process = ServerProcess(
        tmp_path,
        ("serve",),
        CHATDESK_CONFIG=str(REPOSITORY / "chatdesk" / "settings" / "demo_desk.toml"),
        CHATDESK_SECRET="s" * 40,
    )
    async with process, aiohttp.ClientSession() as session:
        for path in ("/demo", "/demo/mail"):
            async with session.get(process.base + path) as answer:
                assert answer.status == 404, path
        assert await process.terminate() == 0
    logged = [json.loads(line) for line in process.output]
    life = [line["event"] for line in logged if line["event"] in {"started", "stopping", "stopped"}]
    assert life == ["started", "stopping", "stopped"]
    assert not any("s" * 40 in line for line in process.output)


def test_a_desk_may_have_as_many_sockets_as_the_system_allows() -> None:
    code = (
        "import resource as r; from chatdesk.cli.server import allow_many_sockets as allow; "
        "r.setrlimit(r.RLIMIT_NOFILE, (64, 512)); allow(); print(r.getrlimit(r.RLIMIT_NOFILE))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert found.stdout.strip() == "(512, 512)"


@pytest.mark.parametrize("host", ["desk.invalid", "192.0.2.7"])
async def test_a_host_that_is_not_of_this_machine_is_named_and_not_its_port(
    tmp_path: Path, host: str
) -> None:
    environment = {
        "CHATDESK_CONFIG": str(REPOSITORY / "chatdesk.toml.example"),
        "CHATDESK_SECRET": secrets.token_urlsafe(32),
        "CHATDESK_HOST": host,
    }
    server = ServerProcess(tmp_path, ("serve",), **environment)
    with pytest.raises(AssertionError, match=f"CHATDESK_HOST: {host} is not an address of this machine"):
        await server.start()
    assert await server.wait() == 2
