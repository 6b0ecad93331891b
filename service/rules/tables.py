"""A CSV file as rows of named values, or the sentence that says what is wrong with it."""

import csv
import io
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

MOST_ROWS = 10_000
MOST_BYTES = 8_000_000


@dataclass(frozen=True)
class RowError:
    """What is wrong at one place of a file, and how to mend it. Line 1 is the header; 0 is the file as a whole."""

    line: int
    column: str
    sentence: str

    def __str__(self) -> str:
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "") if self.line else "file"
        return f"{place}: {self.sentence}"


@dataclass(frozen=True)
class Row:
    line: int
    values: Mapping[str, str]


class BadTable(Exception):
    """The file cannot be read as a table at all."""

    def __init__(self, sentence: str, line: int = 0) -> None:
        super().__init__(sentence)
        self.error = RowError(line, "", sentence)


@dataclass(frozen=True)
class Table:
    rows: Sequence[Row]
    errors: Sequence[RowError]
    """Rows that have no shape: too many values, or hidden characters."""


def read_table(data: bytes, columns: Collection[str], needed: Collection[str]) -> Table:
    """The rows of a CSV file, comma or semicolon, with a header of these columns. Blank lines are passed over.

    Raises BadTable.
    """
    text = _text(data)
    delimiter = _delimiter(text)
    # a quoted value may hold a line break, so the reader splits the lines
    lines = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = _header(next(lines, []), columns, needed)
        return _rows(lines, header)
    except csv.Error as error:
        raise BadTable(
            f"A quotation mark is not closed, or a value is too long ({error}). Mend the line.", lines.line_num
        ) from error


def _text(data: bytes) -> str:
    if len(data) > MOST_BYTES:
        raise BadTable(f"The file is larger than {MOST_BYTES // 1_000_000} MB. Split it.")
    if data[:4] in (b"PK\x03\x04", b"%PDF") or data[:2] in (b"\xd0\xcf",):
        raise BadTable("This file is not a CSV. In your spreadsheet choose 'Save as CSV (UTF-8)'.")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise BadTable(f"The file is not UTF-8 text (problem in line {line}). Save it as 'CSV UTF-8'.", line) from None
    if not text.strip():
        raise BadTable("The file has no rows.")
    return text


def _delimiter(text: str) -> str:
    first = text.lstrip().partition("\n")[0]
    return ";" if first.count(";") > first.count(",") else ","


def _header(found: Sequence[str], columns: Collection[str], needed: Collection[str]) -> list[str]:
    names = [name.strip().lower() for name in found]
    for name in names:
        if names.count(name) > 1:
            raise BadTable(f"The column '{name}' appears twice.", 1)
        if name not in columns:
            raise BadTable(f"The column '{name}' is not known. Known are: {', '.join(columns)}.", 1)
    missing = [name for name in needed if name not in names]
    if missing:
        raise BadTable(f"The column '{missing[0]}' is missing. Found: {', '.join(names)}.", 1)
    return names


def _rows(lines: Any, header: Sequence[str]) -> Table:
    rows: list[Row] = []
    errors: list[RowError] = []
    ended = lines.line_num
    for values in lines:
        line, ended = ended + 1, lines.line_num
        if not any(value.strip() for value in values):
            continue
        wrong = _shape(values, header)
        if wrong:
            errors.append(RowError(line, wrong[0], wrong[1]))
        else:
            rows.append(Row(line, dict(zip(header, (value.strip() for value in values), strict=True))))
        if len(rows) + len(errors) > MOST_ROWS:
            raise BadTable(f"The file has more than {MOST_ROWS:,} rows. Split it.")
    if not rows and not errors:
        raise BadTable("The file has no rows below its header.")
    return Table(rows, errors)


def _shape(values: Sequence[str], header: Sequence[str]) -> tuple[str, str] | None:
    if len(values) != len(header):
        return "", f"This row has {len(values)} values, the header has {len(header)}."
    for name, value in zip(header, values, strict=True):
        if any(ord(char) < 32 or 127 <= ord(char) < 160 for char in value.strip()):
            return name, "Remove hidden characters or line breaks."
    return None
