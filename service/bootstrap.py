"""The only composition root: builds the parts from settings and hands out units of work."""

import importlib.resources
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING

import redis
from sqlalchemy import text

from service.audit.looking import RecentLooks, record_looks
from service.audit.sinks import AnchorSink, FileSink, HttpSink, LogSink, SyslogSink
from service.core.clock import Clock, SystemClock
from service.core.crypto import Vault
from service.core.db import AdvisoryLock, Database
from service.core.fence import ensure_role, grant_rights
from service.core.files import DiskFiles, FileStore, NoFiles
from service.core.ids import new_correlation_id
from service.core.ratelimit import RateLimiter
from service.core.scanning import Clamd, NoScanner, Scanner
from service.core.settings import Settings, SettingsMissing
from service.core.unit import SYSTEM, Actor, Unit
from service.escalations.digests import put_digest
from service.identity.permissions import Role
from service.identity.providers import CALLBACK, provider_settings
from service.notifications.bells import ringer
from service.notifications.brake import DIGEST, Brake
from service.notifications.channels import ROBOTS, ChannelKind, channel_handlers
from service.notifications.gateways import ConsoleGateway, Gateway
from service.notifications.guard import Guarded
from service.notifications.http_sms import HttpSms
from service.notifications.robots import Robot
from service.notifications.smtp_mail import SmtpMail
from service.notifications.telling import NOTICE, put_into_inbox
from service.outbox.delivery import Courier
from service.outbox.handlers import DatabaseHandler, Handler
from service.tickets.assisting import TASK_DUE, remind_of_task
from service.tickets.consulting import CONSULT_DUE, remind_of_consult
from service.tickets.materials import MATERIAL_DUE, remind_of_material
from service.tickets.messages import TEMPLATES, WORKER_SMS, worker_sms_handler
from service.tickets.recounting import RECOUNT, recount_by_message
from service.tickets.supervising import SUPERVISION_DUE, remind_of_supervision
from service.tickets.together import FOLLOW, follow_master
from service.tickets.worker_codes import CODE_TEMPLATE, WORKER_CODE, worker_code_handler

if TYPE_CHECKING:
    from service.identity.oidc import Provider


