"""Mails in the shapes in which the world writes them, each with what has to be found in it.

The mails are in tests/mails; expected.json says of each what is new in it and what is not.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from adapters.email.parse import parse_mail
from adapters.email.people import name_of, phones_in

MAILS = Path(__file__).parent / "mails"
EXPECTED: dict[str, dict[str, Any]] = json.loads((MAILS / "expected.json").read_text(encoding="utf-8"))


def test_every_sample_has_an_expectation_and_there_are_many() -> None:
    assert {path.stem for path in MAILS.glob("*.eml")} == set(EXPECTED)
    assert len(EXPECTED) >= 60


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_a_mail_is_understood(name: str) -> None:
    wanted = EXPECTED[name]
    mail, contents = parse_mail((MAILS / f"{name}.eml").read_bytes())
    found = {
        "text": mail.text,
        "subject": mail.subject,
        "sender": mail.sender,
        "name": name_of(mail),
        "phone": phones_in(mail),
        "attachments": [part.name for part in mail.attachments],
        "bounce": mail.bounce.message_id if mail.bounce else None,
    }
    exact = {key: value for key, value in wanted.items() if key in found}
    assert {key: found[key] for key in exact} == exact
    for key, text in (("quoted", mail.quoted), ("signature", mail.signature)):
        assert wanted.get(key, "") in text
        if wanted.get(key) == "":
            assert text == ""
    assert all(words in mail.text for words in wanted.get("text_has", ()))
    assert "not_text" not in wanted or wanted["not_text"] not in mail.text
    assert not any(word in mail.html for word in wanted.get("html_not", ()))
    assert bool(mail.automatic) == wanted.get("automatic", False)
    assert [len(content) for content in contents] == [part.size for part in mail.attachments]
