"""The commands as an operator calls them, in a folder of their own."""

import json
import os

import pytest

from service.cli.root import root
from service.database import opener
from tests import builders


class Ran:
    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.splitlines()]


@pytest.fixture
def cli(environ, monkeypatch, tmp_path, capsys):
    """Runs a command in this process, as an operator would in a folder of their own."""
    for name in [name for name in os.environ if name.startswith(("GROUPKEEPER", "TWILIO", "SENDGRID"))]:
        monkeypatch.delenv(name)
    for name, value in {**environ, "GROUPKEEPER_CLOCK": "2027-01-04T15:00:00Z"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            root.main([str(argument) for argument in arguments], prog_name="groupkeeper")
        out, err = capsys.readouterr()
        return Ran(ended.value.code or 0, out, err)

    return run


@pytest.fixture
def installed(cli):
    assert cli("upgrade").code == 0
    return cli


@pytest.fixture
def filled(installed, engine):
    """One member, reminded on Wednesday; a reflection on Friday."""
    with opener(engine)() as db:
        return builders.scene(db)
