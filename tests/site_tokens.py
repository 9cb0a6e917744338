"""Identities as Contoso's own site signs them, and a desk that takes them."""

from __future__ import annotations

import base64
import hmac
import json
from typing import Any

from chatdesk.settings.identity import IdentitySecrets

SECRET, OLD_SECRET = "contoso-signs-with-this-and-nobody-else", "contoso-signed-with-this-until-yesterday"
OTHER_SECRET = "fabrikam-signs-with-this-and-nobody-else"
IDENTITIES = IdentitySecrets({"contoso": (SECRET, OLD_SECRET), "fabrikam": (OTHER_SECRET,)})
DESK = """
[desk]
name = "Northwind IT"
phone = "555-0100"
[companies.contoso]
name = "Contoso"
domains = ["contoso.example"]
managers = ["boss@holding.example"]
widget = "contoso-web"
identity = "offered"
[companies.fabrikam]
name = "Fabrikam"
domains = ["fabrikam.example"]
managers = ["lee@elsewhere.example"]
widget = "fabrikam-web"
identity = "required"
"""
WIDGET, STRICT = "contoso-web", "fabrikam-web"


def claims(now: float, **other: Any) -> dict[str, Any]:
    """Return what a good token of Contoso's says at ``now``, in seconds; ``other`` stands above that."""
    person = {"email": "dana@contoso.example", "name": "Dana Reyes", "phone": "555-0134"}
    return {"aud": WIDGET, **person, "iat": int(now), "exp": int(now) + 3600, **other}


def part(value: object) -> str:
    """Return a part of a token."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def token(said: object, secret: str = SECRET, *, algorithm: str = "HS256", digest: str = "sha256") -> str:
    """Return a signed token, made by hand: a library would not make the bad ones."""
    signed = f"{part({'alg': algorithm, 'typ': 'JWT'})}.{part(said)}"
    mac = hmac.digest(secret.encode(), signed.encode(), digest)
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
