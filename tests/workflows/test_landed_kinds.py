"""Kinds as they were once published compile for ever: cases that follow them must go on."""

from pathlib import Path

import pytest

from workflows.kind_pages import page
from workflows.language import Source, published_kind, shipped_sources

FOLDER = Path(__file__).parents[1] / "golden" / "kinds"
LANDED = sorted(FOLDER.glob("*.yaml"))
HASHES = {
    "closed-loop@1.0.0": "5b6199e66403c6bcf51975689e91c52fb56089b0f67c3d12e24beed9dfa2f4a2",
    "public-reply@1.0.0": "783d8fa75106ab509f3beea3cf4dfc82746e16d9a5989d0bf4b678929a935e15",
}
"""By which cases are pinned: the same text has the same hash in every version of the program."""


@pytest.mark.parametrize("path", LANDED, ids=lambda path: path.stem)
def test_a_landed_kind_still_compiles_to_its_name_version_and_hash(path: Path) -> None:
    kind = published_kind(path.read_text("utf-8"))
    assert f"{kind.name}@{kind.version}" == path.stem
    assert kind.clocks
    assert page(kind).startswith(f"# {kind.title}")
    if path.stem in HASHES:
        assert kind.hash == HASHES[path.stem]


def test_the_first_landed_kinds_are_still_there() -> None:
    assert {path.stem for path in LANDED} >= set(HASHES)


@pytest.mark.parametrize("source", shipped_sources(), ids=lambda source: source.name)
def test_a_kind_that_ships_is_kept_as_it_is_and_changes_only_with_its_version(
    source: Source,
) -> None:
    landed = FOLDER / f"{source.name}@{source.version}.yaml"
    assert published_kind(landed.read_text("utf-8")).hash == source.hash
