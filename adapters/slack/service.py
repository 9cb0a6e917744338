"""The Slack adapter as a whole: built from the desk's parts, started and stopped with it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import aiohttp
import structlog
from aiohttp import web
from slack_bolt.app.async_app import AsyncApp

from adapters.slack import routes
from adapters.slack.api import SlackApi
from adapters.slack.bolt_app import build_bolt_app
from adapters.slack.buttons import Buttons
from adapters.slack.card_links import CardLinks
from adapters.slack.cards import Cards
from adapters.slack.commands import Commands
from adapters.slack.contacts import Contacts
from adapters.slack.customer_posts import CustomerPosts
from adapters.slack.dispatch import Dispatch
from adapters.slack.doing import Doing
from adapters.slack.file_posts import FilePosts
from adapters.slack.gateway import Gateway
from adapters.slack.inbox import Inbox
from adapters.slack.memory import Memory
from adapters.slack.merged_chats import MergedChats
from adapters.slack.outbound import SlackChannel
from adapters.slack.pacing import Pacer
from adapters.slack.parts import Parts
from adapters.slack.people import People
from adapters.slack.personal import Personal
from adapters.slack.receipts import Receipts
from adapters.slack.sequencer import Sequencer
from adapters.slack.shared_channels import SharedChannels
from adapters.slack.shown_posts import ShownPosts
from adapters.slack.socket_mode import SocketMode
from adapters.slack.tell import Teller
from adapters.slack.thread_files import ThreadFiles
from adapters.slack.threads import Threads
from adapters.slack.ticket_reads import TicketReads
from adapters.slack.tier_cards import TierCards
from adapters.slack.workspace import Workspace
from chatdesk.files import FileLimits
from chatdesk.outbox import Delivery
from chatdesk.ports import Channel

CONNECTIONS = 100
SOCKETS_LOOP, INBOX_LOOP, SIGNS_LOOP = "slack", "slack-inbox", "slack-signs"
LOOK_AGAIN = 60.0
"""Seconds after which it is looked whether another node that died has left requests."""
IN_HAND = timedelta(minutes=2)
"""How long a request may be the work of the node that kept it: it tries again at least every minute."""
TIMEOUT = aiohttp.ClientTimeout(total=10, connect=5)
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SlackService:
    """Slack as the composition sees it: ways out by name, and routes for what comes in."""

    channels: Mapping[str, Channel]
    app: AsyncApp
    takes_http: bool

    def add_routes(self, application: web.Application) -> None:
        """Add the request URLs, if requests by HTTP can be checked."""
        if self.takes_http:
            routes.add_routes(application, self.app)


@asynccontextmanager
async def slack_service(parts: Parts) -> AsyncIterator[SlackService]:
    """Build the adapter and let it work until the block ends."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    async with aiohttp.ClientSession(timeout=TIMEOUT, connector=connector) as session:
        api = SlackApi(parts.secrets.bot_token, parts.secrets.api_url, session)
        clock = asyncio.get_running_loop().time
        memory = Memory(parts.notes, parts.clock)
        workspace = Workspace(api)
        people = People(api, parts.staff, parts.identities, parts.clock, workspace.team)
        pacer = Pacer(parts.secrets.seconds_per_post, clock)
        links, changed = CardLinks(workspace, memory), ShownPosts(api, memory, parts.new_id())
        tiers = TierCards(parts.config, api, pacer, memory, parts.reads, links, changed)
        cards = Cards(parts.config, parts.channel, api, pacer, memory, parts.reads, people, changed, tiers)
        receipts = Receipts(api, parts.hub, cards, clock)
        desk_side = DeskSide(parts, api, memory, people, links)
        gateway = Gateway(desk_side.dispatch(receipts).handle, Inbox(parts.inbox))
        files = FilePosts(api, memory, parts.files)
        posts = (files, CustomerPosts(api, pacer, memory, files))
        shown = desk_side.personal, _watcher(receipts)
        channel = SlackChannel(api, pacer, memory, parts.reads, cards, *posts, *shown)
        app = build_bolt_app(gateway, api.client, parts.secrets.signing_secret)
        sockets = None
        if parts.secrets.app_token:
            sockets = SocketMode(api, parts.secrets.app_token, session, app, random.random)
        try:
            async with _at_work(parts, gateway, receipts, sockets):
                await gateway.resume()
                yield SlackService({channel.name: channel}, app, bool(parts.secrets.signing_secret))
        finally:
            receipts.close()
            await gateway.stop()


