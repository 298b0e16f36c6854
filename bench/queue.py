"""The queue page of 50 by deadline, through the API, with 10,000 and with 1,000,000 open tickets.

    python -m bench.queue [--small 10000] [--large 1000000] [--seconds 5]

Tickets are loaded by COPY. For the province, a city and a county: first page, and a page from the middle; p50, p95,
p99, the ratio of the p95s, and the SQL statements of one page. Small and large are two databases behind two API
processes, and their rounds take turns.
"""

import argparse
import random
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
from sqlalchemy import event
from sqlalchemy.engine import make_url

from bench.ground import Ground, Load, ground, http_load, http_request, joined, token, web_server
from service.bootstrap import build, migrate
from service.core.pagination import Cursor
from service.core.settings import Settings
from service.org.tree import org_tree
from service.seed.seeding import seed, seed_demo_people
from service.tickets.queries import QueueQuery, queue_page

QUEUES = {
    "province": ("630000", "supervisor1"),
    "city": ("630100", "leader-630100"),
    "county": ("630102", "handler-630102"),
}
COLUMNS = (
    "number", "query_code_sealed", "state", "kind", "channel", "tier", "urgent", "category_code", "place_code", "title",
    "body", "anonymous", "confidentiality", "people_count", "received_at", "accepted_at", "holder_code", "cycle",
    "bounces", "due_at", "half_at", "provisional", "suspended", "row_version", "created_at",
)  # fmt: skip
ROUNDS = 3


def database(place: Ground, name: str) -> Ground:
    """Another database on the same server, migrated and seeded."""
    url = make_url(place.application.database.url)
    with psycopg.connect(plain(url.render_as_string(hide_password=False)), autocommit=True) as connection:
        connection.execute(f"create database {name}")  # type: ignore[arg-type]
    other = url.set(database=name).render_as_string(hide_password=False)
    redis_url, key = (place.environment[f"HOTLINE_{name}"] for name in ("REDIS_URL", "MASTER_KEY"))
    application = build(Settings(database_url=other, redis_url=redis_url, master_key=key))
    migrate(application.database)
    with application.unit() as unit:
        seed(unit)
    with application.unit() as unit:
        seed_demo_people(unit, "bench bench bench")
    return replace(place, application=application, environment={**place.environment, "HOTLINE_DATABASE_URL": other})


def plain(url: str) -> str:
    """The address as psycopg itself reads it."""
    return url.replace("postgresql+psycopg", "postgresql")


def load(place: Ground, count: int) -> None:
    """Open tickets with deadlines over sixty days around now, spread over all unions."""
    with place.application.reading() as unit:
        unions = [union.code for union in org_tree(unit.session) if union.level != "province"]
    with psycopg.connect(plain(place.application.database.url)) as connection:
        # A queue is not searched: a million texts need not be cut into words for it.
        connection.execute("alter table ticket disable trigger user")
        with connection.cursor().copy(f"copy ticket ({', '.join(COLUMNS)}) from stdin") as copy:  # type: ignore[arg-type]
            for row in rows(count, unions):
                copy.write_row(row)
        connection.execute("alter table ticket enable trigger user")
        connection.commit()
        connection.autocommit = True
        connection.execute("vacuum analyze ticket")


def rows(count: int, unions: list[str]) -> Iterator[tuple[object, ...]]:
    """The same rows for the same count, whatever the machine."""
    chance = random.Random(count)
    now = datetime.now(UTC)
    for serial in range(count):
        received = now - timedelta(days=chance.uniform(0, 30))
        due = now + timedelta(days=chance.uniform(-30, 30))
        org = chance.choice(unions)
        yield (
            f"QH12351-{20000101 + serial // 1_000_000}-{serial % 1_000_000:06d}", b"x" * 37, "in_progress",
            "complaint", "phone", "difficult", False, "0101", org, f"拖欠工资 {serial}",
            "工地三个月没有发工资。" * 5, False, "open", 1, received, received, org, 1, 0,
            due, due - timedelta(days=2), False, False, 1, received,
        )  # fmt: skip


def statements_of_a_page(place: Ground) -> int:
    """SQL statements of one page, the reading of who is asking left out."""
    seen: list[str] = []
    with place.application.reading() as unit:
        queue_page(unit, QueueQuery(org="630000"))
        listener = lambda *arguments: seen.append(arguments[2])  # noqa: E731
        event.listen(place.application.database.engine, "before_cursor_execute", listener)
        queue_page(unit, QueueQuery(org="630000"))
        event.remove(place.application.database.engine, "before_cursor_execute", listener)
    return len(seen)


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--small", type=int, default=10_000)
    parser.add_argument("--large", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=5.0)
    options = parser.parse_args()
    with ground() as place, ExitStack() as stack:
        places = {size: database(place, f"queue_{size}") for size in (options.small, options.large)}
        for size, each in places.items():
            load(each, size)
        ports = {
            size: stack.enter_context(web_server("service.app:create_app", each))[0] for size, each in places.items()
        }
        print(f"SQL statements of a page besides authentication: {statements_of_a_page(places[options.large])}")
        middle = Cursor(at=datetime.now(UTC), id=0).encode()
        for name, (org, who) in QUEUES.items():
            bearers = {size: token(port, who) for size, port in ports.items()}
            for page, suffix in (("first page", ""), ("from the middle", f"&cursor={middle}")):
                path = f"/api/v1/queues/{org}?sort=due_at&limit=50{suffix}"
                rounds: dict[int, list[Load]] = {size: [] for size in ports}
                for turn in range(ROUNDS + 1):
                    for size, port in ports.items():
                        request = http_request("GET", path, bearer=bearers[size])
                        done = http_load(port, [request], clients=1, seconds=options.seconds if turn else 1)
                        if turn:
                            rounds[size].append(done)
                print(f"\n{name}, {page}")
                loads = {size: joined(each) for size, each in rounds.items()}
                for size, done in loads.items():
                    print(f"  {size:>9,} open tickets  {done}")
                ratio = loads[options.large].percentile(0.95) / loads[options.small].percentile(0.95)
                print(f"  p95 large / small: {ratio:.2f}")
        for each in places.values():
            each.application.database.dispose()


if __name__ == "__main__":
    main()
