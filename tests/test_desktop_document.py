"""docs/desktop.md: its scripts write what the command writes."""

from __future__ import annotations

import plistlib
import re
import subprocess
from pathlib import Path

import pytest

from chatdesk.desktop_icon import desktop_entry, icon_address, internet_shortcut

DOCUMENT = (Path(__file__).parent.parent / "docs" / "desktop.md").read_text(encoding="utf-8")
ADDRESS = icon_address("https://desk.northwind.example", "desk", "PC-042")


def scripts(language: str) -> list[str]:
    return re.findall(rf"(?ms)^```{language}\n(.*?)^```", DOCUMENT)


def run(script: str, folder: Path, target: str) -> Path:
    """Run a script with the computer's commands made up, writing below ``folder``; return its file."""
    commands = {"hostname": "PC-042", "scutil": "PC-042", "stat": "dana", "chown": ""}
    made_up = "".join(f"{name}() {{ echo {said}; }}\n" for name, said in commands.items())
    for name in ("/Users/", "/usr/share/"):
        script = script.replace(name, f"{folder}{name}")
    written = folder / target
    written.parent.mkdir(parents=True)
    subprocess.run(["/bin/sh", "-euc", made_up + script], check=True)
    return written


def test_the_script_for_linux_writes_the_entry_that_the_command_writes(tmp_path: Path) -> None:
    file = run(scripts("sh")[1], tmp_path, "usr/share/applications/chatdesk-desk.desktop")
    assert file.read_bytes() == desktop_entry("Northwind IT", ADDRESS)


def test_the_script_for_macos_writes_a_property_list_with_the_address(tmp_path: Path) -> None:
    file = run(scripts("sh")[0], tmp_path, "Users/dana/Desktop/Northwind IT.webloc")
    assert plistlib.loads(file.read_bytes()) == {"URL": ADDRESS}


@pytest.mark.parametrize(
    ("language", "lines", "variable"),
    [
        ("powershell", r'"(\[\w+\])", "(URL=[^"]*)"\n$', "$([uri]::EscapeDataString($env:COMPUTERNAME))"),
        ("bat", r"\(echo (\[\w+\])& echo (URL=[^)]*)\)>", "%COMPUTERNAME%"),
    ],
)
def test_the_scripts_for_windows_write_the_lines_of_the_shortcut(
    language: str, lines: str, variable: str
) -> None:
    [script] = scripts(language)
    found = re.search(lines, script)
    assert found is not None
    written = "".join(f"{line}\r\n" for line in found.groups())
    assert written.replace(variable, "PC-042").replace("^&", "&").encode() == internet_shortcut(ADDRESS)
