"""Which tests run on which database: all with `make test`, and on PostgreSQL again those that used SQLite.

Left out of the second run are the tests that reach no database, and those that name PostgreSQL or SQLite
themselves, in a parameter or by their marker: they ran as they are with `make test`. A file's tests reach a
database when it imports, directly or not, tests.postgres_server, which knows the database under test.

That this is so is seen while tests run: SQLite opened by a test that reaches no database, or in the run on
PostgreSQL, is an error of the test.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Generator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_server import wanted_everywhere

REPOSITORY = Path(__file__).parent.parent
DOOR = "tests.postgres_server"
NAMES = frozenset({"sqlite", "postgres", "fake"})
NO_DATABASE = "in files that reach no database"
NAMED = "that name PostgreSQL, or each database in turn"
_LEFT_OUT = pytest.StashKey[Counter[str]]()
_opened: list[str] = []


def pytest_configure(config: pytest.Config) -> None:
    """Watch for SQLite; nothing is left out yet."""
    config.stash[_LEFT_OUT] = Counter()
    sys.addaudithook(_note)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL leave out what need not run again, and skip what is about SQLite alone."""
    if not wanted_everywhere():
        return
    left_out = {item: why for item in items if (why := why_left_out(item))}
    config.stash[_LEFT_OUT] = Counter(left_out.values())
    config.hook.pytest_deselected(items=list(left_out))
    items[:] = [item for item in items if item not in left_out]
    for item in items:
        for marker in item.iter_markers("sqlite"):
            item.add_marker(pytest.mark.skip(reason=f"about SQLite alone: {marker.args[0]}"))


def why_left_out(item: pytest.Item) -> str:
    """Return why a test need not run on PostgreSQL again; empty when it has to."""
    if not reaches_database(item.path):
        return NO_DATABASE
    parameters = getattr(getattr(item, "callspec", None), "params", {}).values()
    named = any(isinstance(value, str) and value in NAMES for value in parameters)
    return NAMED if named or item.get_closest_marker("postgres") else ""


def reaches_database(file: Path) -> bool:
    """Tell whether what a file of tests imports reaches the database under test."""
    seen: set[str] = set()
    waiting = set(_imports(file))
    while waiting:
        name = waiting.pop()
        seen.add(name)
        source = _source(name)
        if source is not None:
            waiting |= _imports(source) - seen
    return DOOR in seen


@cache
def _imports(file: Path) -> frozenset[str]:
    """Return the names of the tests' own modules, and of what is in them, that a file imports."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
    return frozenset(name for name in found if name.partition(".")[0] == "tests")


@cache
def _source(module: str) -> Path | None:
    path = REPOSITORY.joinpath(*module.split("."))
    return next((file for file in (path.with_suffix(".py"), path / "__init__.py") if file.exists()), None)


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "sqlite3.connect":
        _opened.append(str(arguments[0]))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Note what SQLite opens from the first fixture on."""
    _opened.clear()
    return (yield)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_teardown(item: pytest.Item) -> Generator[None, object, object]:
    """Fail the test that opened SQLite and was not to."""
    result = yield
    if _opened and (wanted_everywhere() or not reaches_database(item.path)):
        pytest.fail(f"SQLite was opened by a test that was not to: {_opened[0]}", pytrace=False)
    return result


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Tell the process that sums up, where tests run in several."""
    output: dict[str, Any] | None = getattr(session.config, "workeroutput", None)
    if output is not None:
        left_out = session.config.stash[_LEFT_OUT]
        output["left_out"] = dict(left_out)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any, error: object) -> None:
    """Hear from a process of tests; each has collected the same ones."""
    told: dict[str, int] = getattr(node, "workeroutput", {}).get("left_out", {})
    node.config.stash[_LEFT_OUT] = Counter[str](told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how many tests were left out, and why."""
    left_out = terminalreporter.config.stash[_LEFT_OUT]
    if left_out:
        terminalreporter.section(f"NOT RUN AGAIN ON POSTGRESQL: {left_out.total()}", sep="-")
        for why, tests in left_out.most_common():
            terminalreporter.write_line(f"{tests} tests {why}: they run with make test")
