"""What a start leaves out is loaded in a thread: nobody waits for it while the event loop imports it."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from adapters.web.late_routes import LATE
from tests.running_desk import REPOSITORY, serving

PROGRAM = """
import asyncio, sys, tempfile, threading
from pathlib import Path
import aiohttp
from chatdesk.bootstrap import running_desk
from chatdesk.cli.server import open_port
from chatdesk.config import Environment, load_config

OURS = {{"adapters", "argon2", "chatdesk", "jinja2", "prometheus_client", "puremagic", "storage", "tortoise"}}
imported = []

class Watch:
    def find_spec(self, name, path=None, target=None):
        if threading.current_thread() is threading.main_thread() and name.partition(".")[0] in OURS:
            imported.append(name)

async def pages(desk, base):
    async with aiohttp.ClientSession() as session:
        for path in ("/demo", "/demo/mail", "/console", "/metrics"):
            async with session.get(base + path) as answer:
                assert answer.status == 200, (path, answer.status)

async def mail(desk, base):
    await desk.mail.ready()

async def main(folder):
    environment = Environment(database_url=f"sqlite:///{{folder}}/desk.sqlite3", data=folder)
    async with (
        running_desk(load_config(None), environment, demo=True) as desk,
        open_port(desk, "127.0.0.1", 0) as base,
    ):
        assert {module!r} not in sys.modules
        sys.meta_path.insert(0, Watch())
        await {first}(desk, base)
        assert {module!r} in sys.modules
        print("imported by the event loop:", *imported)

with tempfile.TemporaryDirectory() as folder:
    asyncio.run(main(Path(folder)))
"""


@pytest.mark.sqlite("a program of its own opens it")
@pytest.mark.parametrize(
    ("first", "module"), [("pages", "adapters.web.console_routes"), ("mail", "adapters.email.outbound")]
)
def test_the_event_loop_imports_nothing_for_the_first_page_or_mail(first: str, module: str) -> None:
    program = PROGRAM.format(first=first, module=module)
    # What other tests have imported is not imported again.
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=REPOSITORY, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1] == "imported by the event loop:"


async def test_who_goes_away_does_not_stop_what_others_wait_for(tmp_path: Path) -> None:
    async with serving(data=tmp_path) as desk:
        warming = desk.running.warming
        one, other = asyncio.create_task(warming.now()), asyncio.create_task(warming.now())
        await asyncio.sleep(0)
        one.cancel()
        await other
        assert one.cancelled()
        assert desk.running.application[LATE]._inner is not None
