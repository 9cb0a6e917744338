"""The app manifest of this desk: what to paste into Slack to make the app, complete."""

from __future__ import annotations

import json

from adapters.slack.block_limits import cut
from adapters.slack.routes import PATHS
from chatdesk.config import Config

SCOPES = (
    "channels:history",
    "channels:read",
    "chat:write",
    "chat:write.customize",
    "commands",
    "files:read",
    "files:write",
    "groups:history",
    "groups:read",
    "im:history",
    "im:write",
    "reactions:read",
    "reactions:write",
    "users:read",
    "users:read.email",
)
EVENTS = ("app_home_opened", "message.channels", "message.groups", "reaction_added")
MAX_NAME = 35


def _shortcut(name: str, callback: str, description: str) -> dict[str, str]:
    return {"name": name, "type": "message", "callback_id": callback, "description": description}


FEATURES = {
    "app_home": {"home_tab_enabled": True, "messages_tab_enabled": True},
    "bot_user": {"display_name": "chatdesk", "always_online": True},
    "shortcuts": [
        _shortcut("Create ticket", "create_ticket", "Write this message down as a ticket"),
        _shortcut("Add to ticket", "add_to_ticket", "Add this message to a ticket as a note"),
    ],
}


def manifest(config: Config, *, socket_mode: bool) -> str:
    """Return the manifest as JSON; by HTTP it names request URLs under the desk's public address."""
    events, interactions, commands = (f"{config.desk.public_url}{path}" for path in PATHS)
    by_http = not socket_mode
    event_subscriptions: dict[str, object] = {"bot_events": list(EVENTS)}
    interactivity: dict[str, object] = {"is_enabled": True}
    command: dict[str, object] = {
        "command": "/ticket",
        "description": "Work on tickets of the help desk",
        "usage_hint": "new | phone | list mine | HD-1024 | help",
        # So that a colleague's name arrives as their id.
        "should_escape": True,
    }
    if by_http:
        event_subscriptions["request_url"] = events
        interactivity["request_url"] = interactions
        command["url"] = commands
    made = {
        "display_information": {
            "name": cut(config.desk.name, MAX_NAME),
            "description": "Chats and tickets of the help desk",
            "background_color": config.desk.colour,
        },
        "features": {**FEATURES, "slash_commands": [command]},
        "oauth_config": {"scopes": {"bot": list(SCOPES)}},
        "settings": {
            "event_subscriptions": event_subscriptions,
            "interactivity": interactivity,
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }
    return json.dumps(made, indent=2, ensure_ascii=False)
