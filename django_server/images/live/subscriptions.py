"""What one connection asked to hear, and which news that is. Pure; held by `connection`."""

from dataclasses import dataclass, replace

from images.live.events import EVERYTHING, Item, batch_group
from images.live.protocol import BadFrameError, Topics

SUBSCRIPTIONS_PER_CONNECTION = 1000


@dataclass(frozen=True)
class Subscriptions:
    """`narrowed` by the first subscribe, and so for good: a client that unsubscribed from all hears nothing."""

    narrowed: bool = False
    everything: bool = False
    batch_groups: frozenset[str] = frozenset()
    job_hexes: frozenset[str] = frozenset()

    @property
    def hears_all(self) -> bool:
        return self.everything or not self.narrowed

    @property
    def groups(self) -> frozenset[str]:
        """The groups whose news is needed. Job ids are picked out of the group of all."""
        if self.hears_all:
            return frozenset({EVERYTHING})
        return self.batch_groups | ({EVERYTHING} if self.job_hexes else frozenset())

    def heard(self, group: str, items: list[Item]) -> list[Item]:
        """Those of a group's items this connection is to be told."""
        if group != EVERYTHING:
            return items if group in self.groups else []
        if self.hears_all:
            return items
        return [item for item in items if item.job_hex in self.job_hexes]

    def plus(self, topics: Topics) -> "Subscriptions":
        """Subscribed to `topics` as well.

        Raises: BadFrameError when that is more than a connection may have.
        """
        more = replace(
            self,
            narrowed=True,
            everything=self.everything or topics.everything,
            batch_groups=self.batch_groups | _batch_groups(topics),
            job_hexes=self.job_hexes | _job_hexes(topics),
        )
        if len(more.batch_groups) + len(more.job_hexes) + more.everything > SUBSCRIPTIONS_PER_CONNECTION:
            raise BadFrameError(
                f"A connection may have {SUBSCRIPTIONS_PER_CONNECTION} subscriptions at most."
            )
        return more

    def minus(self, topics: Topics) -> "Subscriptions":
        """Without `topics`; what was not subscribed is no error. A plain listener stays one."""
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
