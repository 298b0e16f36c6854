"""Live notices (server-sent events): what somebody is told appears on their open page within a second.

The inbox is the truth and Redis only the bell. A stream sends what stands in the inbox beyond the last that was seen,
when the bell rings and every quarter of a minute anyway, so a bell that was lost delays and loses nothing.
"""

import asyncio
import json
import signal
import threading
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from time import monotonic

import redis.asyncio
from anyio import CapacityLimiter
from anyio.to_thread import run_sync
from redis.exceptions import RedisError
from sqlalchemy.exc import SQLAlchemyError

from service.api.deps import NOBODY
from service.bootstrap import Application
from service.core.logging import log
from service.core.metrics import LISTENERS
from service.identity.errors import NotLoggedIn
from service.identity.people import actor_of_token
from service.notifications.bells import channel
from service.notifications.inbox import InboxNews, news

MEDIA_TYPE = "text/event-stream; charset=utf-8"
# A proxy must hand each line on as it comes.
HEADERS = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}

# Shorter than what proxies and mobile networks let a silent connection live.
_LOOK_EVERY_SECONDS = 15.0
# A notice may be committed after one with a higher number: so far back it is looked for again.
_OVERLAP_SECONDS = 60.0
_RECONNECT_SECONDS = 2.0


class Live:
    """The bells of one process: one subscription, however many pages are open. Lives in the event loop."""

    def __init__(self, application: Application) -> None:
        self._settings = application.settings
        self._waiting: dict[int, set[asyncio.Event]] = defaultdict(set)
        self._listener: asyncio.Task[None] | None = None
        self.stopping = False
        # Streams look without a slot of the others; two at once leave the pool to those who work.
        self.turns = CapacityLimiter(2)

    @contextmanager
    def bell(self, person_id: int) -> Iterator[asyncio.Event]:
        """An event that is set whenever this person was told something, or the process is to end."""
        if self._listener is None or self._listener.done():
            self._listener = asyncio.create_task(self._listen())
        bell = asyncio.Event()
        self._waiting[person_id].add(bell)
        LISTENERS.inc()
        try:
            yield bell
        finally:
            LISTENERS.dec()
            self._waiting[person_id].discard(bell)
            if not self._waiting[person_id]:
                del self._waiting[person_id]

    def stop(self) -> None:
        """End every stream: browsers come back by themselves, to whichever process serves them then."""
        self.stopping = True
        if self._listener is not None:
            self._listener.cancel()
        for bells in self._waiting.values():
            for bell in bells:
                bell.set()

    async def _listen(self) -> None:
        while True:
            client = redis.asyncio.Redis.from_url(self._settings.redis_url, socket_connect_timeout=2)
            try:
                async with client.pubsub(ignore_subscribe_messages=True) as subscription:
                    await subscription.subscribe(channel(self._settings.database_url))
                    async for message in subscription.listen():
                        for bell in self._waiting.get(int(message["data"]), ()):
                            bell.set()
            except (RedisError, OSError) as error:
                log.info("bells_not_heard", error=type(error).__name__)
            finally:
                with suppress(RedisError, OSError):
                    await client.aclose()
            await asyncio.sleep(_RECONNECT_SECONDS)


def stop_with_the_process(live: Live) -> None:
    """End the streams as soon as the process is told to stop: open pages would hold it up until its patience ends.

    The server's own handler runs after ours. In a thread of somebody else's process there is nothing to do.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        servers_own = signal.getsignal(number)

        def handle(number: int, frame: object, servers_own: object = servers_own) -> None:
            loop.call_soon_threadsafe(live.stop)
            if callable(servers_own):
                servers_own(number, frame)

        signal.signal(number, handle)


async def who(application: Application, live: Live, token: str) -> int:
    """The id of who holds a token. Raises NotLoggedIn."""

    def ask() -> int:
        with application.reading(NOBODY) as unit:
            person = actor_of_token(unit, token).id
        if person is None:
            raise NotLoggedIn
        return person

    return await run_sync(ask, limiter=live.turns)


async def stream(
    application: Application, live: Live, token: str, person_id: int, last_seen: int | None
) -> AsyncIterator[bytes]:
    """Frames of one page: `unread` with the count at the beginning and after each change, `notice` for each new one.

    It ends when the token does (`logged_out`), when the process is to stop, and when the reader goes away.
    """
    yield b"retry: 3000\n\n"
    sent: dict[int, float] = {}
    unread = -1

    def look() -> InboxNews:
        with application.reading(NOBODY) as unit:
            unit.actor = actor_of_token(unit, token)
            return news(unit, after=last_seen)

    with live.bell(person_id) as bell:
        while not live.stopping:
            bell.clear()
            try:
                found = await run_sync(look, limiter=live.turns)
            except NotLoggedIn:
                yield b"event: logged_out\ndata: {}\n\n"
                return
            except SQLAlchemyError as error:
                log.info("live_look_failed", error=type(error).__name__)
                found = InboxNews(notices=(), unread=unread, newest=last_seen or 0)
            if last_seen is None:
                last_seen = found.newest
            for notice in found.notices:
                if notice.id not in sent:
                    sent[notice.id] = monotonic()
                    body = {
                        "ticket_number": notice.ticket_number,
                        "urgent": notice.urgent,
                        "zh": notice.text.zh,
                        "en": notice.text.en,
                        "created_at": notice.created_at.isoformat(),
                    }
                    yield _frame("notice", body, id_=notice.id)
            for id_ in [id_ for id_, at in sent.items() if monotonic() - at > _OVERLAP_SECONDS]:
                del sent[id_]
                last_seen = max(last_seen, id_)
            if found.unread != unread:
                unread = found.unread
                yield _frame("unread", {"count": unread})
            try:
                async with asyncio.timeout(_LOOK_EVERY_SECONDS):
                    await bell.wait()
            except TimeoutError:
                yield b": here\n\n"


def _frame(event: str, data: dict[str, object], *, id_: int | None = None) -> bytes:
    name = f"id: {id_}\n" if id_ is not None else ""
    return f"{name}event: {event}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode()
