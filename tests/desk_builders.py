"""Small builders of what tests put into the flows: the sample desk, its people, situations and events.

Times are in 2026 on the clock of the sample desk: ``at("09-15 10:12")`` is that moment in New York, in UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import count
from zoneinfo import ZoneInfo

from msgspec.structs import replace

from chatdesk.config import Config, parse_config
from chatdesk.conversation import Agent, Conversation, ConversationId, DialogueState, FileRef, Surveying
from chatdesk.conversation import Visibility as See
from chatdesk.customer_promises import promises_of
from chatdesk.effects import Effect, MailRequester, Post
from chatdesk.events import (
    AgentMessaged,
    CustomerEnded,
    CustomerLeft,
    CustomerMessaged,
    SurveySubmitted,
    TicketAssigned,
    TicketEscalated,
    TicketTaken,
    TimerFired,
)
from chatdesk.situation import QueueEntry, Situation
from chatdesk.ticket import Priority, Ticket, TicketNumber, TicketStatus, TicketType
from chatdesk.waiting_line import WaitingLine

NEW_YORK = ZoneInfo("America/New_York")

SAMPLE_DESK = """
[desk]
name = "Northwind IT"
timezone = "America/New_York"
phone = "555-0100"
ticket_prefix = "HD"

[calendars.desk]
mon-fri = "08:30-17:00"
holidays = ["2026-11-26", "2026-12-25"]
[calendars.chat]
mon-fri = "07:00-17:30"
holidays = "desk"

[channels]
web    = { calendar = "chat", after_hours = "ticket" }
email  = { calendar = "desk", priority = "standard", first_contact = "6h", unknown_sender = "hold" }
portal = { calendar = "desk", first_contact = "6h", customer_sets_priority = true }
phone  = { calendar = "always" }

[queue]
order = "priority"
no_answer = "3m"

[sla]
critical  = { respond = "15m", resolve = "4h", clock = "always" }
high      = { respond = "2h",  resolve = "2h", clock = "desk" }
standard  = { respond = "4h",  resolve = "8h", clock = "desk" }
low       = { respond = "24h", resolve = "48h", clock = "elapsed" }
scheduled = { resolve = "5bd", clock = "desk" }

[priority]
"Only me"        = ["low", "standard", "high"]
"Several people" = ["standard", "standard", "critical"]
"Everyone"       = ["standard", "high", "critical"]

[survey]
submit = "Start chat"
fields = [
  { id = "name", ask = "Your full name", type = "text", required = true },
  { id = "company", ask = "Company", type = "text", required = true },
  { id = "email", ask = "E-mail address", type = "email", required = true },
  { id = "phone", ask = "Call-back number(s)", type = "phone", required = true },
  { id = "impact", ask = "Who is affected?", type = "choice", \
    options = ["Only me", "Several people", "Everyone"] },
  { id = "urgency", ask = "Can you keep working?", type = "choice", \
    options = ["Yes", "With difficulty", "No"] },
  { id = "issue", ask = "What is happening?", type = "long", required = true },
]

[tickets]
auto_close = "0d"
reopen_window = "always"

[companies.contoso]
name = "Contoso"
domains = ["contoso.example"]
widget = "contoso"
origins = ["https://www.contoso.example"]

[widgets.desk]
origins = ["https://www.northwind.example"]
[widgets.closed]
origins = ["https://www.northwind.example"]
calendar = "never"
"""
"""The desk file of the product's description, with a client company and a widget that never opens."""


def desk(*changes: tuple[str, str]) -> Config:
    """Return the sample desk; each change replaces one text of its file, which must be there."""
    text = SAMPLE_DESK
    for before, after in changes:
        assert text.count(before) == 1, f"{before!r} is not there exactly once"
        text = text.replace(before, after)
    return parse_config(text, "sample desk")


NORTHWIND = desk()
TIERS = """
[tiers.second]
name = "Second line"
technicians = ["priya@northwind.example"]
[tiers.network]
name = "Network team"
technicians = ["marcus@northwind.example", "priya@northwind.example"]
"""
TIERED = parse_config(SAMPLE_DESK + TIERS, "sample desk")
"""The sample desk with two tiers of technicians."""
SCHEDULED_ROW = 'scheduled = { resolve = "5bd", clock = "desk" }'
"""The last row of its targets."""
MARCUS = Agent("marcus", "Marcus")
PRIYA = Agent("priya", "Priya")
VISITOR = "visitor-dana"
CHAT = ConversationId("c" * 24)
TICKET = TicketNumber(1024)
ANSWERS = {
    "name": "Dana Reyes",
    "company": "Contoso",
    "email": "dana@contoso.example",
    "phone": "555-0134",
    "impact": "Only me",
    "urgency": "With difficulty",
    "issue": "Outlook does not open.",
}

_happening = count(1)


def at(text: str, year: int = 2026) -> datetime:
    """Return "09-15 10:12" on New York's clock as a moment in UTC."""
    return datetime.fromisoformat(f"{year}-{text}").replace(tzinfo=NEW_YORK).astimezone(UTC)


TUESDAY = at("09-15 10:12")
"""A Tuesday morning: chat and desk are open."""

FRIDAY_EVENING = at("09-18 17:30")
"""The moment at which the chat closes for the weekend."""


def external_id() -> str:
    """Return an id that no other event of this run has."""
    return f"event-{next(_happening)}"


def ticket(**changes: object) -> Ticket:
    """Return Dana's ticket HD-1024, new on Tuesday; ``changes`` are fields of Ticket."""
    new = Ticket(
        number=TICKET,
        status=TicketStatus.NEW,
        type=TicketType.INCIDENT,
        priority=Priority.STANDARD,
        subject=ANSWERS["issue"],
        channel="web",
        opened_at=TUESDAY,
        changed_at=TUESDAY,
        requester_name=ANSWERS["name"],
        requester_email=ANSWERS["email"],
        requester_phone=ANSWERS["phone"],
        company=ANSWERS["company"],
        answers=tuple(ANSWERS.items()),
        version=1,
    )
    return replace(new, **changes)


