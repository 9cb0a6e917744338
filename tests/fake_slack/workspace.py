"""The fake workspace: its people, channels, messages, and the methods of its Web API."""

from __future__ import annotations

import itertools
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.fake_slack.rules import Refused, check_message, check_view, fired

TEAM, BOT_USER, BOT = "T0DESK", "U0BOT", "B0BOT"
BOT_TOKEN, APP_TOKEN, SIGNING_SECRET = "xoxb-fake-bot", "xapp-fake-app", "fake-signing-secret"
SCOPES = (
    "app_mentions:read,channels:history,channels:read,chat:write,chat:write.customize,commands,files:read,"
    "files:write,groups:history,groups:read,im:history,im:write,reactions:read,reactions:write,users:read,"
    "users:read.email"
)
Message = dict[str, Any]
Body = Mapping[str, Any]


@dataclass
class Channel:
    """A channel: who is in it, and what was said, by ts."""

    id: str
    members: set[str]
    shared: bool = False
    messages: dict[str, Message] = field(default_factory=dict)


class Workspace:
    """State and methods. A method takes the call's body and returns the answer, or raises Refused."""

    def __init__(self) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.channels: dict[str, Channel] = {}
        self.views: dict[str, Message] = {}
        self.homes: dict[str, Message] = {}
        self.ephemeral: list[Message] = []
        self.scheduled: list[Message] = []
        self.uploads: dict[str, dict[str, Any]] = {}
        self.triggers: dict[str, float] = {}
        self.base = ""
        self._ts = itertools.count(1)
        self._ids = itertools.count(1)
        self.add_user(BOT_USER, "chatdesk", "", is_bot=True)

    def add_user(self, user: str, name: str, email: str, team: str = TEAM, **facts: bool) -> str:
        self.users[user] = {
            "id": user,
            "team_id": team,
            "name": name.split(maxsplit=1)[0].lower(),
            "profile": {"real_name": name, "display_name": name, "email": email},
            "is_email_confirmed": True,
            **facts,
        }
        return user

    def add_channel(self, channel: str, *members: str, shared: bool = False) -> Channel:
        self.channels[channel] = Channel(channel, {BOT_USER, *members}, shared)
        return self.channels[channel]

    def next_ts(self) -> str:
        return f"{int(time.time())}.{next(self._ts):06d}"

    def next_id(self, prefix: str) -> str:
        return f"{prefix}{next(self._ids):08d}"

    def new_trigger(self) -> str:
        trigger = f"{next(self._ids)}.{secrets.token_hex(8)}"
        self.triggers[trigger] = time.monotonic()
        return trigger

    def thread(self, channel: str, root: str) -> list[Message]:
        """Return a thread's replies in order, without its first message."""
        found = self.channels[channel].messages.values()
        return [message for message in found if message.get("thread_ts") == root and message["ts"] != root]

    def cards(self, channel: str) -> list[Message]:
        """Return the channel's messages outside threads, oldest first."""
        return [message for message in self.channels[channel].messages.values() if "thread_ts" not in message]

    def call(self, method: str, body: Body) -> dict[str, Any]:
        name = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", method.replace(".", "_"))
        found = getattr(self, f"_{name.lower()}", None)
        if found is None:
            raise Refused("unknown_method", method)
        answer: dict[str, Any] = found(body)
        return answer

    def _auth_test(self, body: Body) -> dict[str, Any]:
        address = "https://northwind.slack.example/"
        who = {"user_id": BOT_USER, "user": "chatdesk", "bot_id": BOT}
        return {"team_id": TEAM, "team": "Northwind IT", "url": address, **who}

    def _chat_post_message(self, body: Body) -> dict[str, Any]:
        channel = self._writable(body)
        check_message(body)
        thread = body.get("thread_ts")
        if thread is not None and "thread_ts" in channel.messages.get(thread, {"thread_ts": ""}):
            raise Refused("thread_not_found")
        message = self.put(channel.id, BOT_USER, body)
        return {"channel": channel.id, "ts": message["ts"], "message": message}

    def put(self, channel: str, user: str, body: Body) -> Message:
        message: Message = {
            "type": "message",
            "user": user,
            "ts": self.next_ts(),
            "text": body.get("text", ""),
        }
        if user == BOT_USER:
            message["bot_id"] = BOT
        for name in ("blocks", "thread_ts", "metadata", "username", "files"):
            if body.get(name):
                message[name] = body[name]
        message["fired"] = fired(body)
        message["reactions"] = []
        self.channels[channel].messages[message["ts"]] = message
        return message

    def _chat_update(self, body: Body) -> dict[str, Any]:
        channel = self._writable(body)
        check_message(body)
        message = self._message(channel, body["ts"])
        if message["user"] != BOT_USER:
            raise Refused("cant_update_message")
        message.update(text=body.get("text", ""), blocks=body.get("blocks", []), fired=fired(body))
        message["edited"] = {"user": BOT_USER, "ts": self.next_ts()}
        return {"channel": channel.id, "ts": message["ts"]}

    def _chat_delete(self, body: Body) -> dict[str, Any]:
        channel = self._writable(body)
        message = self._message(channel, body["ts"])
        if message["user"] != BOT_USER:
            raise Refused("cant_delete_message")
        del channel.messages[body["ts"]]
        return {"ts": body["ts"]}

    def _chat_post_ephemeral(self, body: Body) -> dict[str, Any]:
        channel = self._writable(body)
        check_message(body)
        if body.get("user") not in channel.members:
            raise Refused("user_not_in_channel")
        self.ephemeral.append(dict(body))
        return {"message_ts": self.next_ts()}

    def _chat_schedule_message(self, body: Body) -> dict[str, Any]:
        channel = self._writable(body)
        check_message(body)
        if not time.time() < int(body["post_at"]) < time.time() + 120 * 86400:
            raise Refused("time_in_past")
        self.scheduled.append(dict(body))
        return {"scheduled_message_id": self.next_id("Q"), "channel": channel.id}

    def _reactions_add(self, body: Body) -> dict[str, Any]:
        message = self._message(self._channel(body), body["timestamp"])
        if not str(body["name"]).replace("_", "").isalnum():
            raise Refused("invalid_name")
        if body["name"] in message["reactions"]:
            raise Refused("already_reacted")
        message["reactions"].append(body["name"])
        return {}

    def _conversations_history(self, body: Body) -> dict[str, Any]:
        channel = self._channel(body)
        found = [message for message in channel.messages.values() if "thread_ts" not in message]
        return self._page(sorted(found, key=lambda m: m["ts"], reverse=True), body)

    def _conversations_replies(self, body: Body) -> dict[str, Any]:
        channel = self._channel(body)
        root = self._message(channel, body["ts"], "thread_not_found")
        return self._page([root, *self.thread(channel.id, body["ts"])], body)

    def _page(self, found: list[Message], body: Body) -> dict[str, Any]:
        limit, start = int(body.get("limit", 100)), int(body.get("cursor") or 0)
        if not 1 <= limit <= 999:
            raise Refused("invalid_limit")
        kept = [m for m in found if m["ts"] >= str(body.get("oldest") or "0")]
        shown = [dict(message) for message in kept[start : start + limit]]
        if str(body.get("include_all_metadata", "")).lower() not in {"true", "1"}:
            for message in shown:
                message.pop("metadata", None)
        cursor = str(start + limit) if len(kept) > start + limit else ""
        return {"messages": shown, "response_metadata": {"next_cursor": cursor}}

    def _conversations_info(self, body: Body) -> dict[str, Any]:
        channel = self._channel(body)
        facts = {"id": channel.id, "name": channel.id.lower(), "is_member": BOT_USER in channel.members}
        return {"channel": {**facts, "is_archived": False, "is_ext_shared": channel.shared}}

    def _conversations_open(self, body: Body) -> dict[str, Any]:
        return {"channel": {"id": self._direct(body["users"]).id}}

    def _users_info(self, body: Body) -> dict[str, Any]:
        user = self.users.get(str(body.get("user")))
        if user is None:
            raise Refused("user_not_found")
        return {"user": user}

    def _users_lookup_by_email(self, body: Body) -> dict[str, Any]:
        for user in self.users.values():
            if user["profile"]["email"].casefold() == str(body["email"]).casefold():
                return {"user": user}
        raise Refused("users_not_found")

    def _views_open(self, body: Body) -> dict[str, Any]:
        self._use_trigger(body["trigger_id"])
        return {"view": self._show(body["view"])}

    def _views_update(self, body: Body) -> dict[str, Any]:
        if body["view_id"] not in self.views:
            raise Refused("not_found")
        check_view(body["view"])
        self.views[body["view_id"]].update(body["view"])
        return {"view": self.views[body["view_id"]]}

    def _views_publish(self, body: Body) -> dict[str, Any]:
        check_view(body["view"])
        self.homes[body["user_id"]] = dict(body["view"])
        return {"view": body["view"]}

    def _files_get_upload_url_external(self, body: Body) -> dict[str, Any]:
        if int(body.get("length", 0)) <= 0 or not body.get("filename"):
            raise Refused("invalid_arguments")
        identity = self.next_id("F")
        self.uploads[identity] = {"name": body["filename"], "length": int(body["length"]), "content": None}
        return {"file_id": identity, "upload_url": f"{self.base}/upload/{identity}"}

    def _files_complete_upload_external(self, body: Body) -> dict[str, Any]:
        files = []
        for given in body["files"]:
            upload = self.uploads.get(given["id"])
            if upload is None or upload["content"] is None or upload.get("complete"):
                raise Refused("file_not_found")
            upload["complete"] = True
            files.append(self.file(given["id"]))
        channel = self._writable({"channel": body["channel_id"]})
        thread = body.get("thread_ts")
        if thread is not None and thread not in channel.messages:
            raise Refused("thread_not_found")
        self.put(channel.id, BOT_USER, {"text": "", "files": files, "thread_ts": thread})
        return {"files": files}

    def _files_info(self, body: Body) -> dict[str, Any]:
        if body.get("file") not in self.uploads:
            raise Refused("file_not_found")
        return {"file": self.file(body["file"])}

    def _files_delete(self, body: Body) -> dict[str, Any]:
        if self.uploads.pop(body["file"], None) is None:
            raise Refused("file_not_found")
        for channel in self.channels.values():
            for message in channel.messages.values():
                kept = [file for file in message.get("files", []) if file["id"] != body["file"]]
                if "files" in message:
                    message["files"] = kept
        return {}

    def file(self, identity: str) -> dict[str, Any]:
        upload = self.uploads[identity]
        address = f"{self.base}/files/{identity}"
        size = len(upload["content"] or b"")
        return {"id": identity, "name": upload["name"], "size": size, "url_private_download": address}

    def _show(self, view: Body) -> Message:
        check_view(view)
        shown = {**view, "id": self.next_id("V"), "team_id": TEAM}
        self.views[shown["id"]] = shown
        return shown

    def _use_trigger(self, trigger: str) -> None:
        made = self.triggers.pop(trigger, None)
        if made is None:
            raise Refused("invalid_trigger_id")
        if time.monotonic() - made > 3:
            raise Refused("expired_trigger_id")

    def _channel(self, body: Body) -> Channel:
        channel = self.channels.get(str(body.get("channel")))
        if channel is None:
            raise Refused("channel_not_found")
        return channel

    def _writable(self, body: Body) -> Channel:
        wanted = str(body.get("channel"))
        channel = self._direct(wanted) if wanted in self.users else self._channel(body)
        if BOT_USER not in channel.members:
            raise Refused("not_in_channel")
        return channel

    def _direct(self, user: str) -> Channel:
        if user not in self.users:
            raise Refused("user_not_found")
        return self.channels.get(f"D{user}") or self.add_channel(f"D{user}", user)

    def _message(self, channel: Channel, ts: str, error: str = "message_not_found") -> Message:
        if ts not in channel.messages:
            raise Refused(error)
        return channel.messages[ts]
