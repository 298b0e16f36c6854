"""From commit to delivery through real processes, and what happens when a part of the way is taken away."""

import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis import Redis, RedisError
from sqlalchemy import text

from service.bootstrap import Application, build
from service.core.clock import SimulatedClock
from service.core.settings import Settings
from service.embedded import DataFolder, start_redis
from service.outbox.delivery import MAX_ATTEMPTS, Outcome
from service.outbox.handlers import DatabaseHandler
from service.outbox.lanes import Lane
from service.outbox.relay import claim
from tests.conftest import settings_for
from tests.desk import Desk
from tests.embedded.processes import ROOT, within
from tests.workers.conftest import Crew, Outbox
from tests.workers.counting_worker import count
from workers import registry
from workers.publisher import DEPTH, Publisher

RELAY = "workers.relay"
WORKER = "tests.workers.counting_worker"


def test_a_commit_is_delivered_within_a_second_without_waiting_for_the_poll(crew: Crew, outbox: Outbox) -> None:
    crew.start(RELAY, relay_poll_seconds=60)
    crew.start(WORKER)
    outbox.ask()
    assert outbox.delivered(), "the first waits for both to start"

    delays = []
    for _ in range(10):
        outbox.ask()
        asked = time.monotonic()
        assert outbox.delivered()
        delays.append(time.monotonic() - asked)

    assert max(delays) < 1.0, delays


def test_a_lost_bell_is_covered_by_the_poll(crew: Crew, outbox: Outbox, desk: Desk) -> None:
    with desk.by_hand() as owner:
        owner.execute(text("alter table outbox_message disable trigger outbox_message_ring"))
    crew.start(RELAY, relay_poll_seconds=0.2)
    crew.start(WORKER)
    outbox.ask()
    assert outbox.delivered()
    outbox.ask()
    assert outbox.delivered(seconds=5)


def test_a_flushed_redis_loses_nothing_and_repeats_nothing(crew: Crew, outbox: Outbox, redis: Redis) -> None:
    relay = crew.start(RELAY)
    keys = outbox.ask(300)
    assert within(20, lambda: redis.llen("rq:queue:default") == 300)
    redis.flushall() if "HOTLINE_REDIS_URL" not in os.environ else redis.flushdb()

    crew.start(WORKER)
    keys += outbox.ask(300)
    for done in (100, 200):
        assert within(20, lambda done=done: len(outbox.effects()) >= done)
        redis.flushdb()

    assert outbox.delivered(seconds=30)
    assert outbox.effects() == sorted(keys)
    assert relay.poll() is None


def test_a_worker_killed_in_the_middle_of_a_job_loses_nothing_and_repeats_nothing(
    crew: Crew, outbox: Outbox, desk: Desk
) -> None:
    crew.start(RELAY)
    worker = crew.start(WORKER)
    keys = [*outbox.ask(10), *outbox.ask(seconds=1), *outbox.ask(10)]
    asleep = (
        "select 1 from pg_stat_activity where datname = current_database()"
        " and wait_event = 'PgSleep' and query like 'select pg_sleep%'"
    )
    assert within(20, lambda: len(outbox.effects()) >= 10)
    assert within(20, lambda: desk.owners_rows(asleep))
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()
    assert outbox.pending() > 0

    crew.start(WORKER)

    assert outbox.delivered()
    assert outbox.effects() == sorted(keys)


def test_a_worker_killed_after_a_call_and_before_its_record_calls_again_with_the_same_key(
    crew: Crew, outbox: Outbox, tmp_path: Path
) -> None:
    crew.start(RELAY)
    worker = crew.start(WORKER)
    keys = outbox.ask(kind="call", seconds=1)
    calls = tmp_path / "calls"
    assert within(20, calls.exists)
    os.kill(worker.pid, signal.SIGKILL)
    worker.wait()

    crew.start(WORKER)

    assert outbox.delivered()
    assert calls.read_text().split() == keys * 2, "the receiver tells the second by its key"
    assert outbox.effects() == keys


