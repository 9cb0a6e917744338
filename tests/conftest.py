"""What every test shares: a real browser when there is one, and a loud list of what was not tested."""

from __future__ import annotations

import logging
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import structlog
from hypothesis import settings
from playwright.async_api import Browser, async_playwright

from tests import databases_once, postgres_server

CHROMIUM_PATH_FILE = Path(sys.prefix, "chromium-path")
CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A page that reaches for another host must fail here as it would for a customer behind a strict firewall.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
)


def pytest_configure(config: pytest.Config) -> None:
    """Have tests run on the database that is wanted, and properties hold however busy the machine is."""
    config.pluginmanager.register(databases_once)
    settings.register_profile("unhurried", deadline=None)
    settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def chromium_path() -> str:
    """Path of a Chromium that starts, as `make browser` found it; skips the test without one."""
    path = CHROMIUM_PATH_FILE.read_text().strip() if CHROMIUM_PATH_FILE.exists() else ""
    if not path or not Path(path).exists():
        pytest.skip("no Chromium; install one and run `make browser`")
    return path


@pytest.fixture
async def browser(chromium_path: str) -> AsyncIterator[Browser]:
    """A fresh headless Chromium on the test's own event loop, closed afterwards; it sees loopback only."""
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(
            executable_path=chromium_path, headless=True, args=CHROMIUM_FLAGS
        )
        yield chromium
        await chromium.close()


@pytest.fixture(autouse=True)
def logging_as_before() -> Iterator[None]:
    """Take back what a test set up for logging: its stream is closed when the test is over."""
    root = logging.getLogger()
    handlers, level, configured = root.handlers[:], root.level, structlog.is_configured()
    settings = structlog.get_config()
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    if configured:
        structlog.configure(**settings)
    else:
        structlog.reset_defaults()


@pytest.fixture(autouse=True, scope="module")
def postgres_databases_of_a_module() -> Iterator[None]:
    """Empty the PostgreSQL databases that a file's tests share after the last of them."""
    yield
    postgres_server.take_back_databases()


@pytest.fixture(autouse=True)
def postgres_databases() -> Iterator[None]:
    """Empty each test's own PostgreSQL databases after it."""
    shared = postgres_server.in_use()
    yield
    postgres_server.take_back_databases(kept=shared)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List each skipped test with its reason, and count them: a skipped test has proved nothing."""
    reports: list[pytest.CollectReport | pytest.TestReport] = terminalreporter.stats.get("skipped", [])
    skipped = sorted({(report.nodeid, skip_reason(report)) for report in reports})
    if not skipped:
        return
    terminalreporter.section(f"NOT TESTED: {len(skipped)} skipped", sep="!", red=True, bold=True)
    for nodeid, reason in skipped:
        terminalreporter.write_line(f"{nodeid}: {reason}", yellow=True)
    terminalreporter.write_sep("!", f"{len(skipped)} skipped", red=True, bold=True)


def skip_reason(report: pytest.CollectReport | pytest.TestReport) -> str:
    """The reason given to `skip`, without pytest's own prefix."""
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longreprtext
    return reason.removeprefix("Skipped: ")
