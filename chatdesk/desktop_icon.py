"""The icon on a managed computer [R6]: the address it opens, and the file that is an icon on each system."""

from __future__ import annotations

import plistlib
import re
from enum import StrEnum

from yarl import URL

from chatdesk.file_name import clean_file_name

PATH = "/chat"
"""Where the desk has the page that an icon opens."""


class System(StrEnum):
    """The systems that an icon can be for."""

    WINDOWS = "windows"
    MACOS = "macos"
    LINUX = "linux"


def icon_address(site: str, widget: str, computer: str) -> str:
    """Return the address that opens the chat for a computer, in ASCII; ``site`` is the desk's own address."""
    return str((URL(site) / PATH.strip("/")).with_query(key=widget, computer=computer))


def icon_file(system: System, name: str, widget: str, address: str) -> tuple[str, bytes]:
    """Return the name and the content of the file that is the icon.

    ``name`` is what people read below it; ``widget``, the widget's key, names the file on Linux, where
    people are not shown that. ``address`` is as ``icon_address`` makes it.
    """
    shown = re.sub(r"[/\\]", "-", name)  # not the border of a folder
    match system:
        case System.WINDOWS:
            return clean_file_name(f"{shown}.url"), internet_shortcut(address)
        case System.MACOS:
            return clean_file_name(f"{shown}.webloc"), web_location(address)
        case System.LINUX:
            return f"chatdesk-{widget}.desktop", desktop_entry(name, address)


def internet_shortcut(address: str) -> bytes:
    """Return a Windows internet shortcut (.url): an INI file, which Windows reads with its own line ends."""
    return f"[InternetShortcut]\r\nURL={address}\r\n".encode("ascii")


def web_location(address: str) -> bytes:
    """Return a web location of macOS (.webloc): a property list in XML."""
    return plistlib.dumps({"URL": address})


def desktop_entry(name: str, address: str) -> bytes:
    """Return a desktop entry (freedesktop.org, Desktop Entry Specification 1.5).

    It is an application that opens the address: menus show no entry of the type Link.
    """
    lines = (
        "[Desktop Entry]",
        "Type=Application",
        f"Name={_string(name)}",
        f"Exec=xdg-open {_string(_argument(address))}",
        "Icon=help-browser",
        "Terminal=false",
    )
    return "".join(f"{line}\n" for line in lines).encode()


def _argument(text: str) -> str:
    """Return text as one quoted argument of an Exec line, where % begins a code."""
    return '"' + re.sub(r'(["`$\\])', r"\\\1", text).replace("%", "%%") + '"'


def _string(text: str) -> str:
    """Return text as a value of type string, in which a backslash begins an escape."""
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
