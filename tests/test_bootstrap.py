"""Building the desk: its folder and secret, the demonstration's people and mail, and the refusals."""

from __future__ import annotations

import asyncio
import socket
import stat
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from chatdesk.bootstrap import running_desk
from chatdesk.cli.demonstration import TECHNICIANS, technicians
from chatdesk.cli.server import address, open_port
from chatdesk.cli.setting import demo_setting, kept_secret, prepare_data, serve_setting
from chatdesk.config import Environment, load_config
from chatdesk.errors import ConfigurationError, StorageError
from chatdesk.housekeeping import Housekeeping
from chatdesk.mailbox import MailLine
from chatdesk.own_machine import is_loopback
from storage.database import Database
from storage.files import LocalFiles
from storage.staff import TortoiseStaff
from tests.core_builders import url
from tests.running_desk import ANSWERS, customer, database_url, serving


def test_the_data_folder_is_made_for_its_owner_only(tmp_path: Path) -> None:
    prepare_data(tmp_path / "var" / "desk")
    assert stat.S_IMODE((tmp_path / "var" / "desk").stat().st_mode) == 0o700


def test_a_data_folder_that_is_a_file_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigurationError, match=r"CHATDESK_DATA: .*var cannot be made"):
        prepare_data(tmp_path / "var")


def test_the_demonstrations_secret_is_made_once_and_kept_for_its_owner_only(tmp_path: Path) -> None:
    first = kept_secret(tmp_path)
    assert len(first) >= 32
    assert kept_secret(tmp_path) == first
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600
    assert [file.name for file in tmp_path.iterdir()] == ["secret"]


async def test_two_starts_at_once_have_one_secret(tmp_path: Path) -> None:
    both = await asyncio.gather(*(asyncio.to_thread(kept_secret, tmp_path) for _ in range(8)))
    assert len(set(both)) == 1


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.0.0.9", True),
        ("::1", True),
        ("localhost", True),
        ("0.0.0.0", False),
        ("::", False),
        ("192.0.2.1", False),
        ("desk.example.com", False),
    ],
)
def test_the_demonstration_listens_on_this_machine_only(tmp_path: Path, host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback
    environ = {"CHATDESK_HOST": host, "CHATDESK_DATA": str(tmp_path)}
    if loopback:
        assert demo_setting(environ).environment.host == host
    else:
        with pytest.raises(ConfigurationError, match="CHATDESK_HOST"):
            demo_setting(environ)


def test_a_real_desk_names_everything_that_is_missing() -> None:
    with pytest.raises(
        ConfigurationError, match=r"CHATDESK_CONFIG: is not set.*\nCHATDESK_SECRET: is not set"
    ):
        serve_setting({})


def test_a_real_desk_needs_its_file_before_it_makes_its_folder(tmp_path: Path) -> None:
    environ = {
        "CHATDESK_CONFIG": str(tmp_path / "none.toml"),
        "CHATDESK_SECRET": "x" * 32,
        "CHATDESK_DATA": str(tmp_path / "var"),
    }
    with pytest.raises(ConfigurationError, match=r"none\.toml"):
        serve_setting(environ)
    assert not (tmp_path / "var").exists()


async def test_the_demonstrations_technicians_get_accounts_once() -> None:
    async with serving() as desk:
        first = await technicians(desk.running.staff)
        again = await technicians(desk.running.staff)
    assert first == again
    assert [(account.name, account.email) for account in first] == list(TECHNICIANS)


async def test_nodes_of_a_demonstration_that_start_at_once_add_its_technicians_once(tmp_path: Path) -> None:
    async with Database(url(tmp_path)) as database:
        staff = [TortoiseStaff(database) for _ in range(3)]
        found = await asyncio.gather(*map(technicians, staff))
        assert len(await staff[0].accounts()) == len(TECHNICIANS)
    assert [[account.email for account in each] for each in found] == [[e for _, e in TECHNICIANS]] * 3


async def test_mail_of_the_demonstration_is_kept() -> None:
    async with serving() as desk, customer(desk.base) as dana:
        await dana.next("ready")
        await dana.send(t="start", id="1", answers=ANSWERS)
        await dana.next("ready")
        kept: Sequence[MailLine] = ()
        async with asyncio.timeout(10):
            while not kept:
                kept = await desk.running.services.mailbox.newest(10)
    assert [(mail.recipient, mail.ticket) for mail in kept] == [(ANSWERS["email"], 1001)]


async def test_a_running_desk_clears_away_forgotten_uploads_and_ended_sessions(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    done: Counter[str] = Counter()
    all_done = asyncio.Event()

    def chore(name: str) -> Callable[[object, datetime], Awaitable[int]]:
        async def does(self: object, at: datetime) -> int:
            done[name] += 1
            if done["uploads"] and done["sessions"]:
                all_done.set()
            return 0

        return does

    monkeypatch.setattr("chatdesk.bootstrap.Housekeeping", partial(Housekeeping, first=0.0))
    monkeypatch.setattr(LocalFiles, "remove_forgotten", chore("uploads"))
    monkeypatch.setattr(TortoiseStaff, "remove_ended", chore("sessions"))
    async with serving(), asyncio.timeout(10):
        await all_done.wait()


@pytest.mark.sqlite("a folder is in the place of its file")
async def test_a_database_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "chatdesk.sqlite3").mkdir()
    environment = Environment.read({"CHATDESK_DATA": str(tmp_path)})
    before = set(threading.enumerate())
    with pytest.raises(StorageError, match="cannot be opened"):
        async with running_desk(load_config(None), environment, demo=True):
            raise AssertionError("it opened")
    for thread in set(threading.enumerate()) - before:
        await asyncio.to_thread(thread.join, 10)


async def test_a_port_in_use_is_named_with_the_way_out(tmp_path: Path) -> None:
    environment = Environment(database_url=database_url(tmp_path), data=tmp_path)
    async with running_desk(load_config(None), environment, demo=True) as desk:
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            with pytest.raises(ConfigurationError, match=rf"Port {port} .*CHATDESK_PORT"):
                async with open_port(desk, "127.0.0.1", port):
                    raise AssertionError("it opened")


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("127.0.0.1", "http://127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80"),
        ("::", "http://[::1]:80"),
        ("::1", "http://[::1]:80"),
        ("localhost", "http://localhost:80"),
    ],
)
def test_the_address_shown_is_one_a_browser_here_can_open(host: str, shown: str) -> None:
    assert address(host, 80) == shown
