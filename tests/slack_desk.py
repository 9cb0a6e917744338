"""A whole desk beside a fake Slack: technicians in Slack, customers on the page, everything on loopback."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
from msgspec.structs import replace

from chatdesk.bootstrap import now, running_desk
from chatdesk.cli.server import open_port
from chatdesk.config import Environment, parse_config
from chatdesk.reading import TicketFile
from chatdesk.settings.slack import SlackSecrets
from chatdesk.ticket import TicketNumber
from tests.fake_slack.person import Person, Wire
from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, Message, Workspace
from tests.running_desk import ANSWERS, Line, ServedDesk, customer, database_url

TRIAGE, SHARED = "C0TRIAGE", "C0SHARED"
MARCUS, PRIYA, OUTSIDER = "U0MARCUS", "U0PRIYA", "W0DANA"
DESK = f"""
[desk]
name = "Northwind IT"
timezone = "America/New_York"
phone = "555-0100"
[calendars.desk]
mon-sun = "00:00-24:00"
[channels]
web = {{ calendar = "desk" }}
slack = {{ calendar = "desk" }}
phone = {{ calendar = "desk" }}
[companies.contoso]
name = "Contoso"
domains = ["contoso.example"]
[survey]
submit = "Start chat"
fields = [
  {{ id = "name", ask = "Your full name", type = "text", required = true }},
  {{ id = "company", ask = "Company", type = "text", required = true }},
  {{ id = "email", ask = "E-mail address", type = "email", required = true }},
  {{ id = "phone", ask = "Call-back number(s)", type = "phone", required = true }},
  {{ id = "category", ask = "What is it about?", type = "choice", options = ["Computer", "Network"] }},
  {{ id = "issue", ask = "What is happening?", type = "long", required = true, max_length = 4000 }},
]
[staff.slack]
channel = "{TRIAGE}"
emoji_buttons = true
[staff.slack.customers]
{SHARED} = "contoso"
"""
CHAT_ANSWERS = {name: answer for name, answer in ANSWERS.items() if name not in {"impact", "urgency"}}


@dataclass
class SlackDesk:
    """The desk, the fake Slack, and two technicians in it."""

    served: ServedDesk
    slack: FakeSlack
    wire: Wire
    marcus: Person
    priya: Person

    @property
    def workspace(self) -> Workspace:
        """What the fake Slack holds."""
        return self.slack.workspace

    async def card(self, index: int = 0) -> Message:
        """Return the card posted as number ``index``, once its thread has its banner."""

        def found() -> Message | None:
            cards = self.workspace.cards(TRIAGE)
            ready = len(cards) > index and self.thread(cards[index])
            return cards[index] if ready else None

        card: Message = await self.slack.until(found)
        return card

    def thread(self, card: Message) -> list[Message]:
        """Return the replies in a card's thread."""
        return self.workspace.thread(TRIAGE, card["ts"])

    async def reply(self, card: Message, text: str) -> Message:
        """Return the reply that shows ``text`` once it is in the thread."""

        def found() -> Message | None:
            return next((reply for reply in self.thread(card) if text in shown(reply)), None)

        reply: Message = await self.slack.until(found)
        return reply

    async def until_shown(self, message: Message, text: str) -> None:
        """Wait until the message has been updated to show ``text``."""
        await self.slack.until(lambda: text in shown(message))

    async def ticket(self, number: int) -> TicketFile:
        """Return the whole ticket as the desk keeps it."""
        file = await self.served.running.services.staff_reads.ticket_file(TicketNumber(number))
        assert file is not None
        return file


def new_workspace() -> Workspace:
    """Return a workspace with two technicians, a guest and a customer of another company."""
    workspace = Workspace()
    workspace.add_user(MARCUS, "Marcus Bell", "marcus@northwind.example")
    workspace.add_user(PRIYA, "Priya Nair", "priya@northwind.example")
    workspace.add_user(OUTSIDER, "Dana Reyes", "dana@contoso.example", team="T0CONTOSO")
    workspace.add_channel(TRIAGE, MARCUS, PRIYA)
    workspace.add_channel(SHARED, MARCUS, OUTSIDER, shared=True)
    return workspace


def secrets_for(slack: FakeSlack, **changes: Any) -> SlackSecrets:
    """Return the secrets by which a desk uses the fake Slack, by HTTP and unpaced unless changed."""
    secrets = SlackSecrets(BOT_TOKEN, SIGNING_SECRET, "", slack.api_url, 0.0)
    return replace(secrets, **changes)


@asynccontextmanager
async def slack_desk(
    text: str = DESK, data: Path | None = None, *, by_socket: bool = False, **changes: Any
) -> AsyncIterator[SlackDesk]:
    """Serve a desk whose technicians, with accounts under their addresses, are in a fake Slack."""
    fake = FakeSlack(new_workspace())
    config = parse_config(text, "chatdesk.toml")
    if by_socket:
        changes = {"app_token": APP_TOKEN, "signing_secret": "", **changes}
    with tempfile.TemporaryDirectory() as fresh:
        folder = data or Path(fresh)
        async with (
            fake.serve(),
            running_desk(
                config,
                Environment(
                    database_url=database_url(folder), data=folder, slack=secrets_for(fake, **changes)
                ),
                demo=True,
            ) as desk,
            open_port(desk, "127.0.0.1", 0) as base,
            aiohttp.ClientSession() as session,
        ):
            for name, email in (
                ("Marcus Bell", "marcus@northwind.example"),
                ("Priya Nair", "priya@northwind.example"),
            ):
                await desk.staff.add(name, email, None, now())
            wire = Wire(fake, base, session)
            if by_socket:
                wire.by_socket = True
                await fake.until(lambda: len(fake.sockets) == 2)
            yield SlackDesk(
                ServedDesk(base, desk, folder), fake, wire, Person(wire, MARCUS), Person(wire, PRIYA)
            )


@asynccontextmanager
async def chat(
    desk: SlackDesk, visitor: str | None = None, **answers: str
) -> AsyncIterator[tuple[Line, Message]]:
    """Open a chat as a customer on the page; yields their line and the ticket's card.

    ``visitor`` is the browser's secret.
    """
    cards = len(desk.workspace.cards(TRIAGE))
    async with customer(desk.served.base, visitor) as line:
        await line.next("ready")
        await line.send(t="start", id="survey", answers={**CHAT_ANSWERS, **answers})
        await line.next("ack")
        yield line, await desk.card(cards)


async def heard(line: Line, text: str) -> dict[str, Any]:
    """Return the customer's next message that says ``text``."""
    while True:
        news = await line.next("news")
        for message in news.get("messages", []):
            if message["text"] == text:
                found: dict[str, Any] = message
                return found


def file_in_slack(desk: SlackDesk, name: str, content: bytes, **changes: object) -> Message:
    """Return a file as somebody shares it in Slack."""
    identity = desk.workspace.next_id("F")
    desk.workspace.uploads[identity] = {"name": name, "length": len(content), "content": content}
    return {**desk.workspace.file(identity), **changes}


def shown(message: Message) -> str:
    """Return all the words that a message shows."""
    return "\n".join(_texts(message.get("blocks", []))) or str(message["text"])


def _texts(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["text"]] if isinstance(node.get("text"), str) else []
        return own + [text for value in node.values() for text in _texts(value)]
    if isinstance(node, list):
        return [text for value in node for text in _texts(value)]
    return []
