"""Runs an interactive command in a terminal of its own and answers its questions."""

import os
import pty
import select
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path


def answer(
    command: str,
    answers: Mapping[str, str],
    folder: Path,
    environment: Mapping[str, str],
    seconds: float = 60,
) -> str:
    """What the command prints. `answers`: a part of each question, in order, with the reply."""
    controller, terminal = pty.openpty()
    process = subprocess.Popen(
        ["sh", "-c", command],
        cwd=folder,
        env={**environment, "TERM": "dumb"},
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
        start_new_session=True,
    )
    os.close(terminal)
    output, unread = "", ""
    waiting = list(answers.items())
    deadline = time.monotonic() + seconds
    try:
        while time.monotonic() < deadline:
            if select.select([controller], [], [], 0.1)[0]:
                try:
                    new = os.read(controller, 4096).decode(errors="replace")
                except OSError:  # the terminal is closed when the command has ended
                    break
                output, unread = output + new, unread + new
            if waiting and waiting[0][0] in unread:
                _, reply = waiting.pop(0)
                unread = ""
                os.write(controller, f"{reply}\n".encode())
        code = process.wait(10)
    finally:
        process.kill()
        process.wait()
        os.close(controller)
    assert code == 0, output
    assert waiting == [], output
    return output
