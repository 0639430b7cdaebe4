"""Long pages are generated one after the other; short ones, and long ones that waited long enough, at once."""

import threading

from images.http.large_page_slot import long_page_slot
from images.http.pagination import LARGEST_PAGE, PAGE
from tests.support.processes.process_tree import eventually


def test_a_long_page_waits_for_another_and_a_short_one_for_none() -> None:
    first, second = threading.Event(), threading.Event()

    def page_after_page() -> None:
        with long_page_slot(LARGEST_PAGE):
            second.set()

    with long_page_slot(PAGE + 1):
        waiting = threading.Thread(target=page_after_page)
        waiting.start()
        with long_page_slot(PAGE):
            first.set()
        assert first.is_set()
        assert not second.wait(0.3)
    assert second.wait(0.5)
    waiting.join()


def test_a_page_that_has_waited_a_second_starts_without_the_slot() -> None:
    started = threading.Event()

    def page() -> None:
        with long_page_slot(LARGEST_PAGE):
            started.set()

    with long_page_slot(LARGEST_PAGE):
        waiting = threading.Thread(target=page)
        waiting.start()
        assert eventually(started.is_set, 5)
        waiting.join()
        again = threading.Thread(target=page)
        started.clear()
        again.start()
        assert not started.wait(0.3)
    again.join()
    assert started.is_set()
