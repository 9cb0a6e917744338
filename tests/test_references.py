"""What code and tests cite in brackets can be looked up: in docs/requirements.md, the code or a standard."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from itertools import chain
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGES = ("chatdesk", "adapters", "flows", "storage", "tests", "bench", "scripts")
DOCS = ROOT / "docs"

CITED = re.compile(r"(?<![\w\"'\[])\[([^\[\]]+)\]")
"""A citation stands apart: not in a code span, a type or another word."""
CODE_SPAN = re.compile(r"(`+).*?\1", re.DOTALL)
NUMBERED = re.compile(r"\b(?:R\d+|threats? \d+)\b")
NAMED = re.compile(r"\b(?:fault|design|product): ")

RULES = re.compile(r"R\d+(-R\d+)?(, R\d+(-R\d+)?)*")
THREATS = re.compile(r"threat \d+|threats \d+(-\d+)?(, \d+(-\d+)?)*")
STANDARD = re.compile(r"RFC \d+.*|ECMA-\d+|WCAG \d.*|\w+\(\d\)|[a-z]+(\.[a-z]+)+/\S+|time\.perf_counter")
"""What others publish: standards, manual pages, addresses, Python's library."""


def sources(*endings: str) -> list[Path]:
    return [file for place in PACKAGES for end in endings for file in (ROOT / place).rglob(f"*.{end}")]


def remarks(file: Path) -> Iterator[str]:
    """The docstrings and comments of a Python file."""
    text = file.read_text(encoding="utf-8")
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            yield token.string
    for node in ast.walk(ast.parse(text)):
        match node:
            case ast.Expr(ast.Constant(str(said))):
                yield said


@cache
def all_remarks() -> list[tuple[str, str]]:
    """Every docstring and comment without its code spans, on one line, with the file it is in."""
    return [
        (str(file.relative_to(ROOT)), " ".join(CODE_SPAN.sub("", said).split()))
        for file in sources("py")
        for said in remarks(file)
    ]


def numbers(cited: str, kind: str) -> list[str]:
    """Return the single names of a list with ranges: `R27`, `R28` of `R27-R28`."""
    found: list[str] = []
    for first, last in re.findall(r"(\d+)(?:-R?(\d+))?", cited):
        found += [f"{kind}{number}" for number in range(int(first), int(last or first) + 1)]
    return found


def listed() -> list[str]:
    """The names that docs/requirements.md has a line for."""
    text = (DOCS / "requirements.md").read_text(encoding="utf-8")
    return re.findall(r"(?m)^\| (R\d+|threat \d+|(?:fault|design|product): [^|]+?) \|", text)


def tables() -> set[str]:
    """The tables of a desk's file, by the first word of their names."""
    text = (DOCS / "configuration.md").read_text(encoding="utf-8")
    return set(re.findall(r"(?m)^#+ `\[+([a-z]+)", text))


@cache
def names_in_code() -> set[str]:
    """What the code defines, by its dotted name and every end of that: chatdesk.ports.Store, Store."""
    found: set[str] = set()
    for file in sources("py"):
        module = ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for name in (
            module,
            *(f"{module}.{name}" for name in defined(ast.parse(file.read_text("utf-8")).body)),
        ):
            parts = name.split(".")
            found |= {".".join(parts[at:]) for at in range(len(parts))}
    return found


def defined(body: list[ast.stmt]) -> Iterator[str]:
    for node in body:
        match node:
            case ast.ClassDef(name=name, body=inner):
                yield name
                yield from (f"{name}.{one}" for one in defined(inner))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Assign(targets=[ast.Name(name)]) | ast.AnnAssign(target=ast.Name(name)):
                yield name


def unknown(cited: str) -> list[str]:
    """Return what of a citation cannot be looked up; [] when all of it can."""
    if RULES.fullmatch(cited):
        return sorted(set(numbers(cited, "R")) - set(listed()))
    if THREATS.fullmatch(cited):
        return sorted(set(numbers(cited, "threat ")) - set(listed()))
    found = (
        cited in listed()
        or cited in names_in_code()
        or cited.partition(".")[0] in tables()
        or STANDARD.fullmatch(cited)
        or all((ROOT / path).is_file() for path in cited.split(", "))
    )
    return [] if found else [cited]


def test_the_rules_and_threats_are_listed_once_each_and_in_order() -> None:
    found = listed()
    assert [name for name in found if name[0] == "R"] == [f"R{number}" for number in range(1, 48)]
    assert [name for name in found if "threat" in name] == [f"threat {number}" for number in range(1, 47)]
    assert len(set(found)) == len(found)


def test_everything_cited_can_be_looked_up() -> None:
    cited = [(file, one) for file, said in all_remarks() for one in CITED.findall(said)]
    assert len(cited) > 300
    assert [(file, odd) for file, one in cited for odd in unknown(one)] == []


def test_rules_and_threats_are_cited_in_brackets() -> None:
    outside = [
        (file, CITED.sub("", said)) for file, said in all_remarks() if NUMBERED.search(CITED.sub("", said))
    ]
    assert outside == []


def test_what_pages_and_statements_cite_is_listed_too() -> None:
    texts = [file.read_text(encoding="utf-8") for file in sources("js", "css", "html", "sql")]
    cited = chain.from_iterable(re.findall(r"\[([^\[\]\n]+)\]", text) for text in texts)
    assert [odd for one in cited if NUMBERED.match(one) or NAMED.match(one) for odd in unknown(one)] == []


@pytest.mark.parametrize(
    ("cited", "odd"),
    [
        ("R27", []),
        ("R5, R27-R29", []),
        ("R46-R48", ["R48"]),
        ("threats 10-12, 47", ["threat 47"]),
        ("threats 10 to 12", ["threats 10 to 12"]),
        ("fault: killed at any step", []),
        ("fault: killed at lunch", ["fault: killed at lunch"]),
        ("chatdesk.ports.Store.batch", []),
        ("chatdesk.ports.Store.basket", ["chatdesk.ports.Store.basket"]),
        ("storage/orm.py, storage/batch.py", []),
        ("storage/orm.py, storage/nothing.py", ["storage/orm.py, storage/nothing.py"]),
        ("staff.slack", []),
        ("RFC 3834, 2", []),
        ("chat identity", ["chat identity"]),
    ],
)
def test_what_cannot_be_looked_up_is_told(cited: str, odd: list[str]) -> None:
    assert unknown(cited) == odd
