import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.orm import Session

from bench import installation
from bench.databases import Kind, databases
from service.models import Delivery, Member
from service.rules.consent import Choice
from tests.cluster import NoPostgresError


@pytest.mark.slow
def test_on_postgresql_the_same_rows_stand_in_a_database_that_means_what_it_says(tmp_path, monkeypatch):
    monkeypatch.setattr(installation, "KEPT", tmp_path / "kept")
    filled = installation.filled(3, Choice.SMS)
    with databases(tmp_path / "postgres") as made:
        try:
            made.server()
        except NoPostgresError as error:
            pytest.skip(str(error))
        copies = [made.copy(filled, Kind.POSTGRESQL, folder(tmp_path, f"run-{number}")) for number in (1, 2)]
        engine = create_engine(copies[1].url)
        with Session(engine) as db:
            said = [db.execute(text(f"SHOW {name}")).scalar_one() for name in ("fsync", "synchronous_commit")]
            ids = {str(one.id) for one in db.query(Delivery)}
            mobiles = {one.mobile for one in db.query(Member)}
        before = copies[1].commits()
        with engine.begin() as db:
            db.execute(text("UPDATE members SET language = 'es'"))
        engine.dispose()
        after = copies[1].commits()

    assert said == ["on", "on"]
    assert ids == installation.due_ids(filled)
    assert mobiles == {"+12122000000", "+12122000001", "+12122000002"}
    assert make_url(copies[0].url).database != make_url(copies[1].url).database
    assert after > before


def folder(parent, name):
    made = parent / name
    made.mkdir()
    return made
