"""Setting Slack up: secrets, the manifest and the doctor."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from adapters.slack.doctor import examine
from adapters.slack.manifest import EVENTS, SCOPES, manifest
from chatdesk.bootstrap import now
from chatdesk.cli.setting import serve_setting
from chatdesk.config import Config, parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.finding import Finding
from chatdesk.ids import new_id
from chatdesk.settings.environment import Environment
from chatdesk.settings.slack import SlackSecrets
from tests.desk_builders import TIERS
from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import APP_TOKEN, BOT_USER
from tests.slack_desk import DESK, SHARED, TRIAGE, new_workspace, secrets_for

CONFIG = parse_config(DESK, "chatdesk.toml")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({}, "SLACK_BOT_TOKEN: is not set"),
        ({"SLACK_BOT_TOKEN": "xoxp-1"}, "SLACK_BOT_TOKEN: is not a bot token"),
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, "SLACK_SIGNING_SECRET: is not set"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-2"}, "SLACK_APP_TOKEN: is not an app-level"),
    ],
)
def test_a_missing_secret_stops_the_start_with_a_clear_error(
    tmp_path: Any, environ: dict[str, str], said: str
) -> None:
    file = tmp_path / "chatdesk.toml"
    file.write_text(DESK)
    base = {
        "CHATDESK_CONFIG": str(file),
        "CHATDESK_SECRET": "x" * 32,
        "CHATDESK_DATA": str(tmp_path / "data"),
    }
    with pytest.raises(ConfigurationError, match=said):
        serve_setting({**base, **environ})
    serve_setting({**base, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"})
    serve_setting({**base, "SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"})


def test_channels_by_company_and_by_answer_are_read_and_the_company_comes_first() -> None:
    more = (
        '[staff.slack.companies]\ncontoso = "C0CONTOSO"\n[staff.slack.answers.category]\nNetwork = "C0NET"\n'
    )
    slack = parse_config(DESK + more, "chatdesk.toml").staff.slack
    assert slack is not None
    assert slack.emoji_buttons
    assert slack.customers == {SHARED: "contoso"}
    network = (("category", "Network"),)
    assert slack.channel_for("contoso", network) == "C0CONTOSO"
    assert slack.channel_for("", network) == "C0NET"
    assert slack.channel_for("", (("category", "Computer"),)) == TRIAGE


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('C0SHARED = "contoso"', 'C0SHARED = "fabrikam"', "customers.C0SHARED: is not a company"),
        (
            'C0SHARED = "contoso"',
            'shared = "contoso"',
            "customers.shared: .* is not a Slack channel",
        ),
        ("emoji_buttons = true", 'emoji_buttons = "yes"', "staff.slack.emoji_buttons"),
        (
            "emoji_buttons = true",
            'answers = { topic = { Network = "C0NET" } }',
            "staff.slack.answers.topic: is not a field",
        ),
    ],
)
def test_a_mistake_in_the_slack_settings_is_named(before: str, after: str, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        parse_config(DESK.replace(before, after), "chatdesk.toml")


def test_the_token_is_not_sent_in_the_clear_to_another_machine() -> None:
    with pytest.raises(ConfigurationError, match="in the clear"):
        Environment.read({"CHATDESK_SLACK_API_URL": "http://slack.example.com/api"})


def test_secrets_are_not_shown_by_accident() -> None:
    assert "xoxb-1" not in repr(SlackSecrets("xoxb-1", "secret-1", "xapp-1"))


@pytest.mark.parametrize("socket_mode", [True, False])
def test_the_manifest_names_all_the_app_needs(socket_mode: bool) -> None:
    config = replace(CONFIG, desk=replace(CONFIG.desk, public_url="https://desk.example.com"))
    made = json.loads(manifest(config, socket_mode=socket_mode))
    assert made["oauth_config"]["scopes"]["bot"] == list(SCOPES)
    assert made["settings"]["event_subscriptions"]["bot_events"] == list(EVENTS)
    assert made["settings"]["socket_mode_enabled"] is socket_mode
    addresses = [
        made["settings"]["event_subscriptions"].get("request_url"),
        made["settings"]["interactivity"].get("request_url"),
        made["features"]["slash_commands"][0].get("url"),
    ]
    wanted = [f"https://desk.example.com/slack/{name}" for name in ("events", "interactions", "commands")]
    assert addresses == ([None] * 3 if socket_mode else wanted)
    callbacks = [shortcut["callback_id"] for shortcut in made["features"]["shortcuts"]]
    assert callbacks == ["create_ticket", "add_to_ticket"]


async def examined(fake: FakeSlack, config: Config = CONFIG, **changes: Any) -> list[Finding]:
    return [one async for one in examine(config, secrets_for(fake, **changes), now(), new_id())]


async def test_the_doctor_finds_all_well_and_leaves_nothing_behind() -> None:
    async with FakeSlack(new_workspace()).serve() as fake:
        findings = await examined(fake, app_token=APP_TOKEN)
        assert [one for one in findings if not one.good] == []
        assert "posted, found again and deleted" in findings[-1].text
        assert not fake.workspace.channels[TRIAGE].messages


async def test_the_doctor_says_what_is_wrong_and_how_to_mend_it() -> None:
    async with FakeSlack(new_workspace()).serve() as fake:
        bad = await examined(fake, bot_token="xoxb-wrong")
        assert [one.good for one in bad] == [False]
        fake.workspace.channels[TRIAGE].members.discard(BOT_USER)
        fake.workspace.channels[SHARED].shared = True
        out = [one for one in await examined(fake) if not one.good]
        assert "the app is not in it" in out[0].text
        assert "/invite" in out[0].fix


async def test_the_doctor_looks_at_the_channels_of_tiers_too() -> None:
    tiers = f'{TIERS}slack = "C0SECOND"\n'
    config = parse_config(DESK + tiers, "chatdesk.toml")
    async with FakeSlack(new_workspace()).serve() as fake:
        (out,) = [one for one in await examined(fake, config) if not one.good]
        assert out.text.startswith("Channel C0SECOND: ")
        fake.workspace.add_channel("C0SECOND")
        assert all(one.good for one in await examined(fake, config))
