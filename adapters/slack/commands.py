"""`/ticket` and its sub-commands. Answers are seen only by the one who asked."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from adapters.slack import modals
from adapters.slack.block_limits import marked, plain, section, text_sections
from adapters.slack.buttons import NO_TECHNICIAN, NOT_STAFF, Buttons
from adapters.slack.card import moment
from adapters.slack.card_links import CardLinks
from adapters.slack.contacts import Contacts
from adapters.slack.doing import Doer, Doing
from adapters.slack.lists import private, ticket_line
from adapters.slack.modals import Subject
from adapters.slack.mrkdwn import escape, literal, mentioned
from adapters.slack.payload import Payload, text
from adapters.slack.people import People
from adapters.slack.personal import Personal
from adapters.slack.ticket_reads import TicketReads
from chatdesk.affected import named
from chatdesk.config import Config
from chatdesk.errors import EventRefused
from chatdesk.ports import Clock
from chatdesk.ticket import Priority, typed_number, typed_priority
from chatdesk.tiers import begun_by

MAX_TRANSCRIPT = 8_000
HELP = """*What you can do*
`/ticket new` write a request down as a ticket
`/ticket phone` log a call while you talk
`/ticket list mine`, `overdue`, or a company's name
`/ticket {name}` look at a ticket
`/ticket take {name}`, `assign {name} @colleague`, `priority {name} high`
`/ticket wait {name}`, `resolve {name} what was done`, `reopen {name}`
`/ticket workaround {name} how to go on meanwhile`, `end {name}` ends the chat only
{escalate}`/ticket merge {name} into {other}` when both are about the same
`/ticket transcript {name}` read what was said
`/ticket quiet 18:00-08:00` no direct messages in these hours; `quiet off` ends that
`/ticket link` link your Slack account to your technician's account, once
In a ticket's thread: the one who took the chat writes to the customer; start with // for an internal note."""

ESCALATE = "`/ticket escalate {name} {tier} why` give it to a tier, whose tickets `list {tier}` shows\n"
"""What the help says besides where the desk has tiers."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A command as it was given: who, what follows its first word, and what to open dialogs with."""

    doer: Doer
    rest: str
    user: str
    trigger: str
    channel: str


