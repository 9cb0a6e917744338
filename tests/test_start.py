"""What a desk has imported when its first customer is served, and that the rest comes soon after."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from adapters.web.late_routes import LATE
from adapters.web.metrics import METER
from tests.running_desk import ANSWERS, ServerProcess, customer, serving

ROOT = Path(__file__).parent.parent

HEAVY = (
    # The ORM and what it brings along.
    "tortoise",
    "pypika_tortoise",
    "storage.models",
    "storage.migrations.0001_initial",
    # The command line's and the terminal's.
    "typer",
    "click",
    "rich.console",
    "pygments",
    # Channels and databases that this desk has not.
    "slack_bolt",
    "slack_sdk",
    "botbuilder",
    "asyncpg",
    "aioimaplib",
    "aiosmtpd",
    "aiosmtplib",
    # The console, its pages, and whatever else nobody has asked for.
    "adapters.web.console_routes",
    "adapters.web.form_routes",
    "pydantic",
    "prometheus_client",
    "argon2",
    "cryptography",
    "puremagic",
    "phonenumbers",
    "babel",
    "markdown_it",
    "nh3",
)


async def imported_at_the_first_acknowledgement(data: Path, **environment: str) -> set[str]:
    """Start a desk, open a ticket, and return every module it had imported when that was acknowledged."""
    async with ServerProcess(data, ("demo",), PYTHONPROFILEIMPORTTIME="1", **environment) as server:
        async with customer(server.base) as dana:
            await dana.next("ready")
            await dana.send(t="start", id="1", answers=ANSWERS)
            await dana.next("ack")
        lines = [re.fullmatch(r"import time: .*\| +(\S+)", line) for line in tuple(server.output)]
    return {found[1] for found in lines if found}


def with_dataclasses(modules: set[str]) -> set[str]:
    """Return which of these are modules of the desk's own that make dataclasses, which takes long."""
    own = {name: ROOT.joinpath(*name.split(".")).with_suffix(".py") for name in modules}
    return {name for name, file in own.items() if file.is_file() and "@dataclass" in file.read_text("utf-8")}


@pytest.mark.sqlite("on PostgreSQL the ORM connects the desk, and is loaded first")
async def test_a_desk_serves_its_first_customer_without_what_only_others_need(tmp_path: Path) -> None:
    for _ in ("a new database", "the same again"):
        imported = await imported_at_the_first_acknowledgement(tmp_path)
        assert {"aiohttp", "storage.store", "adapters.web.visitor_socket"} <= imported
        assert imported.intersection(HEAVY) == set()
        assert with_dataclasses(imported) == {"chatdesk.business_hours"}


@pytest.mark.sqlite("on PostgreSQL the ORM connects the desk, and is loaded first")
async def test_a_desk_with_a_customer_portal_starts_without_what_reads_tokens(tmp_path: Path) -> None:
    file = tmp_path / "chatdesk.toml"
    file.write_text('[desk]\nname = "Northwind IT"\n[channels]\nweb = { calendar = "always" }\nportal = {}\n')
    imported = await imported_at_the_first_acknowledgement(
        tmp_path / "var",
        CHATDESK_CONFIG=str(file),
        CHATDESK_PORTAL_GOOGLE_CLIENT_ID="an-id",
        CHATDESK_PORTAL_GOOGLE_CLIENT_SECRET="a-secret",
    )
    assert "storage.portal_sessions" in imported
    assert imported.intersection({*HEAVY, "jwt", "adapters.web.portal_routes"}) == set()


async def test_what_a_start_leaves_out_is_loaded_after_it(tmp_path: Path) -> None:
    async with serving(data=tmp_path) as desk:
        application = desk.running.application
        assert application[METER]._loaded is None
        await desk.running.warming.now()
        assert application[METER]._loaded is not None
        assert application[LATE]._inner is not None
        assert "works" in vars(desk.running.mail)
