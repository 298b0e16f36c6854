"""The data folder: one process at a time, nothing of others touched, nothing open to others."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from service.embedded import (
    DataFolder,
    DataFolderInUse,
    DataFolderUnusable,
    PostgresVersionDiffers,
    embedded_servers,
    open_log,
)


def test_a_second_start_in_the_same_process_is_refused_too(data: Path) -> None:
    with DataFolder(data), pytest.raises(DataFolderInUse):
        DataFolder(data)
    DataFolder(data).close()


def test_a_child_that_outlives_us_does_not_keep_the_folder_locked(data: Path) -> None:
    with DataFolder(data):
        child = subprocess.Popen(["sleep", "60"], close_fds=False)
    try:
        DataFolder(data).close()
    finally:
        child.kill()
        child.wait()


def test_data_of_another_major_version_is_refused_with_what_to_do(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("15\n")
    with pytest.raises(PostgresVersionDiffers) as refused, embedded_servers(data):
        pass
    for sentence in (refused.value.zh, refused.value.en):
        assert "PostgreSQL 15" in sentence
        assert "pg_dump" in sentence


def test_a_folder_that_holds_something_else_is_refused(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "thesis.txt").write_text("do not touch")
    with pytest.raises(DataFolderUnusable, match="other files"), embedded_servers(data):
        pass
    assert (data / "postgres" / "thesis.txt").read_text() == "do not touch"


def test_a_path_that_is_no_folder_is_refused(data: Path) -> None:
    data.write_text("a file")
    with pytest.raises(DataFolderUnusable, match="Choose another folder"):
        DataFolder(data)


def test_secrets_and_logs_are_for_their_owner_alone(data: Path) -> None:
    with embedded_servers(data, durable=False):
        private = [
            *(data / "keys").iterdir(),
            *(data / "logs").iterdir(),
            data / "run" / "s",
            data / "postgres",
        ]
        assert len(private) >= 5
        for path in private:
            assert path.stat().st_mode & 0o077 == 0, path


def test_a_large_log_is_put_aside_at_the_next_start(tmp_path: Path) -> None:
    file = tmp_path / "redis.log"
    for size, aside in ((5 * 1024 * 1024, False), (1, False), (0, True)):
        with open_log(file) as log:
            assert (tmp_path / "redis.log.1").exists() is aside
            log.write(b"x" * size)
