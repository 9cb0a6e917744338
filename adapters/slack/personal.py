"""What is for one technician alone: the link to their account, quiet hours, direct messages, the Home tab."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import partial

import structlog

from adapters.slack.api import SlackApi
from adapters.slack.block_limits import MAX_MODAL_BLOCKS, context, cut, marked, plain, section
from adapters.slack.card_links import CardLinks
from adapters.slack.lists import ticket_line
from adapters.slack.maintenance_notes import maintenance_notes
from adapters.slack.memory import Memory
from adapters.slack.mrkdwn import escape
from adapters.slack.payload import Block
from adapters.slack.people import PROVIDER, People
from adapters.slack.ticket_reads import TicketReads
from chatdesk.account_links import AccountLinks, PendingLink
from chatdesk.config import Config
from chatdesk.conversation import Agent
from chatdesk.errors import DeliveryDelayed, DeliveryError, EventRefused
from chatdesk.plain_text import clean_line
from chatdesk.ports import Clock
from chatdesk.reading import StaffReads
from chatdesk.settings.values import Unusable, time_window
from chatdesk.staff_news import MAX_WORDS, news_since, tell_each
from chatdesk.ticket import Ticket, TicketNumber

MEMBERS_ONLY = "Only full members of the desk's own workspace can be linked."
log = structlog.get_logger(__name__)


class Personal:
    """Serves technicians one by one."""

    def __init__(
        self,
        config: Config,
        api: SlackApi,
        memory: Memory,
        people: People,
        links: AccountLinks,
        reads: StaffReads,
        lists: TicketReads,
        cards: CardLinks,
        clock: Clock,
    ) -> None:
        self._config = config
        self._api = api
        self._memory = memory
        self._people = people
        self._links = links
        self._reads = reads
        self._lists = lists
        self._cards = cards
        self._clock = clock

    async def link(self, user: str) -> str:
        """Return, as mrkdwn, where the user confirms who they are; bots, guests and outsiders are refused."""
        person = await self._people.person(user)
        if not person.is_member:
            raise EventRefused(MEMBERS_ONLY, code="not_member")
        pending = PendingLink(PROVIDER, f"{person.team}:{person.id}", person.name)
        code = await self._links.begin(pending, self._clock())
        path = f"/console/link/{code}"
        base = self._config.desk.public_url
        where = f"<{base}{path}|Open the console>" if base else f"Open `{path}` on the desk's own address"
        return f"{where} and confirm that this Slack account is yours. It works once, for 15 minutes."

    async def set_quiet(self, agent: Agent, hours: str) -> str:
        """Keep the technician's quiet hours and return what to say about it."""
        if hours.casefold() in {"", "off"}:
            await self._memory.put(f"quiet:{agent.id}", "")
            return "You have no quiet hours; direct messages come at once."
        try:
            opens, closes = time_window(hours.replace(" ", ""))
        except Unusable:
            raise EventRefused("Write two times: /ticket quiet 18:00-08:00, or off.", field="hours") from None
        await self._memory.put(f"quiet:{agent.id}", f"{opens:%H:%M}-{closes:%H:%M}")
        zone = self._config.desk.timezone.key
        return f"Quiet from {opens:%H:%M} to {closes:%H:%M} ({zone}); direct messages come afterwards."

    async def tell_news(self, number: TicketNumber, since: datetime) -> None:
        """Tell technicians what has become of the ticket ``since`` then, each once, after their quiet hours.

        What a tier reads in its channel is not told to its people one by one.
        Raises DeliveryDelayed when somebody could not be told yet.
        """
        file = await self._reads.chat_file(number)
        accounts = await self._people.agents()
        news = news_since(since, file, accounts, self._config) if file else None
        if file is None or news is None or await self._memory.is_told_in_channel(number, news.key):
            return
        words = cut(clean_line(news.words), MAX_WORDS)
        await tell_each(news, number, self._memory, partial(self._tell, ticket=file.ticket, words=words))

    async def show_home(self, user: str) -> None:
        """Show the Home tab: own tickets, then all open ones; nothing of the desk to anybody else."""
        agent = await self._people.agent(user)
        if agent is None:
            words = "This is the help desk's app. Technicians: link your account with `/ticket link`."
            blocks = [section(marked(words))]
        else:
            mine, queue = await self._lists.mine(agent), await self._lists.queue()
            divider: Block = {"type": "divider"}
            notes = maintenance_notes(self._config, self._clock())
            blocks = [*notes, *mine, divider, *queue][:MAX_MODAL_BLOCKS]
        await self._api.write("views.publish", user_id=user, view={"type": "home", "blocks": blocks})

    async def _tell(self, agent: str, ticket: Ticket, words: str) -> None:
        """Send a direct message. Raises DeliveryDelayed."""
        user = await self._people.user_of(agent)
        if user is None:
            return
        at = self._clock()
        names = await self._people.agent_names([ticket.assignee])
        line = ticket_line(self._config, ticket, names, at, await self._cards.to(ticket.number))
        blocks: list[Block] = [section(plain(words)), section(marked(line))]
        later = self._quiet_until(await self._memory.get(f"quiet:{agent}") or "", at)
        method, when = "chat.postMessage", dict[str, int]()
        if later is not None:
            method, when = "chat.scheduleMessage", {"post_at": int(later.timestamp())}
            blocks.append(context(plain("Held back during your quiet hours.")))
        try:
            await self._api.write(method, channel=user, text=escape(words), blocks=blocks, **when)
        except DeliveryDelayed:
            raise
        except DeliveryError as error:
            # The card and the Home tab say it too.
            log.warning("slack_technician_not_told", ticket=ticket.number, error=str(error))

    def _quiet_until(self, hours: str, at: datetime) -> datetime | None:
        """Return when the quiet hours that hold at ``at`` end; None outside of them."""
        if not hours:
            return None
        opens, closes = time_window(hours)
        local = at.astimezone(self._config.desk.timezone)
        now, over_night = local.time(), closes <= opens
        quiet = (now >= opens or now < closes) if over_night else opens <= now < closes
        if not quiet:
            return None
        day = local.date() + timedelta(days=1 if over_night and now >= opens else 0)
        end = datetime.combine(day, closes, local.tzinfo)
        return end.astimezone(UTC) + timedelta(seconds=1)
