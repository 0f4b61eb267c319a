"""`bihuan attachments sweep`, and a process that sweeps by itself."""

import signal
from collections.abc import Generator
from datetime import timedelta

import psycopg
import pytest

from app.settings import Settings
from app.wiring import Site, real_clock
from eventlog.attachments import KEPT, Kept
from eventlog.keys import LocalWrapper, load_kek
from tests.support import files
from tests.support.commands import Bihuan, eventually, kept_running

CODE = "610327"
WHERE = ("--district", CODE)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("attachments")) as running:
        running("district", "add", CODE, "--name", "云岭县")
        yield running


def upload(bihuan: Bihuan, hours_ago: float) -> Kept:
    """Let a file have arrived so long ago."""
    wrapper = LocalWrapper(load_kek(Settings(data=bihuan.data).master_key))
    with Site(bihuan.dsn, wrapper).open(CODE) as services:
        store = services.engine.uploads.store
        arriving = store.begin("key:one", real_clock() - timedelta(hours=hours_ago))
        arriving.write(files.PNG)
        return arriving.finish("image/png", f"k{hours_ago}")


def left(bihuan: Bihuan) -> list[str]:
    with psycopg.connect(bihuan.dsn) as connection:
        rows = connection.execute(
            f"SELECT a.id::text FROM d{CODE}.attachment a"
            f" JOIN d{CODE}.attachment_piece p ON p.blob_id = a.id"
        ).fetchall()
    return [row[0] for row in rows]


def test_what_is_a_day_old_is_deleted_once_and_what_is_younger_stays(bihuan: Bihuan) -> None:
    young, old = upload(bihuan, 23.9), upload(bihuan, 24.1)
    assert sorted(left(bihuan)) == sorted([young.id, old.id])
    command = ("attachments", "sweep", *WHERE)
    assert bihuan(*command, "--json").document == {"released": 0, "deleted": 1, "erased": 0}
    assert left(bihuan) == [young.id]
    assert bihuan(*command).out == "已删除 0 个附件，另清除已无密钥的 0 个。\n"
    assert left(bihuan) == [young.id]


def test_a_process_that_works_sweeps_by_itself(bihuan: Bihuan) -> None:
    old = upload(bihuan, KEPT / timedelta(hours=1) + 1)
    working = bihuan.begin("work", *WHERE)
    try:
        eventually(lambda: old.id not in left(bihuan))
    finally:
        working.send_signal(signal.SIGTERM)
        out, err = working.communicate(timeout=30)
    assert working.returncode == 0, (out, err)


def test_an_unknown_district_is_named(bihuan: Bihuan) -> None:
    assert "620301" in bihuan("attachments", "sweep", "--district", "620301", code=2).err
