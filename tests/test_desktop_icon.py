"""The files that are icons: each read back as the system that it is for reads it."""

from __future__ import annotations

import plistlib
import re
from configparser import ConfigParser

import pytest

from chatdesk.desktop_icon import (
    System,
    desktop_entry,
    icon_address,
    icon_file,
    internet_shortcut,
    web_location,
)

SITE = "https://desk.northwind.example"
ADDRESS = f"{SITE}/chat?key=desk&computer=PC-042"
ODD = "https://desk.example/a$b`c'd?x=%C3%9C&y=1"


def opened_by(entry: bytes) -> list[str]:
    """The command of a desktop entry, unescaped in the order that the specification gives."""
    [line] = [line for line in entry.decode().splitlines() if line.startswith("Exec=")]
    escapes = {"s": " ", "n": "\n", "t": "\t", "r": "\r", "\\": "\\"}
    value = re.sub(r"\\(.)", lambda found: escapes[found[1]], line.removeprefix("Exec="))
    program, quoted = value.split(" ", 1)
    assert re.fullmatch(r'"(?:[^"`$\\]|\\["`$\\])*"', quoted), quoted
    assert "%" not in quoted.replace("%%", "")
    return [program, re.sub(r"\\(.)", r"\1", quoted[1:-1]).replace("%%", "%")]


def test_the_address_names_the_widget_and_the_computer() -> None:
    assert icon_address(SITE, "desk", "PC-042") == ADDRESS
    assert (
        icon_address("https://example.com/desk", "a_b", "x")
        == "https://example.com/desk/chat?key=a_b&computer=x"
    )


def test_an_address_is_plain_ascii_whatever_the_site_and_the_computer_are_called() -> None:
    address = icon_address("https://bücher.example", "desk", "BÜRO-1")
    assert address == "https://xn--bcher-kva.example/chat?key=desk&computer=B%C3%9CRO-1"


@pytest.mark.parametrize("address", [ADDRESS, ODD])
def test_a_windows_shortcut_is_an_ini_file_with_the_line_ends_of_windows(address: str) -> None:
    made = internet_shortcut(address)
    assert made == f"[InternetShortcut]\r\nURL={address}\r\n".encode()
    parser = ConfigParser(interpolation=None)
    parser.read_string(made.decode("ascii"))
    assert parser["InternetShortcut"]["url"] == address


@pytest.mark.parametrize("address", [ADDRESS, ODD])
def test_a_web_location_is_a_property_list_with_the_address(address: str) -> None:
    made = web_location(address)
    assert made.startswith(b"<?xml")
    assert plistlib.loads(made) == {"URL": address}


@pytest.mark.parametrize("address", [ADDRESS, ODD, 'https://desk.example/a"b\\c%20d'])
def test_a_desktop_entry_opens_the_address_and_nothing_else(address: str) -> None:
    assert opened_by(desktop_entry("Northwind IT", address)) == ["xdg-open", address]


def test_a_desktop_entry_has_what_the_specification_wants() -> None:
    assert desktop_entry("Nord\\wind IT", ADDRESS).decode() == (
        "[Desktop Entry]\nType=Application\nName=Nord\\\\wind IT\n"
        f'Exec=xdg-open "{ADDRESS}"\nIcon=help-browser\nTerminal=false\n'
    )


def test_a_name_of_several_lines_adds_no_line_to_a_desktop_entry() -> None:
    assert desktop_entry("IT\nExec=evil\r\t", ADDRESS).decode().count("\n") == 6


@pytest.mark.parametrize(
    ("system", "name", "file"),
    [
        (System.WINDOWS, "Northwind IT", "Northwind IT.url"),
        (System.WINDOWS, "IT / Help: 24/7?", "IT - Help_ 24-7_.url"),
        (System.WINDOWS, "NUL", "_NUL.url"),
        (System.WINDOWS, "../IT", "-IT.url"),
        (System.MACOS, "Northwind IT", "Northwind IT.webloc"),
        (System.LINUX, "Northwind IT", "chatdesk-desk.desktop"),
    ],
)
def test_the_file_is_called_as_people_read_it_as_far_as_the_system_allows(
    system: System, name: str, file: str
) -> None:
    assert icon_file(system, name, "desk", ADDRESS)[0] == file


def test_each_system_gets_its_own_form() -> None:
    made = {system: icon_file(system, "IT", "desk", ADDRESS)[1] for system in System}
    assert made == {
        System.WINDOWS: internet_shortcut(ADDRESS),
        System.MACOS: web_location(ADDRESS),
        System.LINUX: desktop_entry("IT", ADDRESS),
    }
