"""The floor: the least that stores and delivers chat messages durably, hand-made and fast.

One aiohttp process on uvloop; one writer that commits whatever has gathered, a thread with plain sqlite3
(write-ahead log, synchronous=FULL) or a task with asyncpg; no ORM, no validation, no dialogue, no tickets. A
message is acknowledged after its commit and then delivered to the other side; its client id is unique, so a
resend is answered with the first one's number. A slow reader holds up everybody: a floor may.
"""

from __future__ import annotations

import asyncio
import os
import queue
import sqlite3
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import asyncpg
import uvloop
from aiohttp import WSMsgType, web
from pydantic_core import from_json, to_json

SCHEMA = """CREATE TABLE IF NOT EXISTS message (
    row INTEGER PRIMARY KEY, conversation TEXT, seq INTEGER, client TEXT UNIQUE, author TEXT, text TEXT,
    at TEXT, UNIQUE (conversation, seq))"""
INSERT = """INSERT INTO message (conversation, seq, client, author, text, at)
    SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]'),
           json_extract(value, '$[3]'), json_extract(value, '$[4]'), json_extract(value, '$[5]')
    FROM json_each(?) WHERE true ON CONFLICT (client) DO NOTHING"""

INSERT_POSTGRES = """INSERT INTO message (conversation, seq, client, author, text, at)
    SELECT value->>0, (value->>1)::int, value->>2, value->>3, value->>4, value->>5
    FROM jsonb_array_elements($1::jsonb) ON CONFLICT (client) DO NOTHING RETURNING row"""

Row = tuple[str, int, str, str, str, str]


@dataclass(slots=True)
class Chat:
    """One conversation: its highest sequence number and the open sockets by side."""

    seq: int = 0
    sockets: dict[str, web.WebSocketResponse] = field(default_factory=dict)


@dataclass(slots=True)
class Floor:
    """Chats in memory; rows on their way to the writer."""

    loop: asyncio.AbstractEventLoop
    chats: dict[str, Chat] = field(default_factory=dict)
    rows: queue.SimpleQueue[Row] = field(default_factory=queue.SimpleQueue)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Take the messages of one socket."""
        name, side = request.query["chat"], request.query["side"]
        chat = self.chats.setdefault(name, Chat())
        socket = web.WebSocketResponse(heartbeat=30, max_msg_size=64 * 1024, compress=False)
        await socket.prepare(request)
        chat.sockets[side] = socket
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                frame = from_json(message.data)
                chat.seq += 1
                now = datetime.now(UTC).isoformat()
                self.rows.put((name, chat.seq, frame["id"], side, frame["text"], now))
                self.arrived.set()
        return socket

    async def write_to_postgres(self, address: str) -> None:
        """Commit what has gathered to PostgreSQL, again and again."""
        database = await asyncpg.connect(address)
        await database.execute(SCHEMA.replace("INTEGER PRIMARY KEY", "BIGSERIAL PRIMARY KEY"))
        insert = await database.prepare(INSERT_POSTGRES)
        known_query = "SELECT client, seq FROM message WHERE client = ANY($1)"
        while True:
            await self.arrived.wait()
            self.arrived.clear()
            rows: list[Row] = []
            while not self.rows.empty():
                rows.append(self.rows.get_nowait())
            inserted = await insert.fetch(to_json(rows).decode())
            known: dict[str, int] = {}
            if len(inserted) != len(rows):
                known = dict(await database.fetch(known_query, [row[2] for row in rows]))
            await self.tell(rows, known)

    def write(self, path: str) -> None:
        """Commit what has gathered, again and again; runs in a thread of its own."""
        database = sqlite3.connect(path, isolation_level=None)
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute(SCHEMA)
        while True:
            rows = [self.rows.get()]
            while not self.rows.empty() and len(rows) < 1000:
                rows.append(self.rows.get_nowait())
            inserted = database.execute(INSERT, [to_json(rows).decode()]).rowcount
            known: dict[str, int] = {}
            if inserted != len(rows):
                ids = to_json([row[2] for row in rows]).decode()
                query = "SELECT client, seq FROM message WHERE client IN (SELECT value FROM json_each(?))"
                known = dict(database.execute(query, [ids]).fetchall())
            asyncio.run_coroutine_threadsafe(self.tell(rows, known), self.loop)

    async def tell(self, rows: list[Row], known: dict[str, int]) -> None:
        """Acknowledge to the senders and deliver to the other sides, one write a socket."""
        outgoing: dict[web.WebSocketResponse, list[str]] = {}
        for name, seq, client, side, text, at in rows:
            repeated = known.get(client, seq) != seq
            ack = to_json({"t": "ack", "id": client, "seq": known.get(client, seq)}).decode()
            for other, socket in self.chats[name].sockets.items():
                if other == side:
                    outgoing.setdefault(socket, []).append(ack)
                elif not repeated:
                    message = {"seq": seq, "from": side, "text": text, "at": at}
                    news = to_json({"t": "news", "conversation": name, "seq": seq, "messages": [message]})
                    outgoing.setdefault(socket, []).append(news.decode())
        for socket, frames in outgoing.items():
            if not socket.closed:
                await socket.send_str(frames[0] if len(frames) == 1 else f"[{','.join(frames)}]")


async def main(path: str) -> None:
    """Serve on CHATDESK_PORT of 127.0.0.1, by default a free one, which is printed, until killed."""
    floor = Floor(asyncio.get_running_loop())
    application = web.Application()
    application.router.add_get("/socket", floor.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("CHATDESK_PORT", "0")), backlog=4096).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    if path.startswith("postgres"):
        await floor.write_to_postgres(path)
    threading.Thread(target=floor.write, args=(path,), daemon=True).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
