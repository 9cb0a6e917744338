"""Puts a desk together: store, batch loop, relay and web pages, and the channels that other parts build."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog
from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from adapters.email.ticket_facts import TicketFacts
from adapters.web.application import build_application
from adapters.web.late_routes import LATE
from adapters.web.presence import has_left
from adapters.web.services import Services, Sockets
from chatdesk.changes import Changes
from chatdesk.config import Config, Environment
from chatdesk.desk import Desk, Flows
from chatdesk.escalation import Escalation
from chatdesk.files import FileLimits
from chatdesk.health import Loops
from chatdesk.housekeeping import Chore, Housekeeping
from chatdesk.hub import Hub
from chatdesk.ids import new_id
from chatdesk.mail_parts import DeskMail, MailWay, desk_mail, mail_tokens
from chatdesk.nodes import ALONE, Node
from chatdesk.portal import with_portal
from chatdesk.portal_parts import PortalParts, portal_service
from chatdesk.ports import Channel
from chatdesk.relay import STOPPING, Relay
from chatdesk.shared_facts import SharedFacts
from chatdesk.slack_parts import StaffService, add_account_links, slack_service
from chatdesk.staff import Staff
from chatdesk.teams_parts import TeamsParts, teams_service
from chatdesk.warming import Warming
from chatdesk.work import IsGone, nobody_is_gone
from flows import live_chat, ticket_work
from storage.checkpoints import Checkpoints
from storage.database import Database
from storage.figures import TortoiseFigures
from storage.files import LocalFiles
from storage.mailbox import TortoiseMailbox
from storage.memory import Memory
from storage.outbox import TortoiseOutbox
from storage.reading import TortoiseStaffReads, TortoiseVisitorReads
from storage.search_index import SearchIndexer
from storage.staff import TortoiseStaff
from storage.store import TortoiseStore
from storage.ticket_lists import TicketLists
from storage.unfinished_move import refuse_unfinished

log = structlog.get_logger(__name__)

DESK_LOOP, RELAY_LOOP, NODES_LOOP, SEARCH_LOOP, LOG_LOOP = "desk", "relay", "nodes", "search", "log"
CHORES_LOOP = "housekeeping"
ESCALATION_LOOP = "escalation"
DATABASE_PATIENCE = 5.0
"""Seconds in which a database that works has answered."""
RELAY_PATIENCE, DESK_PATIENCE, LINK_PATIENCE = STOPPING.cut_off.total_seconds() + 0.5, 2.0, 0.5
"""Seconds that what is under way has to end when the desk stops; what is cut off is looked up later."""


def now() -> datetime:
    """Return the present moment, aware and in UTC."""
    return datetime.now(UTC)


async def problems(database: Database, loops: Loops) -> list[str]:
    """Return why the desk does not do its work, a sentence each; empty when it does."""
    found = loops.problems()
    try:
        async with asyncio.timeout(DATABASE_PATIENCE):
            problem = await database.problem()
    except Exception as error:
        log.warning("database_does_not_answer", error=str(error))
        problem = "The database does not answer."
    return [*found, problem] if problem else found


class RunningDesk(Struct, frozen=True):
    """A desk that takes events, sends deliveries and can be served. ``data`` is its data folder."""

    config: Config
    database: Database
    data: Path
    desk: Desk
    hub: Hub
    relay: Relay
    staff: Staff
    services: Services
    loops: Loops
    application: web.Application
    mail: DeskMail
    warming: Warming


class _Elsewhere(Struct, frozen=True):
    """What works in Slack, in Teams and in the portal; each is empty for a desk that does not use it."""

    slack: StaffService
    teams: TeamsParts
    portal: PortalParts

    @property
    def channels(self) -> dict[str, Channel]:
        """The ways out, by name."""
        return {**self.slack.channels, **self.teams.channels}


@asynccontextmanager
async def running_desk(config: Config, environment: Environment, *, demo: bool) -> AsyncIterator[RunningDesk]:
    """Open the database, start the batch loop and the relay, and stop them in order at the end.

    ``demo`` shows the demonstration pages. Where the environment names no SMTP server, mail is kept instead
    of sent.
    """
    config = with_portal(config, environment.portal.services)
    async with Database(environment.database_url) as database, AsyncExitStack() as stack:
        await refuse_unfinished(database)
        hub, loops, memory = Hub(), Loops(), Memory()
        node = Node(new_id()) if database.dialect == "postgres" else ALONE
        sockets, facts = Sockets(), SharedFacts()
        desk = build_desk(config, database, hub, node, memory, partial(has_left, sockets, facts))
        services = _services(config, database, environment, desk, hub, loops, demo=demo)
        services = replace(services, sockets=sockets, facts=facts)
        elsewhere = await stack.enter_async_context(_elsewhere(services, database, environment, loops))
        channels = elsewhere.channels
        relay = _relay(database, desk, channels)
        services = replace(services, wake_relay=relay.wake)
        mailing = _mailing(services, database, environment)
        channels[MailWay.name] = MailWay(mailing)
        application, warming = _application(services, database, mailing, elsewhere)
        await stack.enter_async_context(_linked(database, node, memory, services, loops, elsewhere.portal))
        async with _working(loops, desk, relay), mailing.receiving(loops):
            yield RunningDesk(
                config,
                database,
                environment.data,
                desk,
                hub,
                relay,
                services.staff,
                services,
                loops,
                application,
                mailing,
                warming,
            )


@asynccontextmanager
async def _elsewhere(
    services: Services, database: Database, environment: Environment, loops: Loops
) -> AsyncIterator[_Elsewhere]:
    async with (
        slack_service(services, database, environment.data, environment.slack, loops) as slack,
        teams_service(services, database, environment.teams) as teams,
        portal_service(services, database, environment.portal) as portal,
    ):
        yield _Elsewhere(slack, teams, portal)


def _mailing(services: Services, database: Database, environment: Environment) -> DeskMail:
    source, tokens = TicketFacts(services.staff_reads), mail_tokens(environment.secret)
    return desk_mail(services, database, source, tokens, environment.mail, services.wake_relay)


def _application(
    services: Services, database: Database, mailing: DeskMail, elsewhere: _Elsewhere
) -> tuple[web.Application, Warming]:
    """Return the pages, and what loads the rest after the start, or at once where somebody asks before."""
    application = build_application(services)
    late = application[LATE]
    for part in (mailing, elsewhere.slack, elsewhere.teams, elsewhere.portal):
        late.add(part.add_routes)
    late.add(partial(add_account_links, database=database))
    late.add(partial(_add_reports, database=database))
    warming = Warming(application, mailing, elsewhere.portal.load)
    late.prepare_with(warming.now)
    return application, warming


def _add_reports(application: web.Application, database: Database) -> None:
    """Add the console's reports, which are imported when they are first asked for."""
    from adapters.web import report_routes
    from storage.reports import TortoiseReportReads

    report_routes.add_routes(application, TortoiseReportReads(database))


