"""A child process for tests of the supervisor: python standin_child.py FOLDER NAME BEHAVIOUR

It records its start and its graceful exit in FOLDER/events ("start NAME PID", "end NAME").
Behaviours: `good`; `stubborn` (ignores SIGTERM); `with-helper` (starts a process and leaves it running on
SIGTERM); `broken` (exits immediately, with a reason); `slow` (takes two seconds to exit).
"""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import FrameType


def main(folder: Path, name: str, behaviour: str) -> None:
    def note(event: str) -> None:
        with (folder / "events").open("a") as events:
            events.write(f"{event}\n")

    def end(_number: int, _frame: FrameType | None) -> None:
        if behaviour == "slow":
            time.sleep(2)
        note(f"end {name}")
        sys.exit(0)

    signal.signal(signal.SIGTERM, signal.SIG_IGN if behaviour == "stubborn" else end)
    if behaviour == "with-helper":
        helper = subprocess.Popen([sys.executable, __file__, str(folder), f"{name}-helper", "good"])
        assert helper.pid
    if behaviour == "broken":
        sys.exit("The reason why it is broken.")
    note(f"start {name} {os.getpid()}")
    while True:
        time.sleep(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
