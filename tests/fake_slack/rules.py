"""What Slack refuses: Block Kit's published limits, and texts that are too long.

Lengths are counted in UTF-16 units. Unknown block and element types are refused, so that a new one gets
its rule here first. The limit on all of a message's blocks together is not published; Slack was seen to
refuse at about 11,300 to 13,200 characters.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

MAX_TEXT = 4_000
MAX_ALL_BLOCKS = 11_000
Object = Mapping[str, Any]


class Refused(Exception):
    """Slack answers ok: false with this error."""

    def __init__(self, error: str, detail: str = "") -> None:
        super().__init__(f"{error} {detail}".strip())
        self.error = error
        self.detail = detail


def units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_message(body: Object) -> None:
    """Refuse a message's text and blocks as chat.postMessage does."""
    text, blocks = body.get("text") or "", body.get("blocks") or []
    if not text and not blocks:
        raise Refused("no_text")
    if units(text) > MAX_TEXT:
        raise Refused("msg_too_long")
    check_blocks(blocks, 50, inputs=False)
    if sum(units(part) for part in texts(blocks)) > MAX_ALL_BLOCKS:
        raise Refused("msg_blocks_too_long")
    if units(body.get("username") or "") > 80:
        raise Refused("invalid_arguments", "username")
    check_metadata(body.get("metadata"))


def check_metadata(metadata: Any) -> None:
    if metadata is None:
        return
    name, payload = metadata.get("event_type"), metadata.get("event_payload")
    if not isinstance(name, str) or not re.fullmatch(r"[a-z0-9_]{1,80}", name):
        raise Refused("metadata_must_be_sent_with_event_type")
    if not isinstance(payload, dict) or not all(
        isinstance(value, str | int | bool) for value in payload.values()
    ):
        raise Refused("invalid_metadata_format")


def check_view(view: Object) -> None:
    """Refuse a modal or home tab as views.open and views.publish do."""
    kind = view.get("type")
    _need(kind in {"modal", "home"}, "view type")
    if kind == "modal":
        _text(view.get("title"), 24, "title", plain=True)
        has_input = any(block.get("type") == "input" for block in view["blocks"])
        _need(not has_input or "submit" in view, "submit is needed with inputs")
        for name in ("submit", "close"):
            if name in view:
                _text(view[name], 24, name, plain=True)
    _need(units(view.get("private_metadata") or "") <= 3000, "private_metadata")
    _need(units(view.get("callback_id") or "") <= 255, "callback_id")
    _need(len(view["blocks"]) >= 1, "blocks")
    check_blocks(view["blocks"], 100, inputs=True)


def check_blocks(blocks: Sequence[Object], most: int, *, inputs: bool) -> None:
    _need(isinstance(blocks, list), "blocks is a list")
    _need(len(blocks) <= most, f"{len(blocks)} blocks")
    ids = [block["block_id"] for block in blocks if "block_id" in block]
    _need(len(ids) == len(set(ids)), "block_id twice")
    _need(all(0 < units(one) <= 255 for one in ids), "block_id length")
    for block in blocks:
        match block.get("type"):
            case "header":
                _text(block.get("text"), 150, "header", plain=True)
            case "section":
                _section(block)
            case "context":
                elements = block.get("elements") or []
                _need(1 <= len(elements) <= 10, "context elements")
                for element in elements:
                    _text(element, 3000, "context")
            case "actions":
                elements = block.get("elements") or []
                _need(1 <= len(elements) <= 25, "actions elements")
                names = [element.get("action_id") for element in elements]
                _need(len(names) == len(set(names)), "action_id twice")
                for element in elements:
                    _element(element)
            case "input":
                _need(inputs, "input outside a view")
                _input(block)
            case "divider":
                pass
            case other:
                raise Refused("invalid_blocks", f"type {other}")


def texts(node: Any) -> Iterator[str]:
    """Yield every text in blocks."""
    if isinstance(node, Mapping):
        for name, value in node.items():
            if name == "text" and isinstance(value, str):
                yield value
            else:
                yield from texts(value)
    elif isinstance(node, list):
        for value in node:
            yield from texts(value)


def fired(body: Object) -> list[str]:
    """Return the mentions and disguised links that the message would set off: none may come from outside."""
    marked = [body.get("text") or "", *_marked(body.get("blocks") or [])]
    found: list[str] = []
    for text in marked:
        found += [one for one in re.findall(r"<([^<>]*)>", text) if not one.startswith("!date^")]
    return found


def _marked(node: Any) -> Iterator[str]:
    if isinstance(node, Mapping):
        if node.get("type") == "mrkdwn":
            yield node["text"]
        for value in node.values():
            yield from _marked(value)
    elif isinstance(node, list):
        for value in node:
            yield from _marked(value)


def _section(block: Object) -> None:
    fields = block.get("fields")
    _need("text" in block or bool(fields), "section without text")
    if "text" in block:
        _text(block["text"], 3000, "section")
    for field in fields or []:
        _text(field, 2000, "field")
    _need(len(fields or []) <= 10, "fields")
    if "accessory" in block:
        _element(block["accessory"])


def _input(block: Object) -> None:
    _text(block.get("label"), 2000, "label", plain=True)
    if "hint" in block:
        _text(block["hint"], 2000, "hint", plain=True)
    _need(isinstance(block.get("element"), dict), "element")
    _element(block["element"])


def _element(element: Object) -> None:
    _need(0 < units(element.get("action_id") or "") <= 255, "action_id")
    match element.get("type"):
        case "button":
            _text(element.get("text"), 75, "button", plain=True)
            _need(units(element.get("value") or "") <= 2000, "button value")
            _need(element.get("style", "primary") in {"primary", "danger"}, "button style")
            _need(units(element.get("url") or "") <= 3000, "button url")
            if "confirm" in element:
                for name, most in (("title", 100), ("text", 300), ("confirm", 30), ("deny", 30)):
                    _text(element["confirm"].get(name), most, f"confirm {name}", plain=name != "text")
        case "plain_text_input":
            longest = element.get("max_length", 3000)
            _need(1 <= longest <= 3000, "max_length")
            _need(units(element.get("initial_value") or "") <= longest, "initial_value")
        case "static_select":
            _options(element, 100)
        case "radio_buttons":
            _options(element, 10)
        case "datetimepicker" | "users_select":
            pass
        case other:
            raise Refused("invalid_blocks", f"element {other}")


def _options(element: Object, most: int) -> None:
    options = element.get("options") or []
    _need(1 <= len(options) <= most, "options")
    for option in options:
        _text(option.get("text"), 75, "option")
        _need(1 <= units(option.get("value") or "") <= 150, "option value")
    if "initial_option" in element:
        _need(element["initial_option"] in options, "initial_option")


def _text(text: Any, most: int, what: str, *, plain: bool = False) -> None:
    _need(isinstance(text, dict), f"{what} is no text object")
    kinds = {"plain_text"} if plain else {"plain_text", "mrkdwn"}
    _need(text.get("type") in kinds, f"{what} type")
    known = {"type", "text", "emoji"} if text["type"] == "plain_text" else {"type", "text", "verbatim"}
    _need(set(text) <= known, f"{what} has {set(text) - known}")
    _need(1 <= units(text.get("text") or "") <= most, f"{what} has {units(text.get('text') or '')} units")


def _need(holds: bool, what: str) -> None:
    if not holds:
        raise Refused("invalid_blocks", what)
