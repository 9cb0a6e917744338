"""One table of the file: hands out its values by key, and notes every problem on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TypeVar

from chatdesk.errors import ConfigurationError
from chatdesk.settings.values import Reader, Unusable, identifier, listed, shown, suggest

T = TypeVar("T")


class Problems:
    """What is wrong with the file, gathered so that it can be told in one go."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.found: list[str] = []

    def add(self, path: str, message: str) -> None:
        """Note a problem at a key path such as channels.web.calendar."""
        self.found.append(f"{self.source}: {path}: {message}")

    def raise_if_any(self) -> None:
        """Raise ConfigurationError with all problems, one a line, in the order found."""
        if self.found:
            raise ConfigurationError("\n".join(self.found))


class Table:
    """A table being read. Keys that nobody asked for by the time of ``finish`` are refused."""

    def __init__(self, values: Mapping[str, object], path: str, problems: Problems) -> None:
        self.values = values
        self.path = path
        self.problems = problems
        self._asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        return key in self.values

    def where(self, key: str) -> str:
        """Return the whole path of one of this table's keys."""
        written = key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else shown(key)
        return f"{self.path}.{written}" if self.path else written

    def note(self, key: str, message: str) -> None:
        """Note a problem with one of this table's keys."""
        self.problems.add(self.where(key), message)

    def take(self, key: str) -> object | None:
        """Return the raw value, None when it is not there; the key is known from now on."""
        self._asked.append(key)
        return self.values.get(key)

    def read(self, key: str, reader: Reader[T], default: T) -> T:
        """Return the key's value as ``reader`` reads it; the default when it is missing or unusable."""
        value = self.take(key)
        if value is None:
            return default
        try:
            return reader(value)
        except Unusable as error:
            for inside, message in error.problems:
                self.problems.add(self.where(key) + inside, message)
            return default

    def require(self, key: str, reader: Reader[T], stand_in: T, example: str) -> T:
        """Read a key that must be there; ``stand_in`` lets the reading go on after a problem was noted."""
        if key not in self.values:
            self.note(key, f"is missing; write for example {key} = {example}.")
        return self.read(key, reader, stand_in)

    def table(self, key: str) -> Table:
        """Return the table at that key; an empty one when it is missing or not a table."""
        value = self.take(key)
        if value is not None and not isinstance(value, Mapping):
            self.note(key, f"{shown(value)} is not a table; write [{self.where(key)}] and its keys below.")
        return Table(value if isinstance(value, Mapping) else {}, self.where(key), self.problems)

    def named(self) -> Iterator[tuple[str, Table]]:
        """Go through a table of tables whose names the owner chose, in the file's order."""
        for name in self.values:
            yield name, self.table(name)

    def tables(self, key: str) -> list[Table]:
        """Return the list of tables at that key, [] when it is missing."""
        value = self.take(key)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, Mapping) for item in value):
            self.note(
                key, f"{shown(value)} is not a list of tables; write [[{self.where(key)}]] before each."
            )
            return []
        where = self.where(key)
        return [Table(item, f"{where}[{position}]", self.problems) for position, item in enumerate(value)]

    def finish(self) -> None:
        """Note every key that is not known, with the nearest known one."""
        for key in self.values:
            if key not in self._asked:
                hint = suggest(key, self._asked) or f" Known keys: {listed(sorted(set(self._asked)), 'and')}."
                self.note(key, f"is not a known key.{hint}")


def check_name(table: Table, name: str) -> None:
    """Note a name that the owner chose for a table, if it is not one."""
    try:
        identifier(name)
    except Unusable as error:
        table.note(name, str(error))
