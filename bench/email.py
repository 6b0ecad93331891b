"""Mails, one request a person: against SendGrid's official client as it comes."""

from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from bench.clients import run_client
from bench.databases import Kind
from bench.figures import Bench, Figure, Goal, figure
from bench.product_runs import Case, run_product
from bench.runs import Run, middle
from bench.sms import shown
from service.rules.consent import Choice

ROUNDS = 3
COUNT = 3_000
CPU = Goal("G7", "processor time a mail / the official client as it comes", 1 / 20, 1 / 60)


def email(bench: Bench) -> Iterator[Figure]:
    rounds, count = bench.rounds or ROUNDS, bench.count or COUNT
    ours: dict[Kind, list[Run]] = defaultdict(list)
    theirs = []
    for number in range(rounds):
        for kind in Kind:
            case = Case(count, Choice.EMAIL, kind)
            run = run_product(case, bench.provider, bench.databases, bench.folder / f"email-{kind}-{number}")
            ours[kind].append(bench.noted(run))
        theirs.append(run_client("mails as it comes", 60, 1, bench.provider, 0).cpu_each)
    for kind, runs in ours.items():
        official = median(theirs)
        share = middle(runs, "cpu_each") / official
        yield figure(CPU, share, rounds, kind, **shown(runs), official_ms=round(official, 1))
