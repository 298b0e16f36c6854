"""The script between fork and exec: take on an account, tie our life to the parent's, become the program.

`launching.launcher` writes its command line. It is an interpreter of its own and not a preexec_fn: that runs
Python in a forked copy of a process which may have threads, and may hang on a lock one of them held. Standard
library only, and little of it: it runs with neither the environment nor this package on its path.
"""

from __future__ import annotations

import ctypes
import os
import sys

# Of linux/prctl.h and linux/capability.h.
_PR_SET_PDEATHSIG = 1
_PR_SET_KEEPCAPS = 8
_PR_CAP_AMBIENT = 47
_PR_CAP_AMBIENT_RAISE = 2
_CAP_DAC_OVERRIDE = 1
_CAPABILITY_VERSION_3 = 0x20080522


def main() -> None:
    """Arguments: pid of the parent; signal at its death; uid and gid; whether to reach; lock; command line.

    No signal is 0, no account and no lock -1. The lock's file gets our pid, which is the program's.
    """
    parent, death_signal, uid, gid, reach, lock = map(int, sys.argv[1:7])
    if lock >= 0:
        os.ftruncate(lock, 0)
        os.pwrite(lock, b"%d\n" % os.getpid(), 0)
    if uid >= 0:
        _take_account(uid, gid, reach=bool(reach))
    if death_signal and sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, death_signal)  # after setuid, which clears it
        if os.getppid() != parent:
            sys.exit("the parent ended while this was starting")
    os.execv(sys.argv[7], sys.argv[7:])  # noqa: S606 - becoming the program is what this is for


def _take_account(uid: int, gid: int, *, reach: bool) -> None:
    """`reach`: keep the one capability to pass through folders closed to the account."""
    if reach:
        _prctl(_PR_SET_KEEPCAPS, 1)
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)
    if reach:
        header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
        # Effective, permitted, inheritable; then the upper halves of the three.
        wanted = (ctypes.c_uint32 * 6)(*[1 << _CAP_DAC_OVERRIDE] * 3, 0, 0, 0)
        _must(_libc().capset(header, wanted), "capset")
        _prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, _CAP_DAC_OVERRIDE)


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _prctl(option: int, *values: int) -> None:
    padded = (ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)[:4])
    _must(_libc().prctl(option, *padded), f"prctl {option}")


def _must(result: int, what: str) -> None:
    if result != 0:
        sys.exit(f"{what}: {os.strerror(ctypes.get_errno())}")


if __name__ == "__main__":
    main()
