"""Tickets created per second through the API, beside the least an intake could be, on one server in one run.

    python -m bench.intake [--seconds 5] [--rounds 3]

Prints rates, percentiles, the ratio to a bare FastAPI route and to raw INSERT+COMMIT, the SQL statements of one
intake, and the memory of API, worker and scheduler together at rest. PostgreSQL runs with fsync on. Rounds of the
contestants take turns, so that a slow minute of the machine hits all of them.
"""

import argparse
import statistics
import threading
import time
import uuid

import psycopg
from sqlalchemy import event, text
from starlette.testclient import TestClient

from bench.bare import INSERT, SEALED, SEQUENCE, TABLE
from bench.ground import Ground, Load, ground, http_load, http_request, joined, process, resident_mib, token, web_server
from service.app import create_app
from service.core.fence import grant_rights

CLIENTS = (1, 8)


def body(turn: int) -> dict[str, object]:
    """An intake as an agent types it; callers and employers come back now and then."""
    return {
        "title": "格尔木某工地拖欠工资",
        "body": "在工地干了三个月,工资一直没有发。" * 8,
        "kind": "complaint",
        "channel": "phone",
        "category_code": "0101",
        "place_code": "632801",
        "phone": f"139{turn % 5000:08d}",
        "caller_name": "马小明",
        "employer": f"某建筑有限公司{turn % 500}",
        "people_count": 3,
        "amount_owed": "30000.00",
    }


def raw_load(place: Ground, *, clients: int, seconds: float) -> Load:
    """INSERT and COMMIT with psycopg alone, one connection for each client."""
    url = place.application.database.url.replace("postgresql+psycopg", "postgresql")
    statement = INSERT
    for name in ("sealed", "kind", "channel", "category_code", "place_code", "title", "body", "people_count"):
        statement = statement.replace(f":{name}", f"%({name})s")
    statement = statement.replace(":amount_owed", "%(amount_owed)s")
    values = {**body(1), "sealed": SEALED}
    times: list[float] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        with psycopg.connect(url) as connection:
            while time.perf_counter() < end:
                begun = time.perf_counter()
                connection.execute(statement, values)
                connection.commit()
                times.append((time.perf_counter() - begun) * 1000)

    threads = [threading.Thread(target=client) for _ in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(time.perf_counter() - begun, tuple(sorted(times)))


def statements_of_one_intake(place: Ground) -> list[str]:
    """The SQL of one POST /tickets, authentication and all, without BEGIN and COMMIT."""
    seen: list[str] = []
    with TestClient(create_app(place.application)) as client:
        bearer = client.post("/api/v1/auth/token", data={"username": "agent1", "password": "bench bench bench"}).json()[
            "access_token"
        ]
        headers = {"Authorization": f"Bearer {bearer}", "Idempotency-Key": uuid.uuid4().hex}
        client.post("/api/v1/tickets", json=body(0), headers=headers).raise_for_status()
        headers["Idempotency-Key"] = uuid.uuid4().hex

        def note(_c: object, _k: object, statement: str, *_: object) -> None:
            seen.append(" ".join(statement.split())[:90])

        event.listen(place.application.database.engine, "before_cursor_execute", note)
        client.post("/api/v1/tickets", json=body(1), headers=headers).raise_for_status()
        event.remove(place.application.database.engine, "before_cursor_execute", note)
    return seen


def memory_at_rest(place: Ground, api_pid: int) -> dict[str, float]:
    """PSS of each process some seconds after its start."""
    with (
        process(["-m", "workers.worker"], place.environment, place.folder / "worker.log") as worker,
        process(["-m", "workers.scheduler"], place.environment, place.folder / "scheduler.log") as scheduler,
    ):
        time.sleep(8)
        pids = {"api": api_pid, "worker": worker.pid, "scheduler": scheduler.pid}
        return {name: resident_mib(pid) for name, pid in pids.items()}


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with ground() as place:
        with place.application.database.as_owner() as owner, owner.begin():
            owner.execute(text(TABLE))
            owner.execute(text(SEQUENCE))
            grant_rights(owner)
        print("SQL statements of one intake:")
        seen = statements_of_one_intake(place)
        for number, statement in enumerate(seen, start=1):
            print(f"  {number}. {statement}")
        with (
            web_server("service.app:create_app", place) as (ours, pid),
            web_server("bench.bare:create_app", place) as (
                bare,
                _,
            ),
        ):
            rest = memory_at_rest(place, pid)
            bearer = token(ours, "agent1")
            real = [http_request("POST", "/api/v1/tickets", bearer=bearer, body=body(turn)) for turn in range(5000)]
            plain = [http_request("POST", "/tickets", body=body(turn)) for turn in range(5000)]
            http_load(ours, real, clients=8, seconds=2)
            http_load(bare, plain, clients=8, seconds=2)
            print(f"\n{options.rounds} rounds of {options.seconds:g} s each, taking turns; fsync on")
            for clients in CLIENTS:
                rounds: dict[str, list[Load]] = {"API": [], "bare route": [], "raw INSERT": []}
                for _ in range(options.rounds):
                    rounds["bare route"].append(http_load(bare, plain, clients=clients, seconds=options.seconds))
                    rounds["API"].append(http_load(ours, real, clients=clients, seconds=options.seconds))
                    rounds["raw INSERT"].append(raw_load(place, clients=clients, seconds=options.seconds))
                print(f"\n{clients} client(s)")
                for name, loads in rounds.items():
                    print(f"  {name:12} {joined(loads)}")
                for other in ("bare route", "raw INSERT"):
                    ratios = [a.per_second / b.per_second for a, b in zip(rounds["API"], rounds[other], strict=True)]
                    shown = ", ".join(f"{ratio:.3f}" for ratio in ratios)
                    print(f"  API / {other}: median {statistics.median(ratios):.3f} (rounds: {shown})")
        total = sum(rest.values())
        parts = ", ".join(f"{name} {size:.0f}" for name, size in rest.items())
        print(f"\nmemory at rest (PSS): {total:.0f} MiB ({parts})")
        print(f"SQL statements per intake: {len(seen)}")


if __name__ == "__main__":
    main()
