"""`chatdesk check`: the desk as its file is understood."""

from __future__ import annotations

import os
from datetime import datetime
from itertools import islice

from rich.console import Console

from chatdesk.business_hours import Calendar
from chatdesk.cli.setting import read_setting
from chatdesk.cli.showing import facts, heading, output, plain, say_at, say_duration, table
from chatdesk.config import Config, Environment
from chatdesk.errors import ConfigurationError
from chatdesk.maintenance import EVENING, occurrences
from chatdesk.portal import with_portal
from chatdesk.settings.identity import VARIABLE
from chatdesk.settings.model import PORTAL
from chatdesk.settings.portal_access import PortalAccess
from chatdesk.settings.slack import SlackSecrets
from chatdesk.wording import describe_hours

OPENINGS = 3
MAINTENANCE = 3
"""Next occurrences shown of each window."""


def check(at: datetime) -> None:
    """Print the desk as understood at ``at`` (aware). Raises ConfigurationError with every problem found."""
    setting = read_setting(os.environ)
    access = setting.environment.portal
    config, console = with_portal(setting.config, access.services), output()
    console.print(plain(f"{config.desk.name} ({config.source})", "bold"))
    console.print(
        facts(
            [
                ("Time zone", config.desk.timezone.key),
                ("Phone", config.desk.phone),
                ("E-mail", config.desk.email),
                ("Ticket numbers", f"{config.desk.ticket_prefix}-{config.desk.first_ticket} and on"),
                ("Public address", config.desk.public_url or "not set"),
                ("Secret", "set" if setting.secret else "not set: `chatdesk serve` needs it"),
                *_connections(config, setting.environment),
                ("Not known", "\n".join(setting.environment.unknown)),
            ]
        )
    )
    _calendars(console, config, at)
    _channels(console, config)
    _portal(console, config, access)
    _survey(console, config)
    _targets(console, config)
    _tiers(console, config)
    _maintenance(console, config, at)
    _widgets(console, config, setting.environment)


def next_openings(calendar: Calendar, at: datetime, count: int = OPENINGS) -> list[datetime]:
    """Return when the calendar opens next from ``at`` on; the present moment first while it is open."""
    found: list[datetime] = []
    moment: datetime | None = at
    while len(found) < count and moment is not None:
        opening = calendar.next_opening(moment)
        if opening is None:
            break
        found.append(opening)
        moment = calendar.next_closing(opening)
    return found


def _connections(config: Config, environment: Environment) -> list[tuple[str, str]]:
    """Say which services outside are set up, and what those that the file names still lack."""
    smtp, imap, listen = environment.mail.smtp, environment.mail.imap, environment.mail.listen
    way_in = imap.host if imap else f"port {listen.port}" if listen else ""
    found = [
        ("Outgoing mail", smtp.host if smtp else "not set up: mail is kept and not sent (docs/email.md)"),
        ("Incoming mail", way_in or "not set up: replies do not reach their tickets (docs/email.md)"),
    ]
    if config.staff.slack is not None:
        found.append(("Slack", _slack_lacks(environment.slack) or "set up"))
    if config.staff.teams is not None:
        found.append(("Teams", "\n".join(environment.teams.missing()) or "set up"))
    return found


def _slack_lacks(secrets: SlackSecrets) -> str:
    try:
        secrets.check()
    except ConfigurationError as error:
        return str(error)
    return ""


def _calendars(console: Console, config: Config, at: datetime) -> None:
    heading(console, "Calendars")
    shown = table("Name", "Hours", "Now", "Opens next")
    for calendar in config.calendars.values():
        is_open = calendar.is_open(at)
        openings = [] if calendar.always_open else next_openings(calendar, at, OPENINGS + is_open)[is_open:]
        times = "\n".join(say_at(opening, calendar.timezone) for opening in openings)
        hours = describe_hours(calendar, at)
        shown.add_row(plain(calendar.name), hours, "open" if is_open else "closed", times)
    console.print(shown)


def _channels(console: Console, config: Config) -> None:
    heading(console, "Ways in, in the order customers see them")
    shown = table("Channel", "Calendar", "Default priority", "First contact within")
    for channel in config.ways_in:
        contact = say_duration(channel.first_contact)
        shown.add_row(plain(channel.label or channel.name), channel.calendar.name, channel.priority, contact)
    console.print(shown)
    queue = config.queue
    order = "by priority" if queue.order == "priority" else "in the order received"
    console.print(f"Waiting customers are served {order}; after {say_duration(queue.no_answer)} without an")
    console.print("answer a chat becomes a ticket with a call-back promise.")


