"""Resident memory of this process, as Linux tells it; elsewhere only the peak since the start is known."""

from __future__ import annotations

from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident() -> int:
    """Bytes that are in memory now."""
    return _field("VmRSS")


def peak() -> int:
    """The most that was in memory since the start, or since `forget_peak`."""
    return _field("VmHWM")


def forget_peak() -> None:
    """Measure the peak from now on."""
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def _field(name: str) -> int:
    if not _STATUS.exists():
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    (line,) = [each for each in _STATUS.read_text().splitlines() if each.startswith(f"{name}:")]
    return int(line.split()[1]) * 1024
