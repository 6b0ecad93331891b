from datetime import datetime

import pytest

from service.rules.reading_hours import ReadingHours
from service.rules.rows import NotReadable
from tests.builders import NEW_YORK


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK)


MONDAY, SATURDAY = "2027-01-04", "2027-01-09"


@pytest.mark.parametrize(
    ("words", "read", "not_read"),
    [
        ("Mon-Fri 9-5", f"{MONDAY} 09:00", f"{MONDAY} 17:00"),
        ("Mon-Fri 9-5", f"{MONDAY} 16:59", f"{SATURDAY} 10:00"),
        ("mon-fri 9am-5pm", f"{MONDAY} 16:59", f"{MONDAY} 08:59"),
        ("Sat,Sun 10-12:30", f"{SATURDAY} 12:29", f"{MONDAY} 11:00"),
        ("Mon, Wed 1-4", f"{MONDAY} 13:00", f"{MONDAY} 01:00"),
        ("Fri-Mon 11-2", f"{MONDAY} 13:59", "2027-01-05 12:00"),
        ("Mon-Sun 12-4", f"{SATURDAY} 12:00", f"{SATURDAY} 16:00"),
        ("Mon 08:00-18:00", f"{MONDAY} 17:59", f"{MONDAY} 18:00"),
        ("Mon 12am-12pm", f"{MONDAY} 00:00", f"{MONDAY} 12:00"),
    ],
)
def test_replies_are_read_in_the_hours_that_the_words_say_and_in_no_other(words, read, not_read):
    hours = ReadingHours.read(words)

    assert [hours.cover(at(moment), NEW_YORK) for moment in (read, not_read)] == [True, False]


def test_the_hours_are_of_the_practices_clock():
    assert not ReadingHours.read("Mon-Fri 9-5").cover(datetime.fromisoformat("2027-01-04T10:00Z"), NEW_YORK)


@pytest.mark.parametrize(
    "words",
    [
        *("", "weekdays", "9-5", "Mon-Fri", "Mon-Fri 9", "Mon-Fri-Sun 9-5", "Mun 9-5", "Mon 25-26", "Mon 9-9pmm"),
        *("Mon,Mun 9-5", "Mon 13pm-14pm", "Mon 9:60-5", "Mon 5pm-9am", "Mon -5", "Mon 9-5 Tue", "Lun-Vie 9-5"),
        "Mon 9-5\x00",
    ],
)
def test_other_words_are_asked_for_again(words):
    with pytest.raises(NotReadable, match="Mon-Fri 9-5"):
        ReadingHours.read(words)
