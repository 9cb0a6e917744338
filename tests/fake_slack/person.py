"""What people do in the fake Slack, sent to the desk as Slack does: signed, with a retry header, in time."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp

from tests.fake_slack.server import FakeSlack
from tests.fake_slack.workspace import SIGNING_SECRET, TEAM, Message


@dataclass(frozen=True)
class Answered:
    """What the desk answered, and after how many seconds."""

    status: int
    body: Any
    seconds: float


class Wire:
    """Brings requests to the desk: by HTTP with a signature, or by Socket Mode."""

    def __init__(self, slack: FakeSlack, desk: str, session: aiohttp.ClientSession) -> None:
        self.slack = slack
        self.desk = desk
        self.session = session
        self.by_socket = False
        self.seconds: list[float] = []

    async def send(self, kind: str, payload: dict[str, Any], **headers: str) -> Answered:
        """Send a request; one that is not answered in three seconds fails the test."""
        began = time.perf_counter()
        if self.by_socket:
            answer = await self.slack.send_frame(kind, payload)
            return Answered(200, answer, time.perf_counter() - began)
        text = _encoded(kind, payload)
        path = {"events_api": "events", "slash_commands": "commands"}.get(kind, "interactions")
        async with asyncio.timeout(3.0):
            status, answered = await self.post(f"/slack/{path}", text, signed(text) | headers)
        self.seconds.append(time.perf_counter() - began)
        return Answered(
            status, json.loads(answered) if answered.startswith("{") else answered, self.seconds[-1]
        )

    async def post(self, path: str, text: str, headers: dict[str, str]) -> tuple[int, str]:
        kind = "application/json" if text.startswith("{") else "application/x-www-form-urlencoded"
        async with self.session.post(
            self.desk + path, data=text.encode(), headers={"Content-Type": kind, **headers}
        ) as answer:
            return answer.status, await answer.text()

    async def event(self, event: dict[str, Any], team: str = TEAM, **headers: str) -> Answered:
        """Send an Events API event under a fresh event id."""
        return await self.send("events_api", envelope(event, team), **headers)


def envelope(event: dict[str, Any], team: str = TEAM) -> dict[str, Any]:
    """Return an event as the Events API wraps it."""
    return {
        "type": "event_callback",
        "team_id": team,
        "api_app_id": "A0DESK",
        "event_id": f"Ev{secrets.token_hex(6)}",
        "event_time": int(time.time()),
        "authorizations": [{"team_id": TEAM, "is_bot": True}],
        "event": event,
    }


def signed(text: str, secret: str = SIGNING_SECRET, at: float | None = None) -> dict[str, str]:
    """Return the headers that sign a body."""
    stamp = str(int(at if at is not None else time.time()))
    digest = hmac.new(secret.encode(), f"v0:{stamp}:{text}".encode(), hashlib.sha256).hexdigest()
    return {"X-Slack-Request-Timestamp": stamp, "X-Slack-Signature": f"v0={digest}"}


def _encoded(kind: str, payload: dict[str, Any]) -> str:
    if kind == "events_api":
        return json.dumps(payload)
    if kind == "slash_commands":
        return urlencode(payload)
    return urlencode({"payload": json.dumps(payload)})


class Person:
    """One user of the fake Slack."""

    def __init__(self, wire: Wire, user: str) -> None:
        self._wire = wire
        self._workspace = wire.slack.workspace
        self.user = user

    async def say(self, channel: str, text: str, thread: str = "", files: list[Message] | None = None) -> str:
        """Write into a channel or thread and return the message's ts."""
        message = self.write(channel, text, thread, files)
        answer = await self._wire.event(self.said(channel, message))
        assert answer.status == 200, answer
        return str(message["ts"])

    def write(self, channel: str, text: str, thread: str = "", files: list[Message] | None = None) -> Message:
        """Write without an event reaching the desk."""
        given = {"text": text, "thread_ts": thread, "files": files or []}
        return self._workspace.put(channel, self.user, given)

    def said(self, channel: str, message: Message) -> dict[str, Any]:
        """Return the event of a message."""
        shown = {name: value for name, value in message.items() if name not in {"fired", "reactions"}}
        more = {"subtype": "file_share"} if message.get("files") else {}
        team = self._workspace.users[self.user]["team_id"]
        return {
            **shown,
            **more,
            "channel": channel,
            "event_ts": message["ts"],
            "user_team": team,
            "team": team,
        }

    async def edit(self, channel: str, ts: str, text: str) -> None:
        """Change an own message."""
        answer = await self._wire.event(self.edited(channel, ts, text))
        assert answer.status == 200, answer

    def edited(self, channel: str, ts: str, text: str) -> dict[str, Any]:
        """Change an own message and return the event of it."""
        message = self._workspace.channels[channel].messages[ts]
        previous = self.said(channel, dict(message))
        message["text"] = text
        message["edited"] = {"user": self.user, "ts": self._workspace.next_ts()}
        return {
            "type": "message",
            "subtype": "message_changed",
            "channel": channel,
            "message": self.said(channel, message),
            "previous_message": previous,
            "event_ts": message["edited"]["ts"],
        }

    async def delete(self, channel: str, ts: str) -> None:
        """Delete an own message."""
        answer = await self._wire.event(self.deleted(channel, ts))
        assert answer.status == 200, answer

    def deleted(self, channel: str, ts: str) -> dict[str, Any]:
        """Delete an own message and return the event of it."""
        previous = self.said(channel, self._workspace.channels[channel].messages.pop(ts))
        return {
            "type": "message",
            "subtype": "message_deleted",
            "channel": channel,
            "deleted_ts": ts,
            "previous_message": previous,
            "event_ts": self._workspace.next_ts(),
        }

    async def press(self, channel: str, ts: str, action: str) -> Answered:
        """Press a button that the message shows."""
        message = self._workspace.channels[channel].messages[ts]
        rows = [block["elements"] for block in message["blocks"] if block["type"] == "actions"]
        button = next(one for row in rows for one in row if one["action_id"] == action)
        body = {
            **self._interaction("block_actions"),
            "channel": {"id": channel},
            "container": {"type": "message", "channel_id": channel, "message_ts": ts},
            "message": message,
            "actions": [{**button, "action_ts": self._workspace.next_ts(), "type": "button"}],
        }
        return await self._wire.send("interactive", body)

    def dialog(self) -> Message:
        """Return the dialog opened last."""
        return list(self._workspace.views.values())[-1]

    async def submit(self, view: Message, **entered: Any) -> Answered:
        """Fill in a dialog and send it; what is required has to be filled in."""
        values: dict[str, Any] = {}
        for block in view["blocks"]:
            if block["type"] == "input":
                name, element = block["block_id"], block["element"]
                given = entered.pop(name, None)
                assert given is not None or block["optional"] or _initial(element), f"{name} is required"
                values[name] = {element["action_id"]: _entered(element, given)}
        assert not entered, f"not in the dialog: {entered}"
        body = {**self._interaction("view_submission"), "view": {**view, "state": {"values": values}}}
        return await self._wire.send("interactive", body)

    async def command(self, text: str, channel: str, command: str = "/ticket") -> Answered:
        """Run a slash command."""
        given = {
            "command": command,
            "text": text,
            "team_id": self._workspace.users[self.user]["team_id"],
            "user_id": self.user,
            "user_name": self._workspace.users[self.user]["name"],
            "channel_id": channel,
            "channel_name": "triage",
            "api_app_id": "A0DESK",
            "trigger_id": self._workspace.new_trigger(),
            "response_url": f"{self._workspace.base}/respond",
        }
        return await self._wire.send("slash_commands", given)

    async def shortcut(self, callback: str, channel: str, message: Message) -> Answered:
        """Run a message shortcut."""
        body = {
            **self._interaction("message_action"),
            "callback_id": callback,
            "channel": {"id": channel, "name": "general"},
            "message": message,
            "message_ts": message["ts"],
            "response_url": f"{self._workspace.base}/respond",
            "action_ts": self._workspace.next_ts(),
        }
        return await self._wire.send("interactive", body)

    async def react(self, channel: str, ts: str, name: str) -> Answered:
        """Put an emoji under a message."""
        item = {"type": "message", "channel": channel, "ts": ts}
        event = {"type": "reaction_added", "user": self.user, "reaction": name, "item": item}
        return await self._wire.event({**event, "event_ts": self._workspace.next_ts()})

    async def open_home(self) -> Answered:
        """Open the app's Home tab."""
        event = {"type": "app_home_opened", "user": self.user, "tab": "home", "channel": f"D{self.user}"}
        return await self._wire.event({**event, "event_ts": self._workspace.next_ts()})

    def _interaction(self, kind: str) -> dict[str, Any]:
        user = self._workspace.users[self.user]
        return {
            "type": kind,
            "team": {"id": TEAM, "domain": "northwind"},
            "user": {"id": self.user, "name": user["name"], "team_id": user["team_id"]},
            "api_app_id": "A0DESK",
            "trigger_id": self._workspace.new_trigger(),
        }


def _initial(element: Message) -> Any:
    return element.get("initial_option") or element.get("initial_value")


def _entered(element: Message, given: Any) -> dict[str, Any]:
    match element["type"]:
        case "plain_text_input":
            text = given if given is not None else element.get("initial_value")
            assert len(text or "") <= element.get("max_length", 3000)
            return {"type": element["type"], "value": text}
        case "static_select" | "radio_buttons":
            chosen = [option for option in element["options"] if option["value"] == given]
            return {"type": element["type"], "selected_option": (chosen or [_initial(element)])[0]}
        case "users_select":
            return {"type": element["type"], "selected_user": given}
        case "datetimepicker":
            return {"type": element["type"], "selected_date_time": given}
        case kind:
            raise AssertionError(f"nobody can fill in a {kind}")
