"""Puts the adapter together: the session, the SDK's seams, the channel and the routes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from adapters.teams.authentication import Authentication
from adapters.teams.bot_token import BotToken
from adapters.teams.connector_clients import ConnectorClients
from adapters.teams.connector_pipeline import new_session
from adapters.teams.downloads import Downloads
from adapters.teams.gateway import Gateway
from adapters.teams.inbound import Inbound
from adapters.teams.memory import Memory
from adapters.teams.outbound import TeamsChannel
from adapters.teams.routes import TeamsRoutes
from adapters.teams.services import TeamsServices
from adapters.teams.turn import Answers
from chatdesk.account_links import AccountLinks
from chatdesk.adapter_notes import AdapterNotes, Identities
from chatdesk.config import Config
from chatdesk.desk import Desk
from chatdesk.files import Files
from chatdesk.ports import Clock, NewId
from chatdesk.reading import StaffReads, VisitorReads
from chatdesk.settings.teams_access import TeamsAccess
from chatdesk.staff import Staff


@dataclass(frozen=True, slots=True)
class TeamsFoundation:
    """What the adapter stands on; ``secret`` is the desk's own, for signatures."""

    config: Config
    desk: Desk
    staff_reads: StaffReads
    visitor_reads: VisitorReads
    staff: Staff
    identities: Identities
    notes: AdapterNotes
    files: Files
    clock: Clock
    new_id: NewId
    secret: str = field(default="", repr=False)


@asynccontextmanager
async def teams_adapter(
    on: TeamsFoundation, access: TeamsAccess, patience: float
) -> AsyncIterator[tuple[TeamsChannel, TeamsRoutes]]:
    """Yield the channel and the routes; answers on their way have ``patience`` seconds at the end."""
    async with new_session() as session:
        token = BotToken(session, access)
        clients = ConnectorClients(access, session, token)
        services = TeamsServices(
            config=on.config,
            access=access,
            desk=on.desk,
            staff_reads=on.staff_reads,
            visitor_reads=on.visitor_reads,
            staff=on.staff,
            identities=on.identities,
            links=AccountLinks(on.notes, on.identities),
            files=on.files,
            memory=Memory(on.notes, on.clock),
            gateway=Gateway(clients, access.app_id, access.tenant),
            downloads=Downloads(access, session, token),
            clock=on.clock,
            new_id=on.new_id,
            secret=on.secret,
        )
        answers = Answers(services)
        routes = TeamsRoutes(services, Authentication(access, session), Inbound(services, answers))
        try:
            yield TeamsChannel(services), routes
        finally:
            await answers.finish(patience)
