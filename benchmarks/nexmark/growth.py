"""How rates, state and memory change with the number of events, and with the rows of a step."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.nexmark.child import Look, Measured

GROWTH = (1_000_000, 5_000_000, 20_000_000)
_MOMENTS = (0.25, 0.5, 0.75, 1.0)


def growth_table(by_events: dict[int, Sequence[Measured]]) -> str:
    """Markdown: rates by number of events, then state and memory over the longest run."""
    counts = sorted(by_events)
    heads = [f"M rows/s of {count:,}" for count in counts] + ["last / first"]
    heads += [f"state, memory MB at {moment:.0%}" for moment in _MOMENTS]
    lines = [f"| query | {' | '.join(heads)} |", "|---" * (len(heads) + 1) + "|"]
    for runs in zip(*(by_events[count] for count in counts), strict=True):
        rates = [each.rate for each in runs]
        cells = [f"{rate / 1e6:.2f}" for rate in rates] + [f"{rates[-1] / rates[0]:.2f}"]
        cells += [_kept(_at(runs[-1], moment)) for moment in _MOMENTS]
        lines.append(f"| {runs[0].query} | {' | '.join(cells)} |")
    return "\n".join(lines)


def steps_table(by_step: dict[int, Sequence[Measured]]) -> str:
    """Markdown: rates by rows of a step."""
    sizes = list(by_step)
    heads = " | ".join(f"steps of {size:,}" for size in sizes)
    lines = [f"| M rows/s | {heads} |", "|---" * (len(sizes) + 1) + "|"]
    for runs in zip(*by_step.values(), strict=True):
        lines.append(f"| {runs[0].query} | {' | '.join(f'{each.rate / 1e6:.3f}' for each in runs)} |")
    return "\n".join(lines)


def _at(measured: Measured, moment: float) -> Look | None:
    """The last look up to a share of the rows."""
    return max((each for each in measured.looks if each.rows <= moment * measured.rows), key=_rows, default=None)


def _rows(look: Look) -> int:
    return look.rows


def _kept(look: Look | None) -> str:
    return "" if look is None else f"{look.state_bytes / 1e6:.1f}, {look.memory / 1e6:.0f}"
