"""The demonstration's outgoing mail: what would be sent, as a person would read it [R14, R15]."""

from __future__ import annotations

import asyncio
import hashlib
from functools import cache
from importlib.resources import files
from typing import TypedDict
from urllib.parse import quote

from aiohttp import web
from jinja2 import Environment, PackageLoader, StrictUndefined

from adapters.web.kept_mail import path_id, read_mail
from adapters.web.services import SERVICES
from chatdesk.mailbox import MailLine, StoredMail
from chatdesk.plain_text import clean_line
from chatdesk.wording import say_date, say_day, say_time, say_zone

PAGE = 50
"""Mails in one list."""
PARTS = ("html", "text", "source")
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "frame-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
MAIL_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox"
)
STATIC = {"mail.css": "text/css", "mail.js": "text/javascript"}
_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Line(TypedDict):
    """One line of the list."""

    href: str
    to: str
    subject: str
    day: str
    time: str
    moment: str
    current: bool


def add_routes(application: web.Application) -> None:
    """Add the pages, if this desk is a demonstration."""
    services = application[SERVICES]
    if not services.demo:
        return
    router = application.router
    router.add_get("/demo/mail", show_list)
    router.add_get("/demo/mail/list", show_lines)
    router.add_get("/demo/mail/static/{name}", serve_static)
    router.add_get("/demo/mail/{id}", show_mail)
    router.add_get("/demo/mail/{id}/html", show_html)


async def show_list(request: web.Request) -> web.Response:
    """Show the list of mails, newest first, and beside it none yet."""
    return _page(request, await _lines(request, None), mail=None)


async def show_lines(request: web.Request) -> web.Response:
    """Return the list alone, for a page that refreshes itself; 304 when it has not changed."""
    lines = await _lines(request, None)
    text = _templates().get_template("mail_list.html").render(lines=lines["lines"], older=lines["older"])
    tag = f'"{hashlib.sha256(text.encode()).hexdigest()[:32]}"'
    headers = {**_HEADERS, "ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == tag:
        return web.Response(status=304, headers=headers)
    return web.Response(text=text, content_type="text/html", headers=headers)


async def show_mail(request: web.Request) -> web.Response:
    """Show one mail: its headers, and its HTML, its text or its source."""
    mail = await _wanted(request)
    read = await asyncio.to_thread(read_mail, mail)
    part = request.query.get("part", "html")
    if part not in PARTS or (part == "html" and not read.html):
        part = "text" if read.text else "source"
    values = {
        "href": f"/demo/mail/{quote(path_id(mail), safe='@')}",
        "part": part,
        "subject": clean_line(mail.subject),
        "headers": [
            (name, _moment(request, mail) if name == "Date" else value) for name, value in read.headers
        ],
        "text": read.text if part == "text" else read.source,
        "has_html": bool(read.html),
    }
    return _page(request, await _lines(request, mail), mail=values)


async def show_html(request: web.Request) -> web.Response:
    """Serve a mail's HTML for the frame it is read in: nothing in it runs, and it fetches nothing."""
    read = await asyncio.to_thread(read_mail, await _wanted(request))
    # Links open beside the page; inside the frame they would be refused.
    text = read.html.replace("<head>", '<head><base target="_blank">', 1)
    headers = {**_HEADERS, "Content-Security-Policy": MAIL_POLICY, "X-Frame-Options": "SAMEORIGIN"}
    return web.Response(text=text, content_type="text/html", headers=headers)


async def serve_static(request: web.Request) -> web.Response:
    """Serve the pages' style and script."""
    name = request.match_info["name"]
    if name not in STATIC:
        raise web.HTTPNotFound(text="There is no such file.")
    headers = {**_HEADERS, "Cache-Control": "no-cache"}
    return web.Response(text=_static(name), content_type=STATIC[name], headers=headers)


class _List(TypedDict):
    lines: list[Line]
    older: str


async def _lines(request: web.Request, current: MailLine | None) -> _List:
    mailbox = request.app[SERVICES].mailbox
    before = f"<{request.query['before']}>" if "before" in request.query else ""
    found = list(await mailbox.newest(PAGE + 1, before))
    older = quote(path_id(found[PAGE - 1])) if len(found) > PAGE else ""
    return {"lines": [_line(request, mail, current) for mail in found[:PAGE]], "older": older}


def _moment(request: web.Request, mail: MailLine) -> str:
    services = request.app[SERVICES]
    zone = services.config.desk.timezone
    return f"{say_date(mail.at, services.clock(), zone)}, {say_time(mail.at, zone)} {say_zone(mail.at, zone)}"


def _line(request: web.Request, mail: MailLine, current: MailLine | None) -> Line:
    services = request.app[SERVICES]
    zone = services.config.desk.timezone
    return {
        "href": f"/demo/mail/{quote(path_id(mail), safe='@')}",
        "to": mail.recipient,
        "subject": clean_line(mail.subject),
        "day": say_day(mail.at, services.clock(), zone),
        "time": f"{say_time(mail.at, zone)} {say_zone(mail.at, zone)}",
        "moment": mail.at.isoformat(),
        "current": current is not None and mail.message_id == current.message_id,
    }


async def _wanted(request: web.Request) -> StoredMail:
    mail = await request.app[SERVICES].mailbox.read(f"<{request.match_info['id']}>")
    if mail is None:
        raise web.HTTPNotFound(text="There is no such mail.")
    return mail


def _page(request: web.Request, lines: _List, mail: dict[str, object] | None) -> web.Response:
    desk = request.app[SERVICES].config.desk
    text = (
        _templates()
        .get_template("mail_page.html")
        .render(
            desk_name=desk.name, language=desk.language, lines=lines["lines"], older=lines["older"], mail=mail
        )
    )
    headers = {**_HEADERS, "Content-Security-Policy": POLICY}
    return web.Response(text=text, content_type="text/html", headers=headers)


@cache
def _templates() -> Environment:
    return Environment(
        loader=PackageLoader("adapters.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


@cache
def _static(name: str) -> str:
    return files("adapters.web").joinpath("static", name).read_text(encoding="utf-8")
