"""A program that replaces itself with the command, with fewer permissions or less space than the test run has.

python harsh.py unprivileged COMMAND...      file permissions apply, also for root
python harsh.py full:BYTES COMMAND...        no file can grow beyond BYTES, as on a full disk
"""

import ctypes
import os
import resource
import signal
import sys

HARSH = (sys.executable, __file__)
_PR_CAPBSET_DROP = 24
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2


def _become(condition: str, command: list[str]) -> None:
    kind, _, number = condition.partition(":")
    if kind == "full":
        # Python ignores the signal, so that a write fails as on a full disk.
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(number), int(number)))
    elif os.getuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH):
            if libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) != 0:
                raise OSError(ctypes.get_errno(), "prctl(PR_CAPBSET_DROP)")
    os.execv(command[0], command)  # noqa: S606  no shell is needed


if __name__ == "__main__":
    _become(sys.argv[1], sys.argv[2:])
