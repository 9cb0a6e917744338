"""What a desk's file can set is used somewhere; what is not is listed here, with the reason."""

from __future__ import annotations

import ast
from pathlib import Path

from msgspec import Struct
from msgspec.structs import fields

from chatdesk.settings import model

ROOT = Path(__file__).parent.parent
SETTINGS = ROOT / "chatdesk" / "settings"
PACKAGES = ("chatdesk", "adapters", "flows", "storage")

INHERITED = "is what the company's widget inherits; the widget's is used"
UNUSED = {
    "ChannelSettings.after_hours": "has one allowed value, and what it says is what always happens",
    "ChannelSettings.names_calendar": "Config.hours_of tells by it whose hours the form has",
    "PriorityMatrix.impact_field": "PriorityMatrix.is_answered and propose look it up themselves",
    "CompanySettings.calendar": INHERITED,
    "CompanySettings.logo": INHERITED,
}
"""Fields that nothing outside the settings reads, and why."""

CALLED = {
    "Config": {"config"},
    "DeskSettings": {"desk"},
    "ChannelSettings": {"channel", "settings"},
    "QueueSettings": {"queue"},
    "SlaTarget": {"target"},
    "PriorityMatrix": {"priority", "matrix"},
    "TicketSettings": {"tickets"},
    "StaffChannel": {"channel"},
    "StaffSettings": {"staff"},
    "TierSettings": {"tier"},
    "Links": {"links"},
    "MaintenanceWindow": {"window"},
    "MailSettings": {"mail", "settings"},
    "CompanySettings": {"company", "c"},
    "WidgetSettings": {"widget"},
    "CannedReply": {"reply"},
    "Article": {"article"},
}
"""What the code that uses these classes calls a value of each."""


def called(node: ast.expr) -> str:
    """Return the last name of an expression: "channel" of config.channel(name)."""
    match node:
        case ast.Name(name) | ast.Attribute(attr=name):
            return name.lstrip("_")
        case ast.Call(func=inner) | ast.Subscript(value=inner):
            return called(inner)
    return ""


def read_outside() -> set[tuple[str, str]]:
    """Return what all code but the settings' own asks for: what the value is called, and the attribute."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    trees = [ast.parse(file.read_text(encoding="utf-8")) for file in files if SETTINGS not in file.parents]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    return {(called(node.value), node.attr) for node in nodes}


def settings_classes() -> dict[str, type[Struct]]:
    """Return the classes that the model itself defines, by name."""
    return {
        name: kind
        for name, kind in vars(model).items()
        if isinstance(kind, type) and issubclass(kind, Struct) and kind.__module__ == model.__name__
    }


def test_every_setting_is_used_outside_the_settings_or_listed_with_the_reason() -> None:
    reads = read_outside()
    unread = {
        f"{name}.{field.name}"
        for name, kind in settings_classes().items()
        for field in fields(kind)
        if not any((value, field.name) in reads for value in CALLED[name])
    }
    assert sorted(unread - set(UNUSED)) == []
    assert sorted(set(UNUSED) - unread) == [], "These are used by now: take them out of the list."
