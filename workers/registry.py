"""The RQ queues: their names and order, how a job is written, and the connection they are reached by."""

from collections.abc import Iterable

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry
from rq import Queue as RqQueue
from rq.serializers import JSONSerializer

from service.core.settings import Settings
from service.outbox.lanes import Lane, queue_names

# Named, not imported: who publishes needs nothing of what a worker loads.
DELIVER = "workers.jobs.deliver"

# Longest a worker waits in one BLPOP. The socket may be silent that long and a little more, and no longer: a
# Redis that vanished without a word (a cut cable) is then noticed.
BLOCKING_SECONDS = 15
_SOCKET_SECONDS = BLOCKING_SECONDS + 15


def connect(settings: Settings) -> Redis:
    """A client without retries of its own: the loops here back off themselves, and say so once."""
    return Redis.from_url(
        settings.redis_url,
        socket_connect_timeout=2,
        socket_timeout=_SOCKET_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )


def job_timeout(settings: Settings) -> int:
    """How long one job may take, in whole seconds: less than the lease, so that a message is never in two hands
    only because one of them is slow."""
    return max(1, int(settings.relay_lease_seconds * 0.75))


def rq_queues(connection: Redis, lanes: Iterable[Lane] = tuple(Lane)) -> dict[str, RqQueue]:
    """The queues of these lanes by name, within each lane most urgent first: an urgent escalation is never behind a
    bulk mail. Jobs are JSON: nothing in Redis is ever unpickled."""
    names = [name for lane in lanes for name in queue_names(lane)]
    return {name: RqQueue(name, connection=connection, serializer=JSONSerializer) for name in names}
