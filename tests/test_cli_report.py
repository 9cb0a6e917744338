"""`chatdesk report`: text, CSV and JSON, and errors that name the option and the fix."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from datetime import timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chatdesk.bootstrap import now
from chatdesk.cli.commands import application
from chatdesk.config import load_config
from storage.database import Database
from tests.report_lives import lives
from tests.running_desk import database_url

runner = CliRunner()


@pytest.fixture
async def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demonstration desk, with a call of an hour ago and the chat that somebody of Contoso has begun."""
    for name in ("CONFIG", "SECRET", "HOST", "PORT", "DATABASE_URL"):
        monkeypatch.delenv(f"CHATDESK_{name}", raising=False)
    monkeypatch.setenv("CHATDESK_DATA", str(tmp_path))
    address = database_url(tmp_path)
    monkeypatch.setenv("CHATDESK_DATABASE_URL", address)
    config, at = load_config(None), now() - timedelta(hours=1)
    async with Database(address) as database, lives(database, config) as desk:
        _ = await desk.called(at)
        _ = await desk.opened(at, category="Computer", company="Contoso")


async def invoke(*arguments: str) -> Result:
    """Run the command as it runs by itself: outside this test's event loop."""
    return await asyncio.to_thread(runner.invoke, application, ("report", *arguments))


FROM = (now() - timedelta(days=3)).date().isoformat()


@pytest.mark.usefixtures("data")
async def test_it_prints_the_figures_with_what_they_count() -> None:
    result = await invoke("--from", FROM)
    assert result.exit_code == 0, result.output
    for words in ("All companies: ", "As of ", "What happened", "Calls and requests written down", "Contoso"):
        assert words in result.stdout


@pytest.mark.usefixtures("data")
async def test_without_days_it_is_the_last_months() -> None:
    found = json.loads((await invoke("--format", "json")).stdout)
    assert found["from"].endswith("-01")
    assert found["to"] < now().date().replace(day=2).isoformat()


@pytest.mark.usefixtures("data")
async def test_programs_and_spreadsheets_read_the_same_figures() -> None:
    found = json.loads((await invoke("--from", FROM, "--format", "json")).stdout)
    opened = next(line for line in found["tickets"]["lines"] if line["key"] == "opened")
    assert opened["tickets"] == 2
    rows = list(csv.reader(io.StringIO((await invoke("--from", FROM, "--format", "csv")).stdout)))
    assert ["Tickets", "Opened", "Tickets", "2", ""] in rows


@pytest.mark.usefixtures("data")
async def test_a_company_is_named_by_its_id() -> None:
    result = await invoke("--from", FROM, "--company", "fabrikam", "--format", "json")
    found = json.loads(result.stdout)
    assert found["company"] == "Fabrikam"
    assert found["companies"]["lines"] == []


@pytest.mark.usefixtures("data")
@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--from", "lately"), "--from: 'lately' is not a day; write one as 2026-10-31."),
        (("--from", "2026-02-02", "--to", "2026-02-01"), "--to: The last day, 2026-02-01, is before"),
        (("--from", "2999-01-01", "--to", "2999-02-01"), "--from: The first day, 2999-01-01, has not come"),
        (("--company", "contos"), "--company: this desk has no company 'contos'. Use the id of one of"),
    ],
)
async def test_what_cannot_be_asked_is_refused_with_the_option_and_the_fix(
    arguments: tuple[str, ...], says: str
) -> None:
    result = await invoke(*arguments)
    assert result.exit_code == 2
    assert says in " ".join(result.stderr.split())
