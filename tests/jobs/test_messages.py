"""The word that something is due goes through Redis, is never needed and is not believed."""

import json
import time
import zlib
from datetime import timedelta

import pytest
from rq.job import Callback, Job

import jobs
from jobs import messages
from jobs.job import ForeignJob, OnlySend
from jobs.worker import Worker
from service.flows import heartbeat, taking
from service.models import Delivery
from service.rules.lifecycle import State
from tests import builders
from tests.jobs.conftest import due, everything_in, states


def work(redis):
    """A worker that does what is in the queue and goes home."""
    worker = Worker([jobs.queue()], connection=redis, serializer="json", log_job_description=False)
    worker.work(burst=True, logging_level="CRITICAL")
    return worker


def a_worker_beats(parts):
    with parts.open_db() as db:
        heartbeat.beat(db, "worker", parts.machine_clock())


def test_somebody_is_told_that_something_is_due_and_sends_it(parts, in_jobs, texts, queue_redis):
    due(parts)
    assert (messages.hand_out(), texts.outbox) == (1, [])

    work(queue_redis)
    assert (len(texts.outbox), states(parts)) == (3, [State.ACCEPTED] * 3)


def test_what_is_due_in_a_moment_is_waited_for(parts, in_jobs, queue_redis):
    ids = due(parts)
    with parts.open_db() as db:
        for one in ids:
            db.get_one(Delivery, one).next_at = parts.clock() + timedelta(seconds=0.3)
    began = time.monotonic()

    assert messages.hand_out() == 1
    assert time.monotonic() - began >= 0.3


def test_nobody_is_told_of_what_is_not_due(parts, in_jobs, queue_redis):
    with parts.open_db() as db:
        builders.scene(db)

    assert (messages.hand_out(), len(jobs.queue())) == (0, 0)


def test_the_word_waits_in_the_queue_once_however_much_is_due(parts, in_jobs, queue_redis):
    due(parts, 60)
    a_worker_beats(parts)
    said = [messages.hand_out() for _ in range(5)]

    assert (said, len(jobs.queue())) == ([1, 0, 0, 0, 0], 1)


@pytest.mark.parametrize(("share", "words"), [(4, 0), (3, 1)])
def test_a_worker_that_takes_all_it_can_calls_the_next_one(
    parts, in_jobs, texts, queue_redis, monkeypatch, share, words
):
    monkeypatch.setattr(taking, "TAKEN_AT_ONCE", share)
    due(parts, 3)
    waiting = []
    texts.before_sending = lambda message: waiting.append(len(jobs.queue()))
    messages.hand_out()
    work(queue_redis)

    assert (waiting, len(texts.outbox)) == ([words] * 3, 3)


def test_a_queue_that_is_emptied_loses_nothing(parts, in_jobs, texts, queue_redis):
    due(parts)
    messages.hand_out()
    queue_redis.flushall()
    messages.hand_out()
    work(queue_redis)

    assert len(texts.outbox) == 3


def test_a_worker_that_dies_with_the_word_loses_nothing(parts, in_jobs, texts, queue_redis):
    due(parts)
    messages.hand_out()
    queue_redis.lpop(f"rq:queue:{jobs.QUEUE}")
    messages.hand_out()
    work(queue_redis)

    assert len(texts.outbox) == 3


def test_a_word_that_is_heard_twice_sends_once(parts, in_jobs, texts, queue_redis):
    due(parts)
    messages.hand_out()
    jobs.queue().enqueue(messages.send)
    work(queue_redis)

    assert len(texts.outbox) == 3


def test_without_redis_the_clock_sends_by_itself(parts, in_jobs, texts, no_redis):
    due(parts)

    assert (messages.hand_out(), len(texts.outbox)) == (3, 3)


def test_with_nobody_to_hear_the_word_the_clock_sends_by_itself(parts, in_jobs, texts, queue_redis):
    due(parts)
    messages.hand_out()

    assert (messages.hand_out(), len(texts.outbox)) == (3, 3)


def test_a_worker_that_was_heard_of_lately_is_waited_for(parts, in_jobs, texts, queue_redis):
    due(parts)
    a_worker_beats(parts)
    messages.hand_out()

    assert (messages.hand_out(), texts.outbox) == (0, [])


def test_a_worker_that_is_to_end_begins_nothing(parts, in_jobs, texts, stopping):
    due(parts)
    stopping.set()
    messages.send()

    assert (texts.outbox, states(parts)) == ([], [State.SCHEDULED] * 3)


def test_redis_holds_no_personal_data(parts, in_jobs, queue_redis):
    due(parts, name="Canary Quill", mobile="+12125557788", email="canary@example.org")
    messages.hand_out()
    held = everything_in(queue_redis)

    assert "jobs.messages.send" in held
    assert not [word for word in ("Canary", "5557788", "canary", "grief", "Oak St") if word in held]


def test_a_job_that_is_done_leaves_nothing_in_redis(parts, in_jobs, queue_redis):
    due(parts)
    messages.hand_out()
    work(queue_redis)

    assert [key for key in queue_redis.scan_iter() if key.startswith(b"rq:job:")] == []


@pytest.mark.parametrize("name", ["os.system", "jobs.messages.hand_out", "subprocess.run", "builtins.eval"])
def test_a_planted_job_that_names_another_function_is_refused(parts, in_jobs, queue_redis, tmp_path, name):
    planted = Job.create(name, args=[f"touch {tmp_path / 'owned'}"], connection=queue_redis, serializer="json")
    planted.origin = jobs.QUEUE
    planted.save()
    queue_redis.rpush(f"rq:queue:{jobs.QUEUE}", planted.id)
    work(queue_redis)

    assert not (tmp_path / "owned").exists()
    assert Job.fetch(planted.id, connection=queue_redis, serializer="json").is_failed


def test_a_job_of_ours_that_carries_a_callback_does_not_run_it(in_jobs, queue_redis):
    planted = Callback(messages.hand_out)
    job = OnlySend.create("jobs.messages.send", connection=queue_redis, serializer="json", on_success=planted)

    assert (job.success_callback, job.failure_callback, job.stopped_callback) == (None, None, None)


def test_a_job_that_is_not_ours_says_so(in_jobs, queue_redis):
    job = OnlySend.create("os.getcwd", connection=queue_redis, serializer="json")

    with pytest.raises(ForeignJob):
        _ = job.func


def test_jobs_are_json_and_hold_nothing(parts, in_jobs, queue_redis):
    due(parts, 1)
    messages.hand_out()
    (key,) = [key for key in queue_redis.scan_iter() if key.startswith(b"rq:job:")]

    said = json.loads(zlib.decompress(queue_redis.hget(key, "data")))
    assert said == ["jobs.messages.send", None, [], {}]


@pytest.mark.parametrize("more", [{"args": ["x"]}, {"kwargs": {"post": 1}}])
def test_a_planted_job_of_ours_with_arguments_is_refused(in_jobs, queue_redis, more):
    job = OnlySend.create("jobs.messages.send", connection=queue_redis, serializer="json", **more)

    with pytest.raises(ForeignJob):
        _ = job.func
