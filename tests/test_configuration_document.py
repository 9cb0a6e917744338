"""docs/configuration.md and the reader say the same."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from chatdesk.config import parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.settings import environment
from chatdesk.settings.channels import LABELS
from chatdesk.settings.table import Table
from chatdesk.ticket import Priority

NAMED = '[desk]\nname = "Northwind IT"\n'
DOCUMENT = Path(__file__).parent.parent / "docs" / "configuration.md"

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
[companies.acme]
[widgets.desk]
[[canned]]
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
        (rf"channels\.({'|'.join(LABELS)})(?=\.)", "channels.<channel>"),
        (rf"sla\.({'|'.join(Priority)})(?=\.)", "sla.<priority>"),
        (r"staff\.(slack|teams)(?=\.)", "staff.<service>"),
        (r"companies\.acme", "companies.<id>"),
        (r"widgets\.desk", "widgets.<key>"),
    ):
        generic = {re.sub(f"^{chosen}", written, key) for key in generic}
    tables_named_by_owners = {"calendars.<name>", "companies.<id>", "widgets.<key>"}
    answers = {f"priority.{option}" for option in ("Only me", "Several people", "Everyone")}
    return {key for key in generic if not key.startswith(".")} - tables_named_by_owners - answers


def test_every_key_that_is_read_is_documented_and_every_documented_key_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert asked_for(monkeypatch) == documented()


def test_every_variable_that_is_read_is_documented() -> None:
    read_there = set(re.findall(r'"(CHATDESK_[A-Z_]+)"', inspect.getsource(environment)))
    in_document = set(re.findall(r"\| `(CHATDESK_[A-Z_]+)` \|", DOCUMENT.read_text(encoding="utf-8")))
    assert len(read_there) == 7
    assert read_there <= in_document


def test_every_example_in_the_document_that_is_a_file_can_be_read() -> None:
    blocks = re.findall(r"(?s)```toml\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"))
    whole = [block for block in blocks if "[survey" not in block]
    assert len(whole) == len(blocks) - 1
    for block in whole:
        text = block if "[desk]" in block else NAMED + block
        assert parse_config(text, "chatdesk.toml").desk.name == "Northwind IT"
