"""What can go wrong with the embedded servers; each error says what to do about it, in two languages."""

from __future__ import annotations


class EmbeddedError(Exception):
    """What went wrong with the embedded servers and what to do, as `zh` and `en`; `str()` gives both."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(f"{zh}\n{en}")
        self.zh = zh
        self.en = en


class DataFolderInUse(EmbeddedError):
    """Another process works on this data folder."""


class DataFolderUnusable(EmbeddedError):
    """The data folder cannot be made, read or written."""


class PostgresVersionDiffers(EmbeddedError):
    """The data was made by another major version of PostgreSQL."""


class ServerNotInstalled(EmbeddedError):
    """The programs of a server are not there, or cannot be run by the account that would run them."""


class RedisMissing(ServerNotInstalled):
    """Neither the system nor the environment has a Redis to run."""


class ServerWillNotStart(EmbeddedError):
    """A server ended, or did not answer, while it was being started."""


class ServerWillNotStop(EmbeddedError):
    """A server left over from an earlier run is still at work on the folder."""
