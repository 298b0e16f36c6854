"""How a process of ours is asked to end."""

import signal
import threading
from types import FrameType


def stop_event() -> threading.Event:
    """An event that SIGINT and SIGTERM set. Call from the main thread."""
    stop = threading.Event()

    def on_signal(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, on_signal)
    return stop
