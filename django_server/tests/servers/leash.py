"""Run as a program: becomes the command, under the account, and ends with the process that started it.

    python leash.py SIGNAL_NUMBER PARENT_PID ACCOUNT COMMAND...

ACCOUNT may be empty. A program of its own because tests have threads, and a fork of those may only exec.
"""

import os
import pwd
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from config.serving.children import die_with_parent

if __name__ == "__main__":
    signal_number, parent_pid, account, *command = sys.argv[1:]
    if account:
        entry = pwd.getpwnam(account)
        os.setgroups([])
        os.setgid(entry.pw_gid)
        os.setuid(entry.pw_uid)
    # After the change of account, which would undo it.
    die_with_parent(int(signal_number), int(parent_pid))
    os.execv(command[0], command)  # noqa: S606  no shell is wanted
