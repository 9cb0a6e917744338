"""What goes out to Teams: messages into conversations, new threads and direct chats, edits, deletions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from botbuilder.schema import Activity, ChannelAccount, ConversationParameters

from adapters.teams.connector_clients import ConnectorClients
from adapters.teams.connector_pipeline import NotThere
from adapters.teams.json_value import Document
from chatdesk.errors import DeliveryUnknown


@dataclass(frozen=True, slots=True)
class Place:
    """A conversation in Teams as it is reached: the connector's address, and the conversation's id there."""

    service_url: str
    conversation: str


@dataclass(frozen=True, slots=True)
class Member:
    """A person of a conversation as Teams knows them; texts are "" where it does not say."""

    id: str
    name: str
    aad: str
    tenant: str
    email: str
    user_principal_name: str
    is_guest: bool = False


class Gateway:
    """Speaks to Teams as the bot ``bot`` of the tenant ``tenant``; every call may raise a DeliveryError."""

    def __init__(self, clients: ConnectorClients, bot: str, tenant: str) -> None:
        self._clients = clients
        self._bot = bot
        self._tenant = tenant

    async def send(self, place: Place, activity: Document) -> str:
        """Post an activity and return its id."""
        conversations = self._clients.client(place.service_url).conversations
        made = Activity.deserialize(activity)
        return _id(await conversations.send_to_conversation(place.conversation, made))

    async def update(self, place: Place, activity_id: str, activity: Document) -> None:
        """Put an activity in the place of one that the bot sent before."""
        conversations = self._clients.client(place.service_url).conversations
        made = Activity.deserialize({**activity, "id": activity_id})
        await conversations.update_activity(place.conversation, activity_id, made)

    async def delete(self, place: Place, activity_id: str) -> None:
        """Take back an activity that the bot sent; one that is gone already is left so."""
        conversations = self._clients.client(place.service_url).conversations
        with suppress(NotThere):
            await conversations.delete_activity(place.conversation, activity_id)

    async def begin_thread(self, channel: Place, activity: Document) -> tuple[Place, str]:
        """Post an activity as a new thread of a channel; return the thread and the activity's id."""
        parameters = ConversationParameters(
            is_group=True,
            bot=ChannelAccount(id=self._bot),
            tenant_id=self._tenant,
            activity=Activity.deserialize(activity),
            channel_data={"channel": {"id": channel.conversation}, "tenant": {"id": self._tenant}},
        )
        return await self._begin(channel.service_url, parameters)

    async def begin_chat(self, service_url: str, member: str) -> Place:
        """Open, or find, the direct chat with a person."""
        parameters = ConversationParameters(
            is_group=False,
            bot=ChannelAccount(id=self._bot),
            members=[ChannelAccount(id=member)],
            tenant_id=self._tenant,
            channel_data={"tenant": {"id": self._tenant}},
        )
        return (await self._begin(service_url, parameters))[0]

    async def member(self, place: Place, person: str) -> Member:
        """Return a person of the conversation, by their id in Teams."""
        conversations = self._clients.client(place.service_url).conversations
        found = await conversations.get_conversation_member(place.conversation, person)
        more: dict[str, object] = {**(found.additional_properties or {}), **(found.properties or {})}
        principal = str(more.get("userPrincipalName") or "")
        return Member(
            id=found.id or person,
            name=found.name or "",
            aad=found.aad_object_id or str(more.get("objectId") or ""),
            tenant=str(more.get("tenantId") or ""),
            email=str(more.get("email") or ""),
            user_principal_name=principal,
            is_guest=more.get("userRole") == "guest" or "#ext#" in principal.casefold(),
        )

    async def _begin(self, service_url: str, parameters: ConversationParameters) -> tuple[Place, str]:
        conversations = self._clients.client(service_url).conversations
        begun = await conversations.create_conversation(parameters)
        if begun is None or not begun.id:
            raise DeliveryUnknown("Teams did not say which conversation it began.")
        return Place(service_url, begun.id), begun.activity_id or ""


def _id(answer: object) -> str:
    found = getattr(answer, "id", None)
    if not found:
        raise DeliveryUnknown("Teams did not say under which id it took the message.")
    return str(found)