class Commands:
    """Works on `/ticket`."""

    def __init__(
        self,
        config: Config,
        people: People,
        doing: Doing,
        buttons: Buttons,
        contacts: Contacts,
        personal: Personal,
        reads: TicketReads,
        links: CardLinks,
        clock: Clock,
    ) -> None:
        self._config = config
        self._people = people
        self._doing = doing
        self._buttons = buttons
        self._contacts = contacts
        self._personal = personal
        self._reads = reads
        self._links = links
        self._clock = clock
        self._steps: dict[str, Callable[[Asked], Awaitable[Payload]]] = {
            "new": self._new,
            "phone": self._phone,
            "list": self._list,
            "take": self._take,
            "assign": self._assign,
            "escalate": self._escalate,
            "priority": self._priority,
            "wait": self._wait,
            "resolve": self._resolve,
            "reopen": self._reopen,
            "end": self._end,
            "workaround": self._workaround,
            "merge": self._merge,
            "transcript": self._transcript,
            "quiet": self._quiet,
        }

    async def run(self, body: Payload) -> Payload:
        """Carry the command out and return what the one who asked is shown."""
        user, given = text(body, "user_id"), text(body, "text").strip()
        word, _, rest = given.partition(" ")
        word = word.casefold()
        try:
            if word == "link":
                return private(await self._personal.link(user))
            agent = await self._people.agent(user)
            if agent is None:
                return private(escape(NOT_STAFF))
            trigger = text(body, "trigger_id")
            doer = Doer(agent, f"command:{trigger}")
            asked = Asked(doer, rest.strip(), user, trigger, text(body, "channel_id"))
            if word in self._steps:
                return await self._steps[word](asked)
            if word in {"", "help"}:
                return private(self._help())
            if typed_number(self._config.desk.ticket_prefix, word) is None:
                raise EventRefused(f'There is no command "{word[:40]}". /ticket help lists them.')
            return await self._show(asked, word)
        except EventRefused as refused:
            return private(escape(_reason(refused)))

    async def _new(self, asked: Asked) -> Payload:
        await self._contacts.open_survey(asked.trigger, "direct", {"issue": asked.rest})
        return {}

    async def _phone(self, asked: Asked) -> Payload:
        await self._contacts.open_survey(asked.trigger, "phone", {"issue": asked.rest})
        return {}

    async def _list(self, asked: Asked) -> Payload:
        blocks = await self._reads.listed(asked.rest, asked.doer.agent)
        return private("Tickets", blocks)

    async def _show(self, asked: Asked, word: str) -> Payload:
        ticket = await self._doing.ticket(self._doing.number(word))
        names = await self._people.agent_names([ticket.assignee])
        link = await self._links.to(ticket.number)
        blocks = [section(marked(ticket_line(self._config, ticket, names, self._clock(), link)))]
        facts = "\n".join(f"{field}: {answer[:300]}" for field, answer in ticket.answers)
        blocks += text_sections(facts[:MAX_TRANSCRIPT])
        affected = named(await self._doing.affected(ticket.number))
        if affected:
            blocks.append(section(plain(f"Also affected: {affected}")))
        if ticket.promised_at:
            promised = f"The customer expects us by {moment(ticket.promised_at)}."
            blocks.append(section(marked(promised)))
        return private(self._doing.name(ticket.number), blocks)

    async def _take(self, asked: Asked) -> Payload:
        number = self._doing.number(asked.rest)
        await self._doing.take(asked.doer, number)
        return private(f"{self._doing.name(number)} is yours.")

    async def _assign(self, asked: Asked) -> Payload:
        written, _, rest = asked.rest.partition(" ")
        number = self._doing.number(written)
        users = mentioned(rest)
        if not users:
            raise EventRefused("Name a technician: /ticket assign HD-1024 @colleague", field="assignee")
        to = await self._people.agent(users[0])
        if to is None:
            raise EventRefused(NO_TECHNICIAN, code="nobody", field="assignee")
        await self._doing.assign(asked.doer, number, to)
        return private(f"{self._doing.name(number)} is now {escape(to.name)}'s.")

    async def _escalate(self, asked: Asked) -> Payload:
        written, _, rest = asked.rest.partition(" ")
        number = self._doing.number(written)
        name = self._doing.name(number)
        if not rest.strip():
            await self._buttons.ask_tier(asked.trigger, Subject(name, asked.channel))
            return {}
        tier, reason = begun_by(self._config, rest)
        await self._doing.escalate(asked.doer, number, tier.id, reason)
        return private(f"{name} waits for {literal(tier.name)} now.")

    async def _priority(self, asked: Asked) -> Payload:
        written, _, rest = asked.rest.partition(" ")
        number, wanted = self._doing.number(written), typed_priority(rest.strip())
        if wanted is None:
            raise EventRefused(f"A priority is one of {', '.join(Priority)}.", field="priority")
        await self._doing.prioritise(asked.doer, number, wanted)
        return private(f"{self._doing.name(number)} has priority {wanted} now.")

    async def _wait(self, asked: Asked) -> Payload:
        ticket = await self._doing.ticket(self._doing.number(asked.rest))
        subject = Subject(self._doing.name(ticket.number), asked.channel)
        await self._buttons.open(asked.trigger, modals.wait(subject))
        return {}

    async def _resolve(self, asked: Asked) -> Payload:
        written, _, rest = asked.rest.partition(" ")
        ticket = await self._doing.ticket(self._doing.number(written))
        name = self._doing.name(ticket.number)
        if not rest.strip():
            await self._buttons.open(asked.trigger, modals.resolve(Subject(name, asked.channel)))
            return {}
        await self._doing.resolve(asked.doer, ticket.number, rest.strip())
        return private(f"{name} is resolved.")

    async def _reopen(self, asked: Asked) -> Payload:
        written, _, rest = asked.rest.partition(" ")
        number = self._doing.number(written)
        await self._doing.reopen(asked.doer, number, rest.strip())
        return private(f"{self._doing.name(number)} is open again.")

    async def _end(self, asked: Asked) -> Payload:
        number = self._doing.number(asked.rest)
        await self._doing.end_chat(asked.doer, number)
        return private(f"The chat has ended; {self._doing.name(number)} stays open.")

    async def _workaround(self, asked: Asked) -> Payload:
        written, _, rest = asked.rest.partition(" ")
        number = self._doing.number(written)
        if not rest.strip():
            raise EventRefused("Write how the customer can work meanwhile, after the ticket.", field="text")
        await self._doing.work_around(asked.doer, number, rest.strip())
        return private(f"The workaround is recorded on {self._doing.name(number)}, which stays open.")

    async def _merge(self, asked: Asked) -> Payload:
        found = re.fullmatch(r"(\S+)\s+(?:into\s+)?(\S+)", asked.rest, re.IGNORECASE)
        if found is None:
            raise EventRefused("Name both tickets: /ticket merge HD-1024 into HD-1023", field="into")
        number, into = self._doing.number(found[1]), self._doing.number(found[2])
        await self._doing.merge(asked.doer, number, into)
        return private(f"{self._doing.name(number)} is now part of {self._doing.name(into)}.")

    async def _transcript(self, asked: Asked) -> Payload:
        number = self._doing.number(asked.rest)
        made = await self._reads.transcript(asked.doer, number)
        if len(made) > MAX_TRANSCRIPT:
            made = f"{made[:MAX_TRANSCRIPT]}\n… The console has the whole of it."
        return private(f"Transcript of {self._doing.name(number)}", text_sections(made))

    async def _quiet(self, asked: Asked) -> Payload:
        return private(await self._personal.set_quiet(asked.doer.agent, asked.rest))

    def _help(self) -> str:
        prefix, tiers = self._config.desk.ticket_prefix, self._config.tiers
        known = "".join(ESCALATE.format(name=f"{prefix}-1024", tier=tier.id) for tier in tiers[:1])
        return HELP.format(name=f"{prefix}-1024", other=f"{prefix}-1023", escalate=known)


def _reason(refused: EventRefused) -> str:
    problems: dict[str, str] = getattr(refused, "problems", {})
    return " ".join([str(refused), *problems.values()])
