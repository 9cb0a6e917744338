"""docs/configuration.md and the reader say the same."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import Any

import pytest

from chatdesk.config import parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.settings import environment
from chatdesk.settings.channels import SET_BY_FILE
from chatdesk.settings.identity import read_identity
from chatdesk.settings.mail_servers import read_mail_servers
from chatdesk.settings.portal_access import read_portal
from chatdesk.settings.slack import read_slack
from chatdesk.settings.table import Table
from chatdesk.settings.teams_access import read_teams_access
from chatdesk.ticket import Priority

NAMED = '[desk]\nname = "Northwind IT"\n'
ROOT = Path(__file__).parent.parent
DOCUMENT = ROOT / "docs" / "configuration.md"
DOCUMENTS = (ROOT / "README.md", ROOT / "chatdesk.toml.example", *sorted(ROOT.glob("docs/*.md")))
VARIABLES = re.findall(
    r"(?m)^\| `([A-Z_]+)` \|",
    DOCUMENT.read_text(encoding="utf-8").partition("## Environment variables")[2],
)
"""The environment variables that the document lists."""

EVERYTHING = """
[calendars.c1]
mon = "09:00-17:00"
[channels.web]
[sla.high]
[survey]
fields = [{ id = "x", when = {} }]
[staff.slack]
companies = {}
[[maintenance]]
[tiers.acme]
[companies.acme]
[widgets.desk]
[[canned]]
[[articles]]
"""


def documented() -> set[str]:
    keys: set[str] = set()
    table = ""
    for line in DOCUMENT.read_text(encoding="utf-8").partition("## Environment variables")[0].splitlines():
        if heading := re.fullmatch(r"#+ `\[+(.*?)\]+`", line):
            table = heading[1]
        elif row := re.match(r"\| `([a-z_]+)` \|", line):
            keys.add(f"{table}.{row[1]}")
    return keys


def asked_for(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Every key the reader asks for, with the names that owners choose written as in the document."""
    asked: set[str] = set()
    take = Table.take

    def recorded(self: Table, key: str) -> object | None:
        asked.add(f"{self.path}.{key}")
        return take(self, key)

    monkeypatch.setattr(Table, "take", recorded)
    with pytest.raises(ConfigurationError):
        parse_config(NAMED + EVERYTHING, "chatdesk.toml")
    generic = {re.sub(r"\[\d+\]", "", key) for key in asked}
    for chosen, written in (
        (r"calendars\.c1", "calendars.<name>"),
        (rf"channels\.({'|'.join(SET_BY_FILE)})(?=\.)", "channels.<channel>"),
        (rf"sla\.({'|'.join(Priority)})(?=\.)", "sla.<priority>"),
        (r"staff\.(slack|teams)(?=\.)", "staff.<service>"),
        (r"companies\.acme", "companies.<id>"),
        (r"tiers\.acme", "tiers.<id>"),
        (r"widgets\.desk", "widgets.<key>"),
    ):
        generic = {re.sub(f"^{chosen}", written, key) for key in generic}
    tables_named_by_owners = {"calendars.<name>", "companies.<id>", "tiers.<id>", "widgets.<key>"}
    answers = {f"priority.{option}" for option in ("Only me", "Several people", "Everyone")}
    return {key for key in generic if not key.startswith(".")} - tables_named_by_owners - answers


def test_every_key_that_is_read_is_documented_and_every_documented_key_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert asked_for(monkeypatch) == documented()


class Recorded(dict[str, str]):
    """An environment without any variable, which notes what it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: set[str] = set()

    def get(self, name: str, default: object = None) -> Any:
        self.asked.add(name)
        return default

    def __contains__(self, name: object) -> bool:
        self.asked.add(str(name))
        return False


def variables_read() -> set[str]:
    """Every variable that the settings read; some names are put together, so the readers are asked."""
    given = Recorded()
    problems: list[str] = []
    read_mail_servers(given, problems)
    read_slack(given, problems)
    read_teams_access(given, "127.0.0.1", problems)
    read_portal(given, problems)
    read_identity(given, problems)
    assert problems == []
    own = set(re.findall(r'"(CHATDESK_[A-Z_]+)"', inspect.getsource(environment)))
    assert len(own) == 7
    return own | given.asked


def test_every_variable_that_is_read_is_documented_and_every_documented_one_is_read() -> None:
    assert variables_read() == set(VARIABLES)
    assert len(VARIABLES) == len(set(VARIABLES))


@pytest.mark.parametrize("file", DOCUMENTS, ids=lambda file: file.name)
def test_no_document_names_a_variable_that_is_not_read(file: Path) -> None:
    named = re.findall(r"\b(?:CHATDESK|SLACK|TEAMS)_[A-Z_]+\b", file.read_text(encoding="utf-8"))
    assert set(named) <= set(VARIABLES)


def test_every_example_in_the_document_that_is_a_file_can_be_read() -> None:
    blocks = re.findall(r"(?s)```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"))
    whole = [block for block in blocks if "[survey" not in block]
    assert len(whole) == len(blocks) - 1
    for block in whole:
        text = block if "[desk]" in block else NAMED + block
        assert parse_config(text, "chatdesk.toml").desk.name == "Northwind IT"
