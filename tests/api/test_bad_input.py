"""Bad input: each a precise problem in Chinese with a stable code, and nothing written."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from tests.api.house import MAX_BODY, House, fresh_key
from tests.support import districts as d

POINT = {"type": "Point", "coordinates": [106.85, 34.89]}


def ahead(minutes: float) -> str:
    return (datetime.now(UTC) + timedelta(minutes=minutes)).isoformat()


Attempt = Callable[[House], httpx.Response]


def report(**members: object) -> Attempt:
    return lambda house: house.integrator.post("/cases", {"title": "井盖破损", **members})


def raw(body: bytes, **headers: str) -> Attempt:
    return lambda house: house.integrator.post_bytes("/cases", body, **headers)


def query(path: str, **parameters: str) -> Attempt:
    return lambda house: house.auditor.get(path, parameters)


def chunked(house: House) -> httpx.Response:
    """Send more than is allowed without saying how much it will be."""
    person = house.integrator
    pieces = (b" " * 8192 for _ in range(2 * MAX_BODY // 8192))
    headers = {"Idempotency-Key": fresh_key()}
    return person.http.post(person.base + "/cases", content=pieces, headers=headers)


def without_key(house: House) -> httpx.Response:
    person = house.integrator
    return person.http.post(person.base + "/cases", json={"title": "井盖破损"})


REFUSED: dict[str, tuple[Attempt, int, str, str]] = {
    "unknown kind": (report(kind="nothing"), 422, "unknown-kind", "/kind"),
    "unknown unit": (report(unit="不存在的社区"), 422, "unknown-unit", "/unit"),
    "future time": (report(occurred_at=ahead(10)), 422, "future-time", "/occurred_at"),
    "too old": (report(occurred_at=ahead(-60 * 24 * 4)), 422, "too-old", "/occurred_at"),
    "naive time": (report(occurred_at="2026-10-12T09:00:00"), 422, "naive-time", "/occurred_at"),
    "numeric time": (report(occurred_at=1760000000), 422, "naive-time", "/occurred_at"),
    "leap second": (
        report(occurred_at="2016-12-31T23:59:60Z"),
        422,
        "naive-time",
        "/occurred_at",
    ),
    "no such day": (report(occurred_at="2026-02-30T09:00:00Z"), 422, "naive-time", "/occurred_at"),
    "far year": (report(occurred_at="9999-12-31T23:59:59Z"), 400, "bad-input", "/occurred_at"),
    "oversize": (raw(b'{"title": "' + b"x" * MAX_BODY + b'"}'), 413, "too-large", ""),
    "oversize, length unsaid": (chunked, 413, "too-large", ""),
    "duplicate member": (raw(b'{"title": "a", "title": "b"}'), 400, "duplicate-member", ""),
    "duplicate member inside": (
        raw(b'{"title": "a", "data": {"people": 1, "people": 2}}'),
        400,
        "duplicate-member",
        "",
    ),
    "duplicate member in another spelling": (
        raw('{"title": "a", "data": {"é": 1, "e\\u0301": 2}}'.encode()),
        400,
        "duplicate-member",
        "",
    ),
    "NaN": (raw(b'{"title": "a", "data": {"people": NaN}}'), 400, "malformed-json", ""),
    "Infinity": (raw(b'{"title": "a", "data": {"people": -Infinity}}'), 400, "malformed-json", ""),
    "huge float": (raw(b'{"title": "a", "data": {"people": 1e999}}'), 400, "malformed-json", ""),
    "2^53": (
        raw(b'{"title": "a", "data": {"people": 9007199254740992}}'),
        400,
        "malformed-json",
        "",
    ),
    "endless integer": (
        raw(b'{"title": "a", "data": {"people": ' + b"9" * 5000 + b"}}"),
        400,
        "malformed-json",
        "",
    ),
    "invalid UTF-8": (raw(b'{"title": "\xb5\xe7\xbb\xb0"}'), 400, "malformed-json", ""),
    "lone surrogate": (raw(b'{"title": "\\ud800"}'), 400, "malformed-json", ""),
    "deep nesting": (
        raw(b'{"title": "a", "data": ' + b'{"a":' * 5000 + b"1" + b"}" * 5001),
        400,
        "malformed-json",
        "",
    ),
    "rather deep nesting": (
        raw(b'{"title": "a", "data": ' + b'{"a":' * 40 + b"1" + b"}" * 41),
        400,
        "malformed-json",
        "",
    ),
    "no JSON": (raw(b"title=a"), 400, "malformed-json", ""),
    "a list": (raw(b'["title"]'), 400, "malformed-json", ""),
    "raw control character": (raw(b'{"title": "a\nb"}'), 400, "malformed-json", ""),
    "unknown field": (report(titel="a"), 422, "unknown-field", "/titel"),
    "unknown field inside": (
        report(source={"system": "a", "id": "1", "x": 1}),
        422,
        "unknown-field",
        "/source/x",
    ),
    "unknown reporter field": (
        report(reporter={"wechat": "a"}),
        422,
        "unknown-field",
        "/reporter/wechat",
    ),
    "unknown form field": (report(data={"volk": 1}), 422, "unknown-field", "/data/volk"),
    "wrong type": (report(description=5), 422, "unknown-field", "/description"),
    "wrong type in the form": (report(data={"people": "2"}), 422, "unknown-field", "/data/people"),
    "no title": (raw(b"{}"), 422, "unknown-field", "/title"),
    "blank title": (report(title="  "), 422, "evidence-missing", "/title"),
    "no crs": (report(location=POINT), 422, "unknown-field", "/location/crs"),
    "unknown crs": (
        report(location=POINT | {"crs": "bd09"}),
        422,
        "unknown-field",
        "/location/crs",
    ),
    "off the globe": (
        report(location={"type": "Point", "coordinates": [34.8, 106.8], "crs": "wgs84"}),
        422,
        "unknown-field",
        "/location/coordinates",
    ),
    "NUL in a source": (
        report(source={"system": "a\0b", "id": "1"}),
        422,
        "unknown-field",
        "/source/system",
    ),
    "no key": (without_key, 400, "key-missing", ""),
    "endless key": (
        lambda house: house.integrator.post("/cases", {"title": "a"}, key="k" * 256),
        400,
        "bad-input",
        "",
    ),
    "unknown parameter on a command": (
        lambda house: house.integrator.post("/cases?dry_run=1", {"title": "a"}),
        400,
        "unknown-parameter",
        "dry_run",
    ),
    "unknown parameter": (query("/events", since="1"), 400, "unknown-parameter", "since"),
    "unknown filter": (query("/ledgers/cases", farbe="1"), 400, "unknown-parameter", "farbe"),
    "bad parameter": (query("/events", after="-1"), 400, "bad-input", "after"),
    "bad limit": (query("/ledgers/cases", limit="0"), 400, "bad-input", "limit"),
    "bad cursor": (query("/ledgers/cases", cursor="x"), 400, "bad-cursor", ""),
    "bad format": (query("/ledgers/cases", format="pdf"), 406, "not-acceptable", "format"),
    "naive as_of": (
        query("/ledgers/cases", as_of="2026-10-12T09:00:00"),
        422,
        "naive-time",
        "as_of",
    ),
    "as_of a date": (
        query("/ledgers/deadlines/summary", as_of="2026-10-12"),
        422,
        "naive-time",
        "as_of",
    ),
    "naive filter": (
        query("/ledgers/cases", reported_from="2026-10-12T09:00:00"),
        422,
        "naive-time",
        "reported_from",
    ),
    "unknown ledger": (query("/ledgers/nothing"), 404, "not-found", ""),
    "unknown case": (query("/cases/3e0b5a5e-7a39-4b4e-9d4a-0f3ad32c1a01"), 404, "not-found", ""),
    "no case id": (query("/cases/1;DROP"), 404, "not-found", ""),
    "a stream that is no case": (
        query("/cases/by-source/x/1"),
        404,
        "not-found",
        "",
    ),
    "no such address": (query("/nothing"), 404, "not-found", ""),
    "wrong method": (
        lambda house: house.integrator.post("/events", {}),
        405,
        "method-not-allowed",
        "",
    ),
    "no authorization": (
        lambda house: house.stranger().get("/events"),
        401,
        "unauthenticated",
        "",
    ),
    "unknown key": (
        lambda house: house.stranger("bh_nothing").get("/events"),
        401,
        "unauthenticated",
        "",
    ),
    "unknown district": (
        lambda house: house.integrator.http.get("/v1/districts/999999/events"),
        404,
        "not-found",
        "",
    ),
    "a reader reports": (
        lambda house: house.auditor.post("/cases", {"title": "a"}),
        403,
        "role-forbidden",
        "",
    ),
    "a dashboard reports": (
        lambda house: house.dashboard.post("/cases", {"title": "a"}),
        403,
        "role-forbidden",
        "",
    ),
    "a role that may not report": (
        lambda house: house.water.post("/cases", {"title": "a"}),
        403,
        "role-forbidden",
        "",
    ),
    "keys for all": (
        lambda house: house.dispatcher.get("/keys"),
        403,
        "role-forbidden",
        "",
    ),
    "a key of no role": (
        lambda house: house.admin.post("/keys", {"role": "importer"}),
        422,
        "unknown-field",
        "/role",
    ),
    "a key in no unit": (
        lambda house: house.admin.post("/keys", {"role": "auditor", "unit": "没有"}),
        422,
        "unknown-unit",
        "/unit",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_bad_input_is_refused_precisely_and_nothing_is_written(house: House, name: str) -> None:
    attempt, status, code, pointer = REFUSED[name]
    before = house.auditor.head()
    answer = attempt(house)
    check_problem(answer, status, code, pointer)
    assert house.auditor.head() == before


def check_problem(answer: httpx.Response, status: int, code: str, pointer: str = "") -> None:
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (status, code), problem
    assert answer.headers["content-type"] == "application/problem+json"
    assert problem["type"] == f"urn:bihuan:problem:{code}"
    assert problem["status"] == status
    assert problem["trace_id"] == answer.headers["x-request-id"]
    assert re.search("[\u4e00-\u9fff]", problem["title"])
    assert re.search("[\u4e00-\u9fff]", problem["detail"])
    assert "{" not in problem["detail"].replace("{…}", "")
    if pointer:
        where = "pointer" if pointer.startswith("/") else "parameter"
        assert problem["errors"][0][where] == pointer, problem
    if status == 401:
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_action_that_is_not_available_names_those_that_are(house: House) -> None:
    case = house.integrator.report(unit=d.COMMUNITY)["id"]
    before = house.auditor.head()
    answer = house.community.act(case, "close", grade="substantive")
    check_problem(answer, 409, "action-unavailable")
    assert "accept" in answer.json()["available"]
    assert "受理并立案" in answer.json()["detail"]
    check_problem(house.community.act(case, "fly"), 409, "action-unavailable")
    assert house.auditor.head() == before


def test_a_wrong_role_a_missing_text_and_a_wrong_choice_change_nothing(house: House) -> None:
    case = house.integrator.report(unit=d.COMMUNITY)["id"]
    before = house.auditor.head()
    check_problem(house.supervisor.act(case, "accept"), 403, "role-forbidden")
    check_problem(house.dispatcher.act(case, "note"), 422, "evidence-missing", "/data/note")
    wrong = house.dispatcher.act(case, "not_accept", reason_code="whim", reason="不是本区的")
    check_problem(wrong, 422, "unknown-field", "/data/reason_code")
    assert house.auditor.head() == before


def test_a_case_of_another_unit_looks_like_no_case(house: House) -> None:
    case = house.integrator.report(unit=d.COMMUNITY)["id"]
    nowhere = "3e0b5a5e-7a39-4b4e-9d4a-0f3ad32c1a01"
    before = house.auditor.head()
    person = house.other_community
    for path in ("", "/events", "/actions", "/diff?from=1"):
        real, absent = (person.get(f"/cases/{one}{path}") for one in (case, nowhere))
        check_problem(real, 404, "not-found")
        assert _without_trace(real) == _without_trace(absent)
    real, absent = (person.act(one, "accept") for one in (case, nowhere))
    check_problem(real, 404, "not-found")
    assert _without_trace(real) == _without_trace(absent)
    assert house.auditor.head() == before


def test_a_stale_version_is_refused_and_the_right_one_accepted(house: House) -> None:
    reported = house.integrator.post("/cases", {"title": "路灯不亮", "unit": d.COMMUNITY})
    case, tag = reported.json()["id"], reported.headers["etag"]
    path = f"/cases/{case}/actions/note"
    first = house.dispatcher.post(path, {"data": {"note": "已联系"}}, If_Match=tag)
    assert first.status_code == 200
    before = house.auditor.head()
    stale = house.dispatcher.post(path, {"data": {"note": "再联系"}}, If_Match=tag)
    check_problem(stale, 412, "version-stale")
    assert stale.json()["current_version"] == first.json()["version"]
    for header in ("x", '"3", "4"', '"-1"'):
        odd = house.dispatcher.post(path, {"data": {"note": "再联系"}}, If_Match=header)
        check_problem(odd, 400, "bad-input")
    assert house.auditor.head() == before
    for header in (first.headers["etag"], "*"):
        fresh = house.dispatcher.post(path, {"data": {"note": "再联系"}}, If_Match=header)
        assert fresh.status_code == 200, fresh.text


def test_two_minutes_ahead_counts_as_now(house: House) -> None:
    reported = house.integrator.report(unit=d.COMMUNITY, occurred_at=ahead(1.5))
    at = datetime.fromisoformat(reported["reported_at"])
    assert at <= datetime.now(UTC)
    assert reported["reported_at"].endswith("+08:00")


def test_times_of_a_query_may_have_an_unencoded_plus(house: House) -> None:
    path = f"{house.auditor.base}/ledgers/cases?as_of=2026-10-12T09:00:00+08:00&limit=1"
    answer = house.auditor.http.get(path)
    assert answer.status_code == 200, answer.text
    assert answer.json()["as_of"] == "2026-10-12T09:00:00+08:00"


def _without_trace(answer: httpx.Response) -> dict[str, object]:
    return {name: value for name, value in answer.json().items() if name != "trace_id"}
