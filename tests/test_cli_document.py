"""docs/cli.md and the command line say the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import typer
from typer.core import TyperCommand, TyperGroup

from chatdesk.cli.commands import application

DOCUMENT = (Path(__file__).parent.parent / "docs" / "cli.md").read_text(encoding="utf-8")


def commands() -> dict[str, TyperCommand]:
    """Every command that can be called, by its name behind `chatdesk`."""
    return dict(_below("", typer.main.get_command(application)))


def _below(name: str, command: object) -> Iterator[tuple[str, TyperCommand]]:
    if isinstance(command, TyperGroup):
        for word, inner in command.commands.items():
            yield from _below(f"{name} {word}".strip(), inner)
    elif isinstance(command, TyperCommand):
        yield name, command


def options(command: TyperCommand) -> set[str]:
    return {option for parameter in command.params for option in parameter.opts}


def documented() -> list[str]:
    """The commands of the table; `chatdesk agent add` / `list` are two."""
    found: list[str] = []
    for first, others in re.findall(r"(?m)^\| `chatdesk ([^`]+)`((?: / `\w+`)*) \|", DOCUMENT):
        words = [word for word in re.split(r" (?=-)", first)[0].split() if not word.startswith("-")]
        if words:
            found.append(" ".join(words))
            found += [" ".join((*words[:-1], other)) for other in re.findall(r"\w+", others)]
    return found


def test_the_table_lists_every_command_once_and_no_other() -> None:
    assert sorted(documented()) == sorted(commands())


def test_the_commands_that_print_json_are_those_that_the_document_names() -> None:
    printing = {name for name, command in commands().items() if "--json" in options(command)}
    sentence = re.search(r"`--json` \(on ([^)]*)\)", DOCUMENT)
    assert sentence is not None
    assert printing == set(re.findall(r"`([^`]+)`", sentence[1]))


def test_every_option_that_the_document_names_is_there() -> None:
    known = {option for command in commands().values() for option in options(command)}
    written = set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", DOCUMENT))
    assert written - known == {"--help", "--version"}
