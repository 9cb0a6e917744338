"""Calls and messages written down as tickets, or added to one [R5, R9]."""

from __future__ import annotations

from collections.abc import Mapping

from adapters.slack import modals, mrkdwn
from adapters.slack.buttons import Buttons
from adapters.slack.doing import Doer, Doing
from adapters.slack.maintenance_notes import maintenance_notes
from adapters.slack.modals import ANSWER_PREFIX, Subject
from adapters.slack.payload import Block, Payload, part, text
from adapters.slack.people import People
from adapters.slack.tell import Teller
from chatdesk.config import Config
from chatdesk.errors import EventRefused
from chatdesk.ports import Clock

LOG = "log"
MAX_QUOTED = 2_000


class Contacts:
    """The dialogs behind `/ticket new`, `/ticket phone` and the message shortcuts."""

    def __init__(
        self,
        config: Config,
        people: People,
        doing: Doing,
        buttons: Buttons,
        teller: Teller,
        clock: Clock,
    ) -> None:
        self._config = config
        self._people = people
        self._doing = doing
        self._buttons = buttons
        self._teller = teller
        self._clock = clock

    async def open_survey(self, trigger: str, way: str, known: Mapping[str, str]) -> None:
        """Open the desk's survey to write down a contact; ``way`` is "phone" or "direct"."""
        title = "Log a call" if way == "phone" else "New ticket"
        subject = Subject(extra={"way": way})
        notes = maintenance_notes(self._config, self._clock())
        view = modals.survey(self._config.survey, LOG, title, "Open ticket", subject, known, notes)
        await self._buttons.open(trigger, view)

    async def on_shortcut(self, body: Payload) -> None:
        """Work on "Create ticket" or "Add to ticket" of a message's menu."""
        user, channel = text(body, "user", "id"), text(body, "channel", "id")
        try:
            await self._buttons.agent(user)
            message = part(body, "message")
            words = await self._words(message)
            if text(body, "callback_id") == "create_ticket":
                known = await self._known(message, words)
                await self.open_survey(text(body, "trigger_id"), "direct", known)
            elif text(body, "callback_id") == "add_to_ticket":
                await self._buttons.open(text(body, "trigger_id"), self._which(words, channel))
        except EventRefused as refused:
            await self._teller.tell(channel, user, str(refused))

    async def on_submit(self, body: Payload) -> Payload | None:
        """Work on one of these dialogs; None for another's."""
        view = part(body, "view")
        match text(view, "callback_id"):
            case "log":
                return await self._log(body, view)
            case "add":
                return await self._add(body, view)
        return None

    async def _log(self, body: Payload, view: Payload) -> Payload:
        way = "phone" if Subject.read(view).extra.get("way") == "phone" else "direct"
        try:
            doer = Doer(await self._buttons.agent(text(body, "user", "id")), f"view:{text(view, 'id')}")
            outcome = await self._doing.log(doer, way, modals.answers(view))
        except EventRefused as refused:
            return survey_problems(view, refused)
        name = self._doing.name(outcome.ticket) if outcome.ticket is not None else "The ticket"
        return modals.replaced("Ticket opened", f"{name} is open. The caller gets it by e-mail.")

    async def _add(self, body: Payload, view: Payload) -> Payload:
        try:
            doer = Doer(await self._buttons.agent(text(body, "user", "id")), f"view:{text(view, 'id')}")
            number = self._doing.number(modals.value(view, "ticket"))
            await self._doing.write(doer, number, modals.value(view, "text"), internal=True)
        except EventRefused as refused:
            return modals.problems({"ticket": str(refused)})
        return modals.replaced("Added", f"Added to {self._doing.name(number)} as an internal note.")

    def _which(self, words: str, channel: str) -> Block:
        quoted = f"Written in Slack:\n{words}"[:MAX_QUOTED]
        return modals.add_to_ticket(Subject(channel=channel), self._config.desk.ticket_prefix, quoted)

    async def _words(self, message: Payload) -> str:
        names = await self._people.names(mrkdwn.mentioned(text(message, "text")))
        return mrkdwn.read(message, names)

    async def _known(self, message: Payload, words: str) -> dict[str, str]:
        """Return what the message tells of its author, to be confirmed in the dialog."""
        author = text(message, "user")
        person = (await self._people.names([author])).get(author, "") if author else ""
        return {"name": person, "issue": words}


def survey_problems(view: Payload, refused: EventRefused) -> Payload:
    """Return the answer that shows what is wrong with a survey beside its questions."""
    shown = [name for name in part(view, "state", "values") if name.startswith(ANSWER_PREFIX)]
    found: Mapping[str, str] = getattr(refused, "problems", {})
    problems = {f"{ANSWER_PREFIX}{field}": words for field, words in found.items()}
    here = {name: words for name, words in problems.items() if name in shown}
    return modals.problems(here or {(shown or ["text"])[0]: str(refused)})
