"""The long run says what it did: how many clocks, how many disagreed, in how many seconds."""

from collections import Counter

import pytest


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Add up the figures of all processes."""
    figures: Counter[str] = Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            if getattr(report, "when", "") != "call":
                continue
            for name, value in getattr(report, "user_properties", ()):
                figures[name] += value if isinstance(value, int) else 0
    if figures:
        terminalreporter.section("laws")
    for name, value in figures.items():
        terminalreporter.write_line(f"{name}: {value:,}")
