"""Starts child processes in order, restarts each one that exits, and stops them in order.

Does not know what the processes do: `run.py` passes their specs. Runs in one thread. `restart_policy.py` decides
whether and when to restart a process.
"""

import time
from collections.abc import Callable, Sequence

from serve.child_log import last_lines
from serve.child_process import Child, ChildSpec, describe_exit
from serve.restart_policy import GiveUp, RestartPolicy, decide_restart
from serve.serve_error import ServeError
from serve.stop_signals import StopSignals

# A person does not notice this delay, and twenty polls a second cost no measurable CPU.
POLL_SECONDS = 0.05
READY_WITHIN_SECONDS = 60.0
LINES_SHOWN = 15
# An idle site starts or stops within this time. After that a person wonders what it waits for.
EXPLAIN_AFTER_SECONDS = 4.0


def _never() -> bool:
    return False


class Supervisor:
    """The child processes of one `make run`. `print_line` prints one line for the operator."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        stop_order: Sequence[str],
        signals: StopSignals,
        print_line: Callable[[str], None],
        policy: RestartPolicy,
        code_changed: Callable[[], bool] = _never,
    ) -> None:
        """`specs`: in the order in which to start them.

        `stop_order`: the name of every spec without `runs_once`, in the order in which to stop them. `code_changed`:
        whether to restart the processes with `reloads`.
        """
        self._children = {spec.name: Child(spec) for spec in specs}
        self._stop_order = stop_order
        self._signals = signals
        self._print_line = print_line
        self._policy = policy
        self._code_changed = code_changed
        self._restartable: list[str] = []  # names of the started processes without `runs_once`
        self._exit_times: dict[str, list[float]] = {name: [] for name in self._children}
        self._restart_at: dict[str, float] = {}
        self._reloading: dict[str, float] = {}  # name -> when to kill the terminated process
        self._waiting_for_change: set[str] = set()
        self._started = False

    def start_all(self) -> None:
        """Start every process and wait until all are ready. Returns early when a stop is requested.

        Raises: ServeError when a process that runs once fails, or another one keeps exiting or is not ready in 60 s.
        """
        not_ready: list[Child] = []
        for child in self._children.values():
            if child.spec.runs_once:
                # A process that runs once may need the processes started before it.
                self._await_readiness(not_ready)
                not_ready = []
                self._run_once(child)
            elif not self._signals.stop_requested:
                child.start()
                self._restartable.append(child.spec.name)
                not_ready.append(child)
        self._await_readiness(not_ready)
        self._started = True

    def watch(self) -> None:
        """Keep all processes running until a stop is requested. Raises: ServeError when a process keeps exiting."""
        while not self._signals.stop_requested:
            if self._code_changed():
                self._reload()
            self._handle_exits()
            time.sleep(POLL_SECONDS)

    def stop_all(self) -> None:
        """Stop the processes one after the other. A process that outlasts its grace period is killed.

        Returns when no process is running.
        """
        stop_started = time.monotonic()
        explained = False
        interrupted = [
            name for name, child in self._children.items() if child.spec.runs_once and child.is_running
        ]
        for name in [*interrupted, *self._stop_order]:
            child = self._children[name]
            child.terminate()
            kill_at = time.monotonic() + child.spec.grace_seconds
            while child.is_running:
                if self._signals.force_requested or time.monotonic() > kill_at:
                    child.kill()
                if not explained and time.monotonic() - stop_started > EXPLAIN_AFTER_SECONDS:
                    explained = True
                    self._print_line(
                        f"Stopping: {name} finishes its current work (press Ctrl+C again to stop without waiting)."
                    )
                time.sleep(POLL_SECONDS)
            # A process that was killed cannot stop its own children, such as the pool of a worker.
            child.kill_process_group()

    def _await_readiness(self, children: Sequence[Child]) -> None:
        """Wait until all of `children` are ready, and restart those that exit meanwhile. Raises: ServeError."""
        started = time.monotonic()
        for child in children:
            explained = False
            while not self._signals.stop_requested and not (child.is_running and child.spec.is_ready()):
                waited = time.monotonic() - started
                if waited > READY_WITHIN_SECONDS:
                    reason = _unavailable(child)
                    raise ServeError(
                        f"{child.spec.name} was not ready within {READY_WITHIN_SECONDS:.0f} s{reason}."
                        f"{_log_tail(child)}"
                    )
                if waited > EXPLAIN_AFTER_SECONDS and not explained and (reason := _unavailable(child)):
                    explained = True
                    self._print_line(f"Waiting for {child.spec.name}{reason}.")
                self._handle_exits()
                time.sleep(POLL_SECONDS)

    def _run_once(self, child: Child) -> None:
        """Run the process to its end, and keep the others running meanwhile. Raises: ServeError if it fails."""
        if self._signals.stop_requested:
            return
        child.start()
        while child.is_running:
            if self._signals.stop_requested:
                child.terminate()
                if self._signals.force_requested:
                    child.kill()
            self._handle_exits()
            time.sleep(POLL_SECONDS)
        exit_code = child.exit_code
        child.kill_process_group()
        if exit_code and not self._signals.stop_requested:
            raise ServeError(f"{child.spec.name} {describe_exit(exit_code)}.{_log_tail(child)}")

    def _handle_exits(self) -> None:
        """Schedule a restart for each process that has exited, and restart each one whose pause is over."""
        now = time.monotonic()
        for name in self._restartable:
            child = self._children[name]
            if child.is_running:
                if now > self._reloading.get(name, now):
                    child.kill()
            elif name in self._reloading:
                del self._reloading[name]
                child.kill_process_group()
                child.start()
            elif name in self._waiting_for_change:
                continue
            elif name not in self._restart_at:
                self._schedule_restart(child, now)
            elif now >= self._restart_at[name]:
                del self._restart_at[name]
                child.start()

    def _reload(self) -> None:
        """Terminate the processes with `reloads`. `_handle_exits` starts each of them again when it has exited."""
        children = [self._children[name] for name in self._restartable if self._children[name].spec.reloads]
        for child in children:
            child.terminate()
            self._reloading.setdefault(child.spec.name, time.monotonic() + child.spec.grace_seconds)
            self._restart_at.pop(child.spec.name, None)
        self._waiting_for_change.clear()
        names = ", ".join(child.spec.name for child in children)
        self._print_line(f"The code has changed: restarting {names}.")

    def _schedule_restart(self, child: Child, now: float) -> None:
        """Set the time of the restart of an exited process. Raises: ServeError if it has exited too often."""
        name = child.spec.name
        exit_code = child.exit_code or 0
        description = describe_exit(exit_code)
        # Processes that the exited one left running must not work beside those of its successor.
        child.kill_process_group()
        if child.spec.reloads and self._started and exit_code > 0:
            self._waiting_for_change.add(name)
            self._print_line(
                f"{name} {description}; it starts again when the code changes.{_log_hint(child)}"
            )
            return
        exits = [moment for moment in self._exit_times[name] if now - moment <= self._policy.window_seconds]
        self._exit_times[name] = exits = [*exits, now]
        decision = decide_restart(self._policy, exits, now)
        if isinstance(decision, GiveUp):
            raise ServeError(
                f"{name} {description} (exit {decision.exits} within {self._policy.window_seconds:g} s): giving up."
                f"{_log_tail(child)}"
            )
        self._print_line(
            f"{name} {description}; starting it again in {decision.seconds:g} s.{_log_hint(child)}"
        )
        self._restart_at[name] = now + decision.seconds


def _unavailable(child: Child) -> str:
    """What the process lacks, as a clause; empty if unknown."""
    reason = child.spec.why_not_ready() if child.is_running else ""
    return f", which reports as unavailable: {reason}" if reason else ""


def _log_hint(child: Child) -> str:
    return "" if child.spec.log is None else f" Its log: {child.spec.log}"


def _log_tail(child: Child) -> str:
    if child.spec.log is None:
        return ""
    lines = last_lines(child.spec.log, LINES_SHOWN)
    return "\n".join([f" The end of {child.spec.log}:", *(f"  {line}" for line in lines)])
