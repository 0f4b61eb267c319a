"""Sent twice, done once: keys, twins in flight, sources, concurrent writers."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

from tests.api.house import House, Person, fresh_key
from tests.api.test_bad_input import check_problem
from tests.support import districts as d


def source() -> dict[str, str]:
    return {"system": "12345", "id": uuid4().hex}


def test_a_repeated_report_gets_the_first_answer_though_the_case_moved_on(house: House) -> None:
    key = fresh_key()
    body = {"title": "井盖破损", "unit": d.COMMUNITY, "reporter": {"name": "张三"}}
    first = house.integrator.post("/cases", body, key=key)
    house.community.done(first.json()["id"], "accept")
    before = house.auditor.head()
    again = house.integrator.post("/cases", body, key=key)
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.status_code == 201
    assert again.headers["etag"] == first.headers["etag"]
    assert again.headers["location"] == first.headers["location"]
    assert house.auditor.head() == before


def test_a_repeated_action_gets_the_first_answer_even_with_its_old_if_match(house: House) -> None:
    reported = house.integrator.post("/cases", {"title": "井盖破损", "unit": d.COMMUNITY})
    path, key = f"/cases/{reported.json()['id']}/actions/accept", fresh_key()
    tag = reported.headers["etag"]
    first = house.community.post(path, {"data": {}}, key=key, If_Match=tag)
    house.community.done(reported.json()["id"], "grade", severity="general")
    again = house.community.post(path, {"data": {}}, key=key, If_Match=tag)
    assert (again.status_code, again.content) == (200, first.content)
    assert again.headers["etag"] == first.headers["etag"]


def test_a_repeated_request_is_recognised_in_another_spelling(house: House) -> None:
    key = fresh_key()
    first = house.integrator.post_bytes(
        "/cases", '{"title":"café","data":{}}'.encode(), **{"Idempotency-Key": key}
    )
    again = house.integrator.post_bytes(
        "/cases", b'{ "data": {}, "title": "cafe\\u0301" }', **{"Idempotency-Key": key}
    )
    assert (again.status_code, again.content) == (201, first.content)


def test_another_request_under_the_same_key_is_refused(house: House) -> None:
    key = fresh_key()
    first = house.integrator.post("/cases", {"title": "一"}, key=key)
    before = house.auditor.head()
    check_problem(house.integrator.post("/cases", {"title": "二"}, key=key), 422, "key-reused")
    other = f"/cases/{first.json()['id']}/actions/withdraw"
    check_problem(
        house.integrator.post(other, {"data": {"reason": "误报"}}, key=key), 422, "key-reused"
    )
    # Also where the other request would be refused anyhow.
    check_problem(
        house.integrator.post("/cases", {"title": "一", "kind": "x"}, key=key), 422, "key-reused"
    )
    assert house.auditor.head() == before


def test_two_callers_may_use_the_same_key(house: House) -> None:
    key = fresh_key()
    first = house.integrator.post("/cases", {"title": "一"}, key=key)
    other = house.dispatcher.post("/cases", {"title": "二"}, key=key)
    assert first.json()["id"] != other.json()["id"]


def test_twins_in_flight_make_one_fact_and_get_one_answer(house: House) -> None:
    for path, person, body in (
        ("/cases", house.integrator, {"title": "双胞胎", "unit": d.COMMUNITY}),
        (
            f"/cases/{house.integrator.report(unit=d.COMMUNITY)['id']}/actions/note",
            house.dispatcher,
            {"data": {"note": "已联系"}},
        ),
    ):
        before, key = house.auditor.head(), fresh_key()
        with ThreadPoolExecutor(8) as pool:
            answers = list(
                pool.map(lambda _, p=path, w=person, b=body, k=key: w.post(p, b, key=k), range(8))
            )
        assert len({answer.content for answer in answers}) == 1
        assert {answer.status_code for answer in answers} <= {200, 201}
        version = answers[0].json()["version"]
        written = house.auditor.head() - before
        assert written == (version if path == "/cases" else 1)


def test_concurrent_writers_of_one_version_have_one_winner(house: House) -> None:
    reported = house.integrator.post("/cases", {"title": "抢办", "unit": d.COMMUNITY})
    path = f"/cases/{reported.json()['id']}/actions/note"

    def write(number: int) -> int:
        body = {"data": {"note": f"第 {number} 个"}}
        tag = reported.headers["etag"]
        return house.dispatcher.post(path, body, If_Match=tag).status_code

    with ThreadPoolExecutor(8) as pool:
        statuses = sorted(pool.map(write, range(8)))
    assert statuses == [200] + [412] * 7


def test_concurrent_writers_without_a_version_all_get_through(house: House) -> None:
    case = house.integrator.report("热闹", unit=d.COMMUNITY)
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda n: house.dispatcher.act(case["id"], "note", note=f"第 {n} 个"), range(16)
            )
        )
    assert [answer.status_code for answer in answers] == [200] * 16
    versions = sorted(answer.json()["version"] for answer in answers)
    assert versions == list(range(case["version"] + 1, case["version"] + 17))


def test_a_known_source_with_the_same_content_is_the_case_that_exists(house: House) -> None:
    first_source = source()
    body = {"title": "噪音扰民", "source": first_source, "unit": d.COMMUNITY}
    first = house.integrator.post("/cases", body)
    moved = house.community.done(first.json()["id"], "accept")
    again = house.integrator.post("/cases", body)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert again.json()["stage"] == "awaiting_grading"
    assert again.json()["position"] == moved["position"]
    reference = first_source
    path = f"/cases/by-source/{reference['system']}/{reference['id']}"
    found = house.auditor.get(path).json()
    assert found["id"] == first.json()["id"]
    assert found["source"] == body["source"]


def test_a_known_source_with_other_content_is_a_conflict(house: House) -> None:
    body = {"title": "噪音扰民", "source": source(), "unit": d.COMMUNITY}
    first = house.integrator.post("/cases", body)
    before = house.auditor.head()
    other = house.integrator.post("/cases", body | {"title": "夜间噪音"})
    check_problem(other, 409, "source-conflict", "/source/id")
    assert first.json()["number"] in other.json()["detail"]
    assert house.auditor.head() == before


def test_a_source_of_another_scope_is_a_conflict_that_tells_nothing(house: House) -> None:
    body = {"title": "噪音扰民", "source": source()}
    first = house.integrator.post("/cases", body)
    for title in ("噪音扰民", "别的"):
        other = house.other_community.post("/cases", body | {"title": title})
        check_problem(other, 409, "source-conflict", "/source/id")
        assert first.json()["number"] not in other.text


def test_an_issued_key_is_the_same_when_asked_for_again(house: House) -> None:
    key, body = fresh_key(), {"role": "auditor", "unit": "东街社区", "name": "张审计"}
    first, again = (house.admin.post("/keys", body, key=key) for _ in range(2))
    assert (first.status_code, again.content) == (201, first.content)
    assert first.json()["unit"] == d.COMMUNITY
    person = house.stranger(first.json()["secret"])
    assert person.get("/events").status_code == 200
    listed = house.admin.get("/keys").json()["items"]
    issued = next(one for one in listed if one["key"] == first.json()["key"])
    assert (issued["name"], issued["role"]) == ("张审计", "auditor")
    assert first.json()["secret"] not in house.admin.get("/keys").text
    _revoke_twice(house, first.json()["key"], person)
    replayed = house.admin.post("/keys", body, key=key)
    assert replayed.content == first.content


def _revoke_twice(house: House, issued: str, person: Person) -> None:
    admin, headers = house.admin, {"Idempotency-Key": fresh_key()}
    path = f"{admin.base}/keys/{issued}"
    first, again = (admin.http.delete(path, headers=headers) for _ in range(2))
    assert (first.status_code, again.content) == (200, first.content)
    check_problem(person.get("/events"), 401, "unauthenticated")
    gone = admin.http.delete(path, headers={"Idempotency-Key": fresh_key()})
    check_problem(gone, 404, "not-found")
