from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from datetime import UTC, date, datetime, time
from functools import reduce
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from chatdesk.config import load_config, parse_config
from chatdesk.errors import ConfigurationError
from chatdesk.settings.reader import read_config

CASES = Path(__file__).with_name("config_errors.txt")


def cases() -> list[tuple[str, list[str]]]:
    """Each file with mistakes and the problems told about it; the text file says how they are written."""
    blocks = CASES.read_text(encoding="utf-8").split("\n\n")
    told = [block.strip().splitlines() for block in blocks if "\n=> " in block]
    return [
        (
            "\n".join(line for line in lines if not line.startswith("=> ")),
            [line.removeprefix("=> ") for line in lines if line.startswith("=> ")],
        )
        for lines in told
    ]


def refusal(text: str) -> str:
    with pytest.raises(ConfigurationError) as refused:
        parse_config(text, "chatdesk.toml")
    return str(refused.value)


def test_the_cases_are_all_found() -> None:
    assert len(cases()) == len(re.findall(r"\n\n(?!#)", CASES.read_text(encoding="utf-8")))


@pytest.mark.parametrize(("text", "problems"), cases())
def test_every_mistake_is_told_with_its_key_what_was_found_and_what_is_allowed(
    text: str, problems: list[str]
) -> None:
    file = text if "[desk]" in text else f'[desk]\nname = "Northwind IT"\n{text}'
    assert refusal(file).splitlines() == [f"chatdesk.toml: {problem}" for problem in problems]


Step = str | int

ODD_VALUES: tuple[object, ...] = (
    *("", "x", "always", "2h", "a\x00b", "x" * 5000),
    *(0, -1, 10**20, True, 1.5, float("nan")),
    *(date(2026, 1, 1), datetime(2026, 1, 1, tzinfo=UTC), time(1)),
    *([], [[]], ["x"], [1], [{}], [{"x": []}]),
    *({}, {"x": 1}, {"odd key\n": 1}),
)


def places(value: object) -> Iterator[tuple[Step, ...]]:
    """The path of every value within a parsed file."""
    inside: Iterable[tuple[Step, object]] = ()
    if isinstance(value, dict):
        inside = value.items()
    elif isinstance(value, list):
        inside = enumerate(value)
    for step, item in inside:
        yield (step,)
        yield from ((step, *path) for path in places(item))


@pytest.mark.parametrize("odd", ODD_VALUES, ids=lambda odd: repr(odd)[:20])
def test_any_value_at_any_place_is_read_or_refused_and_never_breaks_the_reader(odd: object) -> None:
    demonstration = files("chatdesk.settings").joinpath("demo_desk.toml").read_text(encoding="utf-8")
    for path in places(tomllib.loads(demonstration)):
        changed: Any = tomllib.loads(demonstration)
        *way, last = path
        reduce(lambda holder, step: holder[step], way, changed)[last] = odd
        with suppress(ConfigurationError):
            assert read_config(changed, "chatdesk.toml").desk.name


def test_a_name_that_is_too_long_is_shown_shortened() -> None:
    name = "x" * 61
    assert refusal(f'[desk]\nname = "{name}"') == (
        f'chatdesk.toml: desk.name: "{name[:55]}..." has 61 characters; at most 60 are allowed.'
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "[desk]\nname = Northwind\n",
            "chatdesk.toml: line 2, column 8: Invalid value. "
            'A text stands in straight quotes, such as name = "Northwind IT".',
        ),
        (
            '[desk]\nname: "Northwind IT"\n',
            "chatdesk.toml: line 2, column 5: Expected '=' after a key in a key/value pair. "
            'Write name = "Northwind IT", with = between the key and its value.',
        ),
        (
            '[desk]\nname = "a"\nname = "b"\n',
            "chatdesk.toml: line 3, column 11: Cannot overwrite a value. "
            "It stands further up already: keep one of them.",
        ),
        (
            "[desk]\n[channels]\n[channels]\n",
            "chatdesk.toml: line 3, column 10: Cannot declare ('channels',) twice. "
            "It stands further up already: keep one of them.",
        ),
        (
            '[desk]\nlogo = "C:\\logo"\n',
            "chatdesk.toml: line 2, column 13: Unescaped '\\' in a string. Write each backslash twice.",
        ),
        ("[desk", "chatdesk.toml: end of document: Expected ']' at the end of a table declaration."),
    ],
)
def test_a_mistake_in_the_toml_itself_is_told_with_its_line_and_column(text: str, problem: str) -> None:
    assert refusal(text) == problem


def test_a_file_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"none\.toml: cannot be read: No such file or directory\.$"):
        load_config(tmp_path / "none.toml")
    with pytest.raises(ConfigurationError, match=r"cannot be read: Is a directory\.$"):
        load_config(tmp_path)


def test_a_file_that_is_not_utf_8_is_told_and_a_byte_order_mark_is_not(tmp_path: Path) -> None:
    file = tmp_path / "chatdesk.toml"
    file.write_bytes(b'[desk]\nname = "M\xfcller"\n')
    told = r"chatdesk\.toml: byte 17 is not UTF-8; save the file as UTF-8\.$"
    with pytest.raises(ConfigurationError, match=told):
        load_config(file)
    file.write_bytes(b'\xef\xbb\xbf[desk]\nname = "M\xc3\xbcller"\n')
    assert load_config(file).desk.name == "Müller"