@dataclass(frozen=True)
class Application:
    """The parts of one process."""

    settings: Settings
    database: Database
    vault: Vault
    clock: Clock
    gateway: Gateway

    @contextmanager
    def unit(self, actor: Actor = SYSTEM, *, correlation_id: str = "", now: datetime | None = None) -> Iterator[Unit]:
        """A writing unit of work: commits when the block ends well."""
        with self.database.transaction() as session:
            yield Unit(
                session=session,
                actor=actor,
                now=now or self.clock.now(),
                correlation_id=correlation_id or new_correlation_id(),
                vault=self.vault,
            )

    @contextmanager
    def reading(
        self, actor: Actor = SYSTEM, *, correlation_id: str = "", now: datetime | None = None
    ) -> Iterator[Unit]:
        """A READ ONLY unit of work. Whose matters it showed is on record when the block has ended well."""
        with self.database.reading() as session:
            unit = Unit(
                session=session,
                actor=actor,
                now=now or self.clock.now(),
                correlation_id=correlation_id or new_correlation_id(),
                vault=self.vault,
            )
            yield unit
        if looks := self.recent_looks.new(unit):
            with self.unit(unit.actor, correlation_id=unit.correlation_id, now=unit.now) as keeping:
                record_looks(keeping, looks)
            self.recent_looks.remember(unit, looks)

    @cached_property
    def recent_looks(self) -> RecentLooks:
        """What this process has put on record of late of what people read."""
        return RecentLooks()

    @cached_property
    def redis(self) -> "redis.Redis":
        """The doorbell. Connects on first use; short time-outs, for nothing waits on it."""
        return redis.Redis.from_url(self.settings.redis_url, socket_connect_timeout=2, socket_timeout=30)

    @cached_property
    def limiter(self) -> RateLimiter:
        """Counts what strangers do. On a connection of its own that gives up quickly: a visitor waits on it."""
        patience = {"socket_connect_timeout": 0.5, "socket_timeout": 0.5}
        client = redis.Redis.from_url(self.settings.redis_url, **patience)
        # Keyed: who can read Redis must not find by trying which numbers were typed.
        prefix = f"{self.settings.database_url} {self.vault.lookup('limits').hex()}"
        return RateLimiter(lambda: client, prefix=prefix)

    @cached_property
    def sms_secret(self) -> str:
        """What the SMS gateway signs its calls with; empty where no gateway is set."""
        return self.settings.sms_key() if self.settings.sms_url else ""

    @cached_property
    def files(self) -> FileStore:
        """Where files lie: a bucket if one is set, else a folder."""
        settings = self.settings
        if settings.s3_endpoint:
            # Three megabytes that only those pay who use it.
            from service.core.s3_files import S3Files  # noqa: PLC0415

            secret = settings.s3_secret_key
            return S3Files(
                settings.s3_endpoint,
                settings.s3_bucket,
                access_key=settings.s3_access_key,
                secret_key=secret.get_secret_value() if secret else "",
                region=settings.s3_region,
            )
        return DiskFiles(settings.files_dir) if settings.files_dir else NoFiles()

    @cached_property
    def scanner(self) -> Scanner:
        """The antivirus that the settings name. Raises SettingsMissing for an address that is none."""
        settings = self.settings
        return Clamd(settings.scanner, timeout=settings.scanner_timeout) if settings.scanner else NoScanner()

    @cached_property
    def provider(self) -> "Provider | None":
        """The identity provider that the settings name, if they name one."""
        settings = provider_settings(self.settings)
        if settings is None:
            return None
        # Ten megabytes that only those pay who use it.
        from service.identity.oidc import Provider  # noqa: PLC0415

        return Provider(settings, callback=self.settings.public_url.rstrip("/") + CALLBACK, clock=self.clock)

    @property
    def brake(self) -> Brake:
        """How many notices of rungs a person gets one by one."""
        settings = self.settings
        window = timedelta(seconds=settings.brake_seconds)
        return Brake(notices=settings.brake_notices, urgent=settings.brake_urgent, window=window)

    @cached_property
    def anchor_sinks(self) -> tuple[AnchorSink, ...]:
        """Where the head of the audit's chain is kept: in the log always, elsewhere as the settings say."""
        settings, token = self.settings, self.settings.audit_anchor_token
        return (
            LogSink(),
            *([FileSink(settings.audit_anchor_file)] if settings.audit_anchor_file else []),
            *(
                [HttpSink(settings.audit_anchor_url, token=token.get_secret_value() if token else "")]
                if settings.audit_anchor_url
                else []
            ),
            *([SyslogSink(settings.audit_anchor_syslog)] if settings.audit_anchor_syslog else []),
        )

    @cached_property
    def handlers(self) -> dict[str, Handler]:
        """What becomes of each kind of message."""
        ring = ringer(self.settings.redis_url, self.settings.database_url)
        return {
            NOTICE: DatabaseHandler(run=put_into_inbox, then=ring),
            DIGEST: DatabaseHandler(run=put_digest, then=ring),
            WORKER_SMS: worker_sms_handler(self.gateway),
            WORKER_CODE: worker_code_handler(self.gateway),
            RECOUNT: DatabaseHandler(run=recount_by_message),
            FOLLOW: DatabaseHandler(run=follow_master),
            SUPERVISION_DUE: DatabaseHandler(run=remind_of_supervision),
            CONSULT_DUE: DatabaseHandler(run=remind_of_consult),
            TASK_DUE: DatabaseHandler(run=remind_of_task),
            MATERIAL_DUE: DatabaseHandler(run=remind_of_material),
            **channel_handlers(channel_gateways(self.settings, self.gateway), public_url=self.settings.public_url),
        }

    @cached_property
    def courier(self) -> Courier:
        """Delivers messages, on the real clock."""
        return Courier(
            units=lambda now, correlation_id: self.unit(SYSTEM, correlation_id=correlation_id, now=now),
            handlers=self.handlers,
            now=SystemClock().now,
        )


