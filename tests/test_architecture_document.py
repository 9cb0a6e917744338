"""docs/architecture.md names files that are there, and the composition as the import contracts allow it."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCUMENT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
LAYERS = {"adapters", "flows", "storage"}


def files_in(text: str) -> set[str]:
    """Return the files that a text names; one without a folder is in the folder named before it."""
    found: set[str] = set()
    for line in text.splitlines():
        folder = ""
        for name in re.findall(r"`([\w/]+\.(?:py|sql|md))`", line):
            folder = name.rpartition("/")[0] or folder
            found.add(f"{folder}/{name.rpartition('/')[2]}")
    return found


def exempt() -> list[set[str]]:
    """Return, for each contract on the layers, the modules of the core that may import all of them."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    allowed = [{line.split(" -> ")[0] for line in one.get("ignore_imports", ())} for one in contracts]
    return [{name.removesuffix(".**") for name in names} for names in allowed if names]


def importing() -> set[str]:
    """Return the modules of the core that import one of the layers."""
    found: set[str] = set()
    for file in (ROOT / "chatdesk").rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in LAYERS:
                found.add(".".join(file.relative_to(ROOT).with_suffix("").parts[:2]))
    return found


def test_every_file_that_the_document_names_is_there() -> None:
    named = files_in(DOCUMENT)
    assert len(named) > 50
    assert [name for name in sorted(named) if not (ROOT / name).is_file()] == []


def test_the_document_names_the_composition_as_the_contracts_do() -> None:
    sentence = DOCUMENT.partition("Only the composition")[2].partition("\n- ")[0]
    paths = re.findall(r"`(chatdesk/[\w/.]+)`", sentence)
    named = {path.removesuffix(".py").rstrip("/").replace("/", ".") for path in paths}
    for allowed in exempt():
        assert named == allowed
    assert importing() <= named
