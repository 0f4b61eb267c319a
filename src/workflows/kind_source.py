"""A kind's YAML as somebody wrote it; the reader is shared with registers (eventlog/written.py)."""

from eventlog.written import Path, Problem, Written, read

__all__ = ["Path", "Problem", "Written", "read"]
