"""The subscriptions of one connection, and the events that they select. Pure. Used by `consumers`."""

from dataclasses import dataclass, replace

from images.live.events import ALL_GROUP, EventFrame, batch_group
from images.live.protocol import BadFrameError, Topics

SUBSCRIPTIONS_PER_CONNECTION = 1000


@dataclass(frozen=True)
class Subscriptions:
    """A connection gets all events until its first subscribe frame, which sets `narrowed`.

    `narrowed` is never unset: a client that then unsubscribes from everything gets no events.
    """

    narrowed: bool = False
    everything: bool = False
    batch_groups: frozenset[str] = frozenset()
    job_hexes: frozenset[str] = frozenset()

    @property
    def includes_all(self) -> bool:
        return self.everything or not self.narrowed

    @property
    def groups(self) -> frozenset[str]:
        """The groups to join. The events of single jobs are filtered from ALL_GROUP."""
        if self.includes_all:
            return frozenset({ALL_GROUP})
        return self.batch_groups | ({ALL_GROUP} if self.job_hexes else frozenset())

    def wanted(self, group: str, events: list[EventFrame]) -> list[EventFrame]:
        """The events of a group that this connection is subscribed to."""
        if group != ALL_GROUP:
            return events if group in self.groups else []
        if self.includes_all:
            return events
        return [event for event in events if event.job_hex in self.job_hexes]

    def plus(self, topics: Topics) -> "Subscriptions":
        """These subscriptions and `topics`.

        Raises: BadFrameError above SUBSCRIPTIONS_PER_CONNECTION.
        """
        extended = replace(
            self,
            narrowed=True,
            everything=self.everything or topics.everything,
            batch_groups=self.batch_groups | _batch_groups(topics),
            job_hexes=self.job_hexes | _job_hexes(topics),
        )
        if (
            len(extended.batch_groups) + len(extended.job_hexes) + extended.everything
            > SUBSCRIPTIONS_PER_CONNECTION
        ):
            raise BadFrameError(
                f"A connection may have {SUBSCRIPTIONS_PER_CONNECTION} subscriptions at most."
            )
        return extended

    def minus(self, topics: Topics) -> "Subscriptions":
        """These subscriptions without `topics`. Topics that are not subscribed are ignored.

        A connection that never subscribed still gets all events.
        """
        return replace(
            self,
            everything=self.everything and not topics.everything,
            batch_groups=self.batch_groups - _batch_groups(topics),
            job_hexes=self.job_hexes - _job_hexes(topics),
        )


def _batch_groups(topics: Topics) -> frozenset[str]:
    return frozenset() if topics.batch_id is None else frozenset({batch_group(topics.batch_id)})


def _job_hexes(topics: Topics) -> frozenset[str]:
    return frozenset(job_id.hex for job_id in topics.job_ids)
