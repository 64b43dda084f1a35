"""What many samples say: percentiles, and medians with their spread."""

import statistics
from collections.abc import Sequence


def percentile(samples: Sequence[float], share: float) -> float:
    """Return the least sample that at least `share` (0 to 1) of them do not exceed."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, max(0, -int(-len(ordered) * share // 1) - 1))]


def milliseconds(seconds: Sequence[float], **shares: float) -> dict[str, float]:
    """Return percentiles of `seconds` in milliseconds, by the names that the shares have."""
    return {name: round(percentile(seconds, share) * 1e3, 3) for name, share in shares.items()}


def spread(values: Sequence[float]) -> dict[str, float | int]:
    """Return median, least and greatest of the runs of a measurement, and how many there were."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values), "runs": len(values)}
