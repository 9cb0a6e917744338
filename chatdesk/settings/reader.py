"""The whole file: TOML text to Config, with every problem told in one go."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping

from chatdesk.errors import ConfigurationError
from chatdesk.settings.articles import read_articles
from chatdesk.settings.calendars import read_calendars
from chatdesk.settings.channels import read_channels
from chatdesk.settings.clients import Surroundings, read_companies, read_widgets
from chatdesk.settings.desk import read_canned, read_desk, read_links, read_queue, read_tickets
from chatdesk.settings.mail import read_mail
from chatdesk.settings.model import Config
from chatdesk.settings.staff import read_maintenance, read_staff, read_tiers
from chatdesk.settings.survey import read_survey
from chatdesk.settings.table import Problems, Table
from chatdesk.settings.targets import read_priority, read_sla


def parse_config(text: str, source: str) -> Config:
    """Read a desk file's text; ``source`` names the file in errors.

    Raises ConfigurationError: for TOML that cannot be parsed with its line and column, else with every
    problem, one a line, each with the key's path, what was found and what is allowed.
    """
    return read_config(_parse_toml(text, source), source)


def read_config(values: Mapping[str, object], source: str) -> Config:
    """Read a desk file that was parsed already; raises ConfigurationError with every problem."""
    problems = Problems(source)
    root = Table(values, "", problems)
    config = _read(root, source)
    root.finish()
    problems.raise_if_any()
    return config


def _read(root: Table, source: str) -> Config:
    desk = read_desk(root.table("desk"))
    calendars = read_calendars(root.table("calendars"), desk.timezone)
    channels = read_channels(root.table("channels"), calendars)
    queue = read_queue(root.table("queue"))
    sla, sla_types = read_sla(root.table("sla"), calendars)
    survey = read_survey(root.table("survey"))
    priority = read_priority(root.table("priority"), survey)
    around = Surroundings(desk, calendars, channels)
    companies, company_widgets = read_companies(root.table("companies"), around)
    own_widgets = read_widgets(root.table("widgets"), around, company_widgets)
    staff = read_staff(root.table("staff"), [company.id for company in companies], survey)
    return Config(
        desk=desk,
        calendars=calendars,
        channels=channels,
        queue=queue,
        sla=sla,
        sla_types=sla_types,
        priority=priority,
        survey=survey,
        tickets=read_tickets(root.table("tickets")),
        staff=staff,
        links=read_links(root.table("links")),
        maintenance=read_maintenance(root.tables("maintenance")),
        companies=companies,
        widgets=own_widgets + company_widgets,
        canned=read_canned(root.tables("canned")),
        source=source,
        mail=read_mail(root.table("mail")),
        articles=read_articles(root),
        tiers=read_tiers(root.table("tiers"), staff),
    )


def _parse_toml(text: str, source: str) -> dict[str, object]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"{source}: {_place_first(str(error))}") from None


_ADVICE = {
    "Invalid value": 'A text stands in straight quotes, such as name = "Northwind IT".',
    "Expected '=' after a key": 'Write name = "Northwind IT", with = between the key and its value.',
    "Unescaped '\\'": "Write each backslash twice.",
    "Cannot overwrite": "It stands further up already: keep one of them.",
    "Cannot declare": "It stands further up already: keep one of them.",
}
"""What to do, by how the parser's message begins."""


def _place_first(message: str) -> str:
    """Turn tomllib's "fault (at line 3, column 5)" into "line 3, column 5: fault." and say what to do."""
    form = re.fullmatch(r"(?s)(.*) \(at (.*)\)", message)
    if form is None:
        return message
    advice = next((f" {text}" for fault, text in _ADVICE.items() if form[1].startswith(fault)), "")
    return f"{form[2]}: {form[1]}.{advice}"
