"""What the pages of held mail show: lines, one mail with its company guessed, deliveries that failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from chatdesk.config import CompanySettings, Config
from chatdesk.inbox import InboundMail, InboundStatus
from chatdesk.mail_room import MailContent
from chatdesk.outbox import MAIL_TARGET
from chatdesk.plain_text import clean_line, clean_text
from chatdesk.reading import DeliveryNote
from chatdesk.ticket import format_number
from chatdesk.wording import say_day, say_time

SHORTEST_NAME = 4
"""Letters that a company's name must have to be looked for in a mail's text."""


@dataclass(frozen=True, slots=True)
class HeldLine:
    """One mail of a list."""

    id: str
    who: str
    subject: str
    reason: str
    when: str
    company: str
    company_id: str
    name: str
    phone: str
    ticket: str


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """One mail that did not go out."""

    id: str
    to: str
    ticket: str
    error: str
    unknown: bool
    when: str


@dataclass(frozen=True, slots=True)
class MailView:
    """One mail as its page shows it."""

    line: HeldLine
    sender: str
    standing: str
    content: MailContent
    answer: str
    open: bool
    companies: tuple[CompanySettings, ...]

    def filled(self, form: Mapping[str, str]) -> Mapping[str, str]:
        """Return what stands in the page's fields: what ``form`` holds of them, else what the mail says."""
        line = self.line
        said = {"company": line.company_id, "other": "", "name": line.name, "phone": line.phone, "ticket": ""}
        return {field: form.get(field, text) for field, text in said.items()}


def held_line(mail: InboundMail, config: Config, now: datetime) -> HeldLine:
    """Return the line of a mail."""
    guessed = guess_company(mail, config)
    zone = config.desk.timezone
    return HeldLine(
        id=mail.id,
        who=mail.facts.get("name") or mail.sender or "Unknown sender",
        subject=clean_line(mail.subject) or "(no subject)",
        reason=mail.reason,
        when=_when(mail.at, now, zone),
        company=guessed.name if guessed else "",
        company_id=guessed.id if guessed else "",
        name=mail.facts.get("name", ""),
        phone=mail.facts.get("phone", ""),
        ticket=format_number(config.desk.ticket_prefix, mail.ticket) if mail.ticket else "",
    )


def mail_view(mail: InboundMail, content: MailContent, config: Config, now: datetime) -> MailView:
    """Return one mail for its page."""
    return MailView(
        line=held_line(mail, config, now),
        sender=mail.sender,
        standing=mail.facts.get("standing", ""),
        content=content,
        answer=clean_text(mail.facts.get("answer", "")),
        open=mail.status in (InboundStatus.HELD, InboundStatus.AUTOMATIC),
        companies=config.companies,
    )


def guess_company(mail: InboundMail, config: Config) -> CompanySettings | None:
    """Return the company that a mail seems to be from, for a technician to confirm; never acted upon."""
    told = mail.facts.get("company", "").casefold()
    domain = mail.sender.rpartition("@")[2]
    said = f"{mail.facts.get('preview', '')}\n{mail.facts.get('answer', '')}\n{mail.subject}".casefold()
    ways = (
        lambda c: c.name.casefold() == told,
        lambda c: any(domain.endswith(f".{own}") for own in c.domains),
        lambda c: any(domain.split(".")[0] == own.split(".")[0] for own in c.domains),
        lambda c: bool(told) and (c.name.casefold() in told or told in c.name.casefold()),
        lambda c: len(c.name) >= SHORTEST_NAME and c.name.casefold() in said,
    )
    for way in ways:
        found = [company for company in config.companies if way(company)]
        if len(found) == 1:
            return found[0]
    return None


def problem_lines(notes: Sequence[DeliveryNote], config: Config, now: datetime) -> list[ProblemLine]:
    """Return the mails that failed or are in doubt."""
    zone, prefix = config.desk.timezone, config.desk.ticket_prefix
    return [
        ProblemLine(
            id=note.delivery.id,
            to=str(note.delivery.payload.get("to") or ""),
            ticket=format_number(prefix, note.delivery.ticket) if note.delivery.ticket else "",
            error=note.problem,
            unknown=note.status.value == "unknown",
            when=_when(note.delivery.created_at, now, zone),
        )
        for note in notes
        if note.delivery.target == MAIL_TARGET
    ]


def _when(at: datetime, now: datetime, zone: ZoneInfo) -> str:
    return f"{say_day(at, now, zone)}, {say_time(at, zone)}"
