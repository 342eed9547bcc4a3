"""What the machine says of itself, read with the real psutil."""

from poet_engine.metrics.gauges import Host, Lanes


def test_a_reading_is_of_this_machine() -> None:
    found = Host(lambda: [Lanes(4, 1, 0), Lanes(2, 2, 3)]).read()
    assert 0 < found.memory_available_bytes <= found.memory_total_bytes
    assert 0 < found.process_memory_bytes < found.memory_total_bytes
    assert found.cores >= 1
    assert found.lanes == Lanes(6, 3, 3)


def test_the_first_reading_has_nothing_to_compare_processor_time_with() -> None:
    host = Host(list)
    assert host.read().cpu_percent is None
    second = host.read().cpu_percent
    assert second is not None
    assert second >= 0
