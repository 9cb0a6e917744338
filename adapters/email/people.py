"""What a mail says of its sender: a name, call-back numbers from the signature [R30]."""

from __future__ import annotations

import re

from adapters.email.parsed import ParsedMail
from chatdesk.plain_text import clean_line

MAX_NAME = 100
MAX_PHONE = 100
_NUMBER = re.compile(
    r"(?<![\w@./-])\+?\(?\d[\d ()./\u2010-\u2013-]{5,22}\d(?:\s?(?:x|ext\.?)\s?\d{1,6})?(?![\w@-])"
)
_LABEL = re.compile(
    r"\b(?:t|p|m|d|o|c|tel|telephone|telefon|telefono|teléfono|téléphone|tél|phone|ph|mobile?|mob|cell|direct"
    r"|office|call(?:\s+me)?(?:\s+(?:at|on))?|handy|durchwahl|büro|portable|móvil|cellulare|telefoon|mobiel"
    r"|call-?back(?:\s+number)?|number)\b\s*[:.]?\s*$",
    re.IGNORECASE,
)
_NOT_PHONES = re.compile(
    r"\b(?:fax|telefax|vat|ust|iban|ticket|order|invoice|serial|hrb|zip|p\.?o\.?)\b", re.I
)
_DATE = re.compile(r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}")
_ANSWER = re.compile(
    r"\s*(?:your\s+)?(name|full name|company|phone|call-?back(?: number)?|telephone)\s*[:=]\s*(\S.*)", re.I
)
"""Matched with one line at a time: across lines, white space would take the square of a text's length."""


def name_of(mail: ParsedMail) -> str:
    """Return the sender's name: as they write it, or as their address suggests."""
    shown = clean_line(mail.sender_name)[:MAX_NAME]
    if shown and "@" not in shown:
        # "Reyes, Dana" is how directories sort people.
        last, comma, first = shown.partition(", ")
        return f"{first} {last}" if comma and first and "," not in first and " " not in last else shown
    local = mail.sender.partition("@")[0].partition("+")[0]
    words = [word for word in re.split(r"[._-]+", local) if word.isalpha()]
    return " ".join(word.capitalize() for word in words)[:MAX_NAME] or mail.sender


def phones_in(mail: ParsedMail) -> str:
    """Return the call-back numbers that the signature or the text gives, up to two, "" for none."""
    found: list[str] = []
    for text, labelled in ((mail.signature, False), (mail.text, True)):
        for line in text.splitlines()[-40:]:
            found += [number for number in _numbers(line, labelled=labelled) if number not in found]
    return ", ".join(found[:2])[:MAX_PHONE]


def answers_in(text: str) -> dict[str, str]:
    """Return name, company and phone from an answer such as "Company: Contoso", a line each."""
    found: dict[str, str] = {}
    for match in filter(None, map(_ANSWER.match, text.splitlines())):
        word, value = match[1].lower(), match[2]
        key = "name" if "name" in word else "company" if word == "company" else "phone"
        _ = found.setdefault(key, clean_line(value)[:MAX_NAME])
    return found


def _numbers(line: str, *, labelled: bool) -> list[str]:
    if len(line) > 500:
        return []
    found = []
    for match in _NUMBER.finditer(line):
        before = line[: match.start()]
        digits = sum(char.isdigit() for char in match[0])
        if not 7 <= digits <= 15 or _DATE.fullmatch(match[0].strip()) or _NOT_PHONES.search(before):
            continue
        if labelled and not _LABEL.search(before):
            continue
        found.append(match[0].strip())
    return found
