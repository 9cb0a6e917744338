"""What a validated desk file holds: frozen values, complete and ready to use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from msgspec import Struct, field

from chatdesk.business_hours import Calendar
from chatdesk.channels import LABELS
from chatdesk.conversation import Author, AuthorKind
from chatdesk.duration import Duration
from chatdesk.mail_address import compared
from chatdesk.survey import Survey
from chatdesk.ticket import Priority, TicketType

PORTAL = "portal"
"""The channel that customers can come by only where a service to sign in with is set up [R32]."""


class AfterHours(StrEnum):
    """What a channel does with a contact outside its hours."""

    TICKET = "ticket"


class UnknownSender(StrEnum):
    """What a channel does with a contact from somebody it cannot place [R30]."""

    HOLD = "hold"
    TICKET = "ticket"


class QueueOrder(StrEnum):
    """The order in which waiting customers are served [R42]."""

    PRIORITY = "priority"
    RECEIVED = "received"


class DeskSettings(Struct, frozen=True):
    """The desk itself. ``colour`` is #rrggbb; ``logo``, ``email`` and ``public_url`` are "" when not set.

    ``email`` is the desk's own mailbox; ``public_url`` is where customers reach this installation,
    without a slash at the end; ``first_ticket`` is the number of the first ticket of a new database.
    """

    name: str
    timezone: ZoneInfo
    phone: str = ""
    ticket_prefix: str = "HD"
    logo: str = ""
    colour: str = "#1f5fbf"
    language: str = "en"
    first_ticket: int = 1001
    email: str = ""
    public_url: str = ""

    @property
    def author(self) -> Author:
        """The desk itself as the author of a step or a message."""
        return Author(AuthorKind.DESK, "desk", self.name)


class ChannelSettings(Struct, frozen=True):
    """One way in. ``label`` is how customers see it; ``first_contact`` adds to the SLA's targets [R41].

    ``customer_sets_priority`` is for the portal [R33]. ``names_calendar`` tells that the file says which
    calendar is its own.
    """

    name: str
    calendar: Calendar
    after_hours: AfterHours = AfterHours.TICKET
    priority: Priority = Priority.STANDARD
    first_contact: Duration | None = None
    unknown_sender: UnknownSender = UnknownSender.HOLD
    customer_sets_priority: bool = False
    label: str = ""
    names_calendar: bool = False


class QueueSettings(Struct, frozen=True):
    """The queue of waiting customers; after ``no_answer`` a chat becomes a ticket [R25]."""

    order: QueueOrder = QueueOrder.PRIORITY
    no_answer: timedelta = timedelta(minutes=3)


class SlaTarget(Struct, frozen=True):
    """The targets of one priority, or of one type of tickets; None means no target.

    ``clock`` is a calendar's name, "always" (around the clock) or "elapsed" (elapsed time) [R41]. All staff
    are told ``escalate`` before a ticket is due; 0 means never [R43].
    """

    respond: Duration | None
    resolve: Duration | None
    clock: str = "always"
    escalate: timedelta = timedelta(0)


class PriorityMatrix(Struct, frozen=True):
    """Impact x urgency -> priority [R40]: ``rows[impact][urgency]``, by the survey's answers."""

    rows: Mapping[str, Mapping[str, Priority]] = field(default_factory=dict)
    impact_field: str = "impact"
    urgency_field: str = "urgency"

    def is_answered(self, answers: Mapping[str, str]) -> bool:
        """Tell whether impact and urgency were both told, so that a priority is proposed."""
        return self.impact_field in answers and self.urgency_field in answers

    def propose(self, answers: Mapping[str, str]) -> Priority:
        """Return the priority the survey's answers propose; standard when they do not say."""
        row = self.rows.get(answers.get(self.impact_field, ""), {})
        return row.get(answers.get(self.urgency_field, ""), Priority.STANDARD)


class TicketSettings(Struct, frozen=True):
    """How tickets end: ``auto_close`` 0 closes at once; ``reopen_window`` None means always [R17]."""

    auto_close: timedelta = timedelta(0)
    reopen_window: timedelta | None = None


