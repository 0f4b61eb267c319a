"""附件 over HTTP: uploaded, told by their bytes, referred to once, read on record."""

import tracemalloc
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from hashlib import sha256
from typing import Any
from uuid import uuid4

import httpx
import pytest

from api.media import DOCX, JPEG, MP4, PDF, PNG, TAIL_BYTES, XLSX, Sniffer
from api.routes.attachments import LIMIT
from api.uploading import OnePart
from domain.errors import BadInput
from eventlog.attachments import KEPT, LOOSE_FILES
from eventlog.verify import verify
from tests.api.house import DISTRICT, House, Person, fresh_key
from tests.api.test_bad_input import check_problem as check
from tests.support import districts as d
from tests.support import files


def upload(
    person: Person,
    content: bytes | Iterator[bytes] = files.PNG,
    declared: str = "image/png",
    *,
    key: str | None = None,
) -> httpx.Response:
    headers = {"Idempotency-Key": key or fresh_key(), "Content-Type": declared}
    return person.http.post(person.base + "/attachments", content=content, headers=headers)


def uploaded(person: Person, content: bytes = files.PNG, declared: str = "") -> dict[str, Any]:
    answer = upload(person, content, declared or "application/octet-stream")
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def note(person: Person, case: str, *ids: str, key: str | None = None) -> httpx.Response:
    body = {"data": {"note": "进展"}, "attachments": list(ids)}
    return person.post(f"/cases/{case}/actions/note", body, key=key)


def check_problem(
    answer: httpx.Response, status: int, code: str, pointer: str = ""
) -> dict[str, Any]:
    check(answer, status, code, pointer)
    return dict(answer.json())


def case_of(house: House) -> str:
    return str(house.integrator.report("井盖破损", unit=d.GRID)["id"])


def test_a_file_is_uploaded_referred_to_and_read_again(house: House) -> None:
    case, grid = case_of(house), house.grid
    file = uploaded(grid)
    assert file["sha256"] == sha256(files.PNG).hexdigest()
    assert (file["size"], file["media_type"]) == (len(files.PNG), PNG)
    answer = note(grid, case, file["id"])
    assert answer.status_code == 200, answer.text
    listed = grid.get(f"/cases/{case}/attachments").json()["items"]
    assert [(one["id"], one["sha256"], one["action"]) for one in listed] == [
        (file["id"], file["sha256"], "note")
    ]
    read = house.community.get(f"/cases/{case}/attachments/{file['id']}")
    assert (read.status_code, read.content) == (200, files.PNG)
    assert read.headers["content-type"] == PNG
    assert read.headers["x-content-type-options"] == "nosniff"
    number = house.auditor.get(f"/cases/{case}").json()["number"]
    assert read.headers["content-disposition"] == f'attachment; filename="{number}-1.png"'
    facts = house.auditor.get(f"/cases/{case}/events").json()["items"]
    assert [one["type"] for one in facts[-2:]] == ["note-recorded", "evidence-attached"]
    assert facts[-1]["data"]["sha256"] == file["sha256"]
    assert facts[-1]["version"] == int(answer.headers["etag"].strip('"'))


def test_a_report_brings_its_files_and_a_repeat_gets_the_first_answer(house: House) -> None:
    ids = [uploaded(house.integrator)["id"], uploaded(house.integrator, files.PDF)["id"]]
    body = {"title": "井盖破损", "unit": d.COMMUNITY, "attachments": ids}
    key = fresh_key()
    first = house.integrator.post("/cases", body, key=key)
    assert first.status_code == 201, first.text
    assert house.integrator.post("/cases", body, key=key).content == first.content
    case = first.json()["id"]
    listed = house.integrator.get(f"/cases/{case}/attachments").json()["items"]
    assert [one["id"] for one in listed] == ids
    facts = house.auditor.get(f"/cases/{case}/events").json()["items"]
    assert {one["data"]["subject"] for one in facts if one["type"] == "evidence-attached"} == {
        "reporter"
    }


