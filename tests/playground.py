"""Microsoft 365 Agents Playground, Microsoft's own client for trying out bots, as one person's Teams."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest
from playwright.async_api import Browser, FloatRect, Locator, Page

from tests.fake_connector.running import Person

PROGRAM = Path(sys.prefix, "playground/node_modules/@microsoft/m365agentsplayground/cli.js")
LOOPBACK_ONLY = Path(__file__).with_name("loopback_only.cjs")
STARTED_WITHIN = 60.0
MIDDLE: FloatRect = {"x": 330, "y": 48, "width": 620, "height": 812}
"""The part of the window that shows the conversation."""
SETTINGS = """
version: "0.1.1"
tenantId: {tenant}
bot: {{ id: "{bot}", name: Service desk }}
currentUser:
  id: "{id}"
  name: {name}
  userPrincipleName: {email}
  aadObjectId: {aad}
  givenName: {name}
  surname: {name}
  email: {email}
users:{others}
personalChat: {{ id: "{chat}" }}
groupChat: {{ id: "group-{chat}", name: Group Chat }}
team:
  id: "{team}"
  name: Service desk team
  aadGroupId: 00000000-0000-0000-0000-000000000031
  channels:
    - id: "19:other@thread.tacv2"
      name: Announcements
"""

OTHER = """
  - id: other-{number}
    name: Colleague {number}
    userPrincipleName: colleague{number}@example.com
    aadObjectId: 00000000-0000-0000-0000-0000000000f{number}
    givenName: Colleague
    surname: "{number}"
    email: colleague{number}@example.com"""
OTHERS = "".join(OTHER.format(number=number) for number in range(5))
"""The client wants five further people, who do nothing here."""


def require_playground() -> None:
    """Skip the test where the client could not be installed."""
    if not PROGRAM.exists() or shutil.which("node") is None:
        pytest.skip("no Agents Playground; install Node.js and npm, then run `make test` again")


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Playground:
    """One person's client. ``page`` is its window in the browser."""

    page: Page

    async def open(self, place: str) -> None:
        """Open a chat or a channel by its name in the list."""
        await self.page.get_by_text(place, exact=True).first.click()

    async def write(self, text: str) -> None:
        """Write a message in the open chat."""
        box = self.page.locator('[contenteditable="true"]').first
        await box.click()
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")

    def button(self, name: str) -> Locator:
        """Return the newest button with that name."""
        return self.page.get_by_role("button", name=name, exact=True).last

    async def reads(self, text: str, within: float = 20.0) -> None:
        """Wait until the text is seen."""
        await self.page.get_by_text(text).last.wait_for(timeout=within * 1000)

    async def choose(self, label: str, option: str) -> None:
        """Choose one answer of a card's question."""
        await self.page.get_by_role("combobox", name=label).last.click()
        await self.page.get_by_role("option", name=option, exact=True).last.click()

    async def fill(self, label: str, text: str) -> None:
        """Fill in a field of a card."""
        await self.page.get_by_label(label).last.fill(text)

    async def scroll_to(self, text: str) -> None:
        """Bring the newest place with the text into view."""
        await self.page.get_by_text(text).last.scroll_into_view_if_needed()

    async def shoot(self, name: str) -> None:
        """Take a picture for the documents, where SCREENSHOTS names a folder."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            await self.page.screenshot(path=f"{folder}/{name}.png", clip=MIDDLE)


@asynccontextmanager
async def playground(
    browser: Browser,
    person: Person,
    email: str,
    *,
    bot: str,
    team: str,
    port: int,
    endpoint: str,
    folder: Path,
) -> AsyncIterator[Playground]:
    """Run the client on ``port`` with the bot at ``endpoint``, and open its page."""
    settings = SETTINGS.format(
        tenant=person.tenant,
        bot=bot,
        id=person.id,
        name=person.name,
        email=email,
        aad=person.aad,
        chat=f"chat-of-{person.aad}",
        team=team,
        others=OTHERS,
    )
    file = folder / f"{person.aad}.yml"
    file.write_text(settings)
    process = await asyncio.create_subprocess_exec(
        "node", str(PROGRAM), "start", "--app-endpoint", endpoint,
        "--channel-id", "msteams", "--port", str(port), "--disable-telemetry",
        cwd=folder,
        env={
            **os.environ,
            "M365_AGENTS_PLAYGROUND_CONFIG_PATH": str(file),
            "BROWSER": "none",
            "NODE_OPTIONS": f"--require {LOOPBACK_ONLY}",
        },
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        base = f"http://127.0.0.1:{port}"
        await _answers(base, process)
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(base)
        yield Playground(page)
    finally:
        if process.returncode is None:
            process.kill()
        _ = await process.wait()


async def _answers(base: str, process: asyncio.subprocess.Process) -> None:
    """Wait until the client answers."""
    async with asyncio.timeout(STARTED_WITHIN), aiohttp.ClientSession() as session:
        while True:
            assert process.returncode is None, "the client has ended; its own log says why"
            try:
                async with session.get(base) as answer:
                    if answer.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)
