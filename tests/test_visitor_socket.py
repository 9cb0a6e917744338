"""The visitor's protocol over WebSocket: what is answered, and what is refused without hurting others."""

from __future__ import annotations

import json
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from aiohttp import WSCloseCode, WSMsgType

from adapters.web import visitor_connection, visitor_socket
from adapters.web.frame_reader import UNREADABLE_FRAMES
from adapters.web.frames import MAX_FRAME
from chatdesk.errors import EventRefused, StorageError
from storage.selecting import Answers, Select, Selecting
from tests.running_desk import ANSWERS, Line, ServedDesk, customer, serving

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

FOREIGN_ORIGINS = (
    None,
    "",
    "null",
    "https://evil.example",
    "http://www.contoso.example",
    "https://contoso.example",
    "https://www.contoso.example:8443",
    "https://www.contoso.example.evil.example",
    "https://evil.example/https://www.contoso.example",
    "https://www.contoso.example@evil.example",
    "https://www.contoso.example/",
    "https://www.contoso.example/page",
    "https://WWW.CONTOSO.EXAMPLE",
    "https://www.contoso.example:443",
    "https://www.contoso.example%00.evil.example",
    "https://xwww.contoso.example",
    "https://www-contoso.example",
    "wss://www.contoso.example",
    "file://",
    "chrome-extension://abcdefghijklmnop",
    "*",
)
LISTED = "https://www.contoso.example"
DESK = f"""
[desk]
name = "Northwind IT"
[widgets.desk]
origins = ["{LISTED}"]
"""


@pytest.fixture
async def desk() -> AsyncIterator[ServedDesk]:
    async with serving() as served:
        yield served


