"""What the desk's Slack is built from: part of the composition, like chatdesk.bootstrap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Protocol

from aiohttp import web

from adapters.web.services import Services
from chatdesk import certificates
from chatdesk.account_links import AccountLinks
from chatdesk.health import Loops
from chatdesk.leases import Alone
from chatdesk.ports import Channel
from chatdesk.settings.slack import SlackSecrets
from storage.adapter_notes import TortoiseAdapterNotes, TortoiseIdentities
from storage.database import Database
from storage.leases import TortoiseLeases


class StaffService(Protocol):
    """A service in which technicians work, as the composition sees it."""

    @property
    def channels(self) -> Mapping[str, Channel]:
        """Its ways out, by name."""

    def add_routes(self, application: web.Application) -> None:
        """Add the routes for what comes in."""


class NoSlack:
    """Slack of a desk that does not use it."""

    channels: Mapping[str, Channel] = {}

    def add_routes(self, application: web.Application) -> None:
        """Add nothing."""


@asynccontextmanager
async def slack_service(
    services: Services, database: Database, data: Path, secrets: SlackSecrets, loops: Loops
) -> AsyncIterator[StaffService]:
    """Let the technicians' Slack work until the block ends, where the desk's file and secrets name one."""
    channel = services.config.staff.slack
    if channel is None or not secrets.bot_token:
        yield NoSlack()
        return
    # Its libraries are needed by a desk that uses Slack only.
    from adapters.slack.parts import Parts
    from adapters.slack.service import slack_service as begin

    certificates.read()
    notes, identities = TortoiseAdapterNotes(database), TortoiseIdentities(database)
    parts = Parts(
        config=services.config,
        channel=channel,
        secrets=secrets,
        desk=services.desk,
        hub=services.hub,
        reads=services.staff_reads,
        staff=services.staff,
        files=services.files,
        notes=notes,
        identities=identities,
        links=account_links(database),
        inbox=data / "slack-inbox",
        alone=Alone(TortoiseLeases(database), services.new_id(), services.clock),
        loops=loops,
        clock=services.clock,
        new_id=services.new_id,
    )
    async with begin(parts) as slack:
        yield slack


def account_links(database: Database) -> AccountLinks:
    """Return what links technicians' accounts of other services to them."""
    return AccountLinks(TortoiseAdapterNotes(database), TortoiseIdentities(database))


def add_account_links(application: web.Application, database: Database) -> None:
    """Add the page on which a technician links an account of another service."""
    # Imported when it is first asked for [adapters.web.late_routes].
    from adapters.web import link_routes

    link_routes.add_routes(application, account_links(database))
