"""The one place that builds everything: the store, the desk, the relay, the channels and the web pages."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web

from adapters.web.application import build_application
from adapters.web.services import Services
from chatdesk.changes import Changes
from chatdesk.config import Config
from chatdesk.desk import Desk, Flows
from chatdesk.files import FileLimits
from chatdesk.health import Loops
from chatdesk.hub import Hub
from chatdesk.ports import Channel
from chatdesk.relay import Relay
from flows import live_chat, ticket_work
from storage.database import Database
from storage.files import LocalFiles
from storage.outbox import TortoiseOutbox
from storage.reading import TortoiseStaffReads, TortoiseVisitorReads
from storage.staff import TortoiseStaff
from storage.store import TortoiseStore

log = structlog.get_logger(__name__)

DESK_LOOP, RELAY_LOOP = "desk", "relay"
DATABASE_PATIENCE = 5.0
"""Seconds in which a database that works has answered."""


def now() -> datetime:
    """Return the present moment, aware and in UTC."""
    return datetime.now(UTC)


def new_id() -> str:
    """Return a fresh unguessable id."""
    return secrets.token_hex(16)


async def problems(database: Database, loops: Loops) -> list[str]:
    """Return why the desk does not do its work, a sentence each; empty when it does."""
    found = loops.problems()
    try:
        await asyncio.wait_for(database.reader.execute_query("SELECT 1"), DATABASE_PATIENCE)
    except Exception as error:
        log.warning("database_does_not_answer", error=str(error))
        found.append("The database does not answer.")
    return found


@dataclass(frozen=True, slots=True)
class RunningDesk:
    """A desk that takes events, sends deliveries and can be served. ``data`` is its data folder."""

    config: Config
    database: Database
    data: Path
    desk: Desk
    hub: Hub
    relay: Relay
    staff: TortoiseStaff
    services: Services
    loops: Loops
    application: web.Application


@asynccontextmanager
async def running_desk(
    config: Config, database_url: str, data: Path, *, demo: bool
) -> AsyncIterator[RunningDesk]:
    """Open the database, start the batch loop and the relay, and stop them in order at the end."""
    async with Database(database_url) as database:
        hub = Hub()
        flows = Flows(live_chat.step, ticket_work.step)
        store = TortoiseStore(database, config.desk.first_ticket)
        desk = Desk(config, store, hub, flows, now, new_id)
        channels: Mapping[str, Channel] = {}
        relay = Relay(TortoiseOutbox(database), desk, channels, now, random.random)

        def wake_relay(changes: Changes) -> None:
            if changes.deliveries:
                relay.wake()

        desk.on_commit(wake_relay)
        staff = TortoiseStaff(database)
        file_limits = FileLimits()
        files = LocalFiles(database, data / "files", file_limits, new_id)
        await files.remove_orphans(now())
        loops = Loops()
        services = Services(
            config=config,
            desk=desk,
            hub=hub,
            visitor_reads=TortoiseVisitorReads(database),
            staff_reads=TortoiseStaffReads(database),
            staff=staff,
            files=files,
            clock=now,
            new_id=new_id,
            demo=demo,
            file_limits=file_limits,
            problems=partial(problems, database, loops),
        )
        loops.start(DESK_LOOP, desk.run())
        loops.start(RELAY_LOOP, relay.run())
        application = build_application(services)
        try:
            yield RunningDesk(config, database, data, desk, hub, relay, staff, services, loops, application)
        finally:
            relay.stop()
            await loops.finish(RELAY_LOOP)
            desk.stop()
            await loops.finish(DESK_LOOP)
