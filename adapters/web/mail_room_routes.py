"""Mail for staff: held mail and its one click, automatic mail, mail that failed and its button [R30]."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from aiohttp import web

from adapters.web.console_api import Body as JsonBody
from adapters.web.console_api import add_change, add_read, read_body, wanted_number, written_ticket
from adapters.web.console_pages import page
from adapters.web.file_response import disposition
from adapters.web.form_body import read_form
from adapters.web.frames import Json
from adapters.web.mail_room_view import held_line, mail_view, problem_lines
from adapters.web.services import SERVICES
from adapters.web.sign_in import (
    csrf_token,
    refuse_other_origins,
    refuse_wrong_token,
    signed_in,
    signed_in_or_led,
)
from chatdesk.errors import EventRefused, NotFound
from chatdesk.inbox import Deliveries, InboundMail
from chatdesk.mail_room import MailRoom, Placing
from chatdesk.plain_text import clean_line
from chatdesk.staff import SignedIn
from chatdesk.ticket import format_number, parse_number

SHOWN = 100
STEPS = ("place", "add", "dismiss")
MAX_FIELD = 100
NOTHING: Mapping[str, str] = MappingProxyType({})
HTML_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
_ROOM: web.AppKey[MailRoom] = web.AppKey("mail_room")
_DELIVERIES: web.AppKey[Deliveries] = web.AppKey("deliveries")


def add_routes(application: web.Application, room: MailRoom, deliveries: Deliveries) -> None:
    """Add the pages and the requests."""
    application[_ROOM] = room
    application[_DELIVERIES] = deliveries
    router = application.router
    _ = router.add_get("/console/mail", show_list)
    _ = router.add_get("/console/mail/{id}", show_mail)
    _ = router.add_get("/console/mail/{id}/html", show_html)
    _ = router.add_get("/console/mail/{id}/source", download)
    for step in STEPS:
        _ = router.add_post(f"/console/mail/{{id}}/{step}", settle)
    _ = router.add_post("/console/mail/deliveries/{id}/retry", retry_on_page)
    add_change(application, "/deliveries/{id}/retry", retry)
    add_read(application, "/mail", held_mail)
    add_read(application, "/tickets/{number}/mails", mails_of_ticket)


async def show_list(request: web.Request) -> web.Response:
    """Show what waits for a person: held mail, mail that failed; and automatic mail, for those who look.

    With ``ticket`` in the query it shows that ticket's mails instead.
    """
    _ = await signed_in_or_led(request)
    if "ticket" not in request.query:
        return await _list(request)
    services = request.app[SERVICES]
    number = parse_number(services.config.desk.ticket_prefix, request.query["ticket"])
    if number is None:
        raise web.HTTPNotFound(text=str(NotFound("The ticket")))
    now = services.clock()
    mails = await request.app[_ROOM].of_ticket(number)
    name = format_number(services.config.desk.ticket_prefix, number)
    lines = [held_line(mail, services.config, now) for mail in mails]
    return page(request, "mail_room_ticket.html", ticket=name, mails=lines)


async def _list(request: web.Request, problem: str = "", done: str = "") -> web.Response:
    services, room = request.app[SERVICES], request.app[_ROOM]
    config, now = services.config, services.clock()
    found = await services.staff_reads.problems(SHOWN)
    values: dict[str, object] = {
        "held": [held_line(mail, config, now) for mail in await room.held(SHOWN)],
        "automatic": [held_line(mail, config, now) for mail in await room.automatic(SHOWN)],
        "failed": problem_lines(found.deliveries, config, now),
        "csrf": csrf_token(request),
        "problem": problem,
        "done": done,
    }
    return page(request, "mail_room.html", **values)


async def show_mail(request: web.Request) -> web.Response:
    """Show one mail, and what can be done with it."""
    _ = await signed_in_or_led(request)
    return await _one(request)


async def _one(
    request: web.Request, refusal: EventRefused | None = None, form: Mapping[str, str] = NOTHING
) -> web.Response:
    """Show one mail; after a refusal with what was filled in, and the problem beside its field."""
    services, room = request.app[SERVICES], request.app[_ROOM]
    mail = await _wanted(request)
    content = await room.content(mail.id)
    values = mail_view(mail, content, services.config, services.clock())
    shown = page(
        request,
        "mail_room_one.html",
        mail=values,
        filled=values.filled(form),
        csrf=csrf_token(request),
        problem=str(refusal or ""),
        wrong=refusal.field if refusal and refusal.field in values.filled(form) else "",
    )
    shown.set_status(409 if refusal else 200)
    return shown


async def show_html(request: web.Request) -> web.Response:
    """Serve the sanitised HTML for the sandboxed frame: nothing runs, nothing is fetched [threat 12]."""
    _ = await signed_in(request)
    mail = await _wanted(request)
    content = await request.app[_ROOM].content(mail.id)
    text = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Mail</title>'
        '<base target="_blank"></head><body>' + content.html + "</body></html>"
    )
    headers = {
        "Content-Security-Policy": HTML_POLICY,
        "X-Frame-Options": "SAMEORIGIN",
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-store",
    }
    return web.Response(text=text, content_type="text/html", headers=headers)


async def download(request: web.Request) -> web.Response:
    """Hand out the mail as it came."""
    _ = await signed_in(request)
    mail = await _wanted(request)
    name = re.sub(r"[^\w .-]", "_", clean_line(mail.subject))[:80].strip(". ") or "mail"
    headers = {
        "Content-Disposition": disposition(f"{name}.eml"),
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "no-store",
    }
    source = await request.app[_ROOM].source(mail.id)
    return web.Response(body=source, content_type="application/octet-stream", headers=headers)


async def settle(request: web.Request) -> web.StreamResponse:
    """Place a held mail, add it to a ticket, or say that nothing has to be done."""
    staff, form = await _form(request)
    mail = await _wanted(request)
    try:
        number = await _settle(request, staff, mail, form)
    except EventRefused as refusal:
        return await _one(request, refusal, form)
    raise web.HTTPSeeOther(f"/console/tickets/{number}" if number else "/console/mail")


async def _settle(request: web.Request, staff: SignedIn, mail: InboundMail, form: dict[str, str]) -> str:
    services, room, by = request.app[SERVICES], request.app[_ROOM], staff.account.agent
    prefix = services.config.desk.ticket_prefix
    match request.path.rpartition("/")[2]:
        case "dismiss":
            await room.dismiss(mail.id, by)
            return ""
        case "add":
            wanted = await written_ticket(request, form.get("ticket", ""), "ticket")
            return format_number(prefix, await room.add_to(mail.id, wanted.number, by))
    company = services.config.company(form.get("company"))
    name = form.get("other", "") if company is None else company.name
    if not name:
        raise EventRefused("Choose the company, or write its name.", field="company")
    placing = Placing(name, form.get("name") or mail.sender, form.get("phone", ""))
    return format_number(prefix, await room.place(mail.id, placing, by))


async def retry_on_page(request: web.Request) -> web.Response:
    """Send a mail again that failed, and show the list."""
    _ = await _form(request)
    try:
        await _retry(request)
    except EventRefused as refusal:
        return await _list(request, problem=str(refusal))
    return await _list(request, done="The mail is on its way again.")


async def retry(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Send a delivery again that failed or is in doubt; a person has decided that it may arrive twice."""
    del staff
    _ = await read_body(request, JsonBody)
    await _retry(request)
    return {"retried": True}


