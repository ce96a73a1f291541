"""What a soak measured, and whether it passes: plain data, without ROS."""

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Sample:
    """A process at one moment.

    Attributes:
        time_s: Since the first frame.
        process: "segmenter", "renderer" or "load".
        pss_mb: Memory of its own and its share of what it shares, MiB.
        rss_mb: Resident memory, MiB.
        cpu_s: Processor time so far.
    """

    time_s: float
    process: str
    pss_mb: float
    rss_mb: float
    fds: int
    threads: int
    cpu_s: float


@dataclass(frozen=True)
class Bucket:
    """What came on one topic in a stretch of time.

    Attributes:
        time_s: When it ended, since the first frame.
        sent: Frames of its camera that were sent meanwhile.
        received: Messages that came.
        gap_s: The longest time without one.
        p50_ms: Stamp to arrival; None where nothing came.
    """

    time_s: float
    topic: str
    sent: int
    received: int
    gap_s: float
    p50_ms: float | None
    p95_ms: float | None


@dataclass
class Record:
    """All of a soak.

    Attributes:
        settle_s: From then on it is judged.
        errors: What diagnostics and logs said.
        dropped: Frames that newer ones replaced, by entry of diagnostics.
        standstills: How often the whole computer stood still; those stretches of time are left out.
    """

    seconds: float
    settle_s: float
    rate_hz: float
    model: str
    samples: list[Sample] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    dropped: dict[str, int] = field(default_factory=dict)
    standstills: int = 0

    def of(self, process: str, *, settled: bool = True) -> list[Sample]:
        return [
            sample
            for sample in self.samples
            if sample.process == process and (not settled or sample.time_s >= self.settle_s)
        ]

    def on(self, topic: str) -> list[Bucket]:
        return [b for b in self.buckets if b.topic == topic and b.time_s > self.settle_s]

    def plain(self) -> dict[str, Any]:
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Limits:
    """What passes.

    Attributes:
        memory: Growth from the first tenth of the settled time to its last, as a share.
        latency: Drift of p95 from the first third of the settled time to its last, as a share.
        least_shift_ms: Drifts smaller than that are the machine's.
        loss: Share of the frames sent that may get lost, a slow machine's drops included.
        gap_s: The longest time without a message.
    """

    memory: float = 0.01
    latency: float = 0.10
    least_shift_ms: float = 0.5
    loss: float = 0.02
    gap_s: float = 5.0


@dataclass(frozen=True)
class Verdict:
    """One thing that was judged."""

    what: str
    passed: bool
    text: str


def judge(record: Record, limits: Limits) -> list[Verdict]:
    """Every verdict on a soak.

    Args:
        record: What was measured.
        limits: What passes.
    """
    return [
        *(
            verdict
            for process in ("segmenter", "renderer")
            for verdict in _resources(record, process, limits)
        ),
        *(v for topic in _topics(record) for v in _flow(record, topic, limits)),
        Verdict("errors in diagnostics", not record.errors, "; ".join(record.errors[:5]) or "none"),
    ]


def _topics(record: Record) -> list[str]:
    return list(dict.fromkeys(bucket.topic for bucket in record.buckets))


def _resources(record: Record, process: str, limits: Limits) -> Iterable[Verdict]:
    samples = record.of(process)
    if len(samples) < 6:
        yield Verdict(f"{process}: samples", False, f"only {len(samples)} samples after settling")
        return
    # Not PSS: it falls and rises with the other processes that share a library.
    sizes = [sample.rss_mb for sample in samples]
    first, last = _ends(sizes, 10)
    growth = last / first - 1
    slope = np.polyfit([s.time_s / 3600 for s in samples], sizes, 1)[0]
    text = f"{first:.1f} to {last:.1f} MiB ({growth:+.2%}; {slope:+.2f} MiB/h by least squares)"
    yield Verdict(f"{process}: memory", growth <= limits.memory, text)
    third = max(1, len(samples) // 3)
    for name in ("fds", "threads"):
        counts = [getattr(sample, name) for sample in samples]
        before, after = max(counts[:third]), min(counts[-third:])
        # The least of the end: a request that happens to be open there is no growth.
        yield Verdict(f"{process}: {name}", after <= before, f"at most {before} at first, {after} at the end")


def _flow(record: Record, topic: str, limits: Limits) -> Iterable[Verdict]:
    buckets = record.on(topic)
    sent, received = sum(b.sent for b in buckets), sum(b.received for b in buckets)
    loss = 1 - received / sent if sent else 1.0
    yield Verdict(f"{topic}: frames", loss <= limits.loss, f"{received} of {sent} ({loss:.2%} lost)")
    gap = max((b.gap_s for b in buckets), default=np.inf)
    yield Verdict(f"{topic}: longest gap", gap <= limits.gap_s, f"{gap:.2f} s")
    p95 = [b.p95_ms for b in buckets if b.p95_ms is not None]
    if len(p95) < 3:
        yield Verdict(f"{topic}: p95", False, f"only {len(p95)} stretches of time")
        return
    first, last = _ends(p95, 3)
    passed = last - first <= max(limits.latency * first, limits.least_shift_ms)
    yield Verdict(f"{topic}: p95", passed, f"{first:.1f} to {last:.1f} ms ({last / first - 1:+.1%})")


def _ends(values: Sequence[float], parts: int) -> tuple[float, float]:
    """Medians of the first and of the last so-manieth part."""
    count = max(2, len(values) // parts)
    return float(np.median(values[:count])), float(np.median(values[-count:]))


def markdown(record: Record, verdicts: Sequence[Verdict]) -> str:
    """The report for people."""
    lines = [
        f"{record.model}, {record.seconds:.0f} s, {record.rate_hz:g} Hz; judged from {record.settle_s:.0f} s",
        "",
        "| what | verdict | figure |",
        "|---|---|---|",
        *(f"| {v.what} | {'passed' if v.passed else 'FAILED'} | {v.text} |" for v in verdicts),
        "",
        "| process | RSS (MiB) first, last, most | PSS last | fds | threads | processor, one core |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for process in dict.fromkeys(sample.process for sample in record.samples):
        all_of_it = record.of(process, settled=False)
        first, last = all_of_it[0], all_of_it[-1]
        share = (last.cpu_s - first.cpu_s) / max(last.time_s - first.time_s, 1e-9)
        lines.append(
            f"| {process} | {first.rss_mb:.1f}, {last.rss_mb:.1f}, {max(s.rss_mb for s in all_of_it):.1f} | "
            f"{last.pss_mb:.1f} | {last.fds} | {last.threads} | {share:.0%} |"
        )
    lines += ["", "| until (s) | topic | sent | received | longest gap (s) | p50 (ms) | p95 (ms) |"]
    lines += ["|---:|---|---:|---:|---:|---:|---:|"]
    lines += [
        f"| {b.time_s:.0f} | {b.topic} | {b.sent} | {b.received} | {b.gap_s:.2f} | {_ms(b.p50_ms)} | "
        f"{_ms(b.p95_ms)} |"
        for b in record.buckets
    ]
    if record.standstills:
        lines += ["", f"The computer stood still {record.standstills} times; that is left out."]
    if record.dropped:
        lines += ["", "Dropped for a newer frame, by diagnostics: "]
        lines[-1] += ", ".join(f"{name} {count}" for name, count in record.dropped.items()) + "."
    return "\n".join(lines) + "\n"


def _ms(value: float | None) -> str:
    return "none" if value is None else f"{value:.1f}"