def test_a_known_source_with_its_files_is_the_same_case_and_with_others_a_conflict(
    house: House,
) -> None:
    source = {"system": "12345", "id": uuid4().hex}
    body = {
        "title": "井盖破损",
        "source": source,
        "attachments": [uploaded(house.integrator)["id"]],
    }
    first = house.integrator.post("/cases", body)
    again = house.integrator.post("/cases", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    other = body | {"attachments": [uploaded(house.integrator)["id"]]}
    check_problem(house.integrator.post("/cases", other), 409, "source-conflict")


def test_a_required_text_may_be_a_file_instead(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)
    path = f"/cases/{case}/actions/contain"
    check_problem(house.grid.post(path, {"data": {}}), 422, "evidence-missing", "/data/evidence")
    answer = house.grid.post(path, {"data": {}, "attachments": [file["id"]]})
    assert answer.status_code == 200, answer.text
    actions = {one["action"]: one for one in house.grid.get(f"/cases/{case}/actions").json()}
    assert "evidence" not in actions["contain"]["schema"]["required"]


TAKEN = {
    "png": (files.PNG, PNG),
    "jpeg": (files.JPEG, JPEG),
    "pdf": (files.PDF, PDF),
    "mp4": (files.MP4, MP4),
    "docx": (files.DOCX, DOCX),
    "xlsx": (files.XLSX, XLSX),
}


@pytest.mark.parametrize(("content", "media_type"), TAKEN.values(), ids=list(TAKEN))
def test_every_type_is_told_by_its_bytes(house: House, content: bytes, media_type: str) -> None:
    for declared in ("application/octet-stream", media_type, f"{media_type}; name=x"):
        assert uploaded(house.grid, content, declared)["media_type"] == media_type


REFUSED: dict[str, tuple[bytes, str, int, str]] = {
    "a program called png": (files.EXE, PNG, 415, "unsupported-media-type"),
    "a page called png": (files.HTML, PNG, 415, "unsupported-media-type"),
    "a page": (files.HTML, "text/html", 415, "unsupported-media-type"),
    "a picture declared as another": (files.PNG, JPEG, 415, "unsupported-media-type"),
    "a picture declared as a page": (files.PNG, "text/html", 415, "unsupported-media-type"),
    "a photo of another family": (files.HEIC, MP4, 415, "unsupported-media-type"),
    "any zip": (files.zipped("a.txt"), DOCX, 415, "unsupported-media-type"),
    "a document with macros": (files.MACROS, DOCX, 415, "unsupported-media-type"),
    "half a document": (files.DOCX[:-30], DOCX, 415, "unsupported-media-type"),
    "a workbook declared as document": (files.XLSX, DOCX, 415, "unsupported-media-type"),
    "nothing": (b"", PNG, 400, "bad-input"),
    "seven bytes": (files.PNG[:7], PNG, 415, "unsupported-media-type"),
}


@pytest.mark.parametrize(
    ("content", "declared", "status", "code"), REFUSED.values(), ids=list(REFUSED)
)
def test_anything_else_is_refused_and_nothing_stays(
    house: House, content: bytes, declared: str, status: int, code: str
) -> None:
    before = rows(house)
    check_problem(upload(house.grid, content, declared), status, code)
    assert rows(house) == before


def rows(house: House) -> tuple[Any, ...]:
    """Count files and pieces."""
    with house.site.open(DISTRICT) as services, services.database.connection() as connection:
        query = "SELECT (SELECT count(*) FROM attachment), (SELECT count(*) FROM attachment_piece)"
        return connection.execute(query).fetchone() or ()


def test_a_document_that_would_unpack_to_much_is_not_unpacked() -> None:
    content = files.bomb()
    assert len(content) < 70_000
    sniffer = Sniffer()
    tracemalloc.start()
    sniffer.feed(content)
    assert sniffer.media_type() == DOCX
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4_000_000


def test_of_a_large_zip_only_the_end_is_kept() -> None:
    sniffer = Sniffer()
    tracemalloc.start()
    for _ in range(20):
        sniffer.feed(b"PK\x03\x04" + bytes(TAIL_BYTES))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 6 * TAIL_BYTES


def filled(size: int) -> bytes:
    return files.PNG + bytes(size - len(files.PNG))


def test_twenty_megabytes_are_taken_and_one_byte_more_is_not(house: House) -> None:
    content = filled(LIMIT)
    file = uploaded(house.grid, content)
    assert (file["size"], file["sha256"]) == (LIMIT, sha256(content).hexdigest())
    before = rows(house)
    # Said beforehand, and not said: then it is noticed while it streams in.
    problem = check_problem(upload(house.grid, content + b"x"), 413, "too-large")
    assert "20 MB" in problem["detail"]
    chunks = (content[n : n + 65_536] for n in range(0, LIMIT, 65_536))
    check_problem(upload(house.grid, (*chunks, b"x").__iter__()), 413, "too-large")
    assert rows(house) == before


def test_a_form_with_one_file_is_the_same_as_the_file(house: House) -> None:
    person = house.grid
    headers = {"Idempotency-Key": fresh_key()}
    sent = {"file": ("../../名单.exe", files.PDF, PDF)}
    answer = person.http.post(person.base + "/attachments", files=sent, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.json()["sha256"] == sha256(files.PDF).hexdigest()
    two = [("file", ("a.pdf", files.PDF, PDF)), ("file", ("b.pdf", files.PDF, PDF))]
    headers = {"Idempotency-Key": fresh_key()}
    answer = person.http.post(person.base + "/attachments", files=two, headers=headers)
    check_problem(answer, 400, "bad-input")


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 10_000])
@pytest.mark.parametrize("content", [b"", b"\r\n--", b"x" * 300, b"\r\n--edge", b"a\r\n--edgy\r\n"])
def test_a_form_is_read_the_same_however_it_is_cut(step: int, content: bytes) -> None:
    sent = (
        b"--edges\r\nContent-Disposition: form-data\r\nContent-Type: image/png\r\n\r\n"
        + content
        + b"\r\n--edges--\r\n"
    )
    form = OnePart("edges")
    found = b"".join(form.feed(sent[n : n + step]) for n in range(0, len(sent), step))
    form.close()
    assert (found, form.declared) == (content, "image/png")


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"--edges--\r\n",
        b"--edges\r\n\r\nhalf",
        b"--edges\r\n\r\none\r\n--edges\r\n\r\ntwo\r\n--edges--",
        b"x" * 40_000,
    ],
)
def test_a_form_without_exactly_one_file_is_refused(sent: bytes) -> None:
    def read(form: OnePart) -> None:
        form.feed(sent)
        form.close()

    with pytest.raises(BadInput):
        read(OnePart("edges"))


