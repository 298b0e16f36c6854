"""One engine for all threads of a process: an engine too many is a pool too many."""

import threading
from typing import Any

import pytest

import service.core.db
from service.core.db import Database


def test_threads_that_ask_at_once_are_given_the_same_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    both_are_making_one = threading.Barrier(2)

    def slow(*args: Any, **kwargs: Any) -> object:
        both_are_making_one.wait(timeout=10)
        return object()

    monkeypatch.setattr(service.core.db, "create_engine", slow)
    database = Database("postgresql+psycopg://nobody@localhost/nowhere")
    given: list[object] = []
    threads = [threading.Thread(target=lambda: given.append(database.engine)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [engine is database.engine for engine in given] == [True, True]
