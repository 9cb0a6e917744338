"""Checks that customers can sign in to the portal: its settings, and what each service publishes [R32]."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

from adapters.web.openid_provider import Metadata, OpenIdProvider, ServiceUnreachable
from adapters.web.openid_token import ANY_TENANT
from chatdesk.config import Config
from chatdesk.finding import Finding
from chatdesk.settings.model import PORTAL
from chatdesk.settings.portal_access import PortalAccess, SignInService


async def examine(
    config: Config, access: PortalAccess, session: aiohttp.ClientSession
) -> AsyncIterator[Finding]:
    """Yield what was found, one check after the other; nothing is asked of a desk without a portal."""
    if PORTAL not in config.channels:
        yield Finding(False, "The file offers no portal.", "Add portal = {} to [channels].")
        return
    if not access.services:
        fix = "Set CHATDESK_PORTAL_MICROSOFT_CLIENT_ID and _CLIENT_SECRET, or those of Google."
        yield Finding(False, "There is no service to sign in with.", fix)
        return
    yield _address(config, access)
    for service in access.services:
        yield await _service(service, session)


def _address(config: Config, access: PortalAccess) -> Finding:
    site = config.desk.public_url
    if not site.startswith("https://"):
        fix = "Set public_url in [desk] to the https address at which customers reach the desk."
        return Finding(False, "The services send people back to an https address only.", fix)
    sent = (f"{site}/portal/sign-in/{service.name}/answer" for service in access.services)
    return Finding(True, f"These have to be redirect addresses of the registrations: {', '.join(sent)}.")


async def _service(service: SignInService, session: aiohttp.ClientSession) -> Finding:
    try:
        published = await OpenIdProvider(service, session).metadata()
    except ServiceUnreachable as error:
        fix = (
            f"Let the desk reach {service.issuer} by https, through its firewall and without a proxy that "
            "alters answers."
        )
        return Finding(False, f"What {service.label} publishes for signing in cannot be used: {error}.", fix)
    if not names_itself(service, published):
        text = f"{service.label} calls itself {published.issuer}, not {service.issuer}."
        prefix = f"CHATDESK_PORTAL_{service.name.upper()}_ISSUER"
        return Finding(False, text, f"Correct or remove {prefix}; if it is not set, see who answers instead.")
    return Finding(True, f"{service.label} answers as {published.issuer}, and its addresses are encrypted.")


def names_itself(service: SignInService, published: Metadata) -> bool:
    """Tell whether the metadata is that of the issuer it was asked of (OpenID Connect Discovery 1.0, 4.3).

    Microsoft's for every tenant is found under "common" and leaves the tenant open.
    """
    return published.issuer.replace(ANY_TENANT, "common").rstrip("/") == service.issuer
