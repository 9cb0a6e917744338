"""`chatdesk icon`: the file it writes, and what it says where it cannot."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from chatdesk.cli.commands import application

DESK = """
[desk]
name = "Northwind IT"
public_url = "https://desk.northwind.example"
[channels]
desktop = {}
[companies.contoso]
name = "Contoso"
widget = "contoso-web"
"""
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs the command with a desk's file, in a folder of its own."""

    def command(*arguments: str, desk: str = DESK) -> Result:
        (tmp_path / "chatdesk.toml").write_text(desk, encoding="utf-8")
        monkeypatch.setenv("CHATDESK_CONFIG", str(tmp_path / "chatdesk.toml"))
        monkeypatch.chdir(tmp_path)
        return CliRunner().invoke(application, ["icon", *arguments])

    return command


@pytest.mark.parametrize(
    ("system", "file"),
    [
        ("windows", "Northwind IT.url"),
        ("macos", "Northwind IT.webloc"),
        ("linux", "chatdesk-desk.desktop"),
    ],
)
def test_it_writes_the_icon_of_each_system_and_says_where(
    run: Run, tmp_path: Path, system: str, file: str
) -> None:
    result = run("--computer", "PC-042", "--for", system, "--out", "new/icons")
    assert result.exit_code == 0, result.output
    address = "https://desk.northwind.example/chat?key=desk&computer=PC-042"
    assert f"{Path('new/icons') / file} is written. It opens {address}" in result.output
    content = (tmp_path / "new" / "icons" / file).read_text(encoding="utf-8")
    assert "https://desk.northwind.example/chat?key=desk&" in content


def test_without_a_folder_the_file_is_where_the_command_runs(run: Run, tmp_path: Path) -> None:
    result = run("--computer", "PC-042", "--for", "windows", "--widget", "contoso-web")
    assert result.exit_code == 0, result.output
    assert b"?key=contoso-web&computer=PC-042\r\n" in (tmp_path / "Northwind IT.url").read_bytes()


def test_all_that_is_in_the_way_is_said_at_once(run: Run, tmp_path: Path) -> None:
    bare = '[desk]\nname = "Northwind IT"\n'
    result = run("--computer", "PC 042", "--for", "windows", "--widget", "other", desk=bare)
    assert result.exit_code == 2
    said = " ".join(result.output.split())
    for problem in (
        "channels.desktop: is not offered; add desktop = {} to [channels].",
        "desk.public_url: is not set",
        "--computer: 'PC 042' is no computer's name; write 1 to 64 letters, digits",
        "--widget: there is no widget 'other'; write one of: desk.",
    ):
        assert problem in said
    assert [path.name for path in tmp_path.iterdir()] == ["chatdesk.toml"]


def test_a_system_that_is_not_known_is_wrong_use(run: Run) -> None:
    assert run("--computer", "PC-042", "--for", "amiga").exit_code == 2


def test_a_folder_that_cannot_be_written_to_is_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("", encoding="utf-8")
    result = run("--computer", "PC-042", "--for", "linux", "--out", "taken")
    assert result.exit_code == 2
    assert "--out: taken" in " ".join(result.output.split())
