"""What a request of Slack's is about, and who works on it."""

from __future__ import annotations

from adapters.slack.buttons import Buttons
from adapters.slack.commands import Commands
from adapters.slack.contacts import Contacts
from adapters.slack.payload import Payload, part, parts, text
from adapters.slack.personal import Personal
from adapters.slack.shared_channels import SharedChannels
from adapters.slack.threads import Threads


class Dispatch:
    """Sorts requests by what they are; those that mean nothing here are answered and forgotten."""

    def __init__(
        self,
        threads: Threads,
        buttons: Buttons,
        contacts: Contacts,
        commands: Commands,
        personal: Personal,
        shared: SharedChannels,
    ) -> None:
        self._threads = threads
        self._buttons = buttons
        self._contacts = contacts
        self._commands = commands
        self._personal = personal
        self._shared = shared

    async def handle(self, body: Payload) -> Payload | None:
        """Work on one request and return what Slack is answered [gateway.Handler]."""
        if text(body, "command"):
            return await self._commands.run(body) or None
        match text(body, "type"):
            case "event_callback":
                await self._event(text(body, "team_id"), part(body, "event"))
            case "block_actions":
                await self._press(body)
            case "message_action":
                await self._contacts.on_shortcut(body)
            case "view_submission":
                return await self._submit(body)
        return None

    async def _press(self, body: Payload) -> None:
        action = next(iter(parts(body, "actions")), {})
        if text(action, "action_id").startswith("shared_"):
            await self._shared.on_press(body)
        else:
            await self._buttons.on_press(body)

    async def _submit(self, body: Payload) -> Payload | None:
        match text(body, "view", "callback_id"):
            case "shared_survey":
                return await self._shared.on_submit(body)
            case "log" | "add":
                return await self._contacts.on_submit(body)
        return await self._buttons.on_submit(body)

    async def _event(self, team: str, event: Payload) -> None:
        match text(event, "type"):
            case "message":
                if not await self._threads.on_message(team, event):
                    await self._shared.on_message(team, event)
            case "reaction_added":
                await self._buttons.on_reaction(team, event)
            case "app_home_opened":
                await self._personal.show_home(text(event, "user"))
