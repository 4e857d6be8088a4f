"""What README promises of the figures, and which of it a run did not keep."""

# Processor time of ours against another's in the row, at most.
COST = {
    "500": {"--protect off": 1.05, "floor": 1.03, "libuv": 0.62, "libevent": 0.58, "Node cluster": 0.42},
    "bulk": {"--service echo": 1.05},
}
# Throughput of ours against another's in the row, at least.
RATE = {"bulk": {"--service echo": 0.95}}
# Speed of the transform against memcpy's at 64 KB, at least.
TRANSFORM, TRANSFORM_PLAIN = 0.8, 0.25


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
