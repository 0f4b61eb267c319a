"""`bihuan channel`, and a process that sends what it says."""

import asyncio
import base64
import re
import signal
from collections.abc import Generator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest

from app.settings import Settings
from app.wiring import Site
from domain.actor import Role
from domain.commands import Report
from eventlog.keys import LocalWrapper, load_kek
from tests.support import districts as d
from tests.support.commands import Bihuan, eventually, kept_running
from tests.support.receiver import receiving, verify
from workflows.administration import import_directory

URL = "http://gateway.example/notices"
_codes = count(620301)


@pytest.fixture(scope="module")
def bihuan(tmp_path_factory: pytest.TempPathFactory) -> Generator[Bihuan]:
    with kept_running(tmp_path_factory.mktemp("channel")) as running:
        yield running


@pytest.fixture
def district(bihuan: Bihuan) -> str:
    """A new trial district."""
    code = str(next(_codes))
    bihuan("district", "add", code, "--name", "云岭县", "--trial")
    return code


def test_a_channel_is_set_shown_and_closed(bihuan: Bihuan, district: str) -> None:
    where = ("--district", district)
    assert bihuan("channel", "show", *where, "--json").document == {
        "url": None,
        "quiet": None,
        "waiting": 0,
        "oldest": None,
        "failing": 0,
        "last_error": None,
    }
    bihuan("channel", "set", URL, *where, "--quiet", "22:00-07:00")
    document = bihuan("channel", "show", *where, "--json").document
    assert (document["url"], document["quiet"]) == (URL, "22:00-07:00")
    assert f"网址\t{URL}\n静默时段\t22:00-07:00\n" in bihuan("channel", "show", *where).out
    bihuan("channel", "off", *where)
    assert bihuan("channel", "show", *where, "--json").document["url"] is None


def test_a_new_secret_is_alone_on_its_line_and_never_shown_again(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    where = ("--district", district)
    first = bihuan("channel", "set", URL, *where)
    assert re.fullmatch(r"whsec_[A-Za-z0-9+/]{43}=\n", first.out)
    assert bihuan("channel", "set", URL + "2", *where).out == ""
    file = tmp_path / "secret"
    given = "whsec_" + base64.b64encode(b"g" * 32).decode()
    file.write_text(given + "\n")
    done = bihuan("channel", "set", URL, *where, "--secret-file", file)
    shown = bihuan("channel", "show", *where)
    for text in (done.out, done.err, shown.out, shown.err):
        assert given not in text
        assert first.out.strip() not in text


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["ftp://x"], "http:// 或 https://"),
        (["http://a:b@x/"], "不能带用户名、口令"),
        ([URL, "--quiet", "22-7"], "22:00-07:00"),
    ],
)
def test_what_cannot_be_is_refused_with_what_to_mend(
    bihuan: Bihuan, district: str, words: list[str], told: str
) -> None:
    assert told in bihuan("channel", "set", *words, "--district", district, code=2).err


def test_a_secret_file_that_cannot_be_read_is_refused(
    bihuan: Bihuan, district: str, tmp_path: Path
) -> None:
    words = ("channel", "set", URL, "--district", district, "--secret-file")
    assert "读不了密钥文件" in bihuan(*words, tmp_path / "none", code=1).err
    empty = tmp_path / "empty"
    empty.write_text("")
    assert "secret" in bihuan(*words, empty, code=2).err


def test_a_process_tells_the_channel_what_time_brings(bihuan: Bihuan, district: str) -> None:
    with receiving() as receiver:
        secret = bihuan("channel", "set", receiver.url, "--district", district).out.strip()
        case, until = reported(bihuan, district)
        bihuan("clock", "set", until, "--district", district)
        process = bihuan.begin("work", "--district", district)
        try:
            eventually(lambda: receiver.got)
        finally:
            process.send_signal(signal.SIGTERM)
            out, err = process.communicate(timeout=30)
        assert process.returncode == 0, (out, err)
        got = receiver.got[0]
        verify(secret, got.headers, got.body, float(got.headers["webhook-timestamp"]))
        assert got.event["data"]["case"] == case
        assert secret not in out + err
    waiting = bihuan("channel", "show", "--district", district, "--json").document
    assert waiting["failing"] == 0


def reported(bihuan: Bihuan, district: str) -> tuple[str, str]:
    """Report a case; return it, and when all its clocks are long over."""
    site = Site(bihuan.dsn, LocalWrapper(load_kek(Settings(data=bihuan.data).master_key)))

    async def report() -> tuple[str, str]:
        await engine.refresh()
        await import_directory(engine, d.UNITS)
        told = Report(kind="closed-loop", title="井盖破损", unit=d.COMMUNITY)
        case = (await engine.report(told, d.caller(Role.INTEGRATOR))).case.id
        return case, (engine.now() + timedelta(days=60)).isoformat()

    with site.open(district) as services:
        engine = services.engine
        return asyncio.run(report())


def test_the_notices_that_wait_are_rebuilt_like_ledgers(bihuan: Bihuan, district: str) -> None:
    where = ("--district", district)
    assert "已重建 待送达通知（deliveries）" in bihuan("rebuild", "deliveries", *where).err
    lagging = {row["ledger"]: row for row in bihuan("lag", "--json").document}
    assert (lagging["notices@1"]["behind"], lagging["notices@1"]["state"]) == (0, "live")
