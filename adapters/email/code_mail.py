"""The mail with a code for the chat [R19]: the desk's own words, nothing that anybody typed."""

from __future__ import annotations

from datetime import datetime, timedelta

from adapters.email.message import build_plain, message_id
from chatdesk.chat_codes import PERIOD
from chatdesk.config import Config
from chatdesk.effects import MailKind
from chatdesk.mailbox import StoredMail
from chatdesk.outbox import Delivery
from chatdesk.plain_text import clean_line
from chatdesk.ticket import format_number


def write_code(
    delivery: Delivery, recipient: str, config: Config, reply_token: str, at: datetime
) -> StoredMail:
    """Return the mail with the code. Raises DeliveryRefused for an address that mail cannot be sent to."""
    number = format_number(config.desk.ticket_prefix, int(delivery.payload.get("number") or 0))
    subject = f"[{number}] Your code for the chat"
    message = build_plain(
        subject,
        _parts(str(delivery.payload.get("code")), number, config),
        MailKind.CODE,
        delivery_id=delivery.id,
        recipient=recipient,
        desk=config.desk,
        at=at,
        reply_token=reply_token,
    )
    return StoredMail(message_id(delivery.id, config.desk), delivery.ticket, recipient, subject, at, message)


def _parts(code: str, number: str, config: Config) -> list[str]:
    desk = clean_line(config.desk.name)
    minutes = PERIOD // timedelta(minutes=1)
    return [
        "Hello,",
        f"The code to go on with {number} in the chat is {code}.",
        f"Enter it in the window in which you asked for it, within {minutes} minutes.",
        "If it was not you who asked, there is nothing to do: without this code nobody sees anything.",
        desk,
    ]
