"""What Microsoft Teams is built from: part of the composition, like chatdesk.bootstrap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from aiohttp import web
from msgspec import Struct, field

from adapters.web.services import Services
from chatdesk import certificates
from chatdesk.errors import ConfigurationError
from chatdesk.ports import Channel
from chatdesk.settings.teams_access import TeamsAccess
from storage.adapter_notes import TortoiseAdapterNotes, TortoiseIdentities
from storage.database import Database

ANSWERS_PATIENCE = 1.0
"""Seconds that answers on their way have when the desk stops."""


def _no_routes(application: web.Application) -> None:
    """Without Teams there is nothing to call."""


class TeamsParts(Struct, frozen=True):
    """The channel by its name, and what adds its routes; empty for a desk without Teams."""

    channels: Mapping[str, Channel] = field(default_factory=dict)
    add_routes: Callable[[web.Application], None] = _no_routes


@asynccontextmanager
async def teams_service(
    services: Services, database: Database, access: TeamsAccess
) -> AsyncIterator[TeamsParts]:
    """Build what [staff.teams] asks for. Raises ConfigurationError when a secret is missing."""
    if services.config.staff.teams is None:
        yield TeamsParts()
        return
    missing = access.missing()
    if missing:
        raise ConfigurationError("\n".join(missing))
    # Microsoft's libraries take a second to import, and only a desk with Teams needs them.
    from adapters.teams.assembly import TeamsFoundation, teams_adapter

    certificates.read()
    foundation = TeamsFoundation(
        config=services.config,
        desk=services.desk,
        staff_reads=services.staff_reads,
        visitor_reads=services.visitor_reads,
        staff=services.staff,
        identities=TortoiseIdentities(database),
        notes=TortoiseAdapterNotes(database),
        files=services.files,
        clock=services.clock,
        new_id=services.new_id,
        secret=services.secret,
    )
    async with teams_adapter(foundation, access, ANSWERS_PATIENCE) as (channel, routes):
        yield TeamsParts({channel.name: channel}, routes.add_to)
