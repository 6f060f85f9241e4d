"""The result of an evaluation as text for people."""

from collections.abc import Iterator, Mapping
from typing import Any


def as_text(result: Mapping[str, Any]) -> str:
    """A table: one line per metric with its interval, then one column per baseline where it has that metric.

    >>> half = {"value": 0.5, "low": 0.25, "high": 0.75}
    >>> result = {"name": "rec", "split": "val", "n": 4, "checkpoint": "trunk", "device": "cpu", "seconds": 1.0}
    >>> print(as_text({**result, "metrics": {"miou": half}, "baselines": {"centre_box": {"miou": half}}}))
    rec on 4 of val, checkpoint trunk, cpu, 1.0 s
                    measured [95 % interval]  centre_box
    miou            0.500 [0.250, 0.750]           0.500
    """
    baselines = result["baselines"]
    lines = [
        (name, interval, [_find(metrics, name) for metrics in baselines.values()])
        for name, interval in _flat(result["metrics"])
    ]
    width = max([16, *(len(name) + 2 for name, _, _ in lines)])
    head = f"{'':{width}}{'measured [95 % interval]':24}" + "".join(f"{name:>{len(name) + 2}}" for name in baselines)
    text = [
        f"{result['name']} on {result['n']} of {result['split']}, checkpoint {result['checkpoint']}, "
        f"{result['device']}, {result['seconds']} s",
        head,
    ]
    for name, interval, others in lines:
        cells = "".join(
            f"{'' if value is None else format(value['value'], '.3f'):>{len(baseline) + 2}}"
            for baseline, value in zip(baselines, others, strict=True)
        )
        measured = f"{interval['value']:.3f} [{interval['low']:.3f}, {interval['high']:.3f}]"
        text.append(f"{name:{width}}{measured:24}{cells}".rstrip())
    return "\n".join(text)


def _flat(metrics: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Mapping[str, float]]]:
    """Every interval with its path: by_type ordinal acc@0.5."""
    for name, value in metrics.items():
        if "low" in value:
            yield f"{before}{name}", value
        else:
            yield from _flat(value, f"{before}{name} ")


def _find(metrics: Mapping[str, Any], path: str) -> Mapping[str, float] | None:
    return dict(_flat(metrics)).get(path)
