"""The connector: takes what the bot sends, refuses what Teams refuses, and keeps a ledger of it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from aiohttp import web

from tests.fake_connector.issuer import TENANT, Issuer

Json = dict[str, Any]
MAX_ACTIVITY = 28 * 1024
CHANNEL = "19:desk@thread.tacv2"
KNOWN_TYPES = {"message", "typing"}


@dataclass
class Entry:
    """One activity that stands in Teams."""

    conversation: str
    id: str
    activity: Json
    versions: list[Json] = field(default_factory=list)
    deleted: bool = False

    @property
    def text(self) -> str:
        return str(self.activity.get("text", ""))

    @property
    def card(self) -> Json:
        found: Json = self.activity["attachments"][0]["content"]
        return found

    @property
    def card_text(self) -> str:
        """Every word that the card shows."""
        return json.dumps(self.card, ensure_ascii=False)


@dataclass
class Failure:
    """What the next calls get instead of success. ``keep`` takes the activity all the same."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    keep: bool = False
    times: int = 1


class Connector:
    """Microsoft's connector for Teams.

    Calls fail with ``failures`` in turn, the next new thread of a channel with what ``beginning`` has for it.
    """

    def __init__(self, issuer: Issuer) -> None:
        self.issuer = issuer
        self.entries: list[Entry] = []
        self.calls: list[str] = []
        self.failures: list[Failure] = []
        self.beginning: dict[str, Failure] = {}
        self.conversations = {CHANNEL}
        self.members: dict[str, Json] = {}
        self.files: dict[str, bytes] = {}
        self.latency: Callable[[str], float] = lambda conversation: 0.0
        self.wants_token = True
        self.accepts_any_conversation = False
        self.news = asyncio.Event()
        self._ids = count(1)

    def add_routes(self, application: web.Application) -> None:
        add = application.router
        add.add_post("/v3/conversations", self._begin)
        add.add_post("/v3/conversations/{conversation}/activities", self._post)
        add.add_post("/v3/conversations/{conversation}/activities/{activity}", self._post)
        add.add_put("/v3/conversations/{conversation}/activities/{activity}", self._update)
        add.add_delete("/v3/conversations/{conversation}/activities/{activity}", self._delete)
        add.add_get("/v3/conversations/{conversation}/members/{member}", self._member)
        add.add_get("/files/{name}", self._file)

    def standing(self, conversation: str = "") -> list[Entry]:
        """Return what stands in Teams now, oldest first."""
        return [
            entry for entry in self.entries if not entry.deleted and conversation in ("", entry.conversation)
        ]

    def texts(self, conversation: str) -> list[str]:
        return [entry.text for entry in self.standing(conversation) if entry.text]

    async def until(self, condition: Callable[[], bool], within: float = 20.0) -> None:
        """Wait until the condition holds; it is looked at after each call."""
        async with asyncio.timeout(within):
            while not condition():
                self.news.clear()
                await self.news.wait()

    async def _begin(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if not body.get("isGroup"):
            identity = f"direct:{body['members'][0]['id']}"
            self.conversations.add(identity)
            return await self._answer(request, lambda: {"id": identity})
        channel = body["channelData"]["channel"]["id"]
        if channel not in self.conversations:
            return _error(404, "ConversationNotFound")
        failure = self.beginning.pop(channel, None)
        activity = body["activity"]
        return await self._answer(request, lambda: self._thread(channel, activity), activity, failure)

    def _thread(self, channel: str, activity: Json) -> Json:
        identity = str(1_790_000_000_000 + next(self._ids))
        thread = f"{channel};messageid={identity}"
        self.conversations.add(thread)
        self.entries.append(Entry(thread, identity, activity))
        return {"id": thread, "activityId": identity}

    async def _post(self, request: web.Request) -> web.StreamResponse:
        conversation = request.match_info["conversation"]
        if conversation not in self.conversations and not self.accepts_any_conversation:
            return _error(404, "ConversationNotFound")
        activity = await request.json()

        def take() -> Json:
            entry = Entry(conversation, str(1_790_000_000_000 + next(self._ids)), activity)
            self.entries.append(entry)
            return {"id": entry.id}

        return await self._answer(request, take, activity)

    async def _update(self, request: web.Request) -> web.StreamResponse:
        activity = await request.json()
        entry = self._entry(request)
        if entry is None:
            return _error(404, "ActivityNotFoundInConversation")

        def take() -> Json:
            entry.versions.append(entry.activity)
            entry.activity = activity
            return {"id": entry.id}

        return await self._answer(request, take, activity)

    async def _delete(self, request: web.Request) -> web.StreamResponse:
        entry = self._entry(request)
        if entry is None:
            return _error(404, "ActivityNotFoundInConversation")

        def take() -> Json:
            entry.deleted = True
            return {}

        return await self._answer(request, take)

    async def _member(self, request: web.Request) -> web.StreamResponse:
        member = self.members.get(request.match_info["member"])
        if member is None:
            return _error(404, "MemberNotFoundInConversation")
        return await self._answer(request, lambda: {"tenantId": TENANT, **member})

    async def _file(self, request: web.Request) -> web.Response:
        return web.Response(body=self.files[request.match_info["name"]])

    def _entry(self, request: web.Request) -> Entry | None:
        wanted = (request.match_info["conversation"], request.match_info["activity"], False)
        return next((one for one in self.entries if (one.conversation, one.id, one.deleted) == wanted), None)

    async def _answer(
        self,
        request: web.Request,
        take: Callable[[], Json],
        activity: Json | None = None,
        failure: Failure | None = None,
    ) -> web.StreamResponse:
        """Check the call as Teams does, fail it if that is wanted, and otherwise take it."""
        self.calls.append(f"{request.method} {request.match_info.get('conversation', '')}")
        problem = self._problem(request, activity)
        if problem is not None:
            return problem
        await asyncio.sleep(self.latency(request.match_info.get("conversation", "")))
        failure = failure or self._next_failure()
        answer: Json = {}
        if failure is None or failure.keep:
            answer = take()
            self.news.set()
        if failure is None:
            return web.json_response(answer, status=201 if request.method == "POST" else 200)
        if failure.status:
            return web.json_response(
                {"error": {"code": "Busy"}}, status=failure.status, headers=failure.headers
            )
        if request.transport is not None:
            request.transport.abort()
        return web.Response()

    def _problem(self, request: web.Request, activity: Json | None) -> web.Response | None:
        token = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if self.wants_token and token not in self.issuer.tokens_given[-1:]:
            return _error(401, "Unauthorized")
        if activity is not None:
            if activity.get("type") not in KNOWN_TYPES or not (
                activity.get("text") or activity.get("attachments")
            ):
                return _error(400, "BadSyntax")
            if len(json.dumps(activity)) > MAX_ACTIVITY:
                return _error(413, "MessageSizeTooBig")
        return None

    def _next_failure(self) -> Failure | None:
        if not self.failures:
            return None
        failure = self.failures[0]
        failure.times -= 1
        if failure.times <= 0:
            self.failures.pop(0)
        return failure


def _error(status: int, code: str) -> web.Response:
    return web.json_response({"error": {"code": code, "message": code}}, status=status)