async def _retry(request: web.Request) -> None:
    services = request.app[SERVICES]
    if not await request.app[_DELIVERIES].retry(request.match_info["id"], services.clock()):
        raise EventRefused("This is on its way already, or has arrived.", code="not_failed")
    services.wake_relay()


async def held_mail(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Return the held mails for the console's own lists."""
    del staff
    services = request.app[SERVICES]
    held = await request.app[_ROOM].held(SHOWN)
    return {"held": [_mail_json(mail, services.config.desk.ticket_prefix) for mail in held]}


async def mails_of_ticket(request: web.Request, staff: SignedIn) -> dict[str, Json]:
    """Return the mails that came for a ticket."""
    del staff
    services, number = request.app[SERVICES], wanted_number(request)
    if await services.staff_reads.ticket(number) is None:
        raise NotFound("The ticket")
    prefix = services.config.desk.ticket_prefix
    mails = await request.app[_ROOM].of_ticket(number)
    return {"mails": [_mail_json(mail, prefix) for mail in mails]}


def _mail_json(mail: InboundMail, prefix: str) -> dict[str, Json]:
    return {
        "id": mail.id,
        "at": mail.at.isoformat(),
        "status": mail.status.value,
        "sender": mail.sender,
        "subject": clean_line(mail.subject),
        "reason": mail.reason,
        "standing": mail.facts.get("standing", ""),
        "ticket": format_number(prefix, mail.ticket) if mail.ticket else None,
        "page": f"/console/mail/{mail.id}",
    }


async def _wanted(request: web.Request) -> InboundMail:
    mail = await request.app[_ROOM].read(request.match_info["id"][:64])
    if mail is None:
        raise web.HTTPNotFound(text=str(NotFound("The mail")))
    return mail


async def _form(request: web.Request) -> tuple[SignedIn, dict[str, str]]:
    """Return who sent a form of these pages, and its fields. Raises HTTPUnauthorized or HTTPForbidden."""
    staff = await signed_in(request)
    sent = await read_form(request)
    form = {name: clean_line(value)[:MAX_FIELD] for name, value in sent.items()}
    refuse_wrong_token(request, sent.get("csrf", ""))
    refuse_other_origins(request)
    return staff, form
