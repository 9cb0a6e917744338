"""docs/identity.md and what the desk takes are the same."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from adapters.web import identity_token
from adapters.web.identity_token import check_identity
from chatdesk.bootstrap import now
from chatdesk.config import parse_config
from chatdesk.settings.model import SiteIdentity
from chatdesk.site_identity import VouchedPerson
from tests.site_tokens import SECRET, WIDGET

DOCUMENT = (Path(__file__).parent.parent / "docs" / "identity.md").read_text(encoding="utf-8")


def example(language: str) -> str:
    found = re.search(rf"(?ms)^ *```{language}\n(.*?)^ *```", DOCUMENT)
    assert found is not None
    return re.sub(r"(?m)^   (?=\S)", "", found[1]) if language == "toml" else found[1]


def test_the_example_of_a_file_can_be_read() -> None:
    config = parse_config(f'[desk]\nname = "Northwind IT"\n{example("toml")}', "chatdesk.toml")
    (company,) = config.companies
    assert company.identity is SiteIdentity.OFFERED
    assert config.widget(WIDGET) is not None


@pytest.mark.parametrize("phone", ["555-0134", "", None])
def test_the_example_in_python_makes_a_token_that_the_desk_takes(
    monkeypatch: pytest.MonkeyPatch, phone: str | None
) -> None:
    monkeypatch.setenv("CHAT_SECRET", SECRET)
    made: dict[str, Any] = {}
    exec(example("python"), made)
    person = SimpleNamespace(email="dana@contoso.example", name="Dana Reyes", phone=phone)
    found = check_identity(made["chat_token"](person), (SECRET,), WIDGET, now())
    assert found == VouchedPerson("dana@contoso.example", "Dana Reyes", phone or "")


def test_the_limits_are_those_that_the_document_names() -> None:
    assert f"at most {identity_token.LONGEST_TOKEN:,} characters" in DOCUMENT
    assert f"at most {identity_token.LONGEST_LIFE.total_seconds() / 3600:.0f} hours ahead" in DOCUMENT
    assert identity_token.LEEWAY.total_seconds() == 60
    assert "Clocks may differ by a minute." in DOCUMENT
