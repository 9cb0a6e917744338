"""What a widget shows before anybody signs anything: name, colour, survey, hours, ways in, maintenance."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.web.frames import Json
from adapters.web.visitor_events import CHANNEL
from adapters.web.widget_questions import FINDING, greeting, questions_json
from chatdesk.business_hours import Calendar
from chatdesk.config import ChannelSettings, Config, WidgetSettings
from chatdesk.maintenance import notices
from chatdesk.open_ways import refusal
from chatdesk.sla import next_business_day
from chatdesk.survey import Survey, SurveyField
from chatdesk.wording import describe_hours, say_moment, say_opening


def widget_config(
    config: Config, widget: WidgetSettings, at: datetime, site: str, channel: str = CHANNEL
) -> dict[str, Json]:
    """Return what this widget's page gets at ``at`` (aware, UTC); ``site`` is the desk's own address.

    ``channel`` is the way in by which the page comes: it has hours of its own [R45].
    """
    company = config.company(widget.company)
    calendar = config.hours_of(channel, widget.key)
    opens, contact = _opens(calendar, at), _contact(config, calendar, at)
    return {
        "name": widget.name,
        "company": company.name if company else None,
        "colour": widget.colour,
        "logo": widget.logo or None,
        "language": config.desk.language,
        "phone": config.desk.phone or None,
        "survey": survey_json(config),
        "finding": FINDING,
        "refusal": refusal(config, channel) or None,
        "channels": [_channel(config, way, widget, site) for way in config.ways_in],
        **hours_json(calendar, at),
        "contact": contact,
        "greeting": greeting(config.desk.phone, opens, contact, is_open=calendar.is_open(at)),
        "maintenance": _maintenance(config, at),
    }


def hours_json(calendar: Calendar, at: datetime) -> dict[str, Json]:
    """Return whether the chat is open, its hours and its next opening, in words; None when it has none."""
    return {
        "open": calendar.is_open(at),
        "hours": None if calendar.never_open else describe_hours(calendar, at),
        "opens": _opens(calendar, at),
    }


def _opens(calendar: Calendar, at: datetime) -> str | None:
    """Return, in words, when the chat opens next; None while it is open or if it never does."""
    opening = None if calendar.is_open(at) else calendar.next_opening(at)
    return say_opening(opening, at, calendar.timezone) if opening else None


def _contact(config: Config, calendar: Calendar, at: datetime) -> str | None:
    """Return, in words, the day on which a request made outside the hours is taken up [R27]."""
    day = None if calendar.is_open(at) else next_business_day(config, calendar, at)
    return say_moment(day, at, config.desk.timezone) if day else None


def _maintenance(config: Config, at: datetime) -> Json:
    """Return what is said of maintenance, now and later: an open page shows and hides it by itself [R47]."""
    found = notices(config, at)
    return [
        {"text": notice.text, "from": _written(notice.since), "until": _written(notice.until)}
        for notice in found
    ]


def _written(at: datetime) -> str:
    """Write a moment as RFC 3339 has it, in UTC and always as long: such texts sort by time."""
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def survey_json(config: Config) -> dict[str, Json]:
    """Return the survey as data. ``stopped`` is the answer that says that work has stopped [R29]."""
    survey = config.survey
    return {**questions_json(survey), "stopped": _stopped(survey, config.priority.urgency_field)}


def known_fields(survey: Survey) -> tuple[SurveyField, ...]:
    """Return the questions about the person, whose answers stay true from one request to the next."""
    lasting = ("text", "email", "phone")
    return tuple(field for field in survey.fields if field.type in lasting and not field.when)


def _stopped(survey: Survey, urgency: str) -> Json:
    field = survey.field(urgency)
    return {"field": urgency, "answer": field.options[-1]} if field and field.options else None


def _channel(config: Config, channel: ChannelSettings, widget: WidgetSettings, site: str) -> Json:
    """Return a way in as customers are shown it, with its address where it has one [R8]."""
    addresses = {
        "form": f"{site}/form?key={widget.key}",
        "email": f"mailto:{config.desk.email}" if config.desk.email else None,
        "phone": f"tel:{config.desk.phone}" if config.desk.phone else None,
        "portal": f"{site}/portal",
    }
    return {"name": channel.name, "label": channel.label, "href": addresses.get(channel.name)}
