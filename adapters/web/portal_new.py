"""A new ticket by the portal: the survey's questions, without those whose answers the desk knows [R33]."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web
from msgspec import Struct

from adapters.web.article_html import shown_articles
from adapters.web.form_body import form_token
from adapters.web.frames import MAX_TEXT
from adapters.web.portal_deeds import CHANNEL, Posted, common, explained, posted
from adapters.web.portal_files import MOST, keep, largest
from adapters.web.portal_pages import page
from adapters.web.portal_session import PORTAL, PortalSession, signed_in
from adapters.web.services import SERVICES
from adapters.web.widget_config import known_fields
from chatdesk.config import Config
from chatdesk.errors import DeskStopped, EventRefused, StorageError
from chatdesk.events import Outcome, SurveySubmitted
from chatdesk.portal import PortalCustomer, path_of
from chatdesk.survey import SurveyField
from chatdesk.wording import say_next_opening

OPENED = "opened"
CHOOSE_AGAIN = "Please choose your files again."
"""Browsers keep no file in a form that is shown once more."""


class Filled(Struct, frozen=True):
    """The form as it is shown: its token, what is filled in, and what is wrong with that."""

    token: str
    answers: Mapping[str, str]
    problems: Mapping[str, str] = {}
    message: str = ""
    status: int = 200


def add_routes(application: web.Application) -> None:
    """Add the form."""
    application.router.add_get("/portal/new", show_form)
    application.router.add_post("/portal/new", take_form)


async def show_form(request: web.Request) -> web.StreamResponse:
    """Show the questions, with what the customer answered last time."""
    session = await signed_in(request)
    config, customer = request.app[SERVICES].config, session.customer
    last = dict(await request.app[PORTAL].reads.last_answers(customer))
    known = {field.id: last[field.id] for field in known_fields(config.survey) if field.id in last}
    answers = {"name": customer.name, **known}
    return _page(request, session, Filled(request.app[SERVICES].new_id(), answers))


async def take_form(request: web.Request) -> web.StreamResponse:
    """Open the ticket and show it, or show the form again with what is wrong beside each question."""
    async with posted(request) as form:
        return await _taken(request, form)


async def _taken(request: web.Request, form: Posted) -> web.StreamResponse:
    session, sent = form.session, form.sent.fields
    services = request.app[SERVICES]
    token = form_token(sent, services.new_id)
    asked = {field.id for field in questions(services.config, session.customer)}
    answers = {identity: sent.get(identity, "")[:MAX_TEXT] for identity in asked}
    try:
        outcome = await _open(request, form, token, answers)
    except (EventRefused, StorageError, DeskStopped) as error:
        message, status = explained(error)
        if form.sent.files or form.sent.too_large:
            message = f"{message} {CHOOSE_AGAIN}"
        problems: Mapping[str, str] = getattr(error, "problems", {})
        return _page(request, session, Filled(token, answers, problems, message, status))
    return web.HTTPSeeOther(f"{path_of(services.config, outcome.ticket or 0)}?done={OPENED}")


def questions(config: Config, customer: PortalCustomer) -> tuple[SurveyField, ...]:
    """Return the survey's questions without those that signing in has answered."""
    known = given(config, customer)
    return tuple(field for field in config.survey.fields if field.id not in known)


def given(config: Config, customer: PortalCustomer) -> dict[str, str]:
    """Return what signing in has told: the address, and the company if the desk's file names it.

    The company is left to be asked where the survey offers a choice that does not have its name.
    """
    found = {"email": customer.address}
    field, company = config.survey.field("company"), customer.company
    if company and field and (not field.options or company.name in field.options):
        found["company"] = company.name
    return found


async def _open(request: web.Request, form: Posted, token: str, answers: Mapping[str, str]) -> Outcome:
    services, customer = request.app[SERVICES], form.session.customer
    shared = common(request, form.session, token)
    every = {**answers, **given(services.config, customer)}
    company = customer.company.id if customer.company else ""
    services.gate.pass_survey(request.remote, company, customer.address, shared["at"])
    files = await keep(request, form.sent, shared["conversation"], customer.visitor)
    event = SurveySubmitted(
        **shared,
        visitor=customer.visitor,
        widget="",
        answers=tuple((field, answer) for field, answer in every.items() if answer.strip()),
        live=False,
        company=company,
        files=files,
    )
    return await services.desk.receive(event)


def _page(request: web.Request, session: PortalSession, filled: Filled) -> web.Response:
    services = request.app[SERVICES]
    config, customer, now = services.config, session.customer, services.clock()
    calendar = config.hours_of(CHANNEL, "", customer.company.id if customer.company else None)
    return page(
        request,
        "portal_new.html",
        session,
        filled.status,
        fields=questions(config, customer),
        asks={field.id: field.ask for field in config.survey.fields},
        given=[(field.ask, answer) for field, answer in _shown(config, customer)],
        answers=filled.answers,
        problems=filled.problems,
        message=filled.message,
        token=filled.token,
        articles=[] if filled.message else shown_articles(config.articles),
        most_files=MOST,
        largest=largest(request),
        open=calendar.is_open(now),
        opens=say_next_opening(calendar, now),
    )


def _shown(config: Config, customer: PortalCustomer) -> list[tuple[SurveyField, str]]:
    known = given(config, customer)
    return [(field, known[field.id]) for field in config.survey.fields if field.id in known]