def test_the_same_upload_under_the_same_key_is_one_file(house: House) -> None:
    key = fresh_key()
    first = upload(house.grid, key=key)
    assert upload(house.grid, key=key).content == first.content
    check_problem(upload(house.grid, files.JPEG, JPEG, key=key), 422, "key-reused")
    twins_key = fresh_key()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(upload, house.grid, key=twins_key) for _ in range(4)]
        twins = [one.result() for one in waiting]
    assert {one.status_code for one in twins} == {201}
    assert len({one.json()["id"] for one in twins}) == 1
    # Somebody else's key of the same name is another one.
    assert upload(house.community, key=key).json()["id"] != first.json()["id"]


def test_an_upload_needs_a_key_and_a_role_that_writes(house: House) -> None:
    person = house.grid
    answer = person.http.post(person.base + "/attachments", content=files.PNG)
    check_problem(answer, 400, "key-missing")
    for reader in (house.auditor, house.dashboard):
        check_problem(upload(reader), 403, "role-forbidden")


def test_what_cannot_be_used_is_refused_with_its_place(house: House) -> None:
    case = case_of(house)
    own, other = uploaded(house.grid)["id"], uploaded(house.community)["id"]
    before = house.auditor.head()

    def refused(*ids: str) -> str:
        problem = check_problem(
            note(house.grid, case, *ids), 422, "attachment-unusable", f"/attachments/{len(ids) - 1}"
        )
        return str(problem["detail"])

    assert refused(str(uuid4())) != refused("附件")
    assert "同一密钥" in refused(own, other)
    check_problem(note(house.grid, case, own, own), 422, "unknown-field", "/attachments/1")
    check_problem(note(house.grid, case, *[own] * 21), 422, "unknown-field", "/attachments")
    assert house.auditor.head() == before
    assert note(house.grid, case, own).status_code == 200
    assert "已用于本事项" in refused(own)
    elsewhere = note(house.grid, case_of(house), own)
    assert "已用于另一事项" in str(check_problem(elsewhere, 422, "attachment-unusable"))
    body = {"title": "另一件", "attachments": [own]}
    check_problem(house.grid.post("/cases", body), 422, "attachment-unusable", "/attachments/0")


