"""Setting up Teams: what the environment must say, the app package, and the checks of the doctor."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from adapters.teams.doctor import examine
from adapters.teams.manifest import app_package
from adapters.teams.memory import Memory
from chatdesk.bootstrap import now, running_desk
from chatdesk.config import Config, Environment, parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.finding import Finding
from chatdesk.settings.teams_access import TeamsAccess, read_teams_access
from storage.adapter_notes import TortoiseAdapterNotes
from storage.database import Database
from tests.core_builders import url
from tests.desk_builders import TIERS
from tests.fake_connector.connector import CHANNEL, Connector
from tests.fake_connector.issuer import APP_ID
from tests.fake_connector.running import TEAMS_DESK, Microsoft, microsoft

CONFIG = parse_config(TEAMS_DESK, "chatdesk.toml")


def problems_of(given: Mapping[str, str], host: str = "127.0.0.1") -> list[str]:
    problems: list[str] = []
    read_teams_access(given, host, problems)
    return problems


@pytest.mark.parametrize(
    ("given", "host", "said"),
    [
        ({"CHATDESK_TEAMS_ANONYMOUS": "yes"}, "127.0.0.1", "'yes' is not \"loopback\""),
        ({"CHATDESK_TEAMS_ANONYMOUS": "loopback"}, "0.0.0.0", "lets everybody in"),
        ({"CHATDESK_TEAMS_LOGIN_URL": "http://login.example.com"}, "127.0.0.1", "https"),
        ({"CHATDESK_TEAMS_OPENID_URL": "nonsense"}, "127.0.0.1", "CHATDESK_TEAMS_OPENID_URL"),
        (
            {"CHATDESK_TEAMS_SERVICE_URLS": "https://a.example.com http://b.example.com"},
            "127.0.0.1",
            "b.example",
        ),
    ],
)
def test_a_variable_that_cannot_be_used_is_named(given: Mapping[str, str], host: str, said: str) -> None:
    (problem,) = problems_of(given, host)
    assert said in problem


def test_anonymous_calls_need_a_desk_that_listens_on_this_machine_only() -> None:
    access = read_teams_access({"CHATDESK_TEAMS_ANONYMOUS": "loopback"}, "0.0.0.0", [])
    assert not access.anonymous


@pytest.mark.parametrize(
    ("url", "allowed"),
    [
        ("https://smba.trafficmanager.net/teams/", True),
        ("https://smba.trafficmanager.net/emea/", True),
        ("https://smba.infra.gov.teams.microsoft.us/teams/", True),
        ("http://smba.trafficmanager.net/teams/", False),
        ("https://smba.trafficmanager.net:8443/teams/", False),
        ("https://smba.trafficmanager.net.example.com/", False),
        ("https://someone@smba.trafficmanager.net/", False),
        ("https://example.com/smba.trafficmanager.net", False),
        ("http://127.0.0.1:3978/", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_only_microsofts_connectors_are_allowed_unless_others_are_named(url: str, allowed: bool) -> None:
    assert TeamsAccess().allows(url) is allowed


async def test_a_desk_with_teams_does_not_start_without_its_secrets(tmp_path: Path) -> None:
    environment = Environment(database_url=url(tmp_path), data=tmp_path)
    with pytest.raises(ConfigurationError) as stopped:
        async with running_desk(CONFIG, environment, demo=True):
            pytest.fail("it started")
    for name in ("TEAMS_APP_ID", "TEAMS_APP_PASSWORD", "TEAMS_TENANT_ID"):
        assert f"{name}: is not set" in str(stopped.value)


def test_the_app_package_holds_a_manifest_and_two_icons_of_the_sizes_teams_wants() -> None:
    package = app_package(CONFIG, TeamsAccess(app_id=APP_ID))
    assert package == app_package(CONFIG, TeamsAccess(app_id=APP_ID))
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        assert archive.namelist() == ["manifest.json", "color.png", "outline.png"]
        manifest = json.loads(archive.read("manifest.json"))
        sizes = [struct.unpack(">II", archive.read(name)[16:24]) for name in archive.namelist()[1:]]
    assert sizes == [(192, 192), (32, 32)]
    assert manifest["bots"][0]["botId"] == manifest["id"] == APP_ID
    assert manifest["bots"][0]["supportsFiles"] is True
    permissions = manifest["authorization"]["permissions"]["resourceSpecific"]
    assert permissions == [{"name": "ChannelMessage.Read.Group", "type": "Application"}]
    actions = {command["id"] for command in manifest["composeExtensions"][0]["commands"]}
    assert actions == {"searchTickets", "logTicket", "addToTicket"}
    assert len(manifest["name"]["short"]) <= 30
    assert len(manifest["description"]["short"]) <= 80


async def findings(
    service: Microsoft, folder: Path, config: Config = CONFIG, /, **changes: str
) -> list[Finding]:
    async with Database(url(folder)) as database:
        memory = Memory(TortoiseAdapterNotes(database), now)
        return [finding async for finding in examine(config, service.access(**changes), memory)]


async def test_the_doctor_writes_in_the_channel_and_takes_it_back(tmp_path: Path) -> None:
    async with microsoft() as service:
        found = await findings(service, tmp_path)
        assert all(finding.good for finding in found), found
        (probe,) = service.connector.entries
        assert probe.conversation.startswith(CHANNEL)
        assert probe.deleted


async def test_the_doctor_writes_in_the_channels_of_tiers_too(tmp_path: Path) -> None:
    second = "19:second@thread.tacv2"
    config = parse_config(f'{TEAMS_DESK}{TIERS}teams = "{second}"\n', "chatdesk.toml")
    async with microsoft() as service:
        (bad,) = [finding for finding in await findings(service, tmp_path, config) if not finding.good]
        assert bad.text.startswith("A message in the channel of Network team did not succeed: ")
        service.connector.conversations.add(second)
        assert all(finding.good for finding in await findings(service, tmp_path, config))
        assert service.connector.standing() == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "wrong"}, "invalid_client"),
        ({"openid_url": "http://127.0.0.1:9/openid"}, "cannot be fetched"),
    ],
)
async def test_the_doctor_says_what_is_wrong_and_what_to_change(
    tmp_path: Path, changes: dict[str, str], said: str
) -> None:
    async with microsoft() as service:
        bad = [finding for finding in await findings(service, tmp_path, **changes) if not finding.good]
        assert len(bad) == 1
        assert said in bad[0].text
        assert bad[0].fix


async def test_the_doctor_sees_that_the_app_is_not_in_the_channel(tmp_path: Path) -> None:
    async with microsoft() as service:
        service.connector.conversations.discard(Connector(service.issuer).conversations.pop())
        (bad,) = [finding for finding in await findings(service, tmp_path) if not finding.good]
        assert "Add the app to the team" in bad.fix
