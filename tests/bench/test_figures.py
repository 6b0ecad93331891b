import json

from bench import report
from bench.figures import Figure, Goal, figure
from bench.runs import Run, middle, quantile


def test_a_goal_that_wants_more_holds_from_its_floor_on():
    goal = Goal("G1", "rate", floor=300, aim=1000, more=True)

    assert [goal.holds(value) for value in (299.9, 300, 1200)] == [False, True, True]


def test_a_goal_that_wants_less_holds_up_to_its_floor():
    goal = Goal("G5", "time", floor=2, aim=1.4)

    assert [goal.holds(value) for value in (1.2, 2, 2.01)] == [True, True, False]


def test_a_figure_is_one_line_of_json_with_its_goal_and_the_load():
    line = figure(Goal("G8", "commands", 0.3, 0.05, unit=""), 0.1234567, 3, "sqlite").of("sms", (1.5, 2.5)).line()

    assert "\n" not in line
    assert json.loads(line) == {
        "goal": "G8",
        "what": "commands, sqlite",
        "figure": 0.1235,
        "floor": 0.3,
        "aim": 0.05,
        "unit": "",
        "more": False,
        "holds": True,
        "rounds": 3,
        "load": [1.5, 2.5],
        "bench": "sms",
        "detail": {},
    }


def test_the_table_says_what_does_not_hold(tmp_path):
    good, bad = (one(value, what).of("sms", (0, 9.6)) for value, what in ((400, "fast"), (20, "slow")))

    rows = report.table(report.keep([good, bad], tmp_path / "figures.json")).splitlines()[2:]
    assert rows[0] == "| G1 | fast | **400** x | ≥ 300 | 1000 | yes | 1 | 0 to 10 |"
    assert "| **no** |" in rows[1]


def test_a_figure_replaces_that_of_an_earlier_run_and_leaves_the_others(tmp_path):
    path = tmp_path / "figures.json"
    report.keep([one(1, "rate"), one(2, "other")], path)

    assert {row["what"]: row["figure"] for row in report.keep([one(3, "rate")], path)} == {"rate": 3, "other": 2}


def test_the_paper_keeps_its_words_around_a_new_table(tmp_path):
    paper = tmp_path / "performance.md"
    paper.write_text("before\n<!-- figures -->\nstale\n<!-- end of figures -->\nafter\n")
    rows = report.keep([one(400, "rate")], tmp_path / "figures.json")
    report.write(rows, paper)
    report.write(rows, paper)
    text = paper.read_text()

    assert text.startswith("before\n<!-- figures -->\nMeasured ")
    assert text.endswith("|\n<!-- end of figures -->\nafter\n")
    assert (text.count("| rate |"), "stale" in text) == (1, False)


def one(value: float, what: str = "rate") -> Figure:
    return figure(Goal("G1", what, 300, 1000, more=True), value, 1)


def test_a_quantile_is_one_of_the_values():
    assert [quantile(list(range(100)), part) for part in (0, 0.5, 0.99, 1)] == [0, 50, 99, 99]
    assert quantile([], 0.5) == 0


def test_figures_of_a_run_are_by_message():
    run = Run("ours", 10, 8, 2, 0, 4.0, 1, 2, 5, cpu=0.4, cpu_redis=0.1, cpu_database=0.3, redis_commands=5, commits=1)

    assert (run.rate, run.cpu_each, run.cpu_each_in_all) == (2, 50, 100)
    assert (run.commands_each, run.commits_each) == (0.5, 0.1)


def test_the_middle_of_the_rounds_is_their_median():
    runs = [Run("ours", 1, 1, 0, 0, took, 0, 0, 1, cpu=0) for took in (1, 5, 100)]

    assert middle(runs, "took") == 5
