"""What somebody woken at night wants to know first: does it take tickets, and if something is wrong, what.

One look at PostgreSQL, Redis and the disk, shared by `/readyz`, `hotline status` and the gauges. `down` is what no
user should be sent to; `degraded` is what an operator should see to while tickets are taken. What each code means and
what to do about it stands in docs/operations.md. No address, name or secret is in any of it.
"""

import importlib.resources
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import cache
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from service.bootstrap import Application
from service.checks import LATE_TICKS, UNPUBLISHED_AFTER
from service.core import metrics
from service.core.db import AdvisoryLock
from service.core.errors import Bilingual, HotlineError
from service.core.fence import lacks_role
from service.core.unit import Unit
from service.escalations.firing import oldest_due
from service.outbox.relay import Backlog, backlog, buried_count
from service.sla.coverage import WHAT_TO_DO, measure_coverage

# Below either of them attachments are soon refused: twenty large files, or what a log writes in a night.
LOW_RATIO = 0.05
LOW_BYTES = 1024**3

_REDIS_SECONDS = 1.0


class Health(StrEnum):
    """How one part is. `degraded`: tickets are taken all the same. `down`: they are not."""

    ok = "ok"
    degraded = "degraded"
    down = "down"


@dataclass(frozen=True, slots=True)
class Part:
    """One thing this service stands on. `code` is for programs and for the runbook."""

    name: str
    health: Health
    code: str
    words: Bilingual


@dataclass(slots=True)
class Figures:
    """What was counted, filled in while looking; None is what could not be asked."""

    sweep_lag: timedelta | None = None
    leader_silent: timedelta | None = None
    relays: int | None = None
    backlog: tuple[Backlog, ...] | None = None
    outbox_age: timedelta | None = None
    buried: int | None = None
    queues: dict[str, int] | None = None
    files_free: float | None = None


@dataclass(slots=True)
class Vitals:
    """The whole look, at one instant."""

    at: datetime
    parts: list[Part] = field(default_factory=list)
    warnings: list[Bilingual] = field(default_factory=list)
    figures: Figures = field(default_factory=Figures)

    @property
    def health(self) -> Health:
        """The worst of its parts."""
        return max((part.health for part in self.parts), key=list(Health).index)


def look(application: Application) -> Vitals:
    """Ask the servers, set the gauges, and say how they are. Raises nothing: what does not answer is a finding.

    May take as long as a connection to a server that is away.
    """
    vitals = Vitals(application.clock.now())
    vitals.parts += _look_into_database(application, vitals)
    vitals.parts += [_look_into_redis(application.settings.redis_url, vitals.figures)]
    vitals.parts += [_look_at_files(application.settings.files_dir, vitals.figures)]
    _show(vitals)
    return vitals


def _look_into_database(application: Application, vitals: Vitals) -> list[Part]:
    figures, late = vitals.figures, LATE_TICKS * timedelta(seconds=application.settings.sweep_seconds)
    try:
        with application.reading(now=vitals.at) as unit:
            schema = _schema(_applied_revision(unit))
            if schema.health is Health.down:
                return [_part("database", "ok"), schema]
            rules = _rules(unit, vitals)
            _count(unit, figures)
    except SQLAlchemyError as error:
        if lacks_role(error):
            return [_part("database", "ok"), _part("schema", "missing")]
        return [_part("database", "unreachable")]
    return [_part("database", "ok"), schema, rules, _scheduler(figures, late), _messages(figures, vitals.at)]


def _applied_revision(unit: Unit) -> str | None:
    if not unit.session.scalar(text("select to_regclass('alembic_version')")):
        return None
    applied: str | None = unit.session.scalar(text("select min(version_num) from alembic_version"))
    return applied


@cache
def _revisions() -> tuple[frozenset[str], str]:
    """The revisions of this release and the last of them, read from their files: Alembic is eight megabytes."""
    files = Path(str(importlib.resources.files("service") / "migrations" / "versions")).glob("*.py")
    pairs = [
        (re.search(r'^revision = "(\w+)"', source, re.M), re.search(r'^down_revision = "(\w+)"', source, re.M))
        for source in (file.read_text(encoding="utf-8") for file in files)
    ]
    known = {revision[1] for revision, _ in pairs if revision}
    (head,) = known - {before[1] for _, before in pairs if before}
    return frozenset(known), head


def _schema(applied: str | None) -> Part:
    known, head = _revisions()
    if applied is None:
        return _part("schema", "missing")
    if applied not in known:
        return _part("schema", "newer")
    return _part("schema", "ok" if applied == head else "behind")


