"""Files of messages put into threads: asked for, uploaded and shown, each step once."""

from __future__ import annotations

import asyncio

from adapters.slack.api import SlackApi
from adapters.slack.memory import Memory, Place
from adapters.slack.payload import parts, text
from chatdesk.conversation import FileRef, Message
from chatdesk.errors import DeliveryRefused
from chatdesk.files import Files

DONE = "done"
GONE = ("file_not_found", "file_deleted")


class FilePosts:
    """Puts files into threads. Slack's id for a file is noted before it is shown, so it can be looked for."""

    def __init__(self, api: SlackApi, memory: Memory, files: Files) -> None:
        self._api = api
        self._memory = memory
        self._files = files

    async def post(self, place: Place, message: Message) -> None:
        """Show the message's files in the thread; those that are shown already are left alone."""
        shown = _key(place.channel, message)
        for file in message.files:
            key = f"upload:{place.channel}:{file.id}"
            begun = await self._memory.get(key)
            if begun == DONE:
                continue
            if begun is None or not await self._is_there(place, message, begun):
                begun = await self._upload(place, file, key)
            await self._memory.put(shown, " ".join(filter(None, (await self._memory.get(shown), begun))))
            await self._memory.put(key, DONE)

    async def take_away(self, channel: str, message: Message) -> None:
        """Delete the files that were shown with the message; those that are gone already are left so."""
        for uploaded in (await self._memory.get(_key(channel, message)) or "").split():
            try:
                await self._api.write("files.delete", file=uploaded)
            except DeliveryRefused as refused:
                if not any(gone in str(refused) for gone in GONE):
                    raise

    async def _upload(self, place: Place, file: FileRef, key: str) -> str:
        """Upload the file and return Slack's id for it."""
        stored = await self._files.find(file.id)
        if stored is None:
            raise DeliveryRefused("The file is not there any more.")
        content = await asyncio.to_thread(stored.path.read_bytes)
        answer = await self._api.form("files.getUploadURLExternal", filename=file.name, length=len(content))
        await self._api.upload(text(answer, "upload_url"), content)
        uploaded = text(answer, "file_id")
        await self._memory.put(key, uploaded)
        await self._api.write(
            "files.completeUploadExternal",
            files=[{"id": uploaded, "title": file.name}],
            channel_id=place.channel,
            thread_ts=place.ts,
        )
        return uploaded

    async def _is_there(self, place: Place, message: Message, uploaded: str) -> bool:
        oldest = f"{message.at.timestamp() - 300:.6f}"
        replies = self._api.pages(
            "conversations.replies", channel=place.channel, ts=place.ts, oldest=oldest, limit=200
        )
        async for reply in replies:
            if any(text(file, "id") == uploaded for file in parts(reply, "files")):
                return True
        return False


def _key(channel: str, message: Message) -> str:
    return f"files:{channel}:{message.conversation}:{message.seq}"
