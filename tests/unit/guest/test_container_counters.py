"""What a container counts of a call: as far as two readings can tell."""

import pytest

from poet_engine.guest.container_counters import NOT_COUNTED, ContainerReading, most_tasks


@pytest.mark.parametrize(
    ("start", "now", "most"),
    [
        (ContainerReading(tasks=2, tasks_peak=3), ContainerReading(tasks=2, tasks_peak=7), 7),
        (ContainerReading(tasks=2, tasks_peak=7), ContainerReading(tasks=4, tasks_peak=7), 4),
        (ContainerReading(tasks=3), ContainerReading(tasks=2), 3),
        (ContainerReading(), ContainerReading(), NOT_COUNTED),
    ],
)
def test_the_most_tasks_are_a_new_peak_or_what_was_seen(
    start: ContainerReading, now: ContainerReading, most: int
) -> None:
    assert most_tasks(start, now) == most