class StaffChannel(Struct, frozen=True):
    """Where technicians work: the desk's own channel and, by company id, channels of single companies.

    ``answers`` maps a survey field's id and an answer to the channel for such contacts. ``customers`` maps
    channels shared with a client to that company's id. ``emoji_buttons`` lets emoji on cards act.
    """

    channel: str
    companies: Mapping[str, str] = field(default_factory=dict)
    answers: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    customers: Mapping[str, str] = field(default_factory=dict)
    emoji_buttons: bool = False

    def channel_for(self, company: str | None, answers: Iterable[tuple[str, str]] = ()) -> str:
        """Return the channel in which a contact is announced: the company's, the answer's or the desk's."""
        if company and company in self.companies:
            return self.companies[company]
        by_answer = (self.answers.get(asked, {}).get(answer) for asked, answer in answers)
        return next(filter(None, by_answer), self.channel)


class StaffSettings(Struct, frozen=True):
    """The staff's channels; None when that service is not used."""

    slack: StaffChannel | None = None
    teams: StaffChannel | None = None


class TierSettings(Struct, frozen=True):
    """Technicians to whom tickets are escalated [R37]; ``technicians`` are their accounts' addresses.

    ``slack`` and ``teams`` are the channels in which the tier is told of them; "" for direct messages.
    """

    id: str
    name: str
    technicians: tuple[str, ...]
    slack: str = ""
    teams: str = ""

    def has(self, email: str) -> bool:
        """Tell whether the technician with that address is in it."""
        return compared(email) in self.technicians


class Links(Struct, frozen=True):
    """Links for the portal [R33]; "" when not set.

    ``others`` is name -> link, in the file's order.
    """

    invoices: str = ""
    meeting: str = ""
    remote: str = ""
    others: Mapping[str, str] = field(default_factory=dict)


class MaintenanceWindow(Struct, frozen=True):
    """A recurring window in the desk's local time [R47].

    ``weekday`` counts from Monday = 0; ``weeks`` are the occurrences of that weekday in a month
    (1 to 5), empty for every week. A window that closes at or before it opens ends the next day.
    """

    name: str
    weekday: int
    weeks: tuple[int, ...]
    opens: time
    closes: time
    servers_until: time | None = None


class MailSettings(Struct, frozen=True):
    """Mail, out and in.

    Updates of one ticket within ``gather`` become one mail. ``copies`` sends each mail to the desk's own
    mailbox too. ``tagged_replies`` puts the ticket's token into the address that replies go to
    (help+token@…). ``aliases`` are further addresses of the desk. ``authserv`` is the name under which the
    desk's own mail server writes Authentication-Results (RFC 8601), "" to believe none. Mail is read from
    ``folders`` and moved to ``move_to`` afterwards, or flagged when that is "".
    """

    gather: timedelta = timedelta(minutes=1)
    copies: bool = True
    tagged_replies: bool = True
    aliases: tuple[str, ...] = ()
    authserv: str = ""
    folders: tuple[str, ...] = ("INBOX",)
    move_to: str = ""


class SiteIdentity(StrEnum):
    """Whether a company's own site may, or has to, tell the chat who its visitors are [threat 2]."""

    OFFERED = "offered"
    REQUIRED = "required"


class CompanySettings(Struct, frozen=True):
    """A client company. None, and "" for colour and logo, mean the desk's own setting [R34].

    ``managers`` are the addresses, in lower case, of those who see all of its tickets in the portal [R33];
    without ``identity`` its site tells nothing of its visitors.
    """

    id: str
    name: str
    domains: tuple[str, ...] = ()
    calendar: Calendar | None = None
    colour: str = ""
    logo: str = ""
    customer_sets_priority: bool | None = None
    teams_tenants: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    identity: SiteIdentity | None = None


class WidgetSettings(Struct, frozen=True):
    """A chat widget, by the key its page carries; complete, nothing left to inherit [R34].

    ``company`` is a company's id, None for the desk's own. ``origins`` are exact origins
    (scheme://host[:port]) allowed to embed it, besides the desk's own pages.
    """

    key: str
    company: str | None
    origins: tuple[str, ...]
    colour: str
    logo: str
    name: str
    calendar: Calendar


