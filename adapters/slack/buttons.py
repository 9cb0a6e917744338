"""The card's buttons and their dialogs, and emoji where the desk takes them as buttons."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from adapters.slack import modals
from adapters.slack.api import SlackApi
from adapters.slack.doing import Doer, Doing
from adapters.slack.memory import Memory
from adapters.slack.modals import Subject
from adapters.slack.payload import Block, Payload, part, parts, text
from adapters.slack.people import People
from adapters.slack.tell import Teller
from chatdesk.conversation import Agent
from chatdesk.errors import DeliveryDelayed, DeliveryError, EventRefused
from chatdesk.events import Outcome
from chatdesk.ticket import Trigger

NOT_STAFF = "Only the desk's technicians can do this. Link your account first: /ticket link"
NO_TECHNICIAN = "This is no technician of the desk: they have no account there, or have not linked it."
RESOLVED_BY_EMOJI = "Resolved."
TRIGGERS = {
    "customer": Trigger.ASK_CUSTOMER,
    "vendor": Trigger.WAIT_FOR_VENDOR,
    "date": Trigger.SCHEDULE,
}
DIALOGS: dict[str, Callable[[Subject], Block]] = {
    "ticket_reply": modals.reply,
    "ticket_note": modals.note,
    "ticket_wait": modals.wait,
    "ticket_resolve": modals.resolve,
    "ticket_hand_over": modals.hand_over,
}
EMOJI = {"eyes": "take", "white_check_mark": "resolve", "heavy_check_mark": "resolve"}


class Buttons:
    """Works on button presses, submitted dialogs and reactions to cards."""

    def __init__(
        self, api: SlackApi, memory: Memory, people: People, doing: Doing, teller: Teller, *, emoji: bool
    ) -> None:
        self._api = api
        self._memory = memory
        self._people = people
        self._doing = doing
        self._teller = teller
        self._emoji = emoji

    async def on_press(self, body: Payload) -> None:
        """Work on a press of one of the card's buttons."""
        action = next(iter(parts(body, "actions")), {})
        name, user = text(action, "action_id"), text(body, "user", "id")
        channel = text(body, "container", "channel_id") or text(body, "channel", "id") or user
        thread = text(body, "container", "message_ts")
        try:
            agent = await self.agent(user)
            if name in DIALOGS:
                subject = Subject(text(action, "value"), channel, thread)
                await self.open(text(body, "trigger_id"), DIALOGS[name](subject))
                return
            if name == "ticket_escalate":
                subject = Subject(text(action, "value"), channel, thread)
                await self.ask_tier(text(body, "trigger_id"), subject)
                return
            request = (
                f"press:{text(body, 'team', 'id')}:{channel}:{thread}:{user}:{text(action, 'action_ts')}"
            )
            await self._press(name, Doer(agent, request), text(action, "value"))
        except EventRefused as refused:
            await self._teller.tell(channel, user, str(refused), thread)

    async def on_submit(self, body: Payload) -> Payload | None:
        """Work on a submitted dialog; problems are answered beside its inputs."""
        view = part(body, "view")
        subject = Subject.read(view)
        steps: dict[str, Callable[[Doer, Subject, Payload], Awaitable[Outcome]]] = {
            "reply": self._reply,
            "note": self._note,
            "resolve": self._resolve,
            "wait": self._wait,
            "hand_over": self._hand_over,
            "escalate": self._escalate,
        }
        step = steps.get(text(view, "callback_id"))
        if step is None:
            return None
        first = next(iter(part(view, "state", "values")), "text")
        try:
            agent = await self.agent(text(body, "user", "id"))
            await step(Doer(agent, f"view:{text(view, 'id')}"), subject, view)
        except EventRefused as refused:
            known = refused.field if refused.field in part(view, "state", "values") else first
            return modals.problems({known or first: str(refused)})
        return None

    async def on_reaction(self, team: str, event: Payload) -> None:
        """Take or resolve by an emoji on the card, where the desk wants that."""
        step = EMOJI.get(text(event, "reaction"))
        channel, ts, user = text(event, "item", "channel"), text(event, "item", "ts"), text(event, "user")
        if step is None or not self._emoji:
            return
        number = await self._memory.ticket_at(channel, ts) or await self._memory.ticket_on(channel, ts)
        if number is None:
            return
        agent = await self._people.agent(user)
        if agent is None:
            return
        doer = Doer(agent, f"emoji:{team}:{channel}:{ts}:{user}:{step}:{text(event, 'event_ts')}")
        try:
            if step == "take":
                await self._doing.take(doer, number)
            else:
                await self._doing.resolve(doer, number, RESOLVED_BY_EMOJI)
        except EventRefused as refused:
            await self._teller.tell(channel, user, str(refused), ts)

    async def agent(self, user: str) -> Agent:
        """Return the technician. Raises EventRefused for everybody else."""
        agent = await self._people.agent(user)
        if agent is None:
            raise EventRefused(NOT_STAFF, code="not_staff")
        return agent

    async def open(self, trigger: str, view: Block) -> None:
        """Open a dialog; Slack takes a trigger for three seconds only."""
        try:
            await self._api.write("views.open", trigger_id=trigger, view=view)
        except DeliveryDelayed as delayed:
            raise EventRefused("Slack is busy. Press the button again in a moment.") from delayed
        except DeliveryError as error:
            raise EventRefused(f"The dialog could not be opened: {error}") from error

    async def ask_tier(self, trigger: str, subject: Subject) -> None:
        """Open the dialog in which a tier is chosen. Raises EventRefused where there is none to choose."""
        tiers = await self._doing.tiers(self._doing.number(subject.ticket))
        await self.open(trigger, modals.escalate(subject, tiers))

    async def _press(self, name: str, doer: Doer, written: str) -> None:
        number = self._doing.number(written)
        match name:
            case "ticket_take":
                await self._doing.take(doer, number)
            case "ticket_take_over":
                await self._doing.assign(doer, number, doer.agent)
            case "ticket_resume":
                await self._doing.resume(doer, number)
            case "ticket_end_chat":
                await self._doing.end_chat(doer, number)
            case "ticket_reopen":
                await self._doing.reopen(doer, number)

    async def _reply(self, doer: Doer, subject: Subject, view: Payload) -> Outcome:
        words, number = modals.value(view, "text"), self._doing.number(subject.ticket)
        return await self._doing.write(doer, number, words, internal=False)

    async def _note(self, doer: Doer, subject: Subject, view: Payload) -> Outcome:
        words, number = modals.value(view, "text"), self._doing.number(subject.ticket)
        return await self._doing.write(doer, number, words, internal=True)

    async def _resolve(self, doer: Doer, subject: Subject, view: Payload) -> Outcome:
        number = self._doing.number(subject.ticket)
        return await self._doing.resolve(doer, number, modals.value(view, "resolution"))

    async def _hand_over(self, doer: Doer, subject: Subject, view: Payload) -> Outcome:
        to = await self._people.agent(modals.value(view, "to"))
        if to is None:
            raise EventRefused(NO_TECHNICIAN, code="nobody", field="to")
        number = self._doing.number(subject.ticket)
        return await self._doing.assign(doer, number, to, modals.value(view, "reason"))

    async def _escalate(self, doer: Doer, subject: Subject, view: Payload) -> Outcome:
        tier, number = modals.value(view, "tier"), self._doing.number(subject.ticket)
        return await self._doing.escalate(doer, number, tier, modals.value(view, "reason"))

    async def _wait(self, doer: Doer, subject: Subject, view: Payload) -> Outcome:
        trigger = TRIGGERS.get(modals.value(view, "on"), Trigger.ASK_CUSTOMER)
        until = modals.moment(view, "until") if trigger is not Trigger.ASK_CUSTOMER else None
        words, number = modals.value(view, "text"), self._doing.number(subject.ticket)
        return await self._doing.wait(doer, number, trigger, words, until)
