"""A mail's text split into what is new, the signature, and the quoted history; nothing is thrown away.

mail-parser-reply knows how mail programs announce the history in a dozen languages; it normalises what it
reads, so only the place where it sees the history begin is taken from it.
"""

from __future__ import annotations

from dataclasses import dataclass

from mailparser_reply.parser import EmailMessage

from adapters.email.html_text import QUOTE_MARK
from adapters.email.mail_phrases import (
    ANNOUNCES,
    DATED,
    GREETINGS,
    HEADER_BLOCK,
    HEADER_FOLLOWS,
    INTRODUCTIONS,
    SEPARATORS,
    UNDERSCORES,
)
from adapters.email.signature import signature_start

LONGEST = 100_000
"""Characters that are looked at for the history; a longer mail is not a reply's new text."""
LONGEST_GREETING = 60
LONGEST_INTRODUCTION = 400
MOST_BLANK = 3
"""Blank lines in a row that the library is shown; none of its phrases goes beyond two."""
LANGUAGES = ["en", "de", "fr", "es", "it", "nl", "pl", "sv", "da", "cs", "ja", "ko", "zh"]


@dataclass(frozen=True, slots=True)
class SplitText:
    """A mail's text in three parts; together they are all of it."""

    new: str
    signature: str
    quoted: str


def split_text(text: str) -> SplitText:
    """Return the parts of a mail's text. Where nothing new would be left, or a greeting only, all is new."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    cut = _history(lines)
    new, quoted = lines[:cut], lines[cut:]
    if _says_nothing(new) and _is_forward(quoted):
        new, quoted = lines, []
    answers = _answers_between(quoted)
    if answers is not None:
        # Written between the quoted lines: without them the answers mean nothing.
        new, quoted = lines[: cut + answers], lines[cut + answers :]
    end = signature_start(new)
    if _says_nothing(new[:end]):
        end = len(new)
    return SplitText(_joined(new[:end]), _joined(new[end:]), _joined(quoted))


def _history(lines: list[str]) -> int:
    """Return the number of the line at which the history begins; past the end when there is none."""
    found = [len(lines), _by_library(lines)]
    quoted_from = _only_quoted_from(lines)
    for number, line in enumerate(lines):
        if line == QUOTE_MARK or SEPARATORS.match(line) or _begins_header_block(lines, number):
            found.append(number)
            break
        if _introduces(lines, number, dated=True) or (number >= quoted_from and line.startswith(">")):
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


def _introduces(lines: list[str], number: int, *, dated: bool = False) -> bool:
    """Whether "On … wrote:" stands here, on one line or broken over up to three.

    With ``dated`` it has to give a date, a time or an address: nothing else says that a program wrote it.
    """
    joined = ""
    for line in lines[number : number + 3]:
        joined = f"{joined} {line.strip()}".strip()
        if not line.strip() or len(joined) > LONGEST_INTRODUCTION:
            return False
        if INTRODUCTIONS.match(joined):
            return not dated or DATED.search(joined) is not None
    return False


def _begins_header_block(lines: list[str], number: int) -> bool:
    """Whether Outlook's block From/Sent/To/Subject stands here, or the line that it draws above one."""
    if UNDERSCORES.match(lines[number]):
        number = next((n for n in range(number + 1, min(number + 4, len(lines))) if lines[n].strip()), number)
    if not HEADER_BLOCK.match(lines[number]):
        return False
    following = [line for line in lines[number + 1 : number + 6] if line.strip()][:3]
    return sum(HEADER_FOLLOWS.match(line) is not None for line in following) >= 2


def _only_quoted_from(lines: list[str]) -> int:
    """Return the number of the line from which on everything is quoted with >, and nothing else is said."""
    said = (n for n in range(len(lines) - 1, -1, -1) if lines[n].strip() and not lines[n].startswith(">"))
    return next(said, -1) + 1


def _by_library(lines: list[str]) -> int:
    """Return where mail-parser-reply sees the history begin.

    To it, "Date:" and "Subject:" are enough, which people write in lists of their own.
    """
    numbers = [number for number in range(len(lines)) if not _is_blank_run(lines, number)]
    shown = [lines[number].strip()[:LONGEST_INTRODUCTION] for number in numbers]
    text = "\n".join(shown)
    if len(text) > LONGEST or "_" * 20 in text:
        return len(lines)
    header = _header_in(text)
    first = header.split("\n", 1)[0].strip()
    if not DATED.search(header) or not (HEADER_BLOCK.match(first) or header.endswith((":", "\uff1a"))):
        return len(lines)
    return next((number for number, line in zip(numbers, shown, strict=True) if line == first), len(lines))


def _is_blank_run(lines: list[str], number: int) -> bool:
    """Whether so many blank lines stand here that one more says nothing."""
    run = lines[max(0, number - MOST_BLANK) : number + 1]
    return len(run) > MOST_BLANK and not any(line.strip() for line in run)


def _header_in(text: str) -> str:
    """Return the first header of a mail below some words, "" when there is none.

    The library's own reading goes on to signatures, which takes the square of a text's length.
    """
    message = EmailMessage(text, list(LANGUAGES))
    for found in message.HEADER_REGEX.finditer(message.text):
        if message.text[: found.start()].strip():
            return next((group for group in found.groups() if group), "").strip()
    return ""


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


def _says_nothing(lines: list[str]) -> bool:
    """Whether nothing stands here, or no more than "Hello Marcus,"."""
    written = [line.strip() for line in lines if line.strip() and line != QUOTE_MARK]
    return all(len(line) <= LONGEST_GREETING and GREETINGS.match(line) for line in written)


def _joined(lines: list[str]) -> str:
    return "\n".join(line.rstrip() for line in lines if line != QUOTE_MARK).strip("\n")
