"""Settings from the environment, all with the prefix HOTLINE_. See README for the table."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit, urlunsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.core.crypto import Suite
from service.core.keyring import KeyRing, KeyRingUnreadable, read_ring

_HOST_AND_PORT = re.compile(r"(?P<host>[^:,\[\]]+)(?::(?P<port>\d+))?")


class SettingsMissing(SystemExit):
    """A setting without which nothing can start. Exits with the sentence."""


class Settings(BaseSettings):
    """Every knob of a process. Times are in seconds."""

    model_config = SettingsConfigDict(env_prefix="HOTLINE_", extra="ignore")

    database_url: str = ""
    redis_url: str = ""
    database_url_file: Path | None = Field(None, description="a file that holds the address, with its password")
    master_key: SecretStr | None = Field(None, description="the ring of master keys: version:32 bytes in base64")
    master_key_file: Path | None = None
    crypto_suite: Suite = Field(Suite.international, description="what seals; what the other one sealed is opened too")
    demo: bool = False
    demo_password: SecretStr | None = None
    public_url: str = "http://127.0.0.1:8351"
    hosts: str = Field("", description="further host names under which the service is reached, with commas between")
    host: str = "127.0.0.1"
    port: int = Field(8351, ge=1, le=65535)
    pool_size: int = Field(8, ge=1, le=200, description="database connections of one process")
    request_slots: int = Field(8, ge=1, le=200, description="requests in work at once; at most pool_size")
    statement_timeout: float = Field(15.0, gt=0)
    lock_timeout: float = Field(5.0, gt=0)
    second_factor_roles: str | None = Field(
        None, description="roles that must show a second factor, with commas; empty: none"
    )
    oidc_issuer: str = Field("", description="an identity provider (OpenID Connect); without one passwords alone")
    oidc_client_id: str = ""
    oidc_client_secret: SecretStr | None = None
    oidc_client_secret_file: Path | None = None
    oidc_scopes: str = Field("openid", description="what is asked for, with blanks between")
    oidc_claim: str = Field("sub", description="the claim by which administrators name somebody's account there")
    oidc_label_zh: str = Field("统一身份认证", description="what the button calls the provider", max_length=40)
    oidc_label_en: str = Field("single sign-on", max_length=40)
    oidc_timeout: float = Field(5.0, gt=0, le=30)
    oidc_mfa_amr: str = Field("", description="values of `amr`, with commas: one of them spares our second factor")
    oidc_mfa_acr: str = Field("", description="values of `acr`, with commas: asked for, and as good as those")
    token_hours: float = Field(12.0, gt=0)
    idle_minutes: int = Field(120, ge=10, le=10_080, description="a login not used for so long ends")
    logins_keep_days: int = Field(90, ge=31, le=3660, description="days a login is kept after it ended")
    requests_per_minute: int = Field(1200, ge=1, le=1_000_000, description="of one person who is logged in")
    body_limit: int = Field(1_048_576, ge=1024, description="largest request body in bytes")
    files_dir: Path | None = Field(None, description="where files are kept, unless an S3 endpoint is set")
    file_limit: int = Field(20 * 1_048_576, ge=1024, le=1024**3, description="largest file in bytes")
    scanner: str = Field("", description="an antivirus, as tcp://host:3310 or unix:///path (clamd); without one none")
    scanner_timeout: float = Field(20.0, gt=0, le=120)
    scan_seconds: float = Field(60.0, gt=0, description="how often files that wait for the scanner are tried again")
    s3_endpoint: str = Field("", description="an S3-compatible store, as https://host[:port]; the bucket exists")
    s3_bucket: str = "hotline"
    s3_region: str = "us-east-1"
    s3_access_key: str = ""
    s3_secret_key: SecretStr | None = None
    sms_url: str = Field("", description="an SMS gateway that keeps docs/sms.md; without one messages go to the log")
    sms_account: str = "hotline"
    sms_secret: SecretStr | None = None
    sms_secret_file: Path | None = None
    sms_signed_as: str = Field("职工服务热线12351", description="the name before the text (短信签名)")
    sms_templates: dict[str, str] = Field(default_factory=dict, description="our template names → the gateway's ids")
    sms_timeout: float = Field(5.0, gt=0, le=60)
    sms_per_second: float = Field(20.0, gt=0, le=10_000, description="messages of one worker")
    smtp_host: str = Field("", description="a mail server; without one mail goes to the log")
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_security: Literal["starttls", "tls", "none"] = "starttls"
    smtp_user: str = ""
    smtp_password: SecretStr | None = None
    smtp_password_file: Path | None = None
    smtp_from: str = Field("", description="the sender's address, as the server lets us send")
    smtp_timeout: float = Field(5.0, gt=0, le=60)
    smtp_per_second: float = Field(5.0, gt=0, le=10_000, description="mails of one worker")
    robot_timeout: float = Field(5.0, gt=0, le=60)
    robot_per_second: float = Field(5.0, gt=0, le=10_000, description="messages of one worker to one vendor")
    robot_stand_in: str = Field("", description="an address to write to instead of the robots' vendors, to try it out")
    sweep_seconds: float = Field(5.0, gt=0)
    sweep_batch: int = Field(200, ge=1, le=10_000, description="tickets claimed at once")
    brake_notices: int = Field(10, ge=1, le=1000, description="notices of rungs a person gets one by one in a window")
    brake_urgent: int = Field(20, ge=1, le=1000, description="urgent ones a person gets one by one in a window")
    brake_seconds: int = Field(300, ge=1, le=86_400, description="that window; what is beyond comes in one digest")
    audit_anchor_file: Path | None = Field(None, description="where the head of the audit's chain is written each day")
    reveals_ceiling: int = Field(
        40, ge=1, le=10_000, description="callers a person looks at in a day before others are told"
    )
    audit_anchor_url: str = Field("", description="an address that takes that head by POST, with a token if one is set")
    audit_anchor_token: SecretStr | None = None
    audit_anchor_syslog: str = Field("", description="a syslog server that takes it over TCP, as host[:port]")
    check_seconds: float = Field(900.0, gt=0, description="how often the leader asks the invariants")
    archive_after_days: int = Field(
        30, ge=1, le=3660, description="days after its end a ticket is archived; never while it can be reopened"
    )
    archive_seconds: float = Field(3600.0, gt=0, description="how often it is looked for what is to be archived")
    relay_poll_seconds: float = Field(1.0, gt=0)
    relay_lease_seconds: float = Field(
        20.0, gt=0, description="a published message not done by then is published again"
    )
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(None, ge=1, le=65535, description="where a worker or scheduler shows its metrics")
    outbox_alarm_seconds: float = Field(
        120.0, gt=0, description="a message due for longer is told to the administrators, once a day"
    )
    outbox_keep_days: int = Field(30, ge=8, le=3660, description="days a delivered message is kept in the outbox")
    otlp_endpoint: str = Field("", description="an OpenTelemetry collector, as http://host:4318; without one no traces")
    log_json: bool = True

    @property
    def over_tls(self) -> bool:
        """Whether people reach the service by https."""
        return self.public_url.startswith("https://")

    @property
    def own_hosts(self) -> tuple[str, ...]:
        """The further names, one by one."""
        return tuple(host.strip() for host in self.hosts.split(",") if host.strip())

    @field_validator("database_url")
    @classmethod
    def _driver(cls, url: str) -> str:
        """Accept the address as PostgreSQL tools write it; the driver is psycopg 3."""
        for plain in ("postgresql://", "postgres://"):
            if url.startswith(plain):
                return _hosts_apart("postgresql+psycopg://" + url.removeprefix(plain))
        return _hosts_apart(url)

    @model_validator(mode="before")
    @classmethod
    def _address_from_file(cls, values: dict[str, Any]) -> dict[str, Any]:
        """A secret comes as a file: an environment is shown by too many tools."""
        file = values.get("database_url_file")
        if file and not values.get("database_url"):
            try:
                return {**values, "database_url": Path(file).read_text().strip()}
            except OSError as error:
                raise ValueError(f"can't read {file}: {error.strerror}") from None
        return values

    def key_ring(self) -> KeyRing:
        """The master keys. Raises SettingsMissing when none is given, when one is not 32 bytes of base64, and outside
        the demo for one that nobody made at random."""
        text = ""
        if self.master_key is not None:
            text = self.master_key.get_secret_value()
        elif self.master_key_file is not None and self.master_key_file.is_file():
            text = self.master_key_file.read_text()
        try:
            ring = read_ring(text)
        except KeyRingUnreadable as error:
            raise SettingsMissing(
                "缺少加密主密钥,或写法有误:请设置 HOTLINE_MASTER_KEY 或 HOTLINE_MASTER_KEY_FILE"
                f"(每行 版本号:32 字节 base64):{error.zh}。可用 hotline keys new 生成。\n"
                "No master key, or not as it is written: set HOTLINE_MASTER_KEY or HOTLINE_MASTER_KEY_FILE "
                f"(a line each, version:32 bytes in base64): {error.en}. Make one with: hotline keys new"
            ) from None
        regular = [key.version for key in ring.keys if key.too_regular]
        if regular and not self.demo:
            raise SettingsMissing(
                f"主密钥(版本 {regular[0]})不是随机生成的:全零、有规律、示例或口令都不能用来加密职工信息,服务不启动。"
                "请用 hotline keys new 生成。\n"
                f"Master key {regular[0]} was not made at random: zeros, patterns, examples and pass phrases seal "
                "nobody's data, so nothing starts. Make one with: hotline keys new"
            )
        return ring

    @property
    def second_factor_required(self) -> frozenset[str]:
        """The roles that must show a second factor; unless they are set supervisors and administrators, and in a demo
        nobody."""
        default = "" if self.demo else "supervisor,admin"
        names = default if self.second_factor_roles is None else self.second_factor_roles
        return frozenset(filter(None, (name.strip() for name in names.split(","))))

    @property
    def idle(self) -> timedelta:
        """After how long without use a login ends."""
        return timedelta(minutes=self.idle_minutes)

    def sms_key(self) -> str:
        """The secret shared with the SMS gateway. Raises SettingsMissing when none is given."""
        if self.sms_secret is not None:
            return self.sms_secret.get_secret_value()
        if self.sms_secret_file is not None and self.sms_secret_file.is_file():
            return self.sms_secret_file.read_text().strip()
        raise SettingsMissing(
            "已设置 HOTLINE_SMS_URL,但缺少密钥:请设置 HOTLINE_SMS_SECRET 或 HOTLINE_SMS_SECRET_FILE。\n"
            "HOTLINE_SMS_URL is set without a secret: set HOTLINE_SMS_SECRET or HOTLINE_SMS_SECRET_FILE."
        )

    def oidc_key(self) -> str:
        """The client's secret at the identity provider. Raises SettingsMissing when none is given."""
        secret = ""
        if self.oidc_client_secret is not None:
            secret = self.oidc_client_secret.get_secret_value()
        elif self.oidc_client_secret_file is not None and self.oidc_client_secret_file.is_file():
            secret = self.oidc_client_secret_file.read_text().strip()
        if secret:
            return secret
        raise SettingsMissing(
            "已设置 HOTLINE_OIDC_ISSUER,但缺少客户端密钥:请设置 HOTLINE_OIDC_CLIENT_SECRET 或"
            " HOTLINE_OIDC_CLIENT_SECRET_FILE。\n"
            "HOTLINE_OIDC_ISSUER is set without the client's secret: set HOTLINE_OIDC_CLIENT_SECRET or"
            " HOTLINE_OIDC_CLIENT_SECRET_FILE."
        )

    def smtp_key(self) -> str:
        """The password at the mail server, empty where none is set. Raises SettingsMissing where its file is not
        there."""
        if self.smtp_password is not None:
            return self.smtp_password.get_secret_value()
        if self.smtp_password_file is None:
            return ""
        try:
            return self.smtp_password_file.read_text().strip()
        except OSError:
            raise SettingsMissing(
                "读不到 HOTLINE_SMTP_PASSWORD_FILE 指定的文件。\nThe file of HOTLINE_SMTP_PASSWORD_FILE can't be read."
            ) from None

    def require_servers(self) -> None:
        """Raises SettingsMissing unless both server addresses are set."""
        missing = [
            name
            for name, value in (
                ("HOTLINE_DATABASE_URL", self.database_url),
                ("HOTLINE_REDIS_URL", self.redis_url),
            )
            if not value
        ]
        if missing:
            names = " , ".join(missing)
            raise SettingsMissing(
                f"缺少设置 {names}。单机试用请运行 hotline up。\n"
                f"{names} is not set. To try it on one machine run: hotline up"
            )


def _hosts_apart(url: str) -> str:
    """An address of several hosts, `//h1:p1,h2:p2/db`, as SQLAlchemy reads it: `///db?host=h1,h2&port=p1,p2`."""
    parts = urlsplit(url)
    login, at, hosts = parts.netloc.rpartition("@")
    if "," not in hosts:
        return url
    places = [_HOST_AND_PORT.fullmatch(place) for place in hosts.split(",")]
    if not all(places):
        raise ValueError("several hosts are written host:port,host:port")
    names = ",".join(place["host"] for place in places if place)
    ports = ",".join(place["port"] or "5432" for place in places if place)
    query = "&".join(filter(None, (f"host={names}", f"port={ports}", parts.query)))
    return urlunsplit(parts._replace(netloc=login + at, query=query))


def load_settings() -> Settings:
    """Read the environment. Raises SettingsMissing with one line for each wrong value."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"HOTLINE_{str(e['loc'][0]).upper()}: {e['msg']}" if e["loc"] else e["msg"] for e in error.errors()]
        raise SettingsMissing("设置有误 / Wrong settings:\n" + "\n".join(lines)) from None
