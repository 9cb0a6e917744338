"""The log holds what happened and none of what must not be in it: canaries prove it [threat 44]."""

from __future__ import annotations

import io
import json
import logging
import secrets
from collections.abc import Iterator

import aiohttp
import pytest
import structlog
from msgspec.structs import force_setattr

from chatdesk.cli.demonstration import sign_in_address
from chatdesk.errors import StorageError
from chatdesk.logs import HIDDEN, configure_logging
from tests.running_desk import ANSWERS, cookies_from, customer, serving, technician

CANARY = "canary7d1f"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything logged during the test, as JSON lines."""
    stream = io.StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logging("DEBUG", stream)
    yield stream
    structlog.reset_defaults()
    root.handlers[:], root.level = before[0], before[1]


def lines(log: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


async def test_no_secret_and_no_word_of_a_customer_reaches_the_log(log: io.StringIO) -> None:
    visitor = f"{CANARY}visitor{secrets.token_hex(16)}"
    answers = ANSWERS | {
        "name": f"Dana {CANARY}name",
        "email": f"{CANARY}@contoso.example",
        "issue": f"My password is {CANARY}",
    }
    async with serving() as desk:
        account = await desk.running.staff.add(
            "Ann", "ann@x.example", f"{CANARY}-password", desk.running.services.clock()
        )
        link = await sign_in_address(desk.running.staff, account, desk.base)
        cookies = await cookies_from(link)
        async with customer(desk.base, visitor) as dana, technician(desk.base, cookies) as ann:
            await ann.next("hello")
            await dana.next("ready")
            await dana.send(t="start", id="1", answers=answers)
            ready = await dana.next("ready")
            await dana.send(t="message", id="2", text=f"{CANARY} again")
            await dana.next("ack")
            await ann.send(
                t="message", id="3", conversation=ready["conversation"], text=CANARY, internal=True
            )
            await ann.next("ack")
        async with aiohttp.ClientSession() as session:
            await session.get(f"{desk.base}/nowhere/{CANARY}?token={CANARY}")
            await session.post(
                f"{desk.base}/console/sign-in", data={"email": "ann@x.example", "password": CANARY}
            )
    written = log.getvalue()
    assert "/console/sign-in/{secret}" in written
    assert CANARY not in written
    assert link.rpartition("/")[2] not in written
    assert not any(value in written for value in cookies.values())


async def test_an_event_that_fails_is_logged_without_what_it_said(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving() as desk:

        def fails(*_: object) -> None:
            raise ValueError(f"cannot handle {CANARY}")

        monkeypatch.setattr("chatdesk.desk._step", lambda *_: fails_with(fails))
        async with customer(desk.base) as dana:
            await dana.next("ready")
            await dana.send(t="start", id="1", answers=ANSWERS | {"issue": CANARY})
            await dana.socket.receive_json()
    (line,) = [line for line in lines(log) if line["event"] == "event_set_aside"]
    assert line["fault"] == "ValueError"
    assert CANARY not in log.getvalue()


def fails_with(fails: object) -> Exception:
    try:
        fails()  # type: ignore[operator]
    except ValueError as error:
        return error
    raise AssertionError


async def test_a_fault_in_a_page_is_logged_with_its_place_and_answered_without(
    log: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def breaks(services: object) -> list[str]:
        raise RuntimeError(CANARY)

    async with serving() as desk:
        force_setattr(desk.running.services, "problems", lambda: breaks(None))
        async with aiohttp.ClientSession() as session, session.get(f"{desk.base}/readyz") as answer:
            body = await answer.text()
            assert answer.status == 500
            request_id = answer.headers["X-Request-Id"]
    (line,) = [line for line in lines(log) if line["event"] == "request_failed"]
    assert line["request"] == request_id
    assert line["fault"] == "RuntimeError"
    assert "breaks" in str(line["places"])
    assert request_id in body
    assert "RuntimeError" not in body
    assert CANARY not in body + log.getvalue()


@pytest.mark.parametrize(
    "key", ["password", "CHATDESK_SECRET", "api_token", "Cookie", "text", "email", "sign_in_link"]
)
def test_values_with_a_telling_key_are_hidden(log: io.StringIO, key: str) -> None:
    structlog.get_logger("test").warning("something", **{key: CANARY})
    assert lines(log)[0][key] == HIDDEN


def test_a_database_error_is_cut_before_it_quotes_the_row(log: io.StringIO) -> None:
    error = StorageError(f"duplicate key value\nDETAIL: Key (email)=({CANARY}) already exists.")
    structlog.get_logger("test").error("batch_not_stored", error=str(error))
    assert lines(log)[0]["error"] == "duplicate key value"


def test_libraries_log_their_template_and_not_the_values(log: io.StringIO) -> None:
    logging.getLogger("aiohttp.server").error("Error handling %s", CANARY)
    (line,) = lines(log)
    assert line["event"] == "Error handling %s"
    assert line["logger"] == "aiohttp.server"


def test_a_forgotten_task_is_logged_without_the_message_of_its_fault(log: io.StringIO) -> None:
    fault = f"Task exception was never retrieved\nfuture: <Task exception=ValueError('{CANARY}')>"
    logging.getLogger("asyncio").error(fault)
    assert lines(log)[0]["event"] == "Task exception was never retrieved"


def test_each_line_has_its_time_and_level(log: io.StringIO) -> None:
    structlog.get_logger("test").info("started", address="http://127.0.0.1:1")
    (line,) = lines(log)
    assert line["level"] == "info"
    assert str(line["timestamp"]).endswith("Z")
    assert line["address"] == "http://127.0.0.1:1"


def test_a_terminal_gets_readable_lines() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    stream = Terminal()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logging("INFO", stream)
    structlog.get_logger("test").info("started")
    structlog.reset_defaults()
    root.handlers[:], root.level = before[0], before[1]
    assert "started" in stream.getvalue()
    assert not stream.getvalue().startswith("{")
