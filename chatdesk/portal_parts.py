"""What the customer portal is built from: part of the composition, like chatdesk.bootstrap."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from importlib import import_module

import aiohttp
from aiohttp import web
from msgspec import Struct

from adapters.web.services import Services
from chatdesk import certificates
from chatdesk.housekeeping import Chore
from chatdesk.settings.portal_access import PortalAccess
from storage.database import Database

TIMEOUT = aiohttp.ClientTimeout(total=10)
"""For a request to a service to sign in with; somebody waits in front of a page."""


def _no_routes(application: web.Application) -> None:
    """Without a portal there is nothing to ask for."""


def _nothing() -> None:
    """Without a portal there is nothing to load."""


class PortalParts(Struct, frozen=True):
    """What adds the portal's routes, what loads it beforehand in any thread, and what clears it up."""

    add_routes: Callable[[web.Application], None] = _no_routes
    load: Callable[[], None] = _nothing
    chores: dict[str, Chore] = {}


@asynccontextmanager
async def portal_service(
    services: Services, database: Database, access: PortalAccess
) -> AsyncIterator[PortalParts]:
    """Build the portal, where the desk's file offers one and there is a service to sign in with [R32]."""
    if not services.config.portal_opens:
        yield PortalParts()
        return
    from storage.portal_sessions import TortoisePortalSessions

    sessions = TortoisePortalSessions(database)
    async with aiohttp.ClientSession(timeout=TIMEOUT, cookie_jar=aiohttp.DummyCookieJar()) as client:
        yield PortalParts(
            partial(_add_routes, database=database, access=access, client=client),
            _load,
            {"portal sessions": sessions.remove_ended},
        )


def _load() -> None:
    # What reads tokens takes as long to import as a tenth of a start [adapters.web.late_routes].
    _ = import_module("adapters.web.portal_routes")
    certificates.read()


def _add_routes(
    application: web.Application, database: Database, access: PortalAccess, client: aiohttp.ClientSession
) -> None:
    from adapters.web import portal_routes
    from adapters.web.openid_provider import OpenIdProvider
    from adapters.web.portal_session import PortalServices
    from storage.portal_reading import TortoisePortalReads
    from storage.portal_search import TortoisePortalSearch
    from storage.portal_sessions import TortoisePortalSessions

    portal = PortalServices(
        providers={service.name: OpenIdProvider(service, client) for service in access.services},
        reads=TortoisePortalReads(database),
        search=TortoisePortalSearch(database),
        sessions=TortoisePortalSessions(database),
    )
    portal_routes.add_routes(application, portal)
