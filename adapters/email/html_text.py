"""HTML of a mail: as text for the ticket, and cleaned for the frame in which staff may look at it."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser

import nh3

MAX_HTML = 2_000_000
"""Characters of HTML that are read as text; the cleaned form may be as long."""
MAX_DEPTH = 2_000
MAX_UNENDED = 20
"""Tags and comments without an end after which what follows is read as words without any."""
QUOTE_MARK = "\ue000"
"""A private character on a line of its own: the mail program says that the quoted history begins here."""


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BLOCKS = _names(
    "address article aside blockquote body center dd div dl dt fieldset footer form h1 h2 h3 h4 h5 h6 "
    "header hr li main nav ol p pre section table tbody td tfoot th thead tr ul"
)
_PARAGRAPHS = _names("blockquote h1 h2 h3 h4 h5 h6 ol p pre table ul")
_UNSEEN = _names("head noscript script style template title iframe select svg math")
_WORDS = _names("a b big br code em font i img mark s small span strong sub sup u")
"""Elements of the text that no head has."""
_VOID = _names("area base br col embed hr img input link meta param source track wbr")
_END_BY_THEMSELVES = _VOID | _names("body dd dt head html li option p tbody td tfoot th thead tr")
_QUOTE_CLASSES = _names(
    "gmail_quote gmail_quote_container yahoo_quoted protonmail_quote moz-cite-prefix tutanota_quote"
)
_QUOTE_IDS = _names(
    "appendonsend divRplyFwdMsg OLK_SRC_BODY_SECTION mail-editor-reference-message-container reply-intro"
)
_ANY_TAG = re.compile(r"<[^<>]*>?")
_TAG = re.compile(r"<(/?)([a-zA-Z][a-zA-Z0-9:]*)")
_SPACES = re.compile(r"[ \t\r\n\f\u00a0\u200b]+")


def html_to_text(html: str) -> str:
    """Return what a reader sees, as plain text with line breaks; the quoted history is marked."""
    reader = _Reader()
    try:
        reader.read(html[:MAX_HTML].replace(QUOTE_MARK, ""))
    except (AssertionError, ValueError):
        # The library gives up on some broken declarations; what was read until there counts.
        reader.note("")
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = []
        self._line: list[str] = []
        """The pieces of the line at hand; none is empty. Text is joined once: adding to it copies it."""
        self._unseen: Counter[str] = Counter()
        self._preformatted = 0
        self._link = ""
        self._link_text: list[str] = []

    def read(self, html: str) -> None:
        """Read all of it. The library looks for a missing end as far as the text goes, for each tag anew."""
        self.feed(html)
        for _ in range(MAX_UNENDED):
            rest = self.rawdata
            if not rest.startswith("<"):
                break
            end = rest.find(">") + 1 or max(rest.find("<", 1), 1)
            self.rawdata = ""
            self.handle_data(unescape(rest[:end]))
            self.feed(rest[end:])
        else:
            self.rawdata = _ANY_TAG.sub(" ", self.rawdata)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen[tag] += 1
        elif self._shows(tag):
            self._unseen.clear()
        if self._unseen.total():
            return
        values = {name: value or "" for name, value in attrs}
        if _begins_quote(tag, values):
            self._break()
            self._line = [QUOTE_MARK]
            self._end_line()
        if tag == "br":
            self._end_line()
        elif tag in _BLOCKS:
            self._break(blank=tag in _PARAGRAPHS)
        if tag == "li":
            self._line.append("- ")
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "a":
            self._link, self._link_text = values.get("href", ""), []
        elif tag == "img" and values.get("alt"):
            self.note(values["alt"][:200])

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._unseen[tag]:
            self._unseen[tag] -= 1
        if self._unseen.total():
            return
        if tag == "pre":
            self._preformatted = max(0, self._preformatted - 1)
        if tag == "a":
            self._name_link()
        if tag in _BLOCKS:
            self._break(blank=tag in _PARAGRAPHS)

    def handle_data(self, data: str) -> None:
        if self._unseen.total():
            return
        if self._link:
            self._link_text.append(data)
        if self._preformatted:
            first, *others = data.split("\n")
            self._add(first)
            for other in others:
                self._end_line()
                self._add(other)
            return
        words = _SPACES.sub(" ", data)
        self._add(words if self._line else words.lstrip(" "))

    def note(self, words: str) -> None:
        """Add words that stand in place of something."""
        if words:
            self._line.append(f"[{words}]")

    def text(self) -> str:
        """Return everything read so far."""
        lines = [line.rstrip() for line in (*self._lines, "".join(self._line))]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def _shows(self, tag: str) -> bool:
        """Whether all that was hidden ends with this element, though nobody ended it: browsers see it so."""
        if tag == "body" or tag in _BLOCKS:
            return True
        return tag in _WORDS and self._unseen.total() == self._unseen["head"]

    def _name_link(self) -> None:
        """Write the address of a link whose words do not say it; a reader must see where it leads."""
        link, words = self._link, "".join(self._link_text).strip()
        self._link = ""
        if link.lower().startswith(("http://", "https://")) and link.rstrip("/") != words.rstrip("/"):
            self._line.append(f" <{link[:500]}>")

    def _add(self, words: str) -> None:
        if words:
            self._line.append(words)

    def _end_line(self) -> None:
        self._lines.append("".join(self._line))
        self._line = []

    def _break(self, *, blank: bool = False) -> None:
        if any(not piece.isspace() for piece in self._line):
            self._end_line()
        self._line.clear()
        if blank and self._lines and self._lines[-1]:
            self._end_line()


def _begins_quote(tag: str, values: dict[str, str]) -> bool:
    if tag == "blockquote" and values.get("type") == "cite":
        return True
    return values.get("id") in _QUOTE_IDS or not _QUOTE_CLASSES.isdisjoint(values.get("class", "").split())


_TAGS = nh3.ALLOWED_TAGS | {"font", "center", "u", "s"}
_ATTRIBUTES = {
    "*": {"align", "bgcolor", "color", "dir", "height", "lang", "style", "title", "valign", "width"},
    "a": {"href"},
    "font": {"color", "face", "size"},
    "img": {"alt", "src"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan"},
    "table": {"border", "cellpadding", "cellspacing"},
}
_STYLES = {
    "background-color", "border", "border-bottom", "border-collapse", "border-left", "border-radius",
    "border-right", "border-top", "color", "direction", "font", "font-family", "font-size", "font-style",
    "font-weight", "height", "letter-spacing", "line-height", "list-style-type", "margin", "margin-bottom",
    "margin-left", "margin-right", "margin-top", "max-width", "padding", "padding-bottom", "padding-left",
    "padding-right", "padding-top", "text-align", "text-decoration", "vertical-align", "white-space",
    "width",
}  # fmt: skip


def clean_html(html: str) -> str:
    """Return HTML in which nothing runs and that fetches nothing: pictures only from within it [threat 12].

    Made for a sandboxed frame with a policy of its own; neither alone is relied on. Returns "" for HTML
    that is nested so deeply that cleaning it would take the square of its length.
    """
    if _is_deep(html[:MAX_HTML]):
        return ""
    return nh3.clean(
        html[:MAX_HTML].replace(QUOTE_MARK, ""),
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        attribute_filter=_filtered,
        filter_style_properties=_STYLES,
        url_schemes={"http", "https", "mailto", "tel", "data", "cid"},
        link_rel="noopener noreferrer",
        strip_comments=True,
    )


def _is_deep(html: str) -> bool:
    """Whether more elements are within one another than people's mails ever have."""
    opened: Counter[str] = Counter()
    depth = 0
    for found in _TAG.finditer(html):
        name = found[2].lower()
        if found[1] and opened[name]:
            opened[name] -= 1
            depth -= 1
        elif not found[1] and name not in _END_BY_THEMSELVES:
            opened[name] += 1
            depth += 1
        if depth > MAX_DEPTH:
            return True
    return False


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if re.match(r"data:image/(?:png|jpeg|gif|webp);base64,", value) else None
    if attribute == "href":
        return value if re.match(r"(?:https?://|mailto:|tel:)", value.strip(), re.I) else None
    if attribute == "style" and re.search(r"url\s*\(|expression|@import|\\", value, re.I):
        return None
    return value