def _rules(unit: Unit, vitals: Vitals) -> Part:
    try:
        alarm = measure_coverage(unit)
    except HotlineError as error:
        words = Bilingual(error.sentence("zh"), error.sentence("en"))
        return Part("rules", Health.degraded, "unpublished", words)
    if alarm is not None:
        vitals.warnings.append(Bilingual(alarm.zh + WHAT_TO_DO.zh, f"{alarm.en} {WHAT_TO_DO.en}"))
    return _part("rules", "ok")


def _count(unit: Unit, figures: Figures) -> None:
    figures.sweep_lag = _age(unit.now, oldest_due(unit.session))
    # The leader's connection says a word at each tick; how long ago, PostgreSQL knows.
    figures.relays, silent = unit.session.execute(
        text("""
            select (select count(*) from our_sessions() where application_name = 'hotline relay'),
                   (select extract(epoch from clock_timestamp() - min(a.state_change))
                    from pg_locks l join our_sessions() a using (pid)
                    where l.locktype = 'advisory' and l.granted and l.classid = 0 and l.objid = :leader)
        """),
        {"leader": AdvisoryLock.leader},
    ).one()
    figures.leader_silent = None if silent is None else timedelta(seconds=max(0.0, float(silent)))
    figures.backlog = tuple(backlog(unit.session, unit.now))
    figures.outbox_age = _age(unit.now, min((each.oldest for each in figures.backlog), default=None))
    figures.buried = buried_count(unit.session)


def _scheduler(figures: Figures, late: timedelta) -> Part:
    lag = figures.sweep_lag or timedelta(0)
    if lag > late:
        return _part("scheduler", "late", minutes=_minutes(lag))
    return _part("scheduler", "ok" if figures.leader_silent is not None else "no_leader")


def _messages(figures: Figures, now: datetime) -> Part:
    waiting = figures.backlog or ()
    untried = _age(now, min((each.oldest_untried for each in waiting if each.oldest_untried), default=None))
    failing = sum(each.failing for each in waiting)
    if untried > UNPUBLISHED_AFTER:
        return _part("messages", "waiting", count=sum(each.waiting for each in waiting), minutes=_minutes(untried))
    if failing:
        return _part("messages", "failing", count=failing)
    if figures.buried:
        return _part("messages", "buried", count=figures.buried)
    return _part("messages", "ok")


def _look_into_redis(url: str, figures: Figures) -> Part:
    # A connection of its own that gives up quickly: whoever asks whether Redis hangs is not to hang with it.
    redis = Redis.from_url(
        url,
        socket_connect_timeout=_REDIS_SECONDS,
        socket_timeout=_REDIS_SECONDS,
        retry=Retry(NoBackoff(), 0),
    )
    try:
        # RQ's own list of its queues, each by its key.
        keys = sorted(key.decode() for key in redis.smembers("rq:queues") if isinstance(key, bytes))
        figures.queues = {key.removeprefix("rq:queue:"): int(redis.llen(key)) for key in keys}
    except (RedisError, OSError, ValueError):
        return _part("redis", "unreachable")
    finally:
        redis.close()
    return _part("redis", "ok")


def _look_at_files(folder: Path | None, figures: Figures) -> Part:
    if folder is None:
        return _part("files", "elsewhere")
    # Made with the first file; until then its disk is its parent's.
    place = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    try:
        usage = shutil.disk_usage(place)
    except OSError:
        return _part("files", "unwritable")
    figures.files_free = free = usage.free / usage.total if usage.total else 0.0
    if not os.access(place, os.W_OK | os.X_OK):
        return _part("files", "unwritable")
    if free < LOW_RATIO or usage.free < LOW_BYTES:
        return _part("files", "low", percent=f"{100 * free:.0f}")
    return _part("files", "ok")


def _age(now: datetime, since: datetime | None) -> timedelta:
    return max(timedelta(0), now - since) if since else timedelta(0)


def _minutes(span: timedelta) -> str:
    return f"{span.total_seconds() / 60:.0f}" if span >= timedelta(minutes=1) else "<1"


def _part(name: str, code: str, **facts: object) -> Part:
    health, words = _FINE if code == "ok" else _WORDS[name, code]
    return Part(name, health, code, Bilingual(words.zh.format(**facts), words.en.format(**facts)))


