"""Starting a program tied to the life of this process."""

from __future__ import annotations

import os
import shutil
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

from service.embedded.account import Account

_BECOME = Path(__file__).with_name("become.py")


def launcher(
    argv: Sequence[str], *, death_signal: int = 0, account: Account | None = None, lock: int = -1
) -> list[str]:
    """The command line that becomes `argv`, under the same pid, tied to the life of this process.

    `death_signal` is what Linux sends it when this process ends however it ends (0, and elsewhere: nothing).
    Linux counts the end of the *thread* that started it, so from any but the main thread none is asked for.
    """
    if threading.current_thread() is not threading.main_thread():
        death_signal = 0
    program = shutil.which(argv[0])
    if program is None:
        raise FileNotFoundError(argv[0])
    uid, gid, reach = (account.uid, account.gid, account.reach) if account else (-1, -1, False)
    numbers = (os.getpid(), death_signal, uid, gid, int(reach), lock)
    # -I -S: nothing of the environment's site-packages is wanted, and it starts in 15 ms instead of 60.
    return [sys.executable, "-I", "-S", str(_BECOME), *map(str, numbers), program, *argv[1:]]