def test_a_worker_asked_to_stop_finishes_the_job_in_hand(crew: Crew, outbox: Outbox, tmp_path: Path) -> None:
    crew.start(RELAY)
    worker = crew.start(WORKER)
    keys = outbox.ask(kind="call", seconds=1)
    assert within(20, (tmp_path / "calls").exists)
    worker.terminate()
    assert worker.wait(10) == 0
    assert outbox.effects() == keys
    assert outbox.pending() == 0


def test_idle_processes_end_at_once_and_well_when_asked(crew: Crew, outbox: Outbox) -> None:
    processes = [crew.start("workers.scheduler"), crew.start(WORKER)]
    outbox.ask()
    assert outbox.delivered()
    for process in processes:
        process.terminate()
    assert [process.wait(5) for process in processes] == [0, 0]


def test_urgent_messages_are_not_behind_hundreds_of_bulk_ones(
    outbox: Outbox, application: Application, redis: Redis
) -> None:
    outbox.ask(DEPTH + 500, queue="bulk")
    publisher = Publisher(application)
    assert publisher.publish(), "more is due than Redis is to hold"
    outbox.ask(queue="urgent")
    publisher.publish()

    connection = registry.connect(application.settings)
    queues = registry.rq_queues(connection, [Lane.inside])
    assert list(queues) == ["urgent", "default", "bulk"]
    assert [queue.count for queue in queues.values()] == [1, 0, DEPTH]
    connection.close()


