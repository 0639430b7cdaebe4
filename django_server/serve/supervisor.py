"""Starts children in order, restarts those that die, stops them in order. Knows nothing of what they are.

Called by `run.py` with the plan. One thread, one loop; decisions are in `restart.py`.
"""

import time
from collections.abc import Callable, Sequence

from serve.child_log import last_lines
from serve.child_process import Child, ChildSpec, describe_end
from serve.restart_policy import GiveUp, RestartPolicy, after_death
from serve.serve_error import ServeError
from serve.stop_signals import StopSignals

# Short beside what a person notices; twenty looks a second cost nothing measurable.
LOOK_EVERY_SECONDS = 0.05
READY_WITHIN_SECONDS = 60.0
LINES_SHOWN = 15
# An idle site takes three seconds. After more a person wonders why Ctrl+C has not ended it.
EXPLAIN_AFTER_SECONDS = 5.0


class Supervisor:
    """The children of one site. `say` prints one line for a person."""

    def __init__(
        self,
        specs: Sequence[ChildSpec],
        stop_order: Sequence[str],
        stop: StopSignals,
        say: Callable[[str], None],
        policy: RestartPolicy,
    ) -> None:
        """`specs` in the order of starting; `stop_order` names each of them that keeps running."""
        self._children = {spec.name: Child(spec) for spec in specs}
        self._stop_order = stop_order
        self._stop = stop
        self._say = say
        self._policy = policy
        self._watched: list[str] = []
        self._deaths: dict[str, list[float]] = {name: [] for name in self._children}
        self._start_at: dict[str, float] = {}

    def bring_up(self) -> None:
        """Starts every child, then waits until each is ready. Returns early when asked to stop.

        Raises: ServeError when one fails, keeps dying or is not ready within a minute.
        """
        not_ready: list[Child] = []
        for child in self._children.values():
            if child.spec.once:
                # What runs once may need those before it.
                self._await_readiness(not_ready)
                not_ready = []
                self._run_once(child)
            elif not self._stop.asked:
                child.start()
                self._watched.append(child.spec.name)
                not_ready.append(child)
        self._await_readiness(not_ready)

    def watch(self) -> None:
        """Keeps all children running until asked to stop. Raises: ServeError when one keeps dying."""
        while not self._stop.asked:
            self._look()
            time.sleep(LOOK_EVERY_SECONDS)

    def bring_down(self) -> None:
        """Ends the children one after the other, each within its grace; returns when none is left."""
        started = time.monotonic()
        explained = False
        unfinished = [name for name, child in self._children.items() if child.spec.once and child.is_running]
        for name in [*unfinished, *self._stop_order]:
            child = self._children[name]
            child.ask_to_end()
            kill_at = time.monotonic() + child.spec.grace_seconds
            while child.is_running:
                if self._stop.in_a_hurry or time.monotonic() > kill_at:
                    child.kill()
                if not explained and time.monotonic() - started > EXPLAIN_AFTER_SECONDS:
                    explained = True
                    self._say(f"Stopping: {name} finishes what it has begun (Ctrl+C again to stop at once).")
                time.sleep(LOOK_EVERY_SECONDS)
            child.end_what_it_left()

    def _await_readiness(self, children: Sequence[Child]) -> None:
        deadline = time.monotonic() + READY_WITHIN_SECONDS
        for child in children:
            while not self._stop.asked and not (child.is_running and child.spec.is_ready()):
                if time.monotonic() > deadline:
                    raise ServeError(
                        f"{child.spec.name} did not answer within {READY_WITHIN_SECONDS:.0f} s.{_tail(child)}"
                    )
                self._look()
                time.sleep(LOOK_EVERY_SECONDS)

    def _run_once(self, child: Child) -> None:
        if self._stop.asked:
            return
        child.start()
        while child.is_running:
            if self._stop.asked:
                child.ask_to_end()
                if self._stop.in_a_hurry:
                    child.kill()
            self._look()
            time.sleep(LOOK_EVERY_SECONDS)
        exit_code = child.exit_code
        child.end_what_it_left()
        if exit_code and not self._stop.asked:
            raise ServeError(f"{child.spec.name} {describe_end(exit_code)}.{_tail(child)}")

    def _look(self) -> None:
        """Restarts what died and whose pause is over."""
        now = time.monotonic()
        for name in self._watched:
            child = self._children[name]
            if child.is_running:
                continue
            if name not in self._start_at:
                self._note_death(child, now)
            elif now >= self._start_at[name]:
                del self._start_at[name]
                child.start()

    def _note_death(self, child: Child, now: float) -> None:
        name = child.spec.name
        end = describe_end(child.exit_code or 0)
        child.end_what_it_left()
        deaths = [moment for moment in self._deaths[name] if now - moment <= self._policy.window_seconds]
        self._deaths[name] = deaths = [*deaths, now]
        decision = after_death(self._policy, deaths, now)
        if isinstance(decision, GiveUp):
            raise ServeError(
                f"{name} {end}, for the {decision.deaths}th time in a minute: giving up.{_tail(child)}"
            )
        self._say(f"{name} {end}; starting it again in {decision.seconds:g} s.{_log_hint(child)}")
        self._start_at[name] = now + decision.seconds


def _log_hint(child: Child) -> str:
    return "" if child.spec.log is None else f" Its log: {child.spec.log}"


def _tail(child: Child) -> str:
    if child.spec.log is None:
        return ""
    lines = last_lines(child.spec.log, LINES_SHOWN)
    return "\n".join([f" The end of {child.spec.log}:", *(f"  {line}" for line in lines)])
