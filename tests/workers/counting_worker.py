"""A worker process whose effects can be counted: run as `python -m tests.workers.counting_worker`.

`count` writes a row into a table that would take a second one; `call` and `worker_sms` write a line into a file, as
a gateway outside would hear it, the second in a lane of its own. All can be told to take their time or to fail.
"""

import os
import sys
import time
from pathlib import Path

from sqlalchemy import text

from service.bootstrap import build
from service.core.logging import configure_logging
from service.core.settings import load_settings
from service.core.unit import Unit
from service.outbox.handlers import DatabaseHandler, NetworkCall, NetworkHandler, Payload
from service.outbox.lanes import lanes_named
from service.tickets.messages import WORKER_SMS
from workers import jobs, registry
from workers.worker import run_worker


def count(unit: Unit, payload: Payload) -> None:
    """The effect, then the time it is told to take, all in the transaction of the delivery."""
    unit.session.execute(text("insert into effect (key) values (:key)"), {"key": payload["key"]})
    unit.session.execute(text("select pg_sleep(:seconds)"), {"seconds": payload.get("seconds", 0)})
    if payload.get("fail"):
        raise RuntimeError("told to fail")


def prepare(_unit: Unit, payload: Payload) -> NetworkCall:
    def call(key: str) -> None:
        with (Path(os.environ["TEST_FOLDER"]) / "calls").open("a") as file:
            file.write(key + "\n")
        time.sleep(payload.get("seconds", 0))

    return call


def record(unit: Unit, _key: str, payload: Payload) -> None:
    unit.session.execute(text("insert into effect (key) values (:key)"), {"key": payload["key"]})


def main() -> None:
    settings = load_settings()
    configure_logging()
    application = build(settings)
    application.handlers["count"] = DatabaseHandler(run=count)
    application.handlers["call"] = NetworkHandler(prepare=prepare, record=record)
    application.handlers[WORKER_SMS] = NetworkHandler(prepare=prepare, record=record)
    jobs.use(application)
    if "--forking" in sys.argv:
        work_with_forks()
    else:
        run_worker(settings, lanes_named(sys.argv[-1] if "--lanes" in sys.argv else ""))


def work_with_forks() -> None:
    """RQ's own worker, which forks for each job, in a process whose engine is in use; ends when nothing is left."""
    from rq import Worker
    from rq.serializers import JSONSerializer

    parts = jobs.application()
    with parts.database.engine.connect() as kept:
        before = kept.scalar(text("select pg_backend_pid()"))
        connection = registry.connect(parts.settings)
        worker = Worker(list(registry.rq_queues(connection).values()), connection=connection, serializer=JSONSerializer)
        worker.work(burst=True)
        after = kept.scalar(text("select pg_backend_pid()"))
    sys.stdout.write(f"parent {before} {after}\n")


if __name__ == "__main__":
    main()
