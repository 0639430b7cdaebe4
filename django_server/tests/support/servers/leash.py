"""A program that runs a command under an account and exits with the process that started it.

    python leash.py SIGNAL_NUMBER PARENT_PID ACCOUNT COMMAND...

ACCOUNT may be empty. A program of its own because tests have threads, and a fork of those may only exec.
"""

import os
import pwd
import shutil
import signal
import sys
from pathlib import Path


def leashed(command: list[str], number: signal.Signals, account: str = "") -> list[str]:
    """A command line that runs `command` and sends it the signal when the calling thread ends."""
    # -I and -S: load nothing that another account may not read.
    return [sys.executable, "-IS", __file__, str(int(number)), str(os.getpid()), account, *command]


def _become(signal_number: int, parent_pid: int, account: str, command: list[str]) -> None:
    from serve.child_process import die_with_parent

    if account:
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    # After the change of account, which resets it.
    die_with_parent(signal_number, parent_pid)
    os.execv(shutil.which(command[0]) or command[0], command)  # noqa: S606  no shell is wanted


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[3]))
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], sys.argv[4:])
