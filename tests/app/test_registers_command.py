"""`bihuan registers` as somebody at a county uses it who writes registers and is no programmer."""

from collections.abc import Generator
from pathlib import Path

import pytest

from projections.registers.language import SHIPPED, shipped_registers
from tests.support.commands import Bihuan, called, kept_running

DISTRICT = "610341"
DOCUMENT = Path(__file__).parents[2] / "docs" / "registers.md"


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("registers")) as running:
        running("district", "add", DISTRICT, "--name", "云岭县", "--trial")
        yield running


@pytest.fixture
def example(tmp_path: Path) -> Path:
    """Return the complete example of the document, as a file."""
    text = DOCUMENT.read_text("utf-8").partition("```yaml\n")[2].partition("```")[0]
    path = tmp_path / "warm-wishes.yaml"
    path.write_text(text, "utf-8")
    return path


def test_the_shipped_files_pass_their_own_check() -> None:
    folder = Path(__file__).parents[2] / "src" / "projections" / "registers"
    done = called("registers", "check", *(folder / f"{name}.yaml" for name in SHIPPED))
    assert (done.code, done.err) == (0, "")
    assert done.out.count("可用：") == len(SHIPPED)
    assert "可用：隐患台账 hazards@1.0.0" in done.out


def test_a_check_names_file_line_path_and_mend(example: Path) -> None:
    wrong = example.read_text("utf-8").replace("case-claimed.claimant", "case-claimed.claimer", 1)
    example.write_text(wrong, "utf-8")
    done = called("registers", "check", example)
    line = 1 + next(n for n, one in enumerate(wrong.splitlines()) if "claimer" in one)
    assert done.code == 1
    told = done.err.splitlines()[0]
    assert told.startswith(f"warm-wishes.yaml:{line} columns.")
    assert "没有“claimer”" in told
    assert "是不是“claimant”" in told
    assert "（bad-register）" in done.err


def test_a_new_district_has_the_shipped_registers_in_use(bihuan: Bihuan) -> None:
    told = bihuan("registers", "list", "--district", DISTRICT).out.splitlines()
    assert len(told) == len(SHIPPED)
    assert all("\t启用\t随程序\t" in line for line in told)
    shown = bihuan("registers", "show", "hazards", "--district", DISTRICT).out
    assert shown.strip() == next(
        one.text.strip() for one in shipped_registers() if one.name == "hazards"
    )


def test_a_register_is_previewed_published_exported_and_retired(
    bihuan: Bihuan, example: Path, tmp_path: Path
) -> None:
    where = ("--district", DISTRICT)
    shown = bihuan("registers", "preview", example, *where)
    assert "没有写入任何内容" in shown.err
    assert "total：0" in shown.out
    bihuan("registers", "publish", example, *where)
    listed = bihuan("registers", "list", *where).out
    assert "warm-wishes@1.0.0\t暖心台账\t未启用\t自定" in listed
    out = tmp_path / "warm.csv"
    refused = bihuan("export", "warm-wishes", *where, "--out", out, code=2)
    assert "没有台账“warm-wishes”" in refused.err
    bihuan("registers", "activate", "warm-wishes", "1.0.0", *where)
    bihuan("export", "warm-wishes", *where, "--out", out)
    assert out.read_text("utf-8-sig").startswith("事项标识,编号,")
    bihuan("rebuild", "warm-wishes", *where)
    again = bihuan("registers", "activate", "warm-wishes", "1.0.0", *where)
    assert "本来就在启用" in again.err
    bihuan("registers", "retire", "warm-wishes", *where)
    assert "已停用" in bihuan("registers", "list", *where).out