def test_two_relays_never_publish_the_same_message(outbox: Outbox, application: Application, desk: Desk) -> None:
    outbox.ask(DEPTH)
    other = build(application.settings)
    threads = [threading.Thread(target=Publisher(parts).publish) for parts in (application, other)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert desk.rows("select distinct publishes from outbox_message") == [(1,)]
    connection = registry.connect(application.settings)
    assert len(set(registry.rq_queues(connection)["default"].job_ids)) == DEPTH
    connection.close()
    other.database.dispose()


def test_a_failing_handler_backs_off_longer_each_time_and_is_buried_in_the_end(
    outbox: Outbox, application: Application, desk: Desk
) -> None:
    outbox.ask(fail=True)
    (row,) = desk.rows("select id, created_at from outbox_message")
    now = SimulatedClock(row.created_at)
    courier = replace(application.courier, handlers={"count": DatabaseHandler(run=count)}, now=now.now)
    waits, outcomes = [], []
    for _ in range(MAX_ATTEMPTS):
        with application.database.transaction() as session:
            assert len(claim(session, now=now.now(), lease=timedelta(seconds=1), room={"default": 10})) == 1
        outcomes.append(courier.deliver(row.id))
        (after,) = desk.rows("select available_at, buried_at, last_error from outbox_message")
        waits.append(int((after.available_at - now.now()).total_seconds()))
        now.move_to(after.available_at)

    assert waits[:-1] == [5, 20, 80, 320, 1280, 3600, 3600]
    assert outcomes == [Outcome.failed] * (MAX_ATTEMPTS - 1) + [Outcome.buried]
    assert after.last_error == "RuntimeError"
    assert outbox.effects() == []
    now.move_to(now.now() + timedelta(days=1))
    with application.database.transaction() as session:
        assert claim(session, now=now.now(), lease=timedelta(seconds=1), room={"default": 10}) == []


def test_a_failing_message_holds_nobody_up(crew: Crew, outbox: Outbox) -> None:
    crew.start(RELAY)
    crew.start(WORKER)
    outbox.ask(3, fail=True)
    keys = outbox.ask(20)
    assert within(20, lambda: outbox.effects() == sorted(keys))
    assert outbox.pending() == 3


def test_without_redis_messages_wait_and_go_on_their_way_when_it_is_back(crew: Crew, outbox: Outbox) -> None:
    with tempfile.TemporaryDirectory(prefix="hl-") as folder, DataFolder(folder) as data:
        server = start_redis(data, durable=False)
        crew.environment["HOTLINE_REDIS_URL"] = server.url
        relay, worker = crew.start(RELAY), crew.start(WORKER)
        outbox.ask()
        assert outbox.delivered()

        server.process.kill()
        server.process.wait()
        keys = outbox.ask(5)
        assert crew.says(relay, "relay_interrupted")
        assert crew.says(worker, "worker_interrupted")
        assert outbox.pending() == len(keys)

        server = start_redis(data, durable=False)
        assert outbox.delivered(seconds=15)
        assert crew.says(relay, "relay_resumed")
        assert crew.log(relay).count("relay_interrupted") == 1, "said once"
        assert worker.poll() is None
        for process in (relay, worker):
            process.terminate()
            assert process.wait(5) == 0
        server.stop()


def test_a_worker_started_before_redis_waits_for_it_and_can_be_stopped(crew: Crew) -> None:
    crew.environment["HOTLINE_REDIS_URL"] = "redis://127.0.0.1:1/0"
    worker = crew.start(WORKER)
    assert crew.says(worker, "worker_interrupted")
    worker.terminate()
    assert worker.wait(5) == 0


def test_cut_database_connections_are_made_anew(crew: Crew, outbox: Outbox, desk: Desk) -> None:
    scheduler, worker = crew.start("workers.scheduler"), crew.start(WORKER)
    outbox.ask()
    assert outbox.delivered()
    desk.owners_rows(
        "select pg_terminate_backend(pid) from pg_stat_activity"
        " where datname = current_database() and pid <> pg_backend_pid()"
    )
    desk.application.database.dispose()
    outbox.ask(5)
    assert outbox.delivered()
    assert scheduler.poll() is None
    assert worker.poll() is None


def test_what_redis_could_not_take_is_given_back_at_once(outbox: Outbox, settings: Settings, desk: Desk) -> None:
    outbox.ask(3)
    broken = build(settings_for(settings.database_url, settings.redis_url, relay_lease_seconds=3600))
    publisher = Publisher(broken)
    publisher._enqueue = _refuse  # type: ignore[method-assign]
    with pytest.raises(RedisError):
        publisher.publish()
    assert desk.rows("select count(*) as n from outbox_message where available_at <= now()")[0].n == 3
    broken.database.dispose()


def _refuse(_batches: object) -> None:
    raise RedisError


def test_with_redis_away_nothing_is_even_claimed(outbox: Outbox, settings: Settings, desk: Desk) -> None:
    outbox.ask(3)
    lonely = build(settings_for(settings.database_url, "redis://127.0.0.1:1/0"))
    with pytest.raises(RedisError):
        Publisher(lonely).publish()
    assert desk.rows("select distinct publishes from outbox_message") == [(0,)]
    lonely.database.dispose()


def test_a_job_forked_by_rq_never_speaks_over_its_parents_connection(
    crew: Crew, outbox: Outbox, application: Application, desk: Desk
) -> None:
    keys = outbox.ask(5)
    Publisher(application).publish()
    done = subprocess.run(
        [sys.executable, "-m", WORKER, "--forking"],
        cwd=ROOT,
        env=crew.environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    before, after = next(line.split()[1:] for line in done.stdout.splitlines() if line.startswith("parent "))
    assert outbox.effects() == keys
    backends = Counter(row.backend for row in desk.rows("select backend from effect"))
    assert before == after, "the parent's connection still serves"
    assert int(before) not in backends
    assert len(backends) == 5, "each child had a connection of its own"


def test_background_processes_load_no_web_framework() -> None:
    code = (
        "import sys, workers.worker, workers.scheduler;"
        "print([name for name in ('fastapi', 'starlette', 'uvicorn', 'alembic') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_message_written_in_the_past_does_not_wait(application: Application, outbox: Outbox, desk: Desk) -> None:
    """A replay writes messages at a simulated time."""
    outbox.ask()
    with application.unit() as unit:
        unit.session.execute(
            text("update outbox_message set created_at = :past, available_at = :past"),
            {"past": datetime(2012, 1, 1, tzinfo=UTC)},
        )
    Publisher(application).publish()
    assert desk.rows("select publishes from outbox_message") == [(1,)]
