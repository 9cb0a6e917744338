"""Scripts and style sheets without what only their readers need: comments and white space.

This is no full reader of either language. It relies on how the widget's files are written: every
statement ends with a semicolon or its block's brace and is not empty, a regular expression holds no quotes,
blanks or double slashes, and no template holds another one. Text in quotes and templates stays as it is.
"""

from __future__ import annotations

import re
from functools import cache

_QUOTED = r"""("(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|`(?:[^`\\]|\\.)*`)"""
_TEXT = re.compile(_QUOTED)
_TEXT_OR_COMMENT = re.compile(_QUOTED + r"|//[^\n]*|/\*.*?\*/", re.DOTALL)
_BLOCK_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_AFTER = re.compile(r"(?<=[{};,(\[=&|?:+>])\n")
_BEFORE = re.compile(r"\n(?=[}).?:&|\]])")
_SIGNS = re.compile(r" ?([=+\-*/<>?:&|,;(){}\[\]!%^~]) ?")
_NEEDLESS = re.compile(r";(?=})|,(?=[)\]}])")
_STYLE_SIGNS = re.compile(r" ?([{};,]) ?|(?<=[a-z-]): ")


@cache
def squeeze_script(text: str) -> str:
    """Return a script that does the same in fewer characters."""
    plain = _TEXT_OR_COMMENT.sub(lambda found: found[1] or "", text)
    lines = (line.strip() for line in plain.split("\n"))
    joined = _BEFORE.sub("", _AFTER.sub("", "\n".join(line for line in lines if line)))
    parts = _TEXT.split(joined)
    return "".join(part if at % 2 else _squeeze_code(part) for at, part in enumerate(parts))


def _squeeze_code(code: str) -> str:
    return _NEEDLESS.sub("", _SIGNS.sub(r"\1", code))


@cache
def squeeze_style(text: str) -> str:
    """Return a style sheet that says the same in fewer characters."""
    plain = " ".join(_BLOCK_COMMENT.sub("", text).split())
    return _STYLE_SIGNS.sub(lambda found: found[1] or ":", plain).replace(";}", "}")
