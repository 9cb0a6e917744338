"""The secrets with which companies' own sites sign who their visitors are [threat 2]."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from msgspec import field

from chatdesk.errors import ConfigurationError
from chatdesk.guarded import Guarded
from chatdesk.settings.model import Config

VARIABLE = "CHATDESK_IDENTITY_SECRETS"
SHORTEST = 32
"""Bytes of a secret: as many as the signature's hash has (RFC 7518, 3.2)."""
MOST = 2
"""Secrets of one company: the new one, and the old one until every server of its site has the new one."""


class IdentitySecrets(Guarded, frozen=True):
    """The secrets by the company's id."""

    hidden: ClassVar = frozenset({"by_company"})

    by_company: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def of(self, company: str | None) -> tuple[str, ...]:
        """Return the secrets of a company, () for none."""
        return self.by_company.get(company or "", ())

    def check(self, config: Config) -> None:
        """Raises ConfigurationError where the desk's file and the secrets do not fit together."""
        problems: list[str] = []
        for company in config.companies:
            if company.identity and company.id not in self.by_company:
                problems.append(
                    f"{VARIABLE}: has no secret of {company.id}, whose identity is {company.identity}; "
                    f"add {company.id}= and {SHORTEST} or more random characters."
                )
            if not company.identity and company.id in self.by_company:
                problems.append(
                    f'{VARIABLE}: has a secret of {company.id}; write identity = "offered" in '
                    f"[companies.{company.id}] too."
                )
        known = [company.id for company in config.companies]
        # What is no company's id may be a secret that was written wrongly, so it is not repeated.
        if any(company not in known for company in self.by_company):
            problems.append(f"{VARIABLE}: has a secret whose company is not in the desk's file.")
        if problems:
            raise ConfigurationError("\n".join(problems))


NO_IDENTITIES = IdentitySecrets()
"""For a desk whose visitors are not told by a company's site."""


def read_identity(given: Mapping[str, str], problems: list[str]) -> IdentitySecrets:
    """Read the secrets, ``company=secret`` with blanks between; note what cannot be used, never a secret."""
    found: dict[str, tuple[str, ...]] = {}
    for place, entry in enumerate(given.get(VARIABLE, "").split(), 1):
        company, _, secret = entry.partition("=")
        if not company or not secret:
            problems.append(f"{VARIABLE}: entry {place} is not a company's id, = and its secret.")
        elif len(secret.encode()) < SHORTEST:
            problems.append(
                f"{VARIABLE}: entry {place} has a secret of {len(secret.encode())} bytes; "
                f"give {SHORTEST} or more random characters."
            )
        elif secret == given.get("CHATDESK_SECRET") or any(secret in each for each in found.values()):
            problems.append(f"{VARIABLE}: entry {place} has a secret that stands elsewhere already.")
        else:
            found[company] = (*found.get(company, ()), secret)
    problems += [
        f"{VARIABLE}: has {len(secrets)} secrets of one company; {MOST} can be good at once."
        for secrets in found.values()
        if len(secrets) > MOST
    ]
    return IdentitySecrets(found)