def conversation(state: DialogueState | None = None, **changes: object) -> Conversation:
    """Return Dana's chat on the desk's widget, in ``state``; ``changes`` are fields of Conversation."""
    chat = Conversation(
        id=CHAT,
        channel="web",
        visitor=VISITOR,
        customer_name=ANSWERS["name"],
        widget="desk",
        company_id="",
        ticket=TICKET,
        flow="live_chat",
        flow_version=1,
        state=state or Surveying(),
        opened_at=TUESDAY,
        changed_at=TUESDAY,
    )
    return replace(chat, **changes)


def situation(
    about: Ticket | None = None,
    state: DialogueState | None = None,
    *,
    config: Config = NORTHWIND,
    chat: Conversation | None = None,
    others: Sequence[Conversation] = (),
    queue: Sequence[QueueEntry] = (),
    next_number: int | None = None,
    gone: bool = False,
) -> Situation:
    """Return the desk as an event of Dana's chat finds it; ``others`` are further chats of her ticket.

    ``gone`` says that she has closed her page.
    """
    mine = chat or conversation(state, ticket=about.number if about else None)
    number = TicketNumber(next_number) if next_number is not None else None
    left_page = frozenset((mine.id,)) if gone else frozenset[ConversationId]()
    chats = (mine, *others)
    promises = promises_of(about, chats, (), (), about.opened_at) if about else ()
    return Situation(
        config, mine, about, chats, WaitingLine(queue), number, gone=left_page, promises=promises
    )


def someone_waits(name: str, since: datetime, priority: Priority = Priority.STANDARD) -> QueueEntry:
    """Return another customer's place in the queue."""
    return QueueEntry(ConversationId(name), since, priority)


def answers(**changes: str) -> tuple[tuple[str, str], ...]:
    """Return Dana's answers to the survey, with ``changes`` by field id."""
    return tuple({**ANSWERS, **changes}.items())


def submitted(
    when: datetime = TUESDAY, *, live: bool = True, widget: str = "desk", **changes: str
) -> SurveySubmitted:
    """Dana sent the survey; ``changes`` are answers by field id."""
    return SurveySubmitted(
        at=when,
        channel="web",
        external_id=external_id(),
        conversation=CHAT,
        visitor=VISITOR,
        widget=widget,
        answers=answers(**changes),
        live=live,
    )


def wrote(
    text: str = "Any news?", when: datetime = TUESDAY, files: tuple[FileRef, ...] = ()
) -> CustomerMessaged:
    """Dana wrote in her chat."""
    return CustomerMessaged(
        at=when,
        channel="web",
        external_id=external_id(),
        conversation=CHAT,
        visitor=VISITOR,
        text=text,
        files=files,
    )


def left(when: datetime = TUESDAY) -> CustomerLeft:
    """Dana left the queue."""
    return CustomerLeft(at=when, channel="web", external_id=external_id(), conversation=CHAT, visitor=VISITOR)


def ended(when: datetime = TUESDAY, *, solved: bool = False) -> CustomerEnded:
    """Dana ended the chat."""
    return CustomerEnded(
        at=when, channel="web", external_id=external_id(), conversation=CHAT, visitor=VISITOR, solved=solved
    )


def answered(
    text: str = "Good morning, Dana.", when: datetime = TUESDAY, agent: Agent = MARCUS, see: See = See.PUBLIC
) -> AgentMessaged:
    """A technician wrote in Dana's chat."""
    return AgentMessaged(
        at=when,
        channel="web",
        external_id=external_id(),
        conversation=CHAT,
        agent=agent,
        text=text,
        visibility=see,
    )


def taken(when: datetime = TUESDAY, agent: Agent = MARCUS) -> TicketTaken:
    """A technician took Dana's ticket."""
    return TicketTaken(at=when, channel="web", external_id=external_id(), ticket=TICKET, agent=agent)


def assigned(
    to: Agent = PRIYA, when: datetime = TUESDAY, agent: Agent = MARCUS, reason: str = ""
) -> TicketAssigned:
    """A technician gave Dana's ticket to somebody."""
    return TicketAssigned(
        at=when,
        channel="web",
        external_id=external_id(),
        ticket=TICKET,
        agent=agent,
        assignee=to,
        reason=reason,
    )


def escalated(
    tier: str = "second",
    when: datetime = TUESDAY,
    agent: Agent = MARCUS,
    reason: str = "needs the core switch",
) -> TicketEscalated:
    """A technician passed Dana's ticket to a tier."""
    return TicketEscalated(
        at=when,
        channel="web",
        external_id=external_id(),
        ticket=TICKET,
        agent=agent,
        tier=tier,
        reason=reason,
    )


def fired(name: str, due: datetime, when: datetime | None = None, *, of_ticket: bool = False) -> TimerFired:
    """A timer of Dana's chat, or of her ticket, came due."""
    return TimerFired(
        at=when or due,
        channel="timer",
        external_id=external_id(),
        name=name,
        due=due,
        conversation=None if of_ticket else CHAT,
        ticket=TICKET if of_ticket else None,
    )


def posts(effects: Sequence[Effect]) -> list[str]:
    """Return the texts posted, in order."""
    return [effect.text for effect in effects if isinstance(effect, Post)]


def mails(effects: Sequence[Effect]) -> list[MailRequester]:
    """Return the mails to the requester, in order."""
    return [effect for effect in effects if isinstance(effect, MailRequester)]
