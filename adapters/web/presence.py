"""Who is here: which technicians have a conversation open, and whether its customer is connected.

Nodes of one desk tell one another, as shared facts: ``visitor:KEY`` while a browser is connected,
``agents:CONVERSATION`` with the technicians' ids and names.
"""

from __future__ import annotations

import json
from collections.abc import Callable

from aiohttp import web

from adapters.web.services import Sockets
from chatdesk.channels import DESKTOP
from chatdesk.conversation import Agent, Conversation, ConversationId
from chatdesk.routing import WEB
from chatdesk.shared_facts import SharedFacts

_AGENTS, VISITOR_FACT = "agents:", "visitor:"
PresenceListener = Callable[[ConversationId], None]


def is_online(sockets: Sockets, facts: SharedFacts, visitor: str) -> bool:
    """Tell whether the customer's browser is connected, to this node or another."""
    here = sockets.count(visitor) > 0
    return bool(visitor) and (here or bool(facts.of_others(VISITOR_FACT + visitor)))


def has_left(sockets: Sockets, facts: SharedFacts, conversation: Conversation) -> bool:
    """Tell whether the customer of a chat on a page has none open now; of others nobody knows."""
    if sockets.count(conversation.visitor):
        return False
    return conversation.channel in (WEB, DESKTOP) and not is_online(sockets, facts, conversation.visitor)


class Presence:
    """Live pages of all nodes. A listener is told which conversation's crowd changed."""

    def __init__(self, sockets: Sockets, facts: SharedFacts) -> None:
        self._sockets = sockets
        self._facts = facts
        self._watching: dict[ConversationId, dict[PresenceListener, Agent]] = {}
        self._conversations: dict[str, set[ConversationId]] = {}
        self._visitors: dict[ConversationId, str] = {}
        sockets.on_change(self._moved)
        facts.listen(self._heard)

    def enter(self, conversation: Conversation, agent: Agent, listener: PresenceListener) -> None:
        """A technician's page shows the conversation now."""
        self._watching.setdefault(conversation.id, {})[listener] = agent
        self._visitors[conversation.id] = conversation.visitor
        self._conversations.setdefault(conversation.visitor, set()).add(conversation.id)
        self._share(conversation.id)
        self._tell(conversation.id)

    def leave(self, identity: ConversationId, listener: PresenceListener) -> None:
        """The page shows it no longer; one that did not is ignored."""
        pages = self._watching.get(identity)
        if pages is None or pages.pop(listener, None) is None:
            return
        if not pages:
            del self._watching[identity]
            self._forget(identity)
        self._share(identity)
        self._tell(identity)

    def agents(self, identity: ConversationId) -> list[Agent]:
        """Return the technicians who have it open, each once, by name."""
        found = {agent.id: agent for agent in self._watching.get(identity, {}).values()}
        for told in self._facts.of_others(_AGENTS + identity):
            found |= {key: Agent(key, name) for key, name in json.loads(told)}
        return sorted(found.values(), key=lambda agent: agent.name)

    def is_online(self, visitor: str) -> bool:
        """Tell whether the customer's browser is connected."""
        return is_online(self._sockets, self._facts, visitor)

    def _share(self, identity: ConversationId) -> None:
        agents = {agent.id: agent.name for agent in self._watching.get(identity, {}).values()}
        told = json.dumps(sorted(agents.items()), ensure_ascii=False) if agents else None
        self._facts.put(_AGENTS + identity, told)

    def _heard(self, key: str) -> None:
        if key.startswith(_AGENTS):
            self._tell(ConversationId(key.removeprefix(_AGENTS)))
        elif key.startswith(VISITOR_FACT):
            self._moved(key.removeprefix(VISITOR_FACT))

    def _moved(self, owner: str) -> None:
        for identity in self._conversations.get(owner, ()):
            self._tell(identity)

    def _forget(self, identity: ConversationId) -> None:
        visitor = self._visitors.pop(identity)
        self._conversations[visitor].discard(identity)
        if not self._conversations[visitor]:
            del self._conversations[visitor]

    def _tell(self, identity: ConversationId) -> None:
        for listener in tuple(self._watching.get(identity, {})):
            listener(identity)


PRESENCE = web.AppKey("presence", Presence)