def _show(vitals: Vitals) -> None:
    """Set the gauges; what could not be asked is not shown."""
    figures, health = vitals.figures, {part.name: part.health for part in vitals.parts}
    metrics.DATABASE_UP.set(float(health.get("database") is Health.ok))
    metrics.REDIS_UP.set(float(health["redis"] is Health.ok))
    for gauge, value in _gauges(figures):
        if value is None:
            gauge.forget()
        else:
            gauge.set(value)
    waiting = figures.backlog
    if waiting is None:
        metrics.OUTBOX_WAITING.forget()
        metrics.OUTBOX_FAILING.forget()
    else:
        metrics.OUTBOX_WAITING.replace({each.queue: each.waiting for each in waiting})
        metrics.OUTBOX_FAILING.replace({each.queue: each.failing for each in waiting})
    metrics.QUEUE_LENGTH.replace(dict(figures.queues or {}))


def _gauges(figures: Figures) -> Iterator[tuple[metrics.Measured, float | None]]:
    asked = figures.backlog is not None
    yield metrics.SWEEP_LAG, _seconds(figures.sweep_lag)
    yield metrics.LEADERS, float(figures.leader_silent is not None) if asked else None
    yield metrics.LEADER_SILENT, _seconds(figures.leader_silent)
    yield metrics.OUTBOX_AGE, _seconds(figures.outbox_age)
    yield metrics.OUTBOX_BURIED, figures.buried
    yield metrics.FILES_FREE, figures.files_free


def _seconds(span: timedelta | None) -> float | None:
    return None if span is None else span.total_seconds()


_FINE = (Health.ok, Bilingual("正常", "working"))
_WORDS: dict[tuple[str, str], tuple[Health, Bilingual]] = {
    ("database", "unreachable"): (
        Health.down,
        Bilingual("数据库无法连接,不能受理和办理", "the database cannot be reached: nothing can be taken or handled"),
    ),
    ("schema", "missing"): (
        Health.down,
        Bilingual("数据库尚未建表,请运行 hotline migrate", "the database has no tables; run: hotline migrate"),
    ),
    ("schema", "behind"): (
        Health.down,
        Bilingual(
            "数据库结构旧于程序,请运行 hotline migrate", "the tables are older than the program; run: hotline migrate"
        ),
    ),
    ("schema", "newer"): (
        Health.degraded,
        Bilingual(
            "数据库结构新于程序:可继续工作,请尽快升级本进程",
            "the tables are newer than the program: it goes on working; upgrade this process soon",
        ),
    ),
    ("redis", "unreachable"): (
        Health.degraded,
        Bilingual(
            "Redis 无法连接:可继续受理和办理,提醒和短信等 Redis 恢复后送达",
            "Redis cannot be reached: tickets can be taken and handled; notices and messages wait until it is back",
        ),
    ),
    ("scheduler", "no_leader"): (
        Health.degraded,
        Bilingual("没有定时进程在工作:期限提醒不会发出", "no scheduler leads: nobody is reminded of a deadline"),
    ),
    ("scheduler", "late"): (
        Health.degraded,
        Bilingual(
            "到期检查已落后 {minutes} 分钟:提醒和升级迟发,不会丢失",
            "due clocks wait {minutes} min: reminders and escalations come late; none is lost",
        ),
    ),
    ("messages", "waiting"): (
        Health.degraded,
        Bilingual(
            "{count} 条消息待发,最早的已等 {minutes} 分钟:消息迟到,不会丢失",
            "{count} messages wait, the oldest for {minutes} min: they come late; none is lost",
        ),
    ),
    ("messages", "failing"): (
        Health.degraded,
        Bilingual(
            "{count} 条消息发送失败,正在重试:请检查短信等网关",
            "{count} messages failed and are tried again: look at the gateways",
        ),
    ),
    ("messages", "buried"): (
        Health.degraded,
        Bilingual(
            "{count} 条消息已放弃:请运行 hotline outbox list --state buried",
            "{count} messages were given up; run: hotline outbox list --state buried",
        ),
    ),
    ("files", "elsewhere"): (Health.ok, Bilingual("不在本机磁盘,未检查", "not on a disk of this machine; not asked")),
    ("files", "unwritable"): (
        Health.degraded,
        Bilingual("附件文件夹不可写:不能收取附件", "the folder of attachments cannot be written: none can be taken"),
    ),
    ("files", "low"): (
        Health.degraded,
        Bilingual(
            "附件磁盘只剩 {percent}%:即将不能收取附件",
            "the disk of the attachments has {percent}% left: soon none can be taken",
        ),
    ),
}
# All but `ok`: each has its line in docs/operations.md.
CODES = (*_WORDS, ("rules", "unpublished"))
