"""Checks that Teams can work: the bot's registration, Microsoft's keys, the channel; a sentence each."""

from __future__ import annotations

from collections.abc import AsyncIterator

import aiohttp

from adapters.teams.bot_token import BotToken
from adapters.teams.card_parts import text_message
from adapters.teams.connector_clients import ConnectorClients
from adapters.teams.connector_pipeline import new_session
from adapters.teams.gateway import Gateway, Place
from adapters.teams.keys import KeysUnreachable, SigningKeys, UnknownKey
from adapters.teams.memory import Memory
from chatdesk.config import Config
from chatdesk.errors import DeliveryError
from chatdesk.finding import Finding
from chatdesk.settings.teams_access import TeamsAccess

PROBE = "chatdesk checks that it can write here. This message is changed and taken back at once."


async def examine(config: Config, access: TeamsAccess, memory: Memory) -> AsyncIterator[Finding]:
    """Yield the findings in order, and stop at the first after which nothing else can work."""
    staff = config.staff.teams
    if staff is None:
        yield Finding(False, "[staff.teams] is not configured.", "Name the technicians' channel there.")
        return
    missing = access.missing()
    if missing:
        for sentence in missing:
            yield Finding(False, sentence)
        return
    async with new_session() as session:
        keys = await _keys(session, access)
        yield keys
        token = BotToken(session, access)
        signed_in = await _token(token)
        yield signed_in
        if signed_in.good:
            gateway = Gateway(ConnectorClients(access, session, token), access.app_id, access.tenant)
            of_tiers = {tier.teams: f"the channel of {tier.name}" for tier in config.tiers if tier.teams}
            for channel, name in ({staff.channel: "the channel"} | of_tiers).items():
                service = await memory.service_of(channel) or access.first_service_url
                yield await _round_trip(gateway, Place(service, channel), name)
    yield _address(config)


async def _keys(session: aiohttp.ClientSession, access: TeamsAccess) -> Finding:
    try:
        await SigningKeys(session, access.openid_url).get("")
    except UnknownKey:
        return Finding(True, f"The keys that sign calls can be fetched from {access.openid_url}.")
    except KeysUnreachable as error:
        return Finding(
            False, f"The keys that sign calls cannot be fetched: {error}.", "Let the desk reach it."
        )
    return Finding(True, "The keys that sign calls can be fetched.")


async def _token(token: BotToken) -> Finding:
    try:
        await token.get()
    except DeliveryError as error:
        fix = "Compare TEAMS_APP_ID, TEAMS_APP_PASSWORD and TEAMS_TENANT_ID with the registration."
        return Finding(False, str(error), fix)
    return Finding(True, "Microsoft's sign-in knows the bot.")


async def _round_trip(gateway: Gateway, channel: Place, name: str) -> Finding:
    try:
        thread, activity = await gateway.begin_thread(channel, text_message(PROBE))
        place = Place(channel.service_url, thread.conversation)
        await gateway.update(place, activity, text_message("chatdesk can write here."))
        await gateway.delete(place, activity)
    except DeliveryError as error:
        fix = "Add the app to the team of that channel, and compare the channel's id in the desk's file."
        return Finding(False, f"A message in {name} did not succeed: {error}", fix)
    return Finding(True, f"A message was written in {name}, changed and taken back.")


def _address(config: Config) -> Finding:
    base = config.desk.public_url
    if base.startswith("https://"):
        return Finding(True, f"The bot's messaging endpoint has to be {base}/api/messages.")
    fix = "Set public_url in [desk] to the https address at which Microsoft reaches the desk."
    return Finding(False, "Microsoft can call an https address only.", fix)