class CannedReply(Struct, frozen=True):
    """A text that staff send with one choice."""

    title: str
    text: str


class Article(Struct, frozen=True):
    """A common question, offered before anybody waits for an answer [R47].

    ``text`` is the answer in Markdown, ``url`` an https link to it; one of them is "".
    """

    title: str
    text: str = ""
    url: str = ""


class Config(Struct, frozen=True):
    """The whole desk, read once at the start.

    ``channels`` is by name, in the file's order; customers are shown ``ways_in``. ``calendars`` is
    by name and always holds "always" and "never". ``source`` is the file's path, or says that this
    is the built-in demonstration desk. ``portal_opens`` says that people can sign in to the portal.
    """

    desk: DeskSettings
    calendars: Mapping[str, Calendar]
    channels: Mapping[str, ChannelSettings]
    queue: QueueSettings
    sla: Mapping[Priority, SlaTarget]
    sla_types: Mapping[TicketType, SlaTarget]
    priority: PriorityMatrix
    survey: Survey
    tickets: TicketSettings
    staff: StaffSettings
    links: Links
    maintenance: tuple[MaintenanceWindow, ...]
    companies: tuple[CompanySettings, ...]
    widgets: tuple[WidgetSettings, ...]
    canned: tuple[CannedReply, ...]
    source: str
    mail: MailSettings = MailSettings()
    portal_opens: bool = False
    articles: tuple[Article, ...] = ()
    tiers: tuple[TierSettings, ...] = ()

    @property
    def ways_in(self) -> list[ChannelSettings]:
        """The channels that customers are shown, in the file's order [R8]."""
        return [channel for name, channel in self.channels.items() if name != PORTAL or self.portal_opens]

    def target(self, priority: Priority, type_: TicketType) -> SlaTarget | None:
        """Return the targets of such tickets: their type's, where the file has a row for it [R41]."""
        return self.sla_types.get(type_) or self.sla.get(priority)

    def channel(self, name: str) -> ChannelSettings:
        """Return a channel's settings; defaults for one that the desk does not offer to customers."""
        calendar = self.calendars.get("desk", self.calendars["always"])
        return self.channels.get(name) or ChannelSettings(name, calendar, label=LABELS.get(name, name))

    def hours_of(self, channel: str, widget: str, company_id: str | None = None) -> Calendar:
        """Return the hours of a way in [R34, R45].

        The chat's are its widget's; so are the form's, unless the file names a calendar for the form. The
        portal's are the company's, where it has its own.
        """
        company = self.company(company_id) if channel == PORTAL else None
        if company is not None and company.calendar is not None:
            return company.calendar
        settings, found = self.channel(channel), self.widget(widget)
        shared = channel == "web" or (channel == "form" and not settings.names_calendar)
        return found.calendar if shared and found is not None else settings.calendar

    def company(self, company_id: str | None) -> CompanySettings | None:
        """Return the company with that id, or None."""
        return next((company for company in self.companies if company.id == company_id), None)

    def tier(self, tier_id: str) -> TierSettings | None:
        """Return the tier with that id, or None."""
        return next((tier for tier in self.tiers if tier.id == tier_id), None)

    def tier_name(self, tier_id: str | None) -> str:
        """Return what staff read of a ticket's tier; its id when the file has it no more, "" for none."""
        tier = self.tier(tier_id) if tier_id else None
        return tier.name if tier else tier_id or ""

    def tiers_for(self, email: str) -> list[TierSettings]:
        """Return all tiers, in the file's order but first those in which the technician is."""
        return sorted(self.tiers, key=lambda tier: not tier.has(email))

    def company_of(self, email: str) -> CompanySettings | None:
        """Return the company that owns the address's domain [R30], or None."""
        domain = compared(email).rpartition("@")[2]
        return next((company for company in self.companies if domain in company.domains), None)

    def managed_by(self, email: str) -> CompanySettings | None:
        """Return the company that the address is named a manager of [R33], or None."""
        address = compared(email)
        return next((company for company in self.companies if address in company.managers), None)

    def widget(self, key: str) -> WidgetSettings | None:
        """Return the widget with that key, or None."""
        return next((widget for widget in self.widgets if widget.key == key), None)
