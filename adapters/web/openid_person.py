"""Who a service says has signed in, and whether it vouches for their e-mail address [threats 22, 23].

Google answers for addresses at gmail.com and, where it names a hosted domain, for those of that organisation;
any other address was only confirmed once. At Microsoft an administrator can write whatever address they like
into an account: it counts only where Microsoft says that the tenant has proved its domain (the claim
xms_edov), or where the desk's own file names that tenant and that domain as one company's.
"""

from __future__ import annotations

from adapters.web.openid_token import Claims
from chatdesk.config import Config
from chatdesk.plain_text import clean_line
from chatdesk.portal import can_be_known
from chatdesk.portal_sessions import SignedInPerson

MAX_NAME = 100
GOOGLES_OWN = ("gmail.com", "googlemail.com")
_PROVED = (True, 1, "1", "true")
"""How Microsoft writes that a domain's owner was verified."""


def person_in(service: str, claims: Claims, config: Config) -> SignedInPerson | None:
    """Return who signed in; None when the service does not vouch for an address of theirs."""
    address = _text(claims, "email").strip().lower()
    if not _looks_like_address(address) or not _VOUCHES[service](claims, address, config):
        return None
    subject = _text(claims, "sub")
    tenant = _text(claims, "tid")
    if service == "microsoft":
        # Its "sub" is another one for each registration; "oid" is the person's for good in their tenant.
        subject = _text(claims, "oid") or subject
    name = clean_line(_text(claims, "name"))[:MAX_NAME].strip()
    return SignedInPerson(_text(claims, "iss"), subject, tenant, address, name or address)


def _google_vouches(claims: Claims, address: str, _: Config) -> bool:
    if claims.get("email_verified") is not True:
        return False
    return address.rpartition("@")[2] in GOOGLES_OWN or bool(_text(claims, "hd"))


def _microsoft_vouches(claims: Claims, address: str, config: Config) -> bool:
    proved = claims.get("xms_edov")
    if isinstance(proved, (bool, int, str)) and proved in _PROVED:
        return True
    company = config.company_of(address)
    return company is not None and _text(claims, "tid") in map(str.lower, company.teams_tenants)


_VOUCHES = {"google": _google_vouches, "microsoft": _microsoft_vouches}


def _looks_like_address(address: str) -> bool:
    local, _, domain = address.partition("@")
    plain = address.isprintable() and not any(char.isspace() for char in address)
    return bool(local and domain) and "@" not in domain and plain and can_be_known(address)


def _text(claims: Claims, name: str) -> str:
    found = claims.get(name)
    return found if isinstance(found, str) else ""