def _portal(console: Console, config: Config, access: PortalAccess) -> None:
    """Say who signs in to the customer portal, or what it lacks where something of it is set up."""
    site = config.desk.public_url
    if config.portal_opens and site:
        console.print("Customers sign in to the portal with these services, which send them back to:")
        for service in access.services:
            address = f"{site}/portal/sign-in/{service.name}/answer"
            console.print(f"  {service.label}: ", plain(address), sep="", soft_wrap=True)
    elif config.portal_opens:
        console.print("The customer portal needs desk.public_url: the services send people back to it.")
    elif access.services:
        missing = "There is a service to sign in with, but [channels] has no portal: it is not offered."
        console.print(plain(missing))
    elif PORTAL in config.channels:
        console.print("The customer portal is not offered: there is no service to sign in with. Set")
        console.print("CHATDESK_PORTAL_MICROSOFT_CLIENT_ID and _CLIENT_SECRET, or those of Google.")


def _survey(console: Console, config: Config) -> None:
    heading(console, "Survey")
    shown = table("Field", "Question", "Answer", "Asked")
    for field in config.survey.fields:
        kind = " / ".join(field.options) if field.options else field.type.value
        asked = "; ".join(f"{other} is {' or '.join(answers)}" for other, answers in field.when) or "always"
        question = field.ask + (" *" if field.required else "")
        shown.add_row(plain(field.id), plain(question), plain(kind), plain(asked))
    console.print(shown)
    console.print("* must be answered")


def _targets(console: Console, config: Config) -> None:
    heading(console, "Priorities")
    shown = table("Priority or type", "Respond within", "Resolve within", "Counted on", "Escalates before")
    named = [*config.sla.items(), *config.sla_types.items()]
    for name, target in named:
        lengths = (say_duration(each) for each in (target.respond, target.resolve))
        shown.add_row(name, *lengths, target.clock, say_duration(target.escalate or None))
    console.print(shown)
    if config.priority.rows:
        urgencies = list(next(iter(config.priority.rows.values())))
        matrix = table("Affected", *urgencies)
        for impact, row in config.priority.rows.items():
            matrix.add_row(plain(impact), *(row[urgency].value for urgency in urgencies))
        console.print(matrix)


def _maintenance(console: Console, config: Config, at: datetime) -> None:
    if not config.maintenance:
        return
    heading(console, "Maintenance")
    shown = table("Name", "Next", "Until", "Servers until")
    zone = config.desk.timezone
    for window in config.maintenance:
        coming = list(islice(occurrences(window, zone, at), MAINTENANCE))
        closes = [f"{one.closes.astimezone(zone):%H:%M %Z}" for one in coming]
        ends = [f"{one.ends.astimezone(zone):%H:%M %Z}" if one.ends > one.closes else "" for one in coming]
        opens = [say_at(one.opens, zone) for one in coming]
        shown.add_row(plain(window.name), *("\n".join(times) for times in (opens, closes, ends)))
    console.print(shown)
    console.print(f"Customers and technicians are told from {EVENING:%H:%M} on the day before.")


def _tiers(console: Console, config: Config) -> None:
    if not config.tiers:
        return
    heading(console, "Tiers")
    shown = table("Id", "Name", "Technicians", "Told in")
    for tier in config.tiers:
        named = (("Slack", tier.slack), ("Teams", tier.teams))
        told = [f"{service} {channel}" for service, channel in named if channel]
        people = "\n".join(tier.technicians)
        shown.add_row(plain(tier.id), plain(tier.name), people, "\n".join(told) or "direct messages")
    console.print(shown)


def _widgets(console: Console, config: Config, environment: Environment) -> None:
    heading(console, "Widgets")
    base = config.desk.public_url or f"http://{environment.host}:{environment.port}"
    for widget in config.widgets:
        owner = config.company(widget.company)
        console.print(plain(f"{widget.key}: {owner.name if owner else 'for everybody'}", "bold"))
        for origin in widget.origins:
            console.print("  may be on ", plain(origin), sep="")
        if owner and owner.identity:
            known = bool(environment.identities.of(owner.id))
            missing = "" if known else f"; no secret is set: `chatdesk serve` needs it in {VARIABLE}"
            console.print(f"  its site tells who its visitors are: {owner.identity}{missing}", soft_wrap=True)
        tag = f'  <script src="{base}/widget.js" data-desk="{widget.key}" async></script>'
        console.print(tag, markup=False, soft_wrap=True)
