"""What of a ledger's code makes its rows others, and what does not."""

import os
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from projections import code
from projections.code import code_digest
from projections.ledgers import LEDGERS

WRITTEN = '''
    """A module."""
    from functools import partial
    from domain import facts as f
    from projections.helper import weigh

    LIMIT = 3

    def _nothing(state, fact):
        """Do nothing."""
        del state, fact
        return False

    def _closed(state: int, fact: int) -> bool:
        state.ended = fact + LIMIT  # a comment
        return True

    STEPS = {f.CaseClosed: _closed, f.NoteRecorded: _nothing}

    def fold(state, record):
        """Fold."""
        STEPS[type(record)](state, weigh(record))
        return state

    def unrelated():
        return 1
'''
HELPER = "def weigh(fact):\n    return fact * 2\n"
Digest = Callable[..., str]


@pytest.fixture
def digest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Digest:
    """Return the digest of `fold` in a module with some words replaced."""

    def found(*pairs: tuple[str, str], helper: str = HELPER) -> str:
        for cached in (code.tree_of, code.scopes_of, code.lambdas_of):
            cached.cache_clear()
        text = textwrap.dedent(WRITTEN)
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        _module(tmp_path, monkeypatch, "projections.helper", helper)
        return code_digest([_module(tmp_path, monkeypatch, "projections.trial", text).fold])

    return found


def _module(folder: Path, patch: pytest.MonkeyPatch, name: str, text: str) -> Any:  # noqa: ANN401
    file = folder / f"{name}-{len(list(folder.iterdir()))}.py"
    file.write_text(text)
    module = ModuleType(name)
    module.__file__ = str(file)
    patch.setitem(sys.modules, name, module)
    exec(compile(text, str(file), "exec"), vars(module))  # noqa: S102 - our own few lines
    return module


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("fact + LIMIT", "fact - LIMIT"),
        ("LIMIT = 3", "LIMIT = 4"),
        ("f.CaseClosed: _closed", "f.CaseVoided: _closed"),
        ("f.NoteRecorded: _nothing", "f.NoteRecorded: _closed"),
        ("weigh(record)", "weigh(state)"),
        ("return True", "return False"),
    ],
)
def test_code_that_a_fold_reaches_counts(digest: Digest, old: str, new: str) -> None:
    assert digest((old, new)) != digest()


def test_code_of_other_modules_counts(digest: Digest) -> None:
    assert digest(helper=HELPER.replace("2", "3")) != digest()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("  # a comment", ""),
        ('"""Fold."""', '"""Say it otherwise."""'),
        ("(state: int, fact: int) -> bool", "(state, fact)"),
        ("{f.CaseClosed", "{\n    f.CaseClosed"),
        ("return 1", "return 2"),
        ("f.NoteRecorded: _nothing", "f.NoteRecorded: _nothing, f.TaskWaived: _nothing"),
        ("f.CaseClosed: _closed, f.NoteRecorded: _nothing", "f.CaseClosed: _closed"),
        ("from functools import partial", "from functools import reduce"),
    ],
)
def test_what_changes_no_row_does_not_count(digest: Digest, old: str, new: str) -> None:
    assert digest((old, new)) == digest()


def test_the_digests_of_the_ledgers_are_the_same_in_every_process() -> None:
    script = "from projections.ledgers import LEDGERS\n"
    script += "print({n: l.tables.fingerprint for n, l in LEDGERS.items()})"
    found = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": "src", "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    mine = {name: ledger.tables.fingerprint for name, ledger in LEDGERS.items()}
    assert found == {f"{mine}\n"}
