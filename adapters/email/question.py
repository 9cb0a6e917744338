"""The one question to a sender who cannot be placed [R30]: the desk's own words, nothing of theirs."""

from __future__ import annotations

from datetime import datetime

from adapters.email.message import build_plain, message_id
from chatdesk.config import Config
from chatdesk.effects import MailKind
from chatdesk.mailbox import StoredMail
from chatdesk.outbox import MAIL_TARGET, Delivery, DeliveryKind
from chatdesk.plain_text import clean_line

SUBJECT = "Your message: we need a few details"


def question_to(held: str, recipient: str, answers: str, at: datetime) -> Delivery:
    """Return the delivery that asks about the held mail; ``answers`` is that mail's Message-ID.

    It bears the mail's own id, so that two nodes that work on one mail ask once.
    """
    return Delivery(
        id=held,
        target=MAIL_TARGET,
        kind=DeliveryKind.MAIL,
        lane=held,
        due_at=at,
        created_at=at,
        payload={"mail": MailKind.QUESTION.value, "to": recipient, "held": held, "answers": answers},
    )


def write_question(
    delivery: Delivery, recipient: str, config: Config, reply_token: str, at: datetime
) -> StoredMail:
    """Return the mail that asks. Raises DeliveryRefused for an address that mail cannot be sent to."""
    message = build_plain(
        SUBJECT,
        _parts(config),
        MailKind.QUESTION,
        delivery_id=delivery.id,
        recipient=recipient,
        desk=config.desk,
        at=at,
        reply_token=reply_token,
        answers=str(delivery.payload.get("answers") or ""),
    )
    return StoredMail(message_id(delivery.id, config.desk), None, recipient, SUBJECT, at, message)


def _parts(config: Config) -> list[str]:
    desk = clean_line(config.desk.name)
    parts = [
        "Hello,",
        f"Thank you for your message to {desk}. We keep it, but could not tell which company you write for. "
        "Please reply to this message with:",
        "Name:\nCompany:\nCall-back number:",
        "A technician looks at your message in any case.",
    ]
    if config.desk.phone:
        parts.append(f"If work has stopped completely, call {config.desk.phone}.")
    parts.append(desk)
    return parts
