"""Runs issuer and connector on a free port of loopback, and a desk that works with them."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import count
from pathlib import Path
from typing import Any

import aiohttp
from aiohttp import web

from chatdesk.bootstrap import RunningDesk, now, running_desk
from chatdesk.cli.server import open_port
from chatdesk.config import Config, Environment, parse_config
from chatdesk.settings.teams_access import TeamsAccess
from chatdesk.staff import AgentAccount
from tests.desk_builders import SAMPLE_DESK
from tests.fake_connector.connector import CHANNEL, Connector, Json
from tests.fake_connector.issuer import APP_ID, APP_PASSWORD, ISSUER, TENANT, Issuer
from tests.running_desk import database_url

CLIENT_TENANT = "00000000-0000-0000-0000-0000000000bb"
BOT = f"28:{APP_ID}"
SECRET = "a secret of the desk for tests only"
STAFF = f"""
[staff.teams]
channel = "{CHANNEL}"
"""
CHANGES = {
    'phone = "555-0100"': 'phone = "555-0100"\npublic_url = "https://desk.example.com"',
    "[companies.contoso]": f'[companies.contoso]\nteams_tenants = ["{CLIENT_TENANT}"]',
    "phone  = {": 'teams = { calendar = "always" }\nphone  = {',
    'calendar = "chat", after_hours': 'calendar = "always", after_hours',
}
TEAMS_DESK = reduce(lambda text, change: text.replace(*change), CHANGES.items(), SAMPLE_DESK) + STAFF
"""The sample desk, open around the clock on the web, with technicians in Teams."""

_ids = count(1)


@dataclass
class Microsoft:
    """Both sides of Microsoft's service."""

    issuer: Issuer
    connector: Connector
    base: str

    def access(self, **changes: Any) -> TeamsAccess:
        """Return how a desk reaches it."""
        usual: dict[str, Any] = {
            "app_id": APP_ID,
            "password": APP_PASSWORD,
            "tenant": TENANT,
            "login_url": self.base,
            "issuer": ISSUER,
            "openid_url": f"{self.base}/openid",
            "service_urls": (self.base,),
        }
        return TeamsAccess(**{**usual, **changes})


@asynccontextmanager
async def microsoft() -> AsyncIterator[Microsoft]:
    """Run issuer and connector."""
    issuer = Issuer()
    connector = Connector(issuer)
    application = web.Application(client_max_size=1024 * 1024)
    issuer.add_routes(application)
    connector.add_routes(application)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    issuer.base = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield Microsoft(issuer, connector, issuer.base)
    finally:
        await runner.cleanup()


@dataclass
class Person:
    """Somebody with an account in a directory."""

    id: str
    aad: str
    name: str
    tenant: str = TENANT

    @property
    def chat(self) -> str:
        """Their direct chat with the bot."""
        return f"a:{self.id}"


MARCUS = Person("29:marcus", "aad-marcus", "Marcus Bell")
PRIYA = Person("29:priya", "aad-priya", "Priya Shah")
DANA = Person("29:dana", "aad-dana", "Dana Reyes", CLIENT_TENANT)


def activity_of(service: Microsoft, person: Person, conversation: str = "", **more: Any) -> Json:
    """Return an activity of the person, in their direct chat or the conversation named."""
    place = conversation or person.chat
    return {
        "type": "message",
        "id": f"1790{next(_ids):09}",
        "channelId": "msteams",
        "serviceUrl": service.base,
        "from": {"id": person.id, "name": person.name, "aadObjectId": person.aad},
        "recipient": {"id": BOT, "name": "Desk"},
        "conversation": {
            "id": place,
            "conversationType": "channel" if ";messageid=" in place else "personal",
            "tenantId": person.tenant,
        },
        "timestamp": f"2026-11-21T10:00:00.{next(_ids):06}Z",
        **more,
    }


@dataclass
class TeamsDesk:
    """A desk with Teams, and how people in Teams act on it."""

    microsoft: Microsoft
    running: RunningDesk
    base: str
    session: aiohttp.ClientSession
    accounts: dict[str, AgentAccount] = field(default_factory=dict)

    @property
    def connector(self) -> Connector:
        return self.microsoft.connector

    async def call(self, activity: Json, header: str | None = "") -> tuple[int, Json]:
        """Post an activity to the bot, signed as Microsoft does unless a header is given."""
        service_url = str(activity.get("serviceUrl", ""))
        signed = self.microsoft.issuer.sign(service_url) if header == "" else header
        headers = {"Authorization": signed} if signed is not None else {}
        async with self.session.post(f"{self.base}/api/messages", json=activity, headers=headers) as answer:
            body = await answer.json(content_type=None)
            return answer.status, body if isinstance(body, dict) else {}

    def activity(self, person: Person, conversation: str = "", **more: Any) -> Json:
        """Return an activity of the person, in their direct chat or the conversation named."""
        self.connector.conversations.add(conversation or person.chat)
        return activity_of(self.microsoft, person, conversation, **more)

    async def say(self, person: Person, text: str, conversation: str = "", **more: Any) -> Json:
        """Let the person write; return the activity, which was accepted."""
        activity = self.activity(person, conversation, text=text, **more)
        status, _ = await self.call(activity)
        assert status == 200, status
        return activity

    async def press(self, person: Person, verb: str, conversation: str = "", **data: Any) -> Json:
        """Let the person press a card's button; return the invoke's answer."""
        value = {"action": {"type": "Action.Execute", "verb": verb, "data": data}, "trigger": "manual"}
        activity = self.activity(person, conversation, type="invoke", name="adaptiveCard/action", value=value)
        status, body = await self.call(activity)
        assert status == 200, status
        return body

    async def mention(self, person: Person, text: str, conversation: str) -> Json:
        """Let the person write to the bot in a channel."""
        entity = {"type": "mention", "text": "<at>Desk</at>", "mentioned": {"id": BOT, "name": "Desk"}}
        return await self.say(person, f"<at>Desk</at> {text}", conversation, entities=[entity])

    async def last_text(self, conversation: str, wanted: str) -> str:
        """Wait until a text with these words stands in the conversation, and return it."""
        connector = self.connector

        def found() -> list[str]:
            return [text for text in connector.texts(conversation) if wanted in text]

        await connector.until(lambda: bool(found()))
        return found()[-1]

    async def hire(self, *people: Person) -> None:
        """Open accounts for people whose addresses the directory knows."""
        for person in people:
            email = f"{person.name.split()[0].lower()}@northwind.example"
            self.accounts[person.id] = await self.running.staff.add(person.name, email, None, now())
            self.connector.members[person.id] = {
                "id": person.id,
                "name": person.name,
                "aadObjectId": person.aad,
                "objectId": person.aad,
                "userPrincipalName": email,
                "email": email,
            }


@asynccontextmanager
async def teams_desk(
    config: Config | None = None, data: Path | None = None, **access: Any
) -> AsyncIterator[TeamsDesk]:
    """Run a desk with Teams, and Microsoft's side of it."""
    with tempfile.TemporaryDirectory() as fresh:
        folder = data or Path(fresh)
        async with (
            microsoft() as service,
            running_desk(
                config or parse_config(TEAMS_DESK, "chatdesk.toml"),
                Environment(
                    database_url=database_url(folder),
                    data=folder,
                    secret=SECRET,
                    teams=service.access(**access),
                ),
                demo=True,
            ) as desk,
            open_port(desk, "127.0.0.1", 0) as base,
            aiohttp.ClientSession() as session,
        ):
            yield TeamsDesk(service, desk, base, session)
