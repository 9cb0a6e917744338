"""The floor for surveys: the least that opens tickets durably, hand-made and fast.

As bench.floor: aiohttp on uvloop, one writer thread that commits what has gathered, plain sqlite3. Each text
on a socket is a survey. Its answers are checked against the demonstration desk's questions, hard-coded; it
gets a number, and a ticket, a line of its history and a mail to be sent are written in one transaction with
what else has gathered, then it is acknowledged.
"""

from __future__ import annotations

import asyncio
import os
import queue
import re
import sqlite3
import sys
import threading
from dataclasses import dataclass, field
from datetime import UTC, datetime

import uvloop
from aiohttp import WSMsgType, web
from pydantic_core import from_json, to_json

SCHEMA = """
    CREATE TABLE IF NOT EXISTS ticket (number INTEGER PRIMARY KEY, name TEXT, email TEXT, answers TEXT,
        at TEXT);
    CREATE TABLE IF NOT EXISTS history (row INTEGER PRIMARY KEY, ticket INTEGER, what TEXT, at TEXT);
    CREATE TABLE IF NOT EXISTS mail (row INTEGER PRIMARY KEY, ticket INTEGER, recipient TEXT, text TEXT,
        status TEXT)"""
_ROWS = (
    "INSERT INTO ticket (number, name, email, answers, at) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[1]'), json_extract(value, '$[2]'), json_extract(value, '$[3]'), "
    "json_extract(value, '$[4]') FROM json_each(?)",
    "INSERT INTO history (ticket, what, at) SELECT json_extract(value, '$[0]'), 'opened', "
    "json_extract(value, '$[4]') FROM json_each(?)",
    "INSERT INTO mail (ticket, recipient, text, status) SELECT json_extract(value, '$[0]'), "
    "json_extract(value, '$[2]'), 'Your request has arrived.', 'pending' FROM json_each(?)",
)

REQUIRED = ("name", "company", "email", "phone", "issue")
CHOICES = {
    "category": {"Computer", "Printing", "E-mail", "Something else"},
    "impact": {"Only me", "Several people", "Everyone"},
    "urgency": {"Yes", "With difficulty", "No"},
}
_EMAIL = re.compile(r"[^\s@]{1,64}@[^\s@]+\.[A-Za-z]{2,63}")
_PHONE = re.compile(r"[0-9+(). -]{4,}")

Row = tuple[int, str, str, str, str]
Told = tuple[web.WebSocketResponse, str, int]


@dataclass(slots=True)
class Floor:
    """Surveys on their way to the writer."""

    loop: asyncio.AbstractEventLoop
    number: int = 0
    gathered: queue.SimpleQueue[tuple[Row, Told]] = field(default_factory=queue.SimpleQueue)

    async def serve(self, request: web.Request) -> web.WebSocketResponse:
        """Take the surveys of one socket."""
        socket = web.WebSocketResponse(heartbeat=30, max_msg_size=64 * 1024, compress=False)
        await socket.prepare(request)
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                frame = from_json(message.data)
                answers = checked(frame["answers"])
                if answers is None:
                    await socket.send_str(to_json({"t": "error", "id": frame["id"]}).decode())
                    continue
                self.number += 1
                now = datetime.now(UTC).isoformat()
                row = (self.number, answers["name"], answers["email"], to_json(answers).decode(), now)
                self.gathered.put((row, (socket, frame["id"], self.number)))
        return socket

    def write(self, database: sqlite3.Connection) -> None:
        """Commit what has gathered, again and again; runs in a thread of its own."""
        while True:
            surveys = [self.gathered.get()]
            while not self.gathered.empty() and len(surveys) < 1000:
                surveys.append(self.gathered.get_nowait())
            rows = to_json([row for row, _ in surveys]).decode()
            database.execute("BEGIN IMMEDIATE")
            for statement in _ROWS:
                database.execute(statement, [rows])
            database.execute("COMMIT")
            asyncio.run_coroutine_threadsafe(self.tell([told for _, told in surveys]), self.loop)

    async def tell(self, surveys: list[Told]) -> None:
        """Acknowledge."""
        for socket, identity, number in surveys:
            if not socket.closed:
                await socket.send_str(to_json({"t": "ack", "id": identity, "ticket": number}).decode())


def checked(answers: dict[str, str]) -> dict[str, str] | None:
    """Return the answers without outer white space; None when one is missing, too long or not to be taken."""
    tidy = {question: answer.strip() for question, answer in answers.items()}
    if not all(tidy.get(question) for question in REQUIRED):
        return None
    if any(len(answer) > 200 or not answer.isprintable() for answer in tidy.values()):
        return None
    if any(tidy[question] not in known for question, known in CHOICES.items() if tidy.get(question)):
        return None
    fits = _EMAIL.fullmatch(tidy["email"]) and _PHONE.fullmatch(tidy["phone"])
    return tidy if fits else None


def opened(path: str) -> sqlite3.Connection:
    """Return the database, its tables made."""
    database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.executescript(SCHEMA)
    return database


async def main(path: str) -> None:
    """Serve on CHATDESK_PORT of 127.0.0.1, by default a free one, which is printed, until killed."""
    database = opened(path)
    last: int = database.execute("SELECT coalesce(max(number), 0) FROM ticket").fetchone()[0]
    floor = Floor(asyncio.get_running_loop(), last)
    application = web.Application()
    application.router.add_get("/surveys", floor.serve)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ.get("CHATDESK_PORT", "0")), backlog=4096).start()
    threading.Thread(target=floor.write, args=(database,), daemon=True).start()
    print(f"http://127.0.0.1:{runner.addresses[0][1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
