"""Slack's requests through slack-bolt: signatures checked, own events ignored, everything else handed on."""

from __future__ import annotations

import json
import re

from slack_bolt.app.async_app import AsyncApp
from slack_bolt.context.ack.async_ack import AsyncAck
from slack_bolt.request.async_request import AsyncBoltRequest
from slack_bolt.response import BoltResponse
from slack_sdk.web.async_client import AsyncWebClient

from adapters.slack.gateway import Gateway

ANYTHING = re.compile(".*")
NO_SECRET = "unset"  # noqa: S105 - requests by HTTP are not taken without a secret


def build_bolt_app(gateway: Gateway, client: AsyncWebClient, signing_secret: str) -> AsyncApp:
    """Return the app. A request is answered when its listener has ended, never before."""
    app = AsyncApp(
        client=client,
        signing_secret=signing_secret or NO_SECRET,
        process_before_response=True,
    )

    async def listen(body: dict[str, object], ack: AsyncAck) -> None:
        answer = await gateway.receive(body)
        if answer is None:
            await ack()
        else:
            await ack(dict(answer))

    app.event(ANYTHING)(listen)
    app.action(ANYTHING)(listen)
    app.view(ANYTHING)(listen)
    app.view_closed(ANYTHING)(listen)
    app.shortcut(ANYTHING)(listen)
    app.command(ANYTHING)(listen)
    return app


async def dispatch_http(app: AsyncApp, body: str, headers: dict[str, str]) -> BoltResponse:
    """Work on a request that came by HTTP; its signature is checked first."""
    return await app.async_dispatch(AsyncBoltRequest(body=body, headers=dict(headers)))


async def dispatch_frame(app: AsyncApp, payload: dict[str, object]) -> BoltResponse:
    """Work on a request that came by Socket Mode, where the connection itself is authenticated."""
    return await app.async_dispatch(AsyncBoltRequest(mode="socket_mode", body=payload))


def frame_answer(response: BoltResponse) -> object:
    """Return what a Socket Mode frame is answered with, None for nothing."""
    body = response.body
    if not body:
        return None
    if body.startswith("{"):
        parsed: object = json.loads(body)
        return parsed
    return {"text": body}