def test_an_administrator_may_use_what_others_uploaded(house: House) -> None:
    file = uploaded(house.grid)["id"]
    answer = house.admin.post("/cases", {"title": "井盖破损", "attachments": [file]})
    assert answer.status_code == 201, answer.text


def test_what_was_uploaded_a_day_ago_is_refused_though_not_yet_swept(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    with house.site.open(DISTRICT) as services, services.database.connection() as connection:
        age = "UPDATE attachment SET uploaded_at = uploaded_at - %s WHERE id = %s"
        connection.execute(age, (KEPT, file))
    problem = check_problem(note(house.grid, case, file), 422, "attachment-unusable")
    assert "24 小时" in problem["detail"]


def test_a_refused_action_leaves_its_file_for_the_next(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    path = f"/cases/{case}/actions/grade"
    check_problem(
        house.grid.post(path, {"data": {}, "attachments": [file]}), 409, "action-unavailable"
    )
    assert note(house.grid, case, file).status_code == 200


def test_of_two_who_refer_to_one_file_at_once_one_wins(house: House) -> None:
    for _ in range(5):
        file = uploaded(house.grid)["id"]
        cases = [case_of(house) for _ in range(3)]
        with ThreadPoolExecutor(3) as pool:
            waiting = [pool.submit(note, house.grid, case, file) for case in cases]
            answers = [one.result() for one in waiting]
        assert sorted(one.status_code for one in answers) == [200, 422, 422]
        listed = [house.grid.get(f"/cases/{case}/attachments").json()["items"] for case in cases]
        assert sorted(len(one) for one in listed) == [0, 0, 1]


def test_twins_of_a_report_with_a_file_are_one_case(house: House) -> None:
    body = {"title": "井盖破损", "attachments": [uploaded(house.integrator)["id"]]}
    key = fresh_key()
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(house.integrator.post, "/cases", body, key=key) for _ in range(4)]
        answers = [one.result() for one in waiting]
    assert {one.status_code for one in answers} == {201}
    assert len({one.content for one in answers}) == 1


def test_only_who_sees_the_case_and_its_texts_reads_its_files(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    assert note(house.grid, case, file).status_code == 200
    path = f"/cases/{case}/attachments"
    check_problem(house.dashboard.get(f"{path}/{file}"), 403, "role-forbidden")
    check_problem(house.other_community.get(f"{path}/{file}"), 404, "not-found")
    check_problem(house.other_community.get(path), 404, "not-found")
    check_problem(house.stranger("x").get(f"{path}/{file}"), 401, "unauthenticated")
    other = f"/cases/{case_of(house)}/attachments/{file}"
    for wrong in (other, f"{path}/{uuid4()}", f"{path}/x", f"{path}/{uploaded(house.grid)['id']}"):
        check_problem(house.auditor.get(wrong), 404, "not-found")


def test_every_reading_is_recorded_without_anything_personal(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    note(house.grid, case, file)
    path = f"/cases/{case}/attachments/{file}"
    assert house.community.get(path).status_code == 200
    assert house.auditor.get(path, Range="bytes=3-5").status_code == 206
    check_problem(house.dashboard.get(path), 403, "role-forbidden")
    with house.site.open(DISTRICT) as services, services.database.connection() as connection:
        query = (
            "SELECT attachment_id::text, role, unit, first_byte, last_byte, client LIKE 'key:%%'"
            " FROM attachment_read WHERE case_id = %s ORDER BY read_id"
        )
        found = connection.execute(query, (case,)).fetchall()
    whole = len(files.PNG) - 1
    assert found == [
        (file, "community_officer", d.COMMUNITY, 0, whole, True),
        (file, "auditor", None, 3, 5, True),
    ]
    lines = [line for line in house.log().splitlines() if '"attachment-read"' in line]
    assert len([line for line in lines if file in line]) == 2


def test_what_a_hidden_reporter_sent_along_is_kept_from_most(house: House) -> None:
    file = uploaded(house.integrator)["id"]
    body = {"title": "井盖破损", "unit": d.GRID, "attachments": [file]}
    case = house.integrator.post("/cases", body).json()["id"]
    evidence = uploaded(house.grid)["id"]
    assert note(house.grid, case, evidence).status_code == 200
    path = f"/cases/{case}/attachments"
    assert house.community.get(f"{path}/{file}").status_code == 200
    house.integrator.done(case, "hide_identity")
    check_problem(house.community.get(f"{path}/{file}"), 403, "role-forbidden")
    assert house.integrator.get(f"{path}/{file}").status_code == 200
    assert house.community.get(f"{path}/{evidence}").status_code == 200


RANGES = {
    "bytes=0-0": (206, files.PNG[:1]),
    "bytes=10-19": (206, files.PNG[10:20]),
    "bytes=200-": (206, files.PNG[200:]),
    "bytes=-5": (206, files.PNG[-5:]),
    "bytes=5-99999": (206, files.PNG[5:]),
    "bytes=0-": (200, files.PNG),
    "bytes=9-3": (200, files.PNG),
    "bytes=0-1,4-5": (200, files.PNG),
    "pages=1-2": (200, files.PNG),
}


@pytest.fixture(scope="module")
def attached(house: House) -> str:
    """Return where a small picture is read."""
    case, file = case_of(house), uploaded(house.grid)["id"]
    assert note(house.grid, case, file).status_code == 200
    return f"/cases/{case}/attachments/{file}"


@pytest.mark.parametrize("wanted", RANGES)
def test_a_range_is_answered_as_http_has_it(house: House, attached: str, wanted: str) -> None:
    status, content = RANGES[wanted]
    answer = house.grid.get(attached, Range=wanted)
    assert (answer.status_code, answer.content) == (status, content)
    assert ("content-range" in answer.headers) == (status == 206)


@pytest.mark.parametrize("wanted", ["bytes=208-", "bytes=99999-100000", "bytes=-0"])
def test_a_range_that_is_not_there_is_refused(house: House, attached: str, wanted: str) -> None:
    answer = house.grid.get(attached, Range=wanted)
    check_problem(answer, 416, "range-outside")
    assert answer.headers["content-range"] == f"bytes */{len(files.PNG)}"


def test_a_changed_file_is_noticed_before_anything_is_sent(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    note(house.grid, case, file)
    with house.site.open(DISTRICT) as services, services.database.connection() as connection:
        flip = (
            "UPDATE attachment_piece SET content = set_byte(content, 40,"
            " 255 - get_byte(content, 40)) WHERE blob_id = %s"
        )
        connection.execute(flip, (file,))
    answer = house.grid.get(f"/cases/{case}/attachments/{file}")
    check_problem(answer, 500, "attachment-damaged")


def test_with_its_subjects_key_a_file_is_gone_for_everybody(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    note(house.grid, case, file)
    with house.site.open(DISTRICT) as services:
        with services.database.connection() as connection:
            erase = "UPDATE subject_key SET wrapped = NULL WHERE stream_id = %s"
            connection.execute(erase, (case,))
        swept = services.engine.uploads.store.sweep(services.engine.real())
        assert swept.erased >= 1
        assert verify(services.database).problems == []
    answer = house.grid.get(f"/cases/{case}/attachments/{file}")
    check_problem(answer, 410, "attachment-erased")
    listed = house.grid.get(f"/cases/{case}/attachments").json()["items"]
    assert [one["id"] for one in listed] == [file]


def test_a_file_swept_between_upload_and_action_is_refused(house: House) -> None:
    case, file = case_of(house), uploaded(house.grid)["id"]
    with house.site.open(DISTRICT) as services:
        later = services.engine.real() + KEPT + timedelta(minutes=1)
        assert services.engine.uploads.store.sweep(later).deleted >= 1
    check_problem(note(house.grid, case, file), 422, "attachment-unusable", "/attachments/0")


def test_whoever_uploads_and_uploads_is_asked_to_refer_to_it_first(house: House) -> None:
    first = uploaded(house.other_community)
    with house.site.open(DISTRICT) as services:
        store = services.engine.uploads.store
        client = store.find([first["id"]])[first["id"]].client
        begun = [store.begin(client, services.engine.real()) for _ in range(LOOSE_FILES - 1)]
        answer = upload(house.other_community)
        told = check_problem(answer, 429, "too-many-uploads")
        assert "请先引用" in told["detail"]
        for arriving in begun:
            arriving.discard()
    assert upload(house.other_community).status_code == 201