@asynccontextmanager
async def _at_work(
    parts: Parts, gateway: Gateway, receipts: Receipts, sockets: SocketMode | None
) -> AsyncIterator[None]:
    """Run what goes on in the background until the block ends."""

    async def look_again(_: int) -> None:
        while True:
            await asyncio.sleep(LOOK_AGAIN)
            await _resume(gateway, parts.clock() - IN_HAND)

    # Of several nodes one looks for what a node has kept that is gone.
    work = {SIGNS_LOOP: receipts.run(), INBOX_LOOP: parts.alone.run(INBOX_LOOP, look_again)}
    if sockets is not None:
        stay_connected = sockets.run

        async def hold_sockets(_: int) -> None:
            # What an earlier holder kept and did not finish comes first.
            await _resume(gateway)
            await stay_connected()

        # Of several nodes one holds the sockets.
        work[SOCKETS_LOOP] = parts.alone.run(SOCKETS_LOOP, hold_sockets)
    for name, loop in work.items():
        parts.loops.start(name, loop)
    try:
        yield
    finally:
        await asyncio.gather(*map(parts.loops.cancel, work))


async def _resume(gateway: Gateway, kept_before: datetime | None = None) -> None:
    try:
        await gateway.resume(kept_before)
    except OSError as error:
        # A shared volume that is away: what comes now is worked on all the same.
        log.error("slack_inbox_not_read", error=str(error))


def _watcher(receipts: Receipts) -> Callable[[Delivery], None]:
    """Return what follows a conversation live once something of it was shown."""

    def on_shown(delivery: Delivery) -> None:
        if delivery.conversation is not None and delivery.ticket is not None:
            receipts.watch(delivery.conversation, delivery.ticket)

    return on_shown


class DeskSide:
    """What works on Slack's requests."""

    def __init__(self, parts: Parts, api: SlackApi, memory: Memory, people: People, links: CardLinks) -> None:
        self._parts = parts
        self._api = api
        self._memory = memory
        self._people = people
        config, reads, clock = parts.config, parts.reads, parts.clock
        self._doing = Doing(config, parts.desk, reads, MergedChats(memory), clock, parts.new_id)
        self._links = links
        self._lists = TicketReads(config, parts.desk, reads, people, self._doing, links, clock)
        told = parts.links, reads, self._lists, links
        self.personal = Personal(config, api, memory, people, *told, clock)

    def dispatch(self, receipts: Receipts) -> Dispatch:
        """Return what sorts requests and has them worked on."""
        parts, people, doing, teller = self._parts, self._people, self._doing, Teller(self._api)
        emoji = parts.channel.emoji_buttons
        buttons = Buttons(self._api, self._memory, people, doing, teller, emoji=emoji)
        contacts = Contacts(parts.config, people, doing, buttons, teller, parts.clock)
        files = ThreadFiles(self._api, parts.files, FileLimits())
        threads = Threads(
            self._memory,
            parts.reads,
            people,
            Sequencer(parts.desk),
            files,
            receipts,
            teller,
            parts.config.desk.ticket_prefix,
        )
        commands, shared = self._commands(buttons, contacts), self._shared(buttons, files, teller)
        return Dispatch(threads, buttons, contacts, commands, self.personal, shared)

    def _commands(self, buttons: Buttons, contacts: Contacts) -> Commands:
        return Commands(
            self._parts.config,
            self._people,
            self._doing,
            buttons,
            contacts,
            self.personal,
            self._lists,
            self._links,
            self._parts.clock,
        )

    def _shared(self, buttons: Buttons, files: ThreadFiles, teller: Teller) -> SharedChannels:
        parts = self._parts
        return SharedChannels(
            parts.config,
            parts.channel,
            self._api,
            self._memory,
            self._people,
            parts.desk,
            buttons,
            files,
            teller,
            parts.clock,
        )
