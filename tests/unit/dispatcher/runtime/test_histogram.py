"""Times counted by buckets, the largest kept exactly."""

from __future__ import annotations

from dispatcher.runtime.histogram import BUCKET_NS, BUCKETS, largest_us, new_histogram, note, quantile_us


def test_an_empty_histogram_says_nothing_took_time() -> None:
    assert quantile_us(new_histogram(), 0.99) == 0.0


def test_quantiles_are_upper_edges_and_never_above_the_largest() -> None:
    histogram = new_histogram()
    note(histogram, 150, 98)  # in [100, 200) ns
    note(histogram, 5_030, 2)
    assert quantile_us(histogram, 0.5) == 0.2
    assert quantile_us(histogram, 0.99) == largest_us(histogram) == 5.03


def test_what_lies_beyond_the_last_bucket_is_the_largest() -> None:
    histogram = new_histogram()
    note(histogram, 10 * BUCKETS * BUCKET_NS, 1)
    note(histogram, -5, 1)
    assert quantile_us(histogram, 0.99) == largest_us(histogram) == 10 * BUCKETS * BUCKET_NS / 1e3
    assert histogram.counts[0] == 1