def sms_gateway(settings: Settings, clock: Clock) -> Gateway:
    """The gateway that the settings name, behind its guard; the log where they name none.

    Raises SettingsMissing where a message of ours has no template there: found at the start, not by a worker who is
    never told.
    """
    if not settings.sms_url:
        return ConsoleGateway()
    missing = sorted({*TEMPLATES, CODE_TEMPLATE} - settings.sms_templates.keys())
    if missing:
        raise SettingsMissing(
            f"HOTLINE_SMS_TEMPLATES 缺少模板编号:{'、'.join(missing)}。\n"
            f"HOTLINE_SMS_TEMPLATES lacks the gateway's id for: {', '.join(missing)}."
        )
    gateway = HttpSms(
        settings.sms_url,
        account=settings.sms_account,
        secret=settings.sms_key(),
        signed_as=settings.sms_signed_as,
        templates=settings.sms_templates,
        clock=clock,
        timeout=settings.sms_timeout,
    )
    return Guarded(gateway, per_second=settings.sms_per_second)


def channel_gateways(settings: Settings, sms: Gateway) -> dict[ChannelKind, Gateway]:
    """What notices go out through, each behind a guard of its own. Raises SettingsMissing for mail without a sender."""
    robots = {
        kind: Guarded(
            Robot(kind.value, timeout=settings.robot_timeout, stand_in=settings.robot_stand_in),
            per_second=settings.robot_per_second,
        )
        for kind in ROBOTS
    }
    return {ChannelKind.sms: sms, ChannelKind.mail: mail_gateway(settings), **robots}


def mail_gateway(settings: Settings) -> Gateway:
    """The mail server that the settings name, behind its guard; the log where they name none. Raises
    SettingsMissing."""
    if not settings.smtp_host:
        return ConsoleGateway(ChannelKind.mail.value)
    if "@" not in settings.smtp_from:
        raise SettingsMissing(
            "已设置 HOTLINE_SMTP_HOST,但缺少发件地址:请设置 HOTLINE_SMTP_FROM。\n"
            "HOTLINE_SMTP_HOST is set without a sender: set HOTLINE_SMTP_FROM."
        )
    mail = SmtpMail(
        settings.smtp_host,
        settings.smtp_port,
        sender=settings.smtp_from,
        security=settings.smtp_security,
        user=settings.smtp_user,
        password=settings.smtp_key(),
        timeout=settings.smtp_timeout,
    )
    return Guarded(mail, per_second=settings.smtp_per_second)


def build(settings: Settings, *, clock: Clock | None = None, gateway: Gateway | None = None) -> Application:
    """Put the parts together. Opens no connection. Raises SettingsMissing."""
    clock = clock or SystemClock()
    unknown = settings.second_factor_required - set(Role)
    if unknown:
        names = ", ".join(sorted(unknown))
        raise SettingsMissing(
            f"HOTLINE_SECOND_FACTOR_ROLES 中没有这样的岗位:{names}。\n"
            f"There is no such role in HOTLINE_SECOND_FACTOR_ROLES: {names}."
        )
    provider_settings(settings)  # half of one is said now, and not with the first login
    if settings.scanner:
        Clamd(settings.scanner)  # an address that is none is said now, and not with the first file
    return Application(
        settings=settings,
        database=Database(
            settings.database_url,
            pool_size=settings.pool_size,
            statement_timeout=settings.statement_timeout,
            lock_timeout=settings.lock_timeout,
        ),
        vault=Vault(settings.key_ring(), settings.crypto_suite),
        clock=clock,
        gateway=gateway or sms_gateway(settings, clock),
    )


def migrate(database: Database, revision: str = "head") -> None:
    """Bring the schema to `revision`. Several processes may call it at once: one migrates, the others wait."""
    # Eight megabytes and half a second that no other process than the one that migrates should pay.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(importlib.resources.files("service") / "migrations"))
    with database.as_owner() as connection:
        # A migration may rewrite a table: it has its own patience, and gives way to nobody's transaction for long.
        connection.execute(text("set statement_timeout = '10min'; set lock_timeout = '10s'"))
        connection.execute(text("select pg_advisory_lock(:lock)"), {"lock": AdvisoryLock.migration})
        connection.commit()
        try:
            ensure_role(connection)
            connection.commit()
            config.attributes["connection"] = connection
            command.upgrade(config, revision)
            grant_rights(connection)
            connection.commit()
        finally:
            connection.rollback()
            connection.execute(text("select pg_advisory_unlock(:lock)"), {"lock": AdvisoryLock.migration})
            connection.commit()
