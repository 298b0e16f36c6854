"""Messages through outbox and RQ, beside RQ alone and a bare INSERT; and from commit to delivery at rest.

    python -m bench.jobs [--messages 3000] [--rounds 3] [--rest 300]

A message here is a notice: emitted in a transaction, relayed, taken by a worker and written into an inbox once. RQ
alone runs as many jobs that do nothing, in its own worker of the same kind; the bare INSERT writes as many equal rows,
each with its COMMIT. All three take turns on the same servers. At rest one message at a time is committed, and the
time until it is marked done is taken from PostgreSQL's own clock.
"""

import argparse
import time
from collections.abc import Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

import psycopg
from psycopg.rows import tuple_row
from redis import Redis
from rq import Queue, SimpleWorker
from rq.serializers import JSONSerializer

from bench.ground import Ground, ground, process
from bench.queue import plain
from service.core.errors import Bilingual
from service.notifications.audience import Target, administrators
from service.notifications.telling import tell

ALONE = "bench-alone"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=3000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rest", type=int, default=300)
    options = parser.parse_args()
    with ground() as place, ExitStack() as stack:
        url = plain(place.application.database.url)
        watch = stack.enter_context(psycopg.connect(url, autocommit=True, row_factory=tuple_row))
        with place.application.reading() as unit:
            [target, *_] = administrators(unit)
        for module in ("workers.worker", "workers.scheduler"):
            stack.enter_context(process(["-m", module], place.environment, place.folder / f"{module}.log"))
        through(place, watch, target, 50, "warm")
        per_second: dict[str, list[float]] = {"outbox and RQ": [], "RQ alone": [], "bare INSERT": []}
        for number in range(options.rounds):
            per_second["outbox and RQ"].append(through(place, watch, target, options.messages, f"round {number}"))
            per_second["RQ alone"].append(alone(place, options.messages))
            per_second["bare INSERT"].append(inserts(watch, target, options.messages, number))
        print(f"{options.messages:,} each, {options.rounds} rounds taking turns, one worker; medians")
        for name, rates in per_second.items():
            print(f"  {name:<14} {median(rates):8.0f}/s   ({min(rates):.0f}-{max(rates):.0f})")
        ours = per_second["outbox and RQ"]
        for peer in ("RQ alone", "bare INSERT"):
            ratios = [mine / theirs for mine, theirs in zip(ours, per_second[peer], strict=True)]
            print(f"  outbox and RQ / {peer}: {median(ratios):.2f}")
        at_rest(place, watch, target, options.rest)


def through(place: Ground, watch: psycopg.Connection[Any], target: Target, count: int, occasion: str) -> float:
    """Messages a second from the first commit until all are done: written 50 to a transaction while they drain."""
    begun = time.perf_counter()
    for first in range(0, count, 50):
        with place.application.unit() as unit:
            for number in range(first, min(first + 50, count)):
                tell(unit, [target], Bilingual("量", "bench"), key=f"{occasion}:{number}")
    while undone(watch):
        time.sleep(0.01)
    return count / (time.perf_counter() - begun)


def undone(watch: psycopg.Connection[Any]) -> int:
    """Messages that wait."""
    row = watch.execute("select count(*) from outbox_message where done_at is null").fetchone()
    return int(row[0]) if row else 0


def nothing(_: int) -> None:
    """The job of RQ alone."""


def alone(place: Ground, count: int) -> float:
    """Jobs a second through RQ and nothing else: enqueued 50 at a time while a worker of ours empties the queue."""
    with Redis.from_url(place.environment["HOTLINE_REDIS_URL"]) as redis:
        queue = Queue(ALONE, connection=redis, serializer=JSONSerializer)
        log = place.folder / "alone.log"
        with process(["-c", "from bench.jobs import drain; drain()"], place.environment, log):
            while not SimpleWorker.count(connection=redis, queue=queue):
                time.sleep(0.01)
            begun = time.perf_counter()
            for first in range(0, count, 50):
                queue.enqueue_many(
                    [
                        Queue.prepare_data(nothing, args=[number], result_ttl=0, description="nothing")
                        for number in range(first, min(first + 50, count))
                    ]
                )
            while queue.count or queue.started_job_registry.get_job_count(cleanup=False):
                time.sleep(0.01)
            return count / (time.perf_counter() - begun)


def drain() -> None:
    """RQ's own worker without a fork, like ours."""
    import os  # noqa: PLC0415 - of the child alone

    with Redis.from_url(os.environ["HOTLINE_REDIS_URL"]) as redis:
        SimpleWorker([ALONE], connection=redis, serializer=JSONSerializer, log_job_description=False).work(
            logging_level="CRITICAL"
        )


def inserts(watch: psycopg.Connection[Any], target: Target, count: int, number: int) -> float:
    """Rows of the inbox a second, each with its COMMIT."""
    statement = (
        "insert into notice (person_id, key, ticket_number, text_zh, text_en, urgent, created_at)"
        " values (%s, %s, '', '量', 'bench', false, now())"
    )
    begun = time.perf_counter()
    for serial in range(count):
        watch.execute(statement, [target.person_id, f"bare:{number}:{serial}"])
    return count / (time.perf_counter() - begun)


def at_rest(place: Ground, watch: psycopg.Connection[Any], target: Target, count: int) -> None:
    """One message at a time: from after its commit until it is done."""
    delays: list[float] = []
    for number in range(count):
        with place.application.unit() as unit:
            tell(unit, [target], Bilingual("量", "bench"), key=f"rest:{number}")
        committed = clock(watch)
        while undone(watch):
            time.sleep(0.001)
        row = watch.execute(
            "select extract(epoch from done_at) from outbox_message where key like %s", [f"%rest:{number}:%"]
        ).fetchone()
        delays.append(max(0.0, float(row[0]) - committed) * 1000 if row else 0.0)
        time.sleep(0.05)
    print(f"\ncommit to delivery at rest, {count} messages: {percentiles(delays)}")


def clock(watch: psycopg.Connection[Any]) -> float:
    """PostgreSQL's clock, in seconds."""
    row = watch.execute("select extract(epoch from clock_timestamp())").fetchone()
    return float(row[0]) if row else 0.0


def percentiles(values: Sequence[float]) -> str:
    """The middle, the 99th of a hundred and the longest, in ms."""
    ordered = sorted(values)
    p99 = ordered[min(len(ordered) - 1, int(len(ordered) * 0.99))]
    return f"p50 {median(ordered):.0f} ms, p99 {p99:.0f} ms, longest {ordered[-1]:.0f} ms"


if __name__ == "__main__":
    main()
