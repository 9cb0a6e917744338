"""The id_token: what a service says of whoever signed in, believed only when all of it fits.

Checked as OpenID Connect Core 1.0, 3.1.3.7 asks: signature, issuer, audience, times and nonce [threat 24].
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt
from jwt import PyJWK, PyJWTError
from msgspec import Struct

from chatdesk.errors import ChatdeskError

ALGORITHM = "RS256"
"""The one algorithm that both services sign with: none other is taken, whatever a token says of itself."""
LEEWAY = 120.0
"""Seconds by which the service's clock may be off."""
ANY_TENANT = "{tenantid}"
"""What stands in Microsoft's issuer where each tenant has its id."""
_TENANT = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")

Claims = Mapping[str, object]
"""What a token says."""


class TokenRefused(ChatdeskError):
    """A token cannot be believed; the reason is for the log."""


class SigningKey(Struct, frozen=True):
    """A public key of a service. ``issuer`` is whom it may sign for, "" where the service does not say."""

    key: PyJWK
    issuer: str = ""


class Expected(Struct, frozen=True):
    """What a token must be: from ``issuer``, which may leave the tenant open, for ``client_id``."""

    issuer: str
    client_id: str
    nonce: str


def key_id(token: str) -> str:
    """Return the id of the key that the token says it is signed with. Raises TokenRefused."""
    try:
        identity = jwt.get_unverified_header(token).get("kid")
    except PyJWTError as error:
        raise TokenRefused(f"no token: {error}") from None
    if not isinstance(identity, str):
        raise TokenRefused("it names no key")
    return identity


def check_token(token: str, key: SigningKey, expected: Expected, at: datetime) -> Claims:
    """Return what the token says, if it is valid ``at`` (aware). Raises TokenRefused."""
    try:
        claims: dict[str, Any] = jwt.decode(token, key.key, algorithms=[ALGORITHM], options=_OPTIONS)
    except PyJWTError as error:
        raise TokenRefused(f"{type(error).__name__}: {error}") from None
    _check_issuer(claims, key, expected.issuer)
    if claims["aud"] not in (expected.client_id, [expected.client_id]):
        raise TokenRefused("it is for another audience")
    if claims.get("azp", expected.client_id) != expected.client_id:
        raise TokenRefused("another party asked for it")
    if not expected.nonce or claims["nonce"] != expected.nonce:
        raise TokenRefused("it is of another attempt to sign in")
    _check_times(claims, at.timestamp())
    if not isinstance(claims["sub"], str) or not claims["sub"]:
        raise TokenRefused("it names nobody")
    return claims


_OPTIONS: Any = {
    "require": ["iss", "sub", "aud", "exp", "iat", "nonce"],
    # These are checked here: the library reads the clock itself, and takes one audience of several.
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_nbf": False,
    "verify_sub": False,
}


def _check_issuer(claims: Claims, key: SigningKey, issuer: str) -> None:
    """At Microsoft every tenant is an issuer of its own, and the token's tenant has to be the issuer's.

    So does the key's, which may be one tenant's alone [threat 22].
    """
    allowed = [issuer, key.issuer] if key.issuer else [issuer]
    if any(ANY_TENANT in one for one in allowed):
        tenant = claims.get("tid")
        if not isinstance(tenant, str) or not _TENANT.fullmatch(tenant):
            raise TokenRefused("it names no tenant")
        allowed = [one.replace(ANY_TENANT, tenant) for one in allowed]
    if any(claims["iss"] != one for one in allowed):
        raise TokenRefused("it is of another issuer")


def _check_times(claims: Claims, now: float) -> None:
    times = [claims[name] for name in ("exp", "iat", "nbf") if name in claims]
    if not all(isinstance(time, (int, float)) and not isinstance(time, bool) for time in times):
        raise TokenRefused("its times are no numbers")
    ends, issued, *not_before = (float(time) for time in times)  # type: ignore[arg-type]
    if not ends > now - LEEWAY:
        raise TokenRefused("it has expired")
    if issued > now + LEEWAY or any(begins > now + LEEWAY for begins in not_before):
        raise TokenRefused("it is not valid yet")
