"""`chatdesk doctor portal`: each check is told, with what to change when it fails."""

from __future__ import annotations

import aiohttp
import pytest
from typer.testing import CliRunner

from adapters.web.openid_doctor import examine, names_itself
from adapters.web.openid_provider import Metadata
from chatdesk.cli.commands import application
from chatdesk.config import parse_config
from chatdesk.finding import Finding
from chatdesk.settings.portal_access import ISSUERS, NO_PORTAL, PortalAccess, SignInService
from tests.fake_openid import fake_openid
from tests.portal_people import PORTAL_DESK

REACHABLE = PORTAL_DESK.replace("[desk]", '[desk]\npublic_url = "https://desk.northwind.example"', 1)


async def found(text: str, access: PortalAccess) -> list[Finding]:
    """Return all that the doctor finds for a desk's file."""
    async with aiohttp.ClientSession() as session:
        return [finding async for finding in examine(parse_config(text, "x.toml"), access, session)]


async def test_a_portal_that_works_is_good_and_says_where_people_are_sent_back_to() -> None:
    async with fake_openid() as openid:
        address, service = await found(REACHABLE, openid.access())
    assert (address.good, service.good) == (True, True)
    assert "https://desk.northwind.example/portal/sign-in/google/answer" in address.text
    assert service.text == f"Google answers as {openid.base}, and its addresses are encrypted."


async def test_a_service_that_is_away_is_told_with_what_it_answered() -> None:
    async with fake_openid(away=True) as openid:
        _, service = await found(REACHABLE, openid.access())
    assert not service.good
    assert "cannot be used" in service.text
    assert f"Let the desk reach {openid.base}" in service.fix


async def test_a_service_that_calls_itself_otherwise_is_told() -> None:
    async with fake_openid(template=True) as openid:
        _, service = await found(REACHABLE, openid.access())
    assert not service.good
    assert service.text.startswith("Google calls itself http://127.0.0.1:")
    assert "CHATDESK_PORTAL_GOOGLE_ISSUER" in service.fix


async def test_a_service_whose_addresses_are_not_encrypted_is_told() -> None:
    async with fake_openid() as one, fake_openid() as other:
        one.base, base = other.base, one.base
        # What it publishes leads to another service, without encryption.
        service = SignInService("google", "id", "secret", base)
        _, finding = await found(REACHABLE, PortalAccess((service,)))
    assert not finding.good
    assert "its metadata cannot be used" in finding.text


async def test_a_desk_without_an_https_address_a_portal_or_a_service_is_told_what_is_missing() -> None:
    async with fake_openid() as openid:
        (address, _) = await found(PORTAL_DESK, openid.access())
        assert not address.good
        assert "public_url" in address.fix
        (portal,) = await found('[desk]\nname = "Northwind IT"\n[channels]\nweb = {}\n', openid.access())
    assert portal.fix == "Add portal = {} to [channels]."
    (service,) = await found(REACHABLE, NO_PORTAL)
    assert service.fix.startswith("Set CHATDESK_PORTAL_MICROSOFT_CLIENT_ID")


@pytest.mark.parametrize(
    ("issuer", "fits"),
    [
        ("https://login.microsoftonline.com/{tenantid}/v2.0", True),
        ("https://login.microsoftonline.com/common/v2.0", True),
        ("https://login.partner.example/{tenantid}/v2.0", False),
    ],
)
def test_microsofts_issuer_leaves_the_tenant_open(issuer: str, fits: bool) -> None:
    service = SignInService("microsoft", "id", "secret", ISSUERS["microsoft"])
    assert names_itself(service, Metadata(issuer, "", "", "")) is fits


def test_the_command_ends_with_a_failure_when_something_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CHATDESK_CONFIG", raising=False)
    ended = CliRunner().invoke(application, ["doctor", "portal"])
    assert ended.exit_code == 1
    assert "BAD" in ended.output
