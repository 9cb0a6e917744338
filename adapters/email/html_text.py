"""HTML of a mail: as text for the ticket, and cleaned for the frame in which staff may look at it."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

import nh3

MAX_HTML = 2_000_000
"""Characters of HTML that are read as text; the cleaned form may be as long."""
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
_QUOTE_CLASSES = _names(
    "gmail_quote gmail_quote_container yahoo_quoted protonmail_quote moz-cite-prefix tutanota_quote"
)
_QUOTE_IDS = _names(
    "appendonsend divRplyFwdMsg OLK_SRC_BODY_SECTION mail-editor-reference-message-container reply-intro"
)
_SPACES = re.compile(r"[ \t\r\n\f\u00a0\u200b]+")


def html_to_text(html: str) -> str:
    """Return what a reader sees, as plain text with line breaks; the quoted history is marked."""
    reader = _Reader()
    try:
        reader.feed(html[:MAX_HTML].replace(QUOTE_MARK, ""))
        reader.close()
    except (AssertionError, ValueError):
        # The library gives up on some broken declarations; what was read until there counts.
        reader.note("")
    return reader.text()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[str] = [""]
        self._unseen: Counter[str] = Counter()
        self._preformatted = 0
        self._link = ""
        self._link_text = ""

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
            self._lines[-1] = QUOTE_MARK
            self._lines.append("")
        if tag == "br":
            self._lines.append("")
        elif tag in _BLOCKS:
            self._break(blank=tag in _PARAGRAPHS)
        if tag == "li":
            self._lines[-1] += "- "
        elif tag == "pre":
            self._preformatted += 1
        elif tag == "a":
            self._link, self._link_text = values.get("href", ""), ""
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
        self._link_text += data
        if self._preformatted:
            first, *others = data.split("\n")
            self._lines[-1] += first
            self._lines += others
            return
        words = _SPACES.sub(" ", data)
        if not self._lines[-1]:
            words = words.lstrip(" ")
        self._lines[-1] += words

    def note(self, words: str) -> None:
        """Add words that stand in place of something."""
        if words:
            self._lines[-1] += f"[{words}]"

    def text(self) -> str:
        """Return everything read so far."""
        lines = [line.rstrip() for line in self._lines]
        return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def _shows(self, tag: str) -> bool:
        """Whether all that was hidden ends with this element, though nobody ended it: browsers see it so."""
        if tag == "body" or tag in _BLOCKS:
            return True
        return tag in _WORDS and self._unseen.total() == self._unseen["head"]

    def _name_link(self) -> None:
        """Write the address of a link whose words do not say it; a reader must see where it leads."""
        link, words = self._link, self._link_text.strip()
        self._link = ""
        if link.lower().startswith(("http://", "https://")) and link.rstrip("/") != words.rstrip("/"):
            self._lines[-1] += f" <{link[:500]}>"

    def _break(self, *, blank: bool = False) -> None:
        if self._lines[-1].strip():
            self._lines.append("")
        if blank and len(self._lines) > 1 and self._lines[-2]:
            self._lines.append("")


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

    Made for a sandboxed frame with a policy of its own; neither alone is relied on.
    """
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


def _filtered(tag: str, attribute: str, value: str) -> str | None:
    if attribute == "src":
        return value if re.match(r"data:image/(?:png|jpeg|gif|webp);base64,", value) else None
    if attribute == "href":
        return value if re.match(r"(?:https?://|mailto:|tel:)", value.strip(), re.I) else None
    if attribute == "style" and re.search(r"url\s*\(|expression|@import|\\", value, re.I):
        return None
    return value
