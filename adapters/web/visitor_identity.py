"""What a page's own site says of its visitor: what the page is told of it, and what stands on a ticket.

Fails closed [threat 2]: whatever is wrong with a token, the visitor is nobody in particular, and where their
company wants them identified there is no chat. A token shows no conversation: those belong to the browser.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime

import structlog
from aiohttp import web

from adapters.web.frames import Json
from chatdesk.config import Config, WidgetSettings
from chatdesk.errors import EventRefused
from chatdesk.settings.identity import IdentitySecrets
from chatdesk.settings.model import CompanySettings, SiteIdentity
from chatdesk.site_identity import IDENTIFIED_BY, VouchedPerson

log = structlog.get_logger(__name__)

OVER = "Your sign-in on this page is no longer good. Please reload this page."
UNKNOWN = "Your sign-in on this page is not known to us. Please reload this page, or answer the questions."
REFUSED = (
    "This chat is only for people who are signed in on this website. Please sign in, or reload this page."
)

NEEDED = frozenset({"name", "email"})
"""The answers that name a person: both the site's word, or nobody is identified."""

Check = Callable[[str, CompanySettings, WidgetSettings, datetime], VouchedPerson | None]
"""Returns whom a token names at a moment, None when it is not good."""


class SiteIdentities:
    """The identities that a desk takes, by widget."""

    def __init__(self, config: Config, secrets: IdentitySecrets) -> None:
        self._config = config
        self._check = _checker(config, secrets)

    def of(self, widget: WidgetSettings, token: str, at: datetime) -> VisitorIdentity:
        """Return what the token that a page brought ``at`` (aware) tells."""
        return VisitorIdentity(self._config, self._check, widget, token, at)


class VisitorIdentity:
    """One page's visitor by the word of its site, from when it connected until it connects again."""

    __slots__ = (
        "_check",
        "_company",
        "_config",
        "_is_given",
        "_mode",
        "_person",
        "_token",
        "_widget",
    )

    def __init__(
        self, config: Config, check: Check, widget: WidgetSettings, token: str, at: datetime
    ) -> None:
        self._config = config
        self._check = check
        self._widget = widget
        self._company = config.company(widget.company)
        self._mode = self._company.identity if self._company else None
        self._is_given = bool(token)
        self._person = self._named(token, at)
        # One that is not good now never will be.
        self._token = token if self._person else ""

    @property
    def told(self) -> dict[str, Json]:
        """Return what the page is told of it, {} where the widget takes no identities."""
        who: dict[str, Json] = {}
        if self._mode is None:
            return {}
        if self._person is not None:
            who["signed"] = dict(self._answers(self._person))
        elif self._mode is SiteIdentity.REQUIRED:
            who["refusal"] = self._refusal
        elif self._is_given:
            who["notice"] = UNKNOWN
        return {"who": who}

    def known(self, given: Mapping[str, str]) -> dict[str, Json]:
        """Return what need not be asked again: what was ``given`` last time, and above it the site's word.

        What somebody else gave in the same browser is not theirs.
        """
        if self._person is None:
            return dict(given)
        signed = self._answers(self._person)
        own = given if given.get("email", "").lower() == self._person.email else {}
        return {**own, **signed}

    def is_anothers(self, answers: Iterable[tuple[str, str]]) -> bool:
        """Tell whether a chat of this browser, by its ticket's answers, was begun as somebody else.

        Both have to be the site's word: what was typed says of nobody who they are.
        """
        given = dict(answers)
        if self._person is None or IDENTIFIED_BY not in given:
            return False
        return given.get("email") != self._person.email

    def admit(self, at: datetime) -> tuple[tuple[str, str], ...]:
        """Return the answers that the site vouches for ``at`` (aware), of a visitor who may begin a chat.

        Raises EventRefused (``identity``) for whom the widget does not take, and when the token's time is
        over: the page said that they need not tell who they are.
        """
        if self._person is not None and self._named(self._token, at) is None:
            raise EventRefused(OVER, code="identity")
        if self._person is not None:
            return tuple(self._answers(self._person).items())
        if self._mode is SiteIdentity.REQUIRED:
            raise EventRefused(self._refusal, code="identity")
        return ()

    @property
    def _refusal(self) -> str:
        phone = self._config.desk.phone
        return f"{REFUSED} You can also call {phone}." if phone else REFUSED

    def _named(self, token: str, at: datetime) -> VouchedPerson | None:
        if not token or self._company is None or self._mode is None:
            return None
        person = self._check(token, self._company, self._widget, at)
        # Whoever the survey could not name by the token alone would be named by what the page sends.
        return person if person and self._answers(person).keys() >= NEEDED else None

    def _answers(self, person: VouchedPerson) -> dict[str, str]:
        """Return the person as answers; what a question of the desk would not take is left to be asked."""
        company = self._company.name if self._company else ""
        told = {"name": person.name, "email": person.email, "phone": person.phone, "company": company}
        found: dict[str, str] = {}
        for field in self._config.survey.fields:
            answer = told.get(field.id, "")
            fits = len(answer) <= field.max_length and (not field.options or answer in field.options)
            if answer and fits:
                found[field.id] = answer
        return found


IDENTITIES = web.AppKey("site_identities", SiteIdentities)


def _checker(config: Config, secrets: IdentitySecrets) -> Check:
    if not secrets.by_company:
        return _nobody
    # What reads tokens is imported by a desk that takes some.
    from adapters.web.identity_token import IdentityRefused, check_identity

    def check(
        token: str, company: CompanySettings, widget: WidgetSettings, at: datetime
    ) -> VouchedPerson | None:
        try:
            person = check_identity(token, secrets.of(company.id), widget.key, at)
        except IdentityRefused as refused:
            log.info("identity_refused", widget=widget.key, reason=str(refused))
            return None
        owner = config.managed_by(person.email) or config.company_of(person.email) or company
        if owner.id != company.id:
            log.warning("identity_refused", widget=widget.key, reason="its address is another company's")
            return None
        return person

    return check


def _nobody(
    _token: str, _company: CompanySettings, _widget: WidgetSettings, _at: datetime
) -> VouchedPerson | None:
    """Name nobody: without secrets no token is good."""
    return None
