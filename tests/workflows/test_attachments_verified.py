"""`verify` and files: each that a fact refers to is there, whole and the same; and quotas."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from domain.errors import TooManyUploads
from eventlog.attachments import LOOSE_FILES, Attachments
from eventlog.database import Database
from eventlog.keys import LocalWrapper
from eventlog.sealed_pieces import PIECE
from eventlog.vault import Vault
from eventlog.verify_attachments import verify_attachments
from tests.support import districts as d
from tests.support import files
from tests.workflows.test_attachments import grid, note, reported
from tests.workflows.test_engine_races import run
from workflows.engine import Engine

LARGE = files.PNG + bytes(PIECE)
"""Two pieces."""
NOW = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)
LATEST = "(SELECT id FROM attachment ORDER BY uploaded_at DESC, id DESC LIMIT 1)"


def upload(engine: Engine) -> str:
    arriving = engine.uploads.store.begin("test", engine.real())
    arriving.write(LARGE)
    return arriving.finish("image/png", str(uuid4())).id


def checked(district: Database, *statements: str) -> tuple[int, list[str]]:
    """Let somebody change the tables of a district with one case and one file; then verify."""
    found: list[tuple[int, list[str]]] = []

    async def story(engine: Engine, _other: Engine, _clock: d.Hands) -> None:
        case = await reported(engine)
        file = await asyncio.to_thread(upload, engine)
        await engine.act(case, note(file), grid())
        with district.connection() as connection:
            for statement in statements:
                connection.execute(statement.encode())
        store = engine.uploads.store
        number, problems = await asyncio.to_thread(verify_attachments, store)
        found.append((number, [f"{one.what}".replace(file, "X") for one in problems]))

    run(district, story)
    return found[0]


def test_files_that_are_as_they_were_uploaded_are_right(district: Database) -> None:
    assert checked(district) == (1, [])


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        (["DELETE FROM attachment_piece WHERE number = 1"],
         "打不开：附件 X 的内容（第 2 块）与上传时不符"),
        (
            ["UPDATE attachment_piece SET content = content || '\\x00'::bytea WHERE number = 0"],
            "附件 X 打不开：附件 X 的内容（第 1 块）与上传时不符",
        ),
        (["DELETE FROM attachment"], "附件 X 缺失，或已归于另一事项"),
        (["UPDATE attachment SET bound = NULL"], "附件 X 的内容已删除，而其密钥尚未销毁"),
        (["UPDATE attachment SET bound = '\\x00'"], "附件 X 打不开"),
        (["UPDATE attachment SET size = size - 1"], "字节，办理记录中是"),
    ],
    ids=["piece lost", "piece changed", "row lost", "key lost", "key changed", "size changed"],
)  # fmt: skip
def test_what_was_changed_is_found(
    district: Database, statements: Sequence[str], said: str
) -> None:
    number, problems = checked(district, *statements)
    assert number == 1
    assert len(problems) == 1, problems
    assert said in problems[0]


def test_a_file_that_went_with_its_key_is_right(district: Database) -> None:
    assert checked(
        district,
        "UPDATE subject_key SET wrapped = NULL",
        "UPDATE attachment SET bound = NULL",
        "DELETE FROM attachment_piece",
    ) == (1, [])


def test_a_file_that_no_fact_refers_to_is_found(district: Database) -> None:
    stray = str(uuid4())
    number, problems = checked(
        district,
        "INSERT INTO attachment SELECT (jsonb_populate_record(a, jsonb_build_object("
        f"'id', '{stray}', 'key', 'other'))).* FROM attachment a",
    )
    assert (number, problems) == (1, [f"附件 {stray} 没有办理记录引用它"])


@pytest.fixture
def store(district: Database) -> Attachments:
    vault = Vault(district, d.DISTRICT, LocalWrapper(bytes(range(32))))
    return Attachments(district, d.DISTRICT, vault)


def test_so_many_files_of_one_key_wait_at_most(store: Attachments) -> None:
    for _ in range(LOOSE_FILES - 1):
        store.begin("greedy", NOW)
    arriving = store.begin("greedy", NOW, "last")
    arriving.write(files.PNG)
    kept = arriving.finish("image/png", "last")
    with pytest.raises(TooManyUploads) as refused:
        store.begin("greedy", NOW, "one more")
    assert refused.value.code == "too-many-uploads"
    assert "200 个、共 1024 MB" in str(refused.value)
    # Another key is not concerned, and what came in may be asked for again.
    store.begin("modest", NOW, "one more").discard()
    again = store.begin("greedy", NOW, "last")
    again.write(files.PNG)
    assert again.finish("image/png", "last").id == kept.id


def test_so_many_bytes_of_one_key_wait_at_most(store: Attachments) -> None:
    arriving = store.begin("heavy", NOW, "first")
    arriving.write(files.PNG)
    arriving.finish("image/png", "first")
    with store.database.connection() as connection:
        connection.execute("UPDATE attachment SET size = 1073741824 WHERE client = 'heavy'")
    with pytest.raises(TooManyUploads):
        store.begin("heavy", NOW, "second")
