from __future__ import annotations

import re
from pathlib import Path

import pytest

from chatdesk.config import load_config, parse_config
from chatdesk.errors import ConfigurationError

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


def test_a_name_that_is_too_long_is_shown_shortened() -> None:
    name = "x" * 61
    assert refusal(f'[desk]\nname = "{name}"') == (
        f'chatdesk.toml: desk.name: "{name[:55]}..." has 61 characters; at most 60 are allowed.'
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("[desk]\nname = Northwind\n", "chatdesk.toml: line 2, column 8: Invalid value."),
        ('[desk]\nname = "a"\nname = "b"\n', "chatdesk.toml: line 3, column 11: Cannot overwrite a value."),
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
