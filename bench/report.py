"""The figures of the last runs as the table in docs/performance.md."""

import json
import os
import platform
import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from bench import machine
from bench.figures import Figure

KEPT = machine.ROOT / "var" / "bench" / "figures.json"
PAPER = machine.ROOT / "docs" / "performance.md"
PLACE = re.compile(r"(?<=<!-- figures -->\n).*?(?=<!-- end of figures -->)", re.DOTALL)

Row = dict[str, Any]


def keep(figures: Iterable[Figure], path: Path = KEPT) -> list[Row]:
    """Those of this run, and of earlier runs what was not measured again."""
    now = datetime.now(UTC).isoformat(timespec="minutes")
    fresh: list[Row] = [{**asdict(one), "at": now} for one in figures]
    named = {(row["goal"], row["what"]) for row in fresh}
    earlier: list[Row] = json.loads(path.read_text()) if path.exists() else []
    rows = [row for row in earlier if (row["goal"], row["what"]) not in named] + fresh
    rows.sort(key=lambda row: _place(row["goal"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows, indent=1))
    return rows


def table(rows: Sequence[Row]) -> str:
    """In Markdown."""
    lines = ["| | what | figure | floor | aim | holds | rounds | load |", "|---|---|---|---|---|---|---|---|"]
    return "\n".join([*lines, *map(_line, rows)])


def write(rows: Sequence[Row], paper: Path = PAPER) -> None:
    """Into the paper, with when and on what it was measured."""
    days = sorted({row["at"][:10] for row in rows})
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    where = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    text = f"Measured {when} on {where}.\n\n{table(rows)}\n"
    paper.write_text(PLACE.sub(lambda _: text, paper.read_text("utf-8")), "utf-8")


def _line(row: Row) -> str:
    figure = f"**{row['figure']:g}** {row['unit']}".rstrip()
    sign = "≥" if row["more"] else "≤"
    load = " to ".join(f"{one:.0f}" for one in row["load"])
    holds = "yes" if row["holds"] else "**no**"
    return (
        f"| {row['goal']} | {row['what']} | {figure} | {sign} {row['floor']:.4g} | {row['aim']:.4g} | {holds} "
        f"| {row['rounds']} | {load} |"
    )


def _place(goal: str) -> tuple[bool, int]:
    """G2 before G10, and what has no number last."""
    number = goal.removeprefix("G")
    return (False, int(number)) if number.isdecimal() else (True, 0)
