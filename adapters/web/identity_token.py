"""The signed token in which a company's own site says who its visitor is [threat 2].

A JSON Web Token (RFC 7519) with HMAC-SHA-256, believed only when all of it fits: signature, audience, times
and what it says of the person. The reasons for which one is refused are for the log and hold nothing of it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import jwt
from jwt import InvalidSignatureError, PyJWTError

from adapters.web.text import clean
from chatdesk.errors import ChatdeskError
from chatdesk.mail_address import has_stray_dot
from chatdesk.settings import addresses, values
from chatdesk.settings.survey_rules import LONGEST
from chatdesk.site_identity import VouchedPerson
from chatdesk.survey import is_phone

ALGORITHM = "HS256"
"""The one algorithm that is taken, whatever a token says of itself."""
LONGEST_TOKEN = 4_096
"""Characters of a token; one with all claims has about 300."""
LONGEST_LIFE = timedelta(hours=24)
"""How far ahead a token may end: it stands in a page that is left open or saved."""
LEEWAY = timedelta(minutes=1)
"""How far the site's clock may be off."""

_SHAPE = re.compile(r"[\w-]+\.[\w-]+\.[\w-]+", re.ASCII)
_OPTIONS: Any = {
    "require": ["aud", "exp", "iat"],
    # These are checked here: the library reads the clock itself, and takes one audience of several.
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    # What else a site writes into its tokens is its own.
    "verify_sub": False,
    "verify_jti": False,
    "verify_iss": False,
}


class IdentityRefused(ChatdeskError):
    """A token does not say who the visitor is; the reason is for the log."""


def check_identity(token: str, secrets: Sequence[str], widget: str, at: datetime) -> VouchedPerson:
    """Return whom the token names, if it is good ``at`` (aware) for the widget of that key.

    ``secrets`` are the company's, each good by itself. Raises IdentityRefused.
    """
    claims = _signed(token, secrets)
    if claims["aud"] not in (widget, [widget]):
        raise IdentityRefused("it is for another widget")
    _check_times(claims, at)
    return _person(claims)


def make_identity(person: VouchedPerson, secret: str, widget: str, at: datetime, life: timedelta) -> str:
    """Return a token as a company's site makes it, good from ``at`` (aware) for ``life``."""
    claims: dict[str, str | int] = {"aud": widget, "email": person.email, "name": person.name}
    if person.phone:
        claims["phone"] = person.phone
    now = int(at.timestamp())
    claims |= {"iat": now, "exp": now + int(life.total_seconds())}
    return jwt.encode(claims, secret, ALGORITHM)


def _signed(token: str, secrets: Sequence[str]) -> Mapping[str, Any]:
    if len(token) > LONGEST_TOKEN or not _SHAPE.fullmatch(token):
        raise IdentityRefused("it is no token, or too long")
    for secret in secrets:
        try:
            claims: dict[str, Any] = jwt.decode(token, secret, algorithms=[ALGORITHM], options=_OPTIONS)
        except InvalidSignatureError:
            continue
        except (PyJWTError, RecursionError, ValueError) as error:
            # The library's words may hold a part of the token.
            raise IdentityRefused(type(error).__name__) from None
        return claims
    raise IdentityRefused("no secret of the company has signed it")


def _check_times(claims: Mapping[str, Any], at: datetime) -> None:
    times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
    if not all(isinstance(time, (int, float)) and not isinstance(time, bool) for time in times):
        raise IdentityRefused("its times are no numbers")
    ends, *begins = times
    now, leeway = at.timestamp(), LEEWAY.total_seconds()
    # Each is written so that a time that is not a number (NaN) is refused.
    if not ends > now - leeway:
        raise IdentityRefused("it has expired")
    if not ends <= now + LONGEST_LIFE.total_seconds() + leeway:
        raise IdentityRefused("it is good for too long")
    if not all(time <= now + leeway for time in begins):
        raise IdentityRefused("it is not valid yet")


def _person(claims: Mapping[str, Any]) -> VouchedPerson:
    """Return the person if address and name can be used; a number that cannot be is left out."""
    try:
        email = addresses.email(claims.get("email"))
        name = clean(values.text(LONGEST["name"])(claims.get("name")))
    except values.Unusable:
        raise IdentityRefused("its address or name cannot be used") from None
    if has_stray_dot(email) or not any(map(str.isalnum, name)):
        raise IdentityRefused("its address or name cannot be used")
    phone = claims.get("phone")
    if not isinstance(phone, str) or len(phone) > LONGEST["phone"] or not is_phone(phone):
        phone = ""
    return VouchedPerson(email, name, phone.strip())
