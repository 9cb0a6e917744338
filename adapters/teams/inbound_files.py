"""Pictures and files of a message in Teams, kept at the desk before the message is."""

from __future__ import annotations

from adapters.teams.incoming import Incoming
from adapters.teams.services import TeamsServices
from chatdesk.conversation import ConversationId, FileRef

MAX_FILES = 10
"""Files of one message; Teams itself lets ten be sent at once."""


async def keep_files(
    services: TeamsServices,
    incoming: Incoming,
    conversation: ConversationId,
    owner: str,
    *,
    internal: bool = False,
) -> tuple[FileRef, ...]:
    """Fetch and keep the message's files. Raises EventRefused or StorageError; nothing is posted then.

    A message that is delivered again fetches nothing: what was kept is noted under its activity.
    """
    kept: list[FileRef] = []
    for number, file in enumerate(incoming.files[:MAX_FILES]):
        noted = await services.memory.kept_file(incoming.key, number)
        if noted is None:
            content = services.downloads.read(file)
            noted = await services.files.keep(
                conversation, owner, file.name, content, services.clock(), internal=internal
            )
            await services.memory.keep_file(incoming.key, number, noted)
        kept.append(noted)
    ids = [file.id for file in kept]
    return await services.files.attach(conversation, owner, ids, internal=internal) if ids else ()
