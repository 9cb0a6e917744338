"""A mail's text split into what is new, the signature, and the quoted history; nothing is thrown away.

mail-parser-reply knows how mail programs announce the history in a dozen languages; it normalises what it
reads, so only the place where it sees the history begin is taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailparser_reply import EmailReplyParser

from adapters.email.html_text import QUOTE_MARK
from adapters.email.mail_phrases import (
    ANNOUNCES,
    HEADER_BLOCK,
    HEADER_FOLLOWS,
    INTRODUCTIONS,
    PHONE_SENT,
    SEPARATORS,
    SIGN_OFFS,
)

LONGEST = 100_000
"""Characters that are looked at for the history; a longer mail is not a reply's new text."""
MAX_SIGNATURE_LINES = 15
MAX_SIGN_OFF = 40
LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pl", "sv", "da", "cs", "ja", "ko", "zh"]


@dataclass(frozen=True, slots=True)
class SplitText:
    """A mail's text in three parts; together they are all of it."""

    new: str
    signature: str
    quoted: str


def split_text(text: str) -> SplitText:
    """Return the parts of a mail's text. A mail that is nothing but history keeps it as its new text."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _history(lines)
    new, quoted = lines[:cut], lines[cut:]
    if not "".join(new).strip() and _is_forward(quoted):
        new, quoted = quoted, []
    answers = _answers_between(quoted)
    if answers is not None:
        # Written between the quoted lines: without them the answers mean nothing.
        new, quoted = lines[: cut + answers], lines[cut + answers :]
    end = _signature(new)
    return SplitText(_joined(new[:end]), _joined(new[end:]), _joined(quoted))


def _history(lines: list[str]) -> int:
    """Return the number of the line at which the history begins; past the end when there is none."""
    found = [len(lines), _by_library(lines)]
    for number, line in enumerate(lines):
        if line == QUOTE_MARK or SEPARATORS.match(line) or _begins_header_block(lines, number):
            found.append(number)
            break
        if _introduces(lines, number) or _only_quoted_from(lines, number):
            found.append(number)
            break
    cut = min(found)
    if cut < len(lines) and (lines[cut] == QUOTE_MARK or lines[cut].startswith(">")):
        return _announced(lines, cut)
    return cut


def _announced(lines: list[str], quotation: int) -> int:
    """Return the line that announces the quotation, right above it, or the quotation itself."""
    for number in range(quotation - 1, max(quotation - 4, -1), -1):
        line = lines[number].strip()
        if line and line != QUOTE_MARK:
            announces = len(line) < 300 and ANNOUNCES.search(line) is not None
            return number if announces or _introduces(lines, number) else quotation
    return quotation


def _introduces(lines: list[str], number: int) -> bool:
    """Whether "On … wrote:" stands here, on one line or broken over up to three."""
    joined = ""
    for line in lines[number : number + 3]:
        joined = f"{joined} {line.strip()}".strip()
        if not line.strip() or len(joined) > 400:
            return False
        if INTRODUCTIONS.match(joined):
            return True
    return False


def _begins_header_block(lines: list[str], number: int) -> bool:
    """Whether Outlook's block From/Sent/To/Subject stands here, in whatever language."""
    if not HEADER_BLOCK.match(lines[number]):
        return False
    following = [line for line in lines[number + 1 : number + 6] if line.strip()][:3]
    return sum(HEADER_FOLLOWS.match(line) is not None for line in following) >= 2


def _only_quoted_from(lines: list[str], number: int) -> bool:
    """Whether from here on everything is quoted with >, and nothing else is said."""
    if not lines[number].startswith(">"):
        return False
    return all(line.startswith(">") or not line.strip() for line in lines[number:])


def _by_library(lines: list[str]) -> int:
    """Return where mail-parser-reply sees the history begin; it keeps the number of lines."""
    text = "\n".join(lines)
    if len(text) > LONGEST or "_" * 20 in text:
        return len(lines)
    replies = EmailReplyParser(languages=list(LANGUAGES)).read(text).replies
    if len(replies) < 2:
        return len(lines)
    header = (replies[1].headers or "").split("\n", 1)[0].strip()
    if not header:
        return len(lines)
    return next((number for number, line in enumerate(lines) if line.strip() == header), len(lines))


def _answers_between(quoted: list[str]) -> int | None:
    """Return how many lines of the history belong to the new text, since answers stand between them."""
    if not any(line.startswith(">") for line in quoted):
        return None
    last_answer = None
    seen_quote = False
    for number, line in enumerate(quoted):
        if line.startswith(">"):
            seen_quote = True
        elif seen_quote and line.strip() and line != QUOTE_MARK:
            last_answer = number
    return None if last_answer is None else last_answer + 1


def _is_forward(quoted: list[str]) -> bool:
    return any(line.strip() and line != QUOTE_MARK for line in quoted)


def _signature(lines: list[str]) -> int:
    """Return the number of the line at which the signature begins; past the end when there is none."""
    for number, line in enumerate(lines):
        if line.rstrip(" ") == "--" and "".join(lines[:number]).strip():
            return number
    written = [number for number, line in enumerate(lines) if line.strip()]
    last = written[-1] if written else 0
    for number in written[1:]:
        if last - number > MAX_SIGNATURE_LINES:
            continue
        line = lines[number]
        if PHONE_SENT.match(line) or (len(line.strip()) <= MAX_SIGN_OFF and SIGN_OFFS.match(line)):
            return number
    return len(lines)


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines if line != QUOTE_MARK).strip("\n")
