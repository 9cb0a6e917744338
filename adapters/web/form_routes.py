"""The plain web form without sign-in: the same survey, no script needed, a ticket at once [R2]."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files

from aiohttp import web

from adapters.web.article_html import shown_articles
from adapters.web.colour import theme_sheet
from adapters.web.demo_routes import PAGES
from adapters.web.form_body import form_token, read_form
from adapters.web.frames import MAX_TEXT
from adapters.web.origins import own_origin, widget_for
from adapters.web.services import SERVICES, Services
from adapters.web.visitor_session import visitor_key
from chatdesk.config import WidgetSettings
from chatdesk.conversation import AuthorKind, ConversationId
from chatdesk.errors import EventRefused, StorageError
from chatdesk.events import Outcome, SurveySubmitted
from chatdesk.maintenance import announced
from chatdesk.open_ways import refusal
from chatdesk.routing import WEB
from chatdesk.ticket import format_number
from chatdesk.wording import say_next_opening

CHANNEL = "form"
TRAP = "website"
"""A field that people do not see and programs fill in."""
_STATUS = {"slow_down": 429}


def add_routes(application: web.Application) -> None:
    """Add the form's routes."""
    application.router.add_get("/form", show_form)
    application.router.add_post("/form", take_form)
    application.router.add_get("/form/form.css", _style)
    application.router.add_get("/form/theme.css", _theme)


async def show_form(request: web.Request) -> web.StreamResponse:
    """Show the survey as a form."""
    widget = _widget(request)
    return _form_page(request, widget, request.app[SERVICES].new_id(), {}, {}, "", 200)


async def take_form(request: web.Request) -> web.StreamResponse:
    """Open a ticket from the form, or show it again with what is wrong beside each field."""
    services = request.app[SERVICES]
    widget = _widget(request)
    posted = await read_form(request)
    token = form_token(posted, services.new_id)
    answers = {field.id: posted.get(field.id, "")[:MAX_TEXT] for field in services.config.survey.fields}
    if posted.get(TRAP):
        text = "This was not sent, because a field was filled in that has to stay empty. Please try again."
        return _form_page(request, widget, token, answers, {}, text, 400)
    try:
        outcome = await _submit(request, widget, token, answers)
    except EventRefused as refusal:
        problems = getattr(refusal, "problems", {})
        status = _STATUS.get(refusal.code, 422)
        return _form_page(request, widget, token, answers, problems, str(refusal), status)
    except StorageError:
        text = "This could not be saved just now. Nothing you typed is lost: please send it again."
        return _form_page(request, widget, token, answers, {}, text, 503)
    return await _thanks_page(services, widget, token, outcome)


def _widget(request: web.Request) -> WidgetSettings:
    """Return the widget whose form is asked for. Raises HTTPNotFound where the form is not offered [R8]."""
    refused = refusal(request.app[SERVICES].config, CHANNEL)
    if refused:
        raise web.HTTPNotFound(text=refused)
    return widget_for(request, without_origin=True)


async def _submit(
    request: web.Request, widget: WidgetSettings, token: str, answers: Mapping[str, str]
) -> Outcome:
    """Hand the answers to the desk; the form's token makes a second press of the button harmless."""
    services = request.app[SERVICES]
    now = services.clock()
    company = widget.company or answers.get("company", "")
    services.gate.pass_survey(request.remote, company, answers.get("email", ""), now)
    event = SurveySubmitted(
        at=now,
        channel=CHANNEL,
        external_id=token,
        conversation=ConversationId(services.new_id()),
        visitor=visitor_key(token),
        widget=widget.key,
        answers=tuple((field, answer) for field, answer in answers.items() if answer.strip()),
        live=False,
    )
    return await services.desk.receive(event)


def _form_page(
    request: web.Request,
    widget: WidgetSettings,
    token: str,
    answers: Mapping[str, str],
    problems: Mapping[str, str],
    message: str,
    status: int,
) -> web.Response:
    services = request.app[SERVICES]
    values = {
        "fields": services.config.survey.fields,
        "asks": {field.id: field.ask for field in services.config.survey.fields},
        "answers": answers,
        "problems": problems,
        "message": message,
        "token": token,
        "trap": TRAP,
        "articles": [] if message else shown_articles(services.config.articles),
        "maintenance": announced(services.config, services.clock()),
        **_hours(services, widget, own_origin(request)),
    }
    return _page("form.html", services, widget, status, **values)


async def _thanks_page(
    services: Services, widget: WidgetSettings, token: str, outcome: Outcome
) -> web.Response:
    """Show the number, and what the desk promised."""
    visitor = visitor_key(token)
    assert outcome.conversation is not None and outcome.ticket is not None
    messages = await services.visitor_reads.messages(visitor, outcome.conversation, 0)
    words = [message.text for message in messages if message.author.kind is AuthorKind.DESK]
    number = format_number(services.config.desk.ticket_prefix, outcome.ticket)
    return _page("form_thanks.html", services, widget, 200, ticket=number, words=words[-1:])


def _hours(services: Services, widget: WidgetSettings, own: str) -> dict[str, object]:
    """Return whether the form's hours have begun or when they do, and whether there is a chat to go to.

    ``own`` is the origin under which the desk was reached.
    """
    calendar = services.config.hours_of(CHANNEL, widget.key)
    now = services.clock()
    return {
        "open": calendar.is_open(now),
        "opens": say_next_opening(calendar, now),
        "chat_open": widget.calendar.is_open(now) and WEB in services.config.channels,
        "chat_at": _chat_page(services, widget, own),
    }


def _chat_page(services: Services, widget: WidgetSettings, own: str) -> str:
    """Return the address of a page with the chat on it, "" where none is known."""
    if services.demo:
        return f"{own}/demo"
    # The desk's own address is no page with a chat on it.
    return next((site for site in widget.origins if site != services.config.desk.public_url), "")


def _page(
    template: str, services: Services, widget: WidgetSettings, status: int, **values: object
) -> web.Response:
    text = PAGES.get_template(template).render(desk=services.config.desk, widget=widget, **values)
    return web.Response(text=text, status=status, content_type="text/html")


async def _style(_request: web.Request) -> web.StreamResponse:
    text = files("adapters.web").joinpath("static", "form.css").read_text(encoding="utf-8")
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "no-cache"})


async def _theme(request: web.Request) -> web.StreamResponse:
    """Serve the widget's colour as custom properties."""
    text = theme_sheet(widget_for(request, without_origin=True).colour)
    return web.Response(text=text, content_type="text/css", headers={"Cache-Control": "no-cache"})
