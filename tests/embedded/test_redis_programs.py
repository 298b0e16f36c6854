"""Which Redis is run, and what becomes of data it cannot read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from service.embedded import DataFolder, RedisMissing, redis_program, start_redis
from service.embedded.redis_program import find_redis, wheel_redis
from tests.embedded.stores import client


def test_the_redis_of_the_wheel_serves_where_the_path_has_none(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with DataFolder(data) as folder:
        for _ in range(2):
            server = start_redis(folder)
            with client(server.url) as store:
                assert str(store.info()["redis_version"]).startswith("6.2.")
                rounds = store.incr("rounds")
            server.stop()
    assert rounds == 2


def test_a_redis_on_the_path_too_old_or_broken_is_passed_over(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, prints in (("redis-server", "Redis server v=4.0.9 sha=0"), ("valkey-server", "cannot run")):
        (tmp_path / name).write_text(f"#!/bin/sh\necho '{prints}'\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    assert find_redis().path == wheel_redis()


def test_where_there_is_no_redis_the_message_says_what_to_install(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(redis_program, "wheel_redis", lambda: None)
    with DataFolder(data) as folder, pytest.raises(RedisMissing) as missing:
        start_redis(folder)
    for sentence in (missing.value.zh, missing.value.en):
        assert "apt install redis-server" in sentence
        assert "HOTLINE_REDIS_URL" in sentence


def test_what_a_newer_redis_wrote_is_put_aside_and_kept(data: Path) -> None:
    wheel = wheel_redis()
    with DataFolder(data) as folder:
        (folder.redis / "appendonlydir").mkdir()
        (folder.redis / "appendonlydir" / "kept").touch()
        start_redis(folder, program=wheel).stop()
        # 80 is Valkey's own numbering, beyond what any Redis reads.
        (folder.redis / "appendonly.aof").write_bytes(b"REDIS0080" + b"\xff" * 9)
        start_redis(folder, program=wheel).stop()
    assert (data / "redis.aside-1" / "appendonlydir" / "kept").exists()
    assert (data / "redis.aside-2" / "appendonly.aof").exists()
