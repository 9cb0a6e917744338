"""The server is killed (SIGKILL) around its sends to Teams: each message arrives once, or is unknown."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from functools import partial
from pathlib import Path

import aiohttp
import pytest
import structlog

from tests.asking import ask, number
from tests.desk_builders import ANSWERS
from tests.fake_connector.connector import CHANNEL
from tests.fake_connector.issuer import APP_ID, APP_PASSWORD, ISSUER, TENANT
from tests.fake_connector.running import DANA, TEAMS_DESK, Microsoft, Person, activity_of, microsoft
from tests.running_desk import ServerProcess, database_url

ROUNDS = 6
MESSAGES = 12
"""Messages between one kill and the next."""

pytestmark = [pytest.mark.crash, pytest.mark.slow, pytest.mark.timeout(240)]


def server(service: Microsoft, folder: Path) -> ServerProcess:
    """Return the desk as a process of its own that works with this connector."""
    file = folder / "chatdesk.toml"
    file.write_text(TEAMS_DESK)
    return ServerProcess(
        folder,
        CHATDESK_CONFIG=str(file),
        CHATDESK_TEAMS_LOGIN_URL=service.base,
        CHATDESK_TEAMS_OPENID_URL=f"{service.base}/openid",
        CHATDESK_TEAMS_ISSUER=ISSUER,
        CHATDESK_TEAMS_SERVICE_URLS=service.base,
        TEAMS_APP_ID=APP_ID,
        TEAMS_APP_PASSWORD=APP_PASSWORD,
        TEAMS_TENANT_ID=TENANT,
    )


async def post(
    service: Microsoft, desk: ServerProcess, person: Person, key: str, **more: object
) -> int | None:
    """Post an activity to the bot; None when the server was gone."""
    activity = {**activity_of(service, person), "id": key, **more}
    headers = {"Authorization": service.issuer.sign(service.base)}
    try:
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{desk.base}/api/messages", json=activity, headers=headers) as answer,
        ):
            return answer.status
    except aiohttp.ClientError:
        return None


async def test_killed_around_its_sends_each_message_arrives_once_or_is_unknown(tmp_path: Path) -> None:
    chance = random.Random(20261121)
    acknowledged: set[str] = set()
    async with microsoft() as service, server(service, tmp_path) as desk:
        service.connector.conversations.add(DANA.chat)
        assert await post(service, desk, DANA, "survey", **survey()) == 200
        for number in range(ROUNDS):
            texts = [f"Message {number}-{one}" for one in range(MESSAGES)]
            kill_at = len(service.connector.entries) + chance.randrange(1, MESSAGES)
            for text in texts:
                if await post(service, desk, DANA, text, type="message", text=text) == 200:
                    acknowledged.add(text)
            service.connector.latency = lambda conversation: 0.003
            await service.connector.until(partial(has_taken, service, kill_at))
            await desk.kill()
            await end_leases(tmp_path)
            await desk.start()
        await settled(tmp_path)
    thread = [text.partition("\n")[2] for text in thread_texts(service)]
    arrived = Counter(text for text in thread if text.startswith("Message"))
    unknown = await unknown_texts(tmp_path)
    assert len(acknowledged) == ROUNDS * MESSAGES
    assert max(arrived.values()) == 1
    assert acknowledged - set(arrived) <= unknown
    structlog.get_logger().info("killed_around_sends", arrived_once=len(arrived), marked_unknown=len(unknown))


def has_taken(service: Microsoft, activities: int) -> bool:
    return len(service.connector.entries) >= activities


def survey() -> dict[str, object]:
    data = {"shown": [*ANSWERS], **{f"answer_{name}": text for name, text in ANSWERS.items()}}
    value = {"action": {"type": "Action.Execute", "verb": "customer_survey", "data": data}}
    return {"type": "invoke", "name": "adaptiveCard/action", "value": value}


def thread_texts(service: Microsoft) -> list[str]:
    entries = service.connector.standing()
    return [entry.text for entry in entries if entry.conversation.startswith(CHANNEL) and entry.text]


async def end_leases(folder: Path) -> None:
    """Let the dead process's leases run out now instead of in two minutes."""
    statement = "UPDATE delivery SET due_at = created_at WHERE status = 'leased'"
    _ = await ask(database_url(folder), statement)


async def unknown_texts(folder: Path) -> set[str]:
    query = (
        "SELECT m.text FROM delivery d JOIN message m USING (conversation, seq) "
        "WHERE d.target = 'teams' AND d.status = 'unknown'"
    )
    return {text for (text,) in await ask(database_url(folder), query)}


async def settled(folder: Path) -> None:
    """Wait until nothing is left to be sent to Teams."""
    query = "SELECT count(*) FROM delivery WHERE target = 'teams' AND status IN ('pending', 'leased')"
    async with asyncio.timeout(60):
        while await number(database_url(folder), query):  # noqa: ASYNC110 - another process sends them
            await asyncio.sleep(0.05)
