"""The console's lists: queue, mine, all, a search, the waiting chats, problems; and what the page needs."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from adapters.web.console_api import add_read
from adapters.web.console_json import is_unread, line_json, problem_json, set_aside_json, survey_json
from adapters.web.frames import Json
from adapters.web.services import SERVICES
from adapters.web.sign_in import csrf_token
from adapters.web.text import clean
from chatdesk.errors import EventRefused
from chatdesk.maintenance import announced
from chatdesk.reading import TicketFilter, TicketLine, TicketView, Workload
from chatdesk.search import words
from chatdesk.staff import SignedIn
from chatdesk.ticket import Priority, TicketType

PAGE = 50
COUNTED = 99
"""Lists are counted up to here and no further: an exact count costs as much as reading them all."""
MAX_SEARCH = 200
MAX_CURSOR = 100
MAX_CHOICE = 64
MAX_COMPANY = 300
NOBODY = "nobody"
"""For a list of the tickets that are not assigned."""


def add_routes(application: web.Application) -> None:
    """Add the requests."""
    add_read(application, "/me", me)
    add_read(application, "/tickets", tickets)
    add_read(application, "/counts", counts)
    add_read(application, "/open", open_tickets)
    add_read(application, "/problems", problems)


async def me(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Who is signed in, and what the page needs to know of the desk."""
    services = request.app[SERVICES]
    desk = services.config.desk
    accounts = await services.staff.accounts()
    colleagues: list[Json] = [
        {"id": account.id, "name": account.name} for account in accounts if account.is_open
    ]
    canned: list[Json] = [{"title": reply.title, "text": reply.text} for reply in services.config.canned]
    return {
        "agent": {"id": staff.account.id, "name": staff.account.name, "email": staff.account.email},
        "csrf": csrf_token(request),
        "portal": services.config.portal_opens,
        "desk": {"name": desk.name, "timezone": str(desk.timezone), "prefix": desk.ticket_prefix},
        "staff": colleagues,
        "tiers": [
            {"id": tier.id, "name": tier.name, "mine": tier.has(staff.account.email)}
            for tier in services.config.tiers_for(staff.account.email)
        ],
        "canned": canned,
        "survey": survey_json(services.config.survey),
        "priorities": [priority.value for priority in Priority],
        "types": [kind.value for kind in TicketType],
        "now": services.clock().isoformat(),
    }


async def tickets(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """One page of a list; the first page of the queue begins with the chats that wait."""
    services = request.app[SERVICES]
    wanted = _filter(request, staff)
    page = request.query.get("page", "")[:MAX_CURSOR]
    found = await services.staff_reads.tickets(wanted, page, PAGE)
    waiting: Sequence[TicketLine] = ()
    if request.query.get("view", "queue") == TicketView.QUEUE and not page and not wanted.text:
        waiting = await services.staff_reads.waiting_tickets(services.config.queue.order)
    waiting = [line for line in waiting if wanted.shows(line.ticket)]
    names = {account.id: account.name for account in await services.staff.accounts()}
    config = services.config
    return {
        "waiting": [line_json(line, config, names) for line in waiting],
        "lines": [line_json(line, config, names, words(wanted.text)) for line in found.lines],
        "next": found.next,
        "cut": found.cut,
    }


async def open_tickets(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Who has how many open tickets, those with the fewest first, and the companies that have any tickets."""
    del staff
    services = request.app[SERVICES]
    found = await services.staff_reads.open_tickets(services.clock())
    held = {load.agent: load for load in found.workloads}
    none = Workload("", 0, 0)
    accounts = [account for account in await services.staff.accounts() if account.is_open]
    rows = [(held.get(account.id, none), account) for account in accounts]
    rows.sort(key=lambda row: (row[0].open, row[1].name.casefold()))
    return {
        "staff": [
            {"id": account.id, "name": account.name, "open": load.open, "overdue": load.overdue}
            for load, account in rows
        ],
        "companies": [*found.companies],
    }


async def counts(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """How long the lists are, up to a limit (one more means "more"), and what is said of maintenance."""
    services = request.app[SERVICES]
    reads = services.staff_reads
    maintenance = announced(services.config, services.clock())
    queue = TicketFilter(TicketView.QUEUE)
    mine = TicketFilter(TicketView.MINE, agent=staff.account.id)
    own = await reads.tickets(mine, limit=COUNTED + 1)
    found = await reads.problems(COUNTED + 1)
    return {
        "limit": COUNTED,
        "queue": await reads.count(queue, COUNTED + 1),
        "mine": len(own.lines),
        "unread": sum(is_unread(line) for line in own.lines),
        "waiting": len(await reads.waiting()),
        "problems": len(found.deliveries) + len(found.set_aside),
        "maintenance": [*maintenance],
    }


async def problems(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """What needs a person: deliveries that failed or whose fate is unknown, events that were set aside."""
    del staff
    services = request.app[SERVICES]
    found = await services.staff_reads.problems(COUNTED + 1)
    prefix = services.config.desk.ticket_prefix
    return {
        "deliveries": [problem_json(note, prefix) for note in found.deliveries],
        "set_aside": [set_aside_json(note) for note in found.set_aside],
    }


def _filter(request: web.Request, staff: SignedIn) -> TicketFilter:
    """Return what the request asks for; "mine" is the signed-in technician's, whatever else is asked."""
    try:
        view = TicketView(request.query.get("view", "queue"))
    except ValueError:
        raise EventRefused("Choose queue, mine or all.", code="view", field="view") from None
    mine = view is TicketView.MINE
    assignee = staff.account.id if mine else _asked(request, "assignee", MAX_CHOICE)
    nobody = not mine and assignee == NOBODY
    return TicketFilter(
        view,
        agent=assignee if assignee and not nobody else None,
        text=_asked(request, "text", MAX_SEARCH),
        company=_asked(request, "company", MAX_COMPANY),
        tier=_asked(request, "tier", MAX_CHOICE),
        priority=_priority(_asked(request, "priority", MAX_CHOICE)),
        unassigned=nobody,
        overdue=request.app[SERVICES].clock() if _asked(request, "overdue", 1) else None,
    )


def _asked(request: web.Request, name: str, longest: int) -> str:
    return clean(request.query.get(name, "")).strip()[:longest]


def _priority(written: str) -> Priority | None:
    """Return the priority of that name, None for "". Raises EventRefused for what is none."""
    try:
        return Priority(written) if written else None
    except ValueError:
        names = ", ".join(Priority)
        raise EventRefused(f"Choose one of {names}.", code="priority", field="priority") from None
