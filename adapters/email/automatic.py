"""Mail that a program wrote: never opens or re-opens a ticket and never gets an answer (RFC 3834) [R18]."""

from __future__ import annotations

import re
from email.message import Message

from adapters.email.header_values import one_address, raw_field, shown_field

_SYSTEM_SENDERS = re.compile(
    r"(?:mailer-daemon|postmaster|no-?reply|do-?not-?reply|bounces?(?:[+-].*)?)@", re.I
)
_VACATION = re.compile(
    r"""(?:re:\s*|aw:\s*)?(?:
    automatic\ reply|auto(?:matic)?[-\ ]?(?:reply|response|antwort)
    |out\ of\ (?:the\ )?office(?:\ auto[-\ ]?reply)?
    |automatische\ antwort|abwesenheits(?:notiz|meldung)|abwesend
    |r[ée]ponse\ automatique|absence\ du\ bureau
    |respuesta\ autom[áa]tica|fuera\ de\ la\ oficina
    |resposta\ autom[áa]tica|fora\ do\ escrit[óo]rio
    |risposta\ automatica|fuori\ sede
    |automatisch\ antwoord|afwezig
    |autosvar|automatiskt\ svar|automatisk\ svar|fr[åa]nvaro
    |odpowied[źz]\ automatyczna|automatyczna\ odpowied[źz]
    |automatick[áa]\ odpov[ěe][ďd]
    |自動応答|自动答复|자동\ 회신
    |автоматический\ ответ|автоответ
    )\s*(?:[:\uff1a]|[.!]*$)""",
    re.I | re.X,
)
"""Programs write the subject of the mail they answer behind a colon, or nothing; what follows otherwise is a
person's question about such notices."""
_BULK = ("bulk", "junk", "list", "auto_reply")
_LIST_FIELDS = ("List-Id", "List-Post", "List-Unsubscribe", "Mailing-List", "Feedback-ID")
_ROBOT_FIELDS = ("X-Autoreply", "X-Autorespond", "X-Auto-Response-Suppress", "X-AutoReply-From", "X-Loop")


def why_automatic(message: Message) -> str:
    """Return why the mail counts as written by a program, "" for one that a person wrote."""
    submitted = raw_field(message, "Auto-Submitted").partition(";")[0].strip().lower()
    if submitted and submitted != "no":
        return f"Auto-Submitted: {submitted[:40]}"
    if message.get_content_type() == "multipart/report":
        return "a report of a mail system"
    if raw_field(message, "Return-Path") == "<>":
        return "an empty return path"
    if raw_field(message, "Precedence").lower() in _BULK:
        return f"Precedence: {raw_field(message, 'Precedence').lower()}"
    for name in (*_LIST_FIELDS, *_ROBOT_FIELDS):
        if name in message:
            return f"the header {name}"
    if _SYSTEM_SENDERS.match(one_address(raw_field(message, "From"))[1]):
        return "the sender's address"
    return "the subject of an absence notice" if _VACATION.match(shown_field(message, "Subject")) else ""
