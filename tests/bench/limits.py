"""What README promises of the figures, and which of it a run did not keep."""
import typing

# Processor time of ours against another's in the row, at most.
COST = {
    "500": {"--protect off": 1.05, "floor": 1.03, "libuv": 0.62, "libevent": 0.58, "Node cluster": 0.42},
    "bulk": {"--service echo": 1.05},
}
# Throughput of ours against another's in the row, at least.
RATE = {"bulk": {"--service echo": 0.95}}
# Speed of the transform against memcpy's at 64 KB, at least.
TRANSFORM, TRANSFORM_PLAIN = 0.8, 0.25
# Memory of a worker for an idle connection; cost of a message beside a crowd of them, as a multiple; the gap of a death with
# 10,000 connections; p99.9 at half the highest rate with a SIGKILL every second: at most.
IDLE_BYTES, CROWD_COST, GAP_MS, TAIL_MS = 64, 1.05, 30, 50


class Promise(typing.NamedTuple):
    """A figure, and the most that it may be."""
    what: str
    value: float
    limit: float
    unit: str

    def is_kept(self):
        return self.value <= self.limit

    def __str__(self):
        verdict = "kept" if self.is_kept() else "BROKEN"
        return f"{self.what}: {self.value:.4g} {self.unit}, at most {self.limit:g}: {verdict}"


def broken_cost(row, medians):
    """medians: {name: median of the ratios, ours against it}"""
    return [f"{row}: ours / {name} is {medians[name]:.3f}, above the limit of {limit}"
            for name, limit in COST.get(row, {}).items() if name in medians and medians[name] > limit]


def broken_rate(row, medians):
    return [f"{row}: the rate of ours / {name} is {medians[name]:.3f}, below the limit of {limit}"
            for name, limit in RATE.get(row, {}).items() if name in medians and medians[name] < limit]


def broken_transform(upper, plain):
    """Ratios at 64 KB; upper is None where there is no AVX2."""
    broken = []
    if upper is not None and upper < TRANSFORM:
        broken.append(f"transform / memcpy is {upper:.3f}, below the limit of {TRANSFORM}")
    if plain < TRANSFORM_PLAIN:
        broken.append(f"transform without AVX2 / memcpy is {plain:.3f}, below the limit of {TRANSFORM_PLAIN}")
    return broken
