"""The wheel, installed alone: it carries all it needs, and serves from an empty folder."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import sysconfig
import time
import zipfile
from pathlib import Path
from typing import Final

import pytest

from tests.support.commands import PROJECT, begun, eventually

pytestmark = pytest.mark.slow

CARRIED: Final = {
    "app/_migrations/env.py",
    "app/_migrations/sql/district_0001_log.sql",
    "app/_migrations/district/district_0001_log.py",
    "app/_migrations/public/public_0001_registry.py",
    "app/demo/register.csv",
    "app/demo/directory.csv",
    "app/demo/mapping.yaml",
    "workflows/kinds/closed-loop.yaml",
    "workflows/kinds/public-reply.yaml",
}
WHERE: Final = "import app, api, domain, eventlog, workflows, projections; print(app.__file__)"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    words = ("wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index")
    command = [sys.executable, "-m", "pip", *words, "--wheel-dir", str(folder), str(PROJECT)]
    subprocess.run(command, check=True, timeout=60)
    (built,) = folder.glob("bihuan-*.whl")
    return built


def test_the_wheel_carries_migrations_kinds_calendars_and_the_demo(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    assert names >= CARRIED
    every_file = {
        str(path.relative_to(PROJECT / "src"))
        for path in (PROJECT / "src").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert every_file - names == set()
    assert not any(name.startswith(("tests/", "src/")) for name in names)


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel; what it depends on comes from the project's environment."""
    folder = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True, timeout=60)
    packages = next(folder.glob("lib/python*/site-packages"))
    words = ("install", "--quiet", "--no-deps", "--no-index", "--no-compile")
    python = str(folder / "bin" / "python")
    command = [sys.executable, "-m", "pip", "--python", python, *words, str(wheel)]
    subprocess.run(command, check=True, timeout=60)
    # As a plain folder on the path: its own .pth, which names the sources, is not followed.
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n", "utf-8")
    return folder


def test_an_environment_with_the_wheel_alone_founds_a_district_and_serves_it(
    installed: Path, tmp_path: Path
) -> None:
    where = subprocess.run(
        [installed / "bin" / "python", "-c", WHERE],
        capture_output=True,
        text=True,
        check=True,
        cwd=tmp_path,
    ).stdout
    assert Path(where).is_relative_to(installed)
    program = (installed / "bin" / "bihuan",)
    district = begun("district", "add", "610327", "--name", "县", cwd=tmp_path, program=program)
    assert district.communicate(timeout=60)[1].endswith("已启用区县 610327 县。\n")
    key = begun(
        "key", "add", "--district", "610327", "--role", "admin", cwd=tmp_path, program=program
    ).communicate(timeout=60)[0]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = begun("serve", "--port", port, cwd=tmp_path, program=program)
    try:
        eventually(lambda: answers(port, "/health/ready")[0] == 200, seconds=60)
        status, body = answers(port, "/v1/districts/610327/ledgers", key.strip())
        assert (status, "cases" in json.dumps(body)) == (200, True)
    finally:
        server.send_signal(signal.SIGTERM)
        _, err = server.communicate(timeout=30)
    assert server.returncode == 0, err
    assert [path.name for path in tmp_path.iterdir()] == ["var"]


def answers(port: int, path: str, key: str = "") -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    except OSError:
        time.sleep(0.1)
        return 0, None
    finally:
        connection.close()
