"""`bihuan indicators check`: a formula is looked at without a database."""

import json
from pathlib import Path

import pytest
import typer

from app.commands.indicators import check
from projections.indicators import shipped_texts


def test_a_good_formula_is_told_with_its_hash(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(shipped_texts()["filing-rate"], "utf-8")
    check(file)
    told = capsys.readouterr().out.splitlines()
    assert told[0] == "可用：立案率 filing-rate@1.0.0，单位%"
    assert len(told[1]) == 64


def test_a_bad_formula_is_told_with_file_line_path_and_mend(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "f.yaml"
    file.write_text(shipped_texts()["filing-rate"].replace("filed_at", "filled_at"), "utf-8")
    with pytest.raises(typer.Exit):
        check(file)
    told = capsys.readouterr().err
    assert "f.yaml:13 numerator.when.filled_at：没有“filled_at”" in told
    assert "是不是“filed_at”" in told
    with pytest.raises(typer.Exit):
        check(file, as_json=True)
    assert json.loads(capsys.readouterr().out)["problems"][0]["line"] == 13
