"""The soak's short form: half a minute, with limits that a busy computer keeps and a leak does not."""

import dataclasses

import pytest

from on_ros.soak import soak, write
from on_ros.soak_report import Bucket, Limits, Record, Sample, judge, markdown

# Young processes still fill caches, and a computer that does other things besides drops frames and is late.
SHORT = Limits(memory=0.06, latency=3.0, least_shift_ms=200.0, loss=0.6, gap_s=10.0)


def test_half_a_minute_of_two_cameras(tmp_path):
    record = soak(30.0, every_s=1.0, quiet=True)
    verdicts = judge(record, SHORT)
    write(record, verdicts, tmp_path)
    report = (tmp_path / "soak.md").read_text(encoding="utf-8")
    assert all(verdict.passed for verdict in verdicts), report
    assert (tmp_path / "soak.json").stat().st_size > 1000
    assert len(verdicts) == 2 * 3 + 4 * 3 + 1


def steady(**changes):
    """An hour that passes, but for changes of the samples or buckets by their time in seconds."""
    record = Record(3600, 300, 30, "model")
    for time_s in range(0, 3600, 5):
        for process in ("segmenter", "renderer"):
            sample = Sample(time_s, process, 200.0, 250.0, 9, 16, time_s * 0.4)
            record.samples.append(changes.get("sample", lambda it: it)(sample))
    for time_s in range(60, 3601, 60):
        bucket = Bucket(time_s, "front/instance_mask", 1800, 1800, 0.1, 8.0, 10.0)
        record.buckets.append(changes.get("bucket", lambda it: it)(bucket))
    record.errors = changes.get("errors", [])
    return record


def failed(record):
    return [verdict.what for verdict in judge(record, Limits()) if not verdict.passed]


def test_an_hour_without_change_passes():
    record = steady()
    assert failed(record) == []
    text = markdown(record, judge(record, Limits()))
    assert "FAILED" not in text
    assert "| segmenter | 250.0, 250.0, 250.0 | 200.0 | 9 | 16 | 40% |" in text


def grown(name, amount, process="segmenter"):
    def change(sample):
        if sample.process != process:
            return sample
        value = getattr(sample, name)
        return dataclasses.replace(sample, **{name: type(value)(value + amount * sample.time_s / 3600)})

    return change


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"sample": grown("rss_mb", 4.0)}, ["segmenter: memory"]),  # 1.6 % in an hour
        ({"sample": grown("rss_mb", 4.0, "renderer")}, ["renderer: memory"]),
        ({"sample": grown("fds", 3)}, ["segmenter: fds"]),
        ({"sample": grown("threads", 3)}, ["segmenter: threads"]),
        ({"errors": ["camera front: a frame failed"]}, ["errors in diagnostics"]),
        (
            {"bucket": lambda it: dataclasses.replace(it, p95_ms=10.0 + it.time_s / 3600 * 2)},
            ["front/instance_mask: p95"],
        ),
        ({"bucket": lambda it: dataclasses.replace(it, received=1700)}, ["front/instance_mask: frames"]),
        (
            {"bucket": lambda it: dataclasses.replace(it, gap_s=6.0 if it.time_s == 1800 else 0.1)},
            ["front/instance_mask: longest gap"],
        ),
        (
            {"bucket": lambda it: dataclasses.replace(it, received=0, gap_s=60.0, p95_ms=None)},
            [f"front/instance_mask: {what}" for what in ("frames", "longest gap", "p95")],
        ),
    ],
)
def test_what_grows_or_fails_is_found(changes, what):
    assert failed(steady(**changes)) == what


def test_what_happens_before_it_settles_counts_for_nothing():
    def early(sample):
        return dataclasses.replace(sample, rss_mb=150.0, fds=5) if sample.time_s < 300 else sample

    assert failed(steady(sample=early)) == []