def _relay(database: Database, desk: Desk, channels: Mapping[str, Channel]) -> Relay:
    """Return the relay, which is told of every commit; ``channels`` may still be added to."""
    relay = Relay(TortoiseOutbox(database), desk, channels, now, random.random)
    desk.on_commit(partial(_wake, relay))
    desk.on_batch(relay.batch_done)
    return relay


@asynccontextmanager
async def _working(loops: Loops, desk: Desk, relay: Relay) -> AsyncIterator[None]:
    loops.start(DESK_LOOP, desk.run())
    loops.start(RELAY_LOOP, relay.run())
    try:
        yield
    finally:
        # The relay first: the timers it still hands over are events for the desk.
        relay.stop()
        await loops.finish(RELAY_LOOP, RELAY_PATIENCE)
        desk.stop()
        await loops.finish(DESK_LOOP, DESK_PATIENCE)


@asynccontextmanager
async def _linked(
    database: Database, node: Node, memory: Memory, services: Services, loops: Loops, portal: PortalParts
) -> AsyncIterator[None]:
    """Keep a link to the desk's other nodes; on SQLite there are none, and the files are looked after."""
    indexer = SearchIndexer(database)
    own = {"files": services.files.remove_forgotten, "sessions": services.staff.remove_ended}
    chores: dict[str, Chore] = {**own, **portal.chores}
    housekeeping = Housekeeping(chores, services.clock)
    escalation = Escalation(services.config, TicketLists(database), services.desk, services.clock)
    work = {
        SEARCH_LOOP: (indexer.run(), indexer.stop),
        CHORES_LOOP: (housekeeping.run(), housekeeping.stop),
        ESCALATION_LOOP: (escalation.run(), escalation.stop),
    }
    if database.dialect == "sqlite":
        checkpoints = Checkpoints(database)
        services.desk.on_batch(checkpoints.batch_done)
        work[LOG_LOOP] = (checkpoints.run(), checkpoints.stop)
    else:
        # PostgreSQL's driver is needed by a desk on PostgreSQL only.
        from storage.node_link import NodeLink

        link = NodeLink(database, node, services.hub, services.facts, memory, services.wake_relay)
        work[NODES_LOOP] = (link.run(), link.stop)
    for name, (run, _) in work.items():
        loops.start(name, run)
    try:
        yield
    finally:
        for name, (_, stop) in work.items():
            stop()
            await loops.finish(name, LINK_PATIENCE)


def build_desk(
    config: Config,
    database: Database,
    hub: Hub,
    node: Node = ALONE,
    memory: Memory | None = None,
    is_gone: IsGone = nobody_is_gone,
) -> Desk:
    """Return the desk over this database; its ``run`` has still to be started.

    ``node`` is this process where others work on the same desk, ``memory`` what it remembers of the records;
    ``is_gone`` tells whose page is closed.
    """
    flows = Flows(live_chat.step, ticket_work.step)
    store = TortoiseStore(database, config.desk.first_ticket, node, memory)
    return Desk(config, store, hub, flows, now, new_id, is_gone)


def _wake(relay: Relay, changes: Changes) -> None:
    if changes.deliveries or changes.recovered:
        relay.wake()


def _services(
    config: Config,
    database: Database,
    environment: Environment,
    desk: Desk,
    hub: Hub,
    loops: Loops,
    *,
    demo: bool,
) -> Services:
    file_limits = FileLimits()
    files = LocalFiles(database, environment.data / "files", file_limits, new_id)
    return Services(
        config=config,
        desk=desk,
        hub=hub,
        visitor_reads=TortoiseVisitorReads(database),
        staff_reads=TortoiseStaffReads(database),
        staff=TortoiseStaff(database),
        files=files,
        mailbox=TortoiseMailbox(database),
        clock=now,
        new_id=new_id,
        demo=demo,
        problems=partial(problems, database, loops),
        secret=environment.secret,
        identities=environment.identities,
        trusted_proxies=environment.trusted_proxies,
        file_limits=file_limits,
        figures=TortoiseFigures(database, now).read,
    )