@asynccontextmanager
async def silent(base: str, origin: str | None = None) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Connect without saying hello."""
    async with aiohttp.ClientSession() as session:
        address = f"{base}/widget/socket?key=desk"
        async with session.ws_connect(address, origin=origin or base, max_msg_size=0) as socket:
            yield socket


async def begin(line: Line) -> dict[str, Any]:
    """Open a chat and return the frame that shows it."""
    await line.next("ready")
    await line.send(t="start", id="start", answers=ANSWERS)
    await line.next("ack")
    return await line.next("ready")


async def still_served(desk: ServedDesk) -> None:
    """Check that somebody else can talk to the desk."""
    async with customer(desk.base) as other:
        found = await begin(other)
        assert found["state"]["phase"] == "waiting"


async def test_a_page_of_an_origin_that_is_not_listed_gets_no_socket() -> None:
    upgrade = {"Upgrade": "websocket", "Connection": "Upgrade", "Sec-WebSocket-Version": "13"}
    upgrade["Sec-WebSocket-Key"] = "dGhlIHNhbXBsZSBub25jZQ=="
    found = {}
    async with serving(DESK, demo=False) as desk, aiohttp.ClientSession() as session:
        for origin in FOREIGN_ORIGINS:
            headers = upgrade if origin is None else {**upgrade, "Origin": origin}
            async with session.get(f"{desk.base}/widget/socket?key=desk", headers=headers) as answer:
                found[origin] = answer.status
    assert found == dict.fromkeys(FOREIGN_ORIGINS, 403)


async def test_the_listed_origin_gets_one_and_an_unknown_key_does_not() -> None:
    async with serving(DESK, demo=False) as desk:
        async with silent(desk.base, LISTED) as socket:
            assert not socket.closed
        with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
            async with aiohttp.ClientSession() as session:
                await session.ws_connect(f"{desk.base}/widget/socket?key=none", origin=LISTED)
        assert refusal.value.status == 404


async def test_a_new_visitor_is_told_that_there_is_nothing_yet(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        assert await line.next("ready") == {"t": "ready", "conversation": None, "known": {}}


async def test_the_survey_is_refused_field_by_field(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        await line.next("ready")
        await line.socket.send_json({"t": "start", "id": "1", "answers": {"name": " ", "email": "x"}})
        error = await line.socket.receive_json()
    assert (error["t"], error["code"], error["id"]) == ("error", "survey", "1")
    assert error["fields"]["name"] == "Please fill in this field."
    assert "e-mail address" in error["fields"]["email"]


async def test_a_message_sent_twice_is_stored_once(desk: ServedDesk) -> None:
    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as line:
        await begin(line)
        for _ in range(2):
            await line.send(t="message", id="same", text="Only once, please.")
            await line.next("ack")
    async with customer(desk.base, secret) as line:
        texts = [message["text"] for message in (await line.next("ready"))["messages"]]
    assert texts.count("Only once, please.") == 1


async def test_a_page_that_comes_back_gets_only_what_it_missed(desk: ServedDesk) -> None:
    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as line:
        shown = await begin(line)
        await line.send(t="message", id="m1", text="While you were away")
        await line.next("ack")
    async with silent(desk.base) as socket:
        hello = {"t": "hello", "v": 1, "visitor": secret, "after": shown["seq"]}
        await socket.send_json({**hello, "conversation": shown["conversation"]})
        ready = await socket.receive_json()
    assert [message["text"] for message in ready["messages"]] == ["While you were away"]


async def test_a_page_that_knows_more_than_the_desk_is_shown_all_there_is(desk: ServedDesk) -> None:
    # The desk was restored from a backup: what is said now has numbers that the page has seen before.
    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as line:
        shown = await begin(line)
        await line.send(t="message", id="m1", text="After the restore")
        await line.next("ack")
    async with silent(desk.base) as socket:
        hello = {"t": "hello", "v": 1, "visitor": secret, "after": shown["seq"] + 20}
        await socket.send_json({**hello, "conversation": shown["conversation"]})
        ready = await socket.receive_json()
    assert "After the restore" in [message["text"] for message in ready["messages"]]


async def test_a_page_that_is_loaded_again_finds_its_chat_and_reads_it_at_once(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret, asked, read = secrets.token_urlsafe(32), [], Selecting.all
    async with customer(desk.base, secret) as line:
        shown = await begin(line)

    async def counted(self: Selecting, selects: Sequence[Select]) -> Answers:
        asked.append(selects)
        return await read(self, selects)

    monkeypatch.setattr(Selecting, "all", counted)
    async with customer(desk.base, secret) as line:
        assert (await line.next("ready"))["conversation"] == shown["conversation"]
    of_the_page = [selects for selects in asked if "visitor" in selects[0].query]
    assert len(of_the_page) == 2


async def test_what_a_visitor_told_of_themselves_is_known_to_their_browser_only(desk: ServedDesk) -> None:
    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as line:
        await begin(line)
    async with customer(desk.base, secret) as line:
        known = (await line.next("ready"))["known"]
    assert known == {field: ANSWERS[field] for field in ("name", "company", "email", "phone")}
    async with customer(desk.base) as stranger:
        assert (await stranger.next("ready"))["known"] == {}


async def test_typing_somebody_elses_address_shows_nothing_of_theirs(desk: ServedDesk) -> None:
    async with customer(desk.base) as dana, customer(desk.base) as other:
        hers = await begin(dana)
        theirs = await begin(other)
    assert theirs["conversation"] != hers["conversation"]
    assert theirs["state"]["ticket"] != hers["state"]["ticket"]
    assert len(theirs["messages"]) == 2


async def test_another_visitors_conversation_cannot_be_named(desk: ServedDesk) -> None:
    async with customer(desk.base) as dana:
        hers = (await begin(dana))["conversation"]
        async with silent(desk.base) as socket:
            hello = {"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32), "conversation": hers}
            await socket.send_json(hello)
            assert (await socket.receive_json())["conversation"] is None
            await socket.send_json({"t": "message", "id": "1", "text": "let me in", "conversation": hers})
            assert (await socket.receive_json())["code"] == "no_chat"


async def test_the_page_that_began_a_chat_is_shown_what_a_later_window_is(desk: ServedDesk) -> None:
    visitor = secrets.token_urlsafe(32)
    async with customer(desk.base, visitor) as line:
        await line.next("ready")
        await line.send(t="start", id="1", answers=ANSWERS)
        shown = await line.next("ready")
        async with customer(desk.base, visitor) as other:
            assert shown == await other.next("ready")
        assert len(shown["messages"]) == 2
        await line.send(t="message", id="2", text="It smells of smoke.")
        (message,) = (await line.next("news"))["messages"]
        assert (message["seq"], message["text"]) == (3, "It smells of smoke.")


async def test_what_is_sent_before_the_chat_is_shown_waits_for_it(desk: ServedDesk) -> None:
    """Between the acknowledgement of the survey and `ready` the desk still reads: nothing is refused."""
    async with customer(desk.base) as line:
        await line.next("ready")
        await line.send(t="start", id="1", answers=ANSWERS)
        await line.send(t="message", id="2", text="It smells of smoke.")
        await line.send(t="receipt", delivered=1)
        assert (await line.next("ack"))["id"] == "1"
        shown = await line.next("ready")
        assert "It smells of smoke." not in [message["text"] for message in shown["messages"]]
        assert (await line.next("ack"))["id"] == "2"


async def test_what_was_sent_after_a_survey_with_faults_is_refused_with_it(desk: ServedDesk) -> None:
    async with silent(desk.base) as socket:
        await socket.send_json({"t": "hello", "v": 1, "visitor": secrets.token_urlsafe(32)})
        assert (await socket.receive_json())["t"] == "ready"
        await socket.send_json({"t": "start", "id": "1", "answers": {}})
        await socket.send_json({"t": "message", "id": "2", "text": "Hello?"})
        found = await socket.receive_json()
        answers = found if isinstance(found, list) else [found, await socket.receive_json()]
        assert [(answer["id"], answer["t"]) for answer in answers] == [("1", "error"), ("2", "error")]
        assert answers[1]["code"] == "no_chat"


BAD_HELLOS = ("", "{", "[]", "null", "42", '"hello"', '{"t": "hello"}', '{"t": "x"}', '{"t": "ping"}', "\x00")


async def test_a_first_frame_that_is_no_hello_is_explained_and_the_socket_closed(desk: ServedDesk) -> None:
    found = {}
    for text in BAD_HELLOS:
        async with silent(desk.base) as socket:
            await socket.send_str(text)
            code = (await socket.receive_json())["code"]
            assert (await socket.receive()).type is WSMsgType.CLOSE
            found[text] = (code, socket.close_code)
    assert found == dict.fromkeys(BAD_HELLOS, ("bad_hello", WSCloseCode.POLICY_VIOLATION))


async def test_another_version_is_refused_by_name(desk: ServedDesk) -> None:
    async with silent(desk.base) as socket:
        await socket.send_json({"t": "hello", "v": 2, "visitor": secrets.token_urlsafe(32)})
        assert (await socket.receive_json())["code"] == "version"


async def test_who_says_nothing_is_hung_up_on(desk: ServedDesk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitor_socket, "HELLO_TIMEOUT", 0.1)
    async with silent(desk.base) as socket:
        assert (await socket.receive(10)).type is WSMsgType.CLOSE
        assert socket.close_code == WSCloseCode.POLICY_VIOLATION


BAD_FRAMES = (
    "{",
    "[1, 2]",
    '{"t": "no such type", "id": "1"}',
    '{"t": "message"}',
    '{"t": "message", "id": "has blanks", "text": "x"}',
    '{"t": "message", "id": "1", "text": 5}',
    '{"t": "message", "id": "1", "text": "x", "role": "agent"}',
    '{"t": "rate", "id": "1", "score": 99}',
    '{"t": "edit", "id": "1", "seq": -1, "text": "x"}',
    '{"t": "watch", "conversation": "x"}',
    json.dumps({"t": "message", "id": "1", "text": "x" * 20_001}),
    json.dumps({"t": "message", "id": "1", "text": "x", "files": ["f"] * 11}),
    json.dumps({"t": "message", "id": "1", "text": "x", "files": ["\0"]}),
    json.dumps({"t": "message", "id": "1", "text": "x", "conversation": "x\0"}),
    "[" * 5_000,
    '{"x": ' + "[" * 20_000,
)


async def test_frames_that_cannot_be_used_are_explained_and_the_chat_goes_on(desk: ServedDesk) -> None:
    answers = {}
    async with customer(desk.base) as line:
        await begin(line)
        await line.next("place")
        for text in BAD_FRAMES:
            await line.socket.send_str(text)
            frame = await line.socket.receive_json()
            answers[text] = (frame["t"], frame.get("code"))
        await line.send(t="message", id="after", text="still here")
        await line.next("ack")
    assert answers == dict.fromkeys(BAD_FRAMES, ("error", "bad_frame"))


async def test_a_binary_frame_is_refused(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        await line.next("ready")
        await line.socket.send_bytes(b"\x00\xff")
        assert (await line.socket.receive_json())["code"] == "bad_frame"


async def test_a_frame_over_the_limit_ends_the_connection_and_nobody_elses(desk: ServedDesk) -> None:
    async with customer(desk.base) as other:
        await begin(other)
        async with customer(desk.base) as line:
            await line.next("ready")
            await line.socket.send_str("x" * (MAX_FRAME + 1))
            assert await line.close_code() == WSCloseCode.MESSAGE_TOO_BIG
        await other.send(t="message", id="1", text="I notice nothing")
        await other.next("ack")


async def test_a_flood_is_slowed_down_and_others_are_served(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        await begin(line)
        for _ in range(300):
            await line.socket.send_str('{"t":"ping"}')
        codes = set()
        while "slow_down" not in codes:
            received = await line.socket.receive_json()
            codes |= {frame.get("code") for frame in (received if isinstance(received, list) else [received])}
        await still_served(desk)


async def test_who_connects_anew_may_send_no_more_for_it(desk: ServedDesk) -> None:
    secret, codes = secrets.token_urlsafe(32), set[str]()
    for _ in range(6):
        async with customer(desk.base, secret) as line:
            for _ in range(40):
                await line.send(t="ping")
            # Without a chat there is none to end, if the frame is let through.
            await line.send(t="end", id="last")
            codes.add((await line.next("error"))["code"])
    assert "slow_down" in codes
    await still_served(desk)


async def test_who_sends_nothing_that_can_be_read_is_hung_up_on(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        await line.next("ready")
        for _ in range(UNREADABLE_FRAMES + 1):
            await line.socket.send_str("?")
        assert await line.close_code() == WSCloseCode.POLICY_VIOLATION
    await still_served(desk)


async def test_a_message_whose_files_cannot_be_looked_up_is_to_be_sent_again(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object, **__: object) -> None:
        raise StorageError("The database is locked.")

    async with customer(desk.base) as line:
        await begin(line)
        monkeypatch.setattr(desk.running.services.files, "attach", fails)
        await line.send(t="message", id="1", text="Look", files=["f"])
        error = await line.next("error")
    assert (error["code"], error["id"]) == ("try_again", "1")


async def test_a_page_that_cannot_be_shown_its_chat_is_told_to_come_back(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: object) -> None:
        raise StorageError("The database is locked.")

    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as first, customer(desk.base, secret) as second:
        await second.next("ready")
        await begin(first)
        monkeypatch.setattr(desk.running.services.visitor_reads, "own", fails)
        await second.send(t="start", id="again", answers=ANSWERS)
        assert await second.close_code() == WSCloseCode.INTERNAL_ERROR


async def test_one_browser_may_open_only_so_many_windows(
    desk: ServedDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(visitor_connection, "MAX_PER_VISITOR", 1)
    secret = secrets.token_urlsafe(32)
    async with customer(desk.base, secret) as first:
        await first.next("ready")
        async with customer(desk.base, secret) as second:
            assert (await second.socket.receive_json())["code"] == "too_many"
            assert await second.close_code() == WSCloseCode.POLICY_VIOLATION
    async with customer(desk.base, secret) as third:
        await third.next("ready")


def test_an_address_may_open_only_so_many_connections() -> None:
    addresses = visitor_connection.Addresses(limit=2)
    addresses.add("192.0.2.1")
    addresses.add("192.0.2.1")
    with pytest.raises(EventRefused):
        addresses.add("192.0.2.1")
    addresses.add("192.0.2.2")
    addresses.remove("192.0.2.1")
    addresses.add("192.0.2.1")


async def test_a_stopping_desk_tells_its_visitors_to_come_back(desk: ServedDesk) -> None:
    async with customer(desk.base) as line:
        await line.next("ready")
        await desk.running.application.shutdown()
        assert await line.close_code() == WSCloseCode.SERVICE_RESTART


async def test_what_was_written_for_another_conversation_does_not_land_in_the_newest(
    desk: ServedDesk,
) -> None:
    async with customer(desk.base) as line:
        await begin(line)
        await line.next("place")
        await line.socket.send_json(
            {"t": "edit", "id": "1", "seq": 1, "text": "x", "conversation": "an-older-one"}
        )
        assert (await line.socket.receive_json())["code"] == "moved"
