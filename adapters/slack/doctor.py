"""`chatdesk doctor slack`: token, scopes, channels, and one post that is read back and taken away again."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from datetime import datetime

import aiohttp

from adapters.slack.api import SlackApi, message_metadata
from adapters.slack.find_post import find_post
from adapters.slack.manifest import SCOPES
from adapters.slack.payload import flag, part, text
from chatdesk.config import Config, StaffChannel, TierSettings
from chatdesk.errors import ConfigurationError, DeliveryError
from chatdesk.finding import Finding
from chatdesk.settings.slack import SlackSecrets

INVITE = "Invite the app there: /invite @chatdesk"


async def examine(config: Config, secrets: SlackSecrets, at: datetime, key: str) -> AsyncIterator[Finding]:
    """Yield what was found, one check after the other; ``key`` marks the test post."""
    channel = config.staff.slack
    if channel is None:
        yield Finding(False, "[staff.slack] is not in the desk's file.", 'Add it with channel = "C...".')
        return
    try:
        secrets.check()
    except ConfigurationError as error:
        for problem in str(error).splitlines():
            yield Finding(False, problem)
        return
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        api = SlackApi(secrets.bot_token, secrets.api_url, session)
        checks = (
            _token(api),
            _channels(api, channel, config.tiers),
            _sockets(api, secrets),
            _round_trip(api, channel, at, key),
        )
        for check in checks:
            async for finding in check:
                yield finding
                if not finding.good and check is checks[0]:
                    return


async def _token(api: SlackApi) -> AsyncIterator[Finding]:
    try:
        who, scopes = await api.whoami()
    except DeliveryError as error:
        yield Finding(False, "The bot token was not accepted.", str(error))
        return
    yield Finding(True, f"The token is that of @{text(who, 'user')} in {text(who, 'team')}.")
    missing = sorted(set(SCOPES) - scopes)
    fix = "Update the app with `chatdesk slack manifest` and install it again."
    if missing:
        yield Finding(False, f"Scopes are missing: {', '.join(missing)}.", fix)
    else:
        yield Finding(True, f"All {len(SCOPES)} scopes are granted.")


async def _channels(
    api: SlackApi, channel: StaffChannel, tiers: Iterable[TierSettings]
) -> AsyncIterator[Finding]:
    by_answer = [name for answers in channel.answers.values() for name in answers.values()]
    of_tiers = [tier.slack for tier in tiers if tier.slack]
    names = (channel.channel, *channel.companies.values(), *by_answer, *of_tiers, *channel.customers)
    for name in dict.fromkeys(names):
        try:
            found = part(await api.read("conversations.info", channel=name), "channel")
        except DeliveryError as error:
            yield Finding(False, f"Channel {name}: {error}", INVITE)
            continue
        shown = f"Channel #{text(found, 'name')} ({name})"
        if flag(found, "is_archived"):
            yield Finding(False, f"{shown} is archived.", "Name another one in the desk's file.")
        elif not flag(found, "is_member"):
            yield Finding(False, f"{shown}: the app is not in it.", INVITE)
        elif flag(found, "is_ext_shared") and name not in channel.customers:
            yield Finding(
                False,
                f"{shown} is shared with another company.",
                "Announce tickets in a channel of your own.",
            )
        else:
            yield Finding(True, f"{shown}: the app is in it.")


async def _sockets(api: SlackApi, secrets: SlackSecrets) -> AsyncIterator[Finding]:
    if not secrets.app_token:
        yield Finding(True, "Events come by HTTP, signed; SLACK_APP_TOKEN is not set.")
        return
    try:
        await api.write_as(secrets.app_token, "apps.connections.open")
    except DeliveryError as error:
        fix = "Make an app-level token with connections:write, and turn Socket Mode on."
        yield Finding(False, f"Socket Mode cannot be opened: {error}", fix)
        return
    yield Finding(True, "Socket Mode can be opened.")


async def _round_trip(api: SlackApi, channel: StaffChannel, at: datetime, key: str) -> AsyncIterator[Finding]:
    """Post, find the post again as after a cut connection, and delete it."""
    try:
        answer = await api.write(
            "chat.postMessage",
            channel=channel.channel,
            text="chatdesk doctor: a test message, taken away again at once.",
            metadata=message_metadata("post", delivery=key),
        )
        ts = text(answer, "ts")
        found = await find_post(api, channel.channel, "", key, at)
        await api.write("chat.delete", channel=channel.channel, ts=ts)
    except DeliveryError as error:
        yield Finding(False, f"The round trip failed: {error}")
        return
    if found == ts:
        yield Finding(True, "A test message was posted, found again and deleted.")
    else:
        yield Finding(False, "The test message was posted but not found again.", "Check the history scopes.")
