"""An activity as it came in from Teams, read once into what the desk needs of it."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from adapters.teams.gateway import Place
from adapters.teams.json_value import Json, object_at, objects_at, text_at, value_at

FILE_INFO = "application/vnd.microsoft.teams.file.download.info"
THREAD = ";messageid="
MAX_NAME = 80
MAX_KEY = 180
"""Characters of a key; the database keeps 255, with the channel and the step."""


@dataclass(frozen=True, slots=True)
class Person:
    """Who acted: the id in Teams, the object id in their directory ("" when not told), and the directory."""

    id: str
    aad: str
    name: str
    tenant: str

    @property
    def key(self) -> str:
        """What the person is known by for good; the same person has the same in every conversation."""
        return f"{self.tenant}/{self.aad or self.id}"


@dataclass(frozen=True, slots=True)
class IncomingFile:
    """A file of a message. ``ours`` says that it lies at the connector, which wants the bot's token."""

    name: str
    url: str
    ours: bool


@dataclass(frozen=True, slots=True)
class Incoming:
    """One activity. ``text`` is without the mention of the bot; ``value`` is what a card sent."""

    type: str
    name: str
    id: str
    person: Person
    place: Place
    kind: str
    text: str
    mentions_bot: bool
    value: Json
    files: tuple[IncomingFile, ...]
    raw: Json

    @property
    def is_personal(self) -> bool:
        """Whether it happened in the direct chat of one person with the bot."""
        return self.kind in ("personal", "")

    @property
    def channel(self) -> str:
        """The conversation without the thread."""
        return self.place.conversation.partition(THREAD)[0]

    @property
    def key(self) -> str:
        """What the activity is known by for good [design: conversation and activity id]."""
        key = f"{self.place.conversation}/{self.id}"
        return key if len(key) <= MAX_KEY else hashlib.sha256(key.encode(errors="replace")).hexdigest()


def read_incoming(raw: Json) -> Incoming:
    """Return the activity; what is missing is empty. Nothing of it is to be believed before the call is."""
    mention = _bot_mention(raw)
    text = text_at(raw, "text")
    return Incoming(
        type=text_at(raw, "type"),
        name=text_at(raw, "name"),
        id=text_at(raw, "id"),
        person=Person(
            id=text_at(raw, "from", "id"),
            aad=text_at(raw, "from", "aadObjectId"),
            name=" ".join(text_at(raw, "from", "name").split())[:MAX_NAME],
            tenant=text_at(raw, "conversation", "tenantId") or text_at(raw, "channelData", "tenant", "id"),
        ),
        place=Place(text_at(raw, "serviceUrl"), text_at(raw, "conversation", "id")),
        kind=text_at(raw, "conversation", "conversationType"),
        text=_plain(text.replace(mention, " ") if mention else text),
        mentions_bot=mention is not None,
        value=object_at(raw, "value"),
        files=_files(raw),
        raw=raw,
    )


def _bot_mention(raw: Json) -> str | None:
    """Return how the text names the bot, "" when only the entity does, None when it is not mentioned."""
    bot = text_at(raw, "recipient", "id")
    for entity in objects_at(raw, "entities"):
        if text_at(entity, "type") == "mention" and text_at(entity, "mentioned", "id") == bot:
            return text_at(entity, "text")
    return None


def _plain(text: str) -> str:
    """Return the text without the marks of mentions; what they name stays."""
    text = re.sub(r"</?at(?: [^<>]*)?>", "", text.replace("\xa0", " ").replace("&nbsp;", " "))
    return text.strip()


def _files(raw: Json) -> tuple[IncomingFile, ...]:
    found: list[IncomingFile] = []
    for attachment in objects_at(raw, "attachments"):
        kind = text_at(attachment, "contentType")
        name = text_at(attachment, "name") or "picture"
        if kind == FILE_INFO:
            found.append(IncomingFile(name, text_at(attachment, "content", "downloadUrl"), ours=False))
        elif kind.startswith("image/") and text_at(attachment, "contentUrl"):
            found.append(IncomingFile(name, text_at(attachment, "contentUrl"), ours=True))
    return tuple(found)


def texts_of(value: Json) -> dict[str, str]:
    """Return the texts a card sent, by input id."""
    return {name: text for name in value if isinstance(text := value_at(value, name), str)}
