"""Each thing that is put on record has a sentence: a raw word says nothing to whoever looks it up."""

import ast
from pathlib import Path

from service.web.audit_words import SENTENCES

ROOT = Path(__file__).parents[2]


def actions(tree):
    """What a file of ours calls what it puts on record, where it names it there."""
    ours = {name.id: row.value.value for row in tree.body if _is_constant(row) for name in row.targets}
    for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
        if getattr(call.func, "id", "") == "audit" and len(call.args) > 2:
            said = call.args[2]
            for one in (said.body, said.orelse) if isinstance(said, ast.IfExp) else (said,):
                yield one.value if isinstance(one, ast.Constant) else ours.get(getattr(one, "id", ""))


def _is_constant(row):
    return isinstance(row, ast.Assign) and isinstance(row.value, ast.Constant)


def test_whatever_is_put_on_record_has_its_sentence():
    trees = [ast.parse(path.read_text("utf-8")) for path in (ROOT / "service").rglob("*.py")]
    found = {action for tree in trees for action in actions(tree) if action}

    assert len(found) > 50
    assert found - set(SENTENCES) == set()
