"""Kinds over HTTP: checked, published, activated, retired, and open cases migrated."""

from tests.api.house import House, Person, fresh_key
from tests.support.kinds import REPAIR, next_version

KINDS = "/kinds"


def named(text: str, name: str) -> str:
    """Return a kind under a name of its own: the district is shared."""
    return text.replace("name: repair", f"name: {name}")


def published(person: Person, text: str, *, activate: bool = True) -> dict[str, object]:
    answer = person.post(KINDS, {"source": text, "activate": activate})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def test_a_check_lists_every_problem_with_its_line_and_writes_nothing(house: House) -> None:
    wrong = REPAIR.replace("[received, ", "[recieved, ").replace("to: done", "to: gone")
    head = house.admin.head()
    told = house.admin.post("/kinds/check", {"source": wrong}).json()
    assert not told["valid"]
    lines = wrong.splitlines()
    for problem in told["problems"]:
        assert lines[problem["line"] - 1] == problem["text"]
    assert [one["path"] for one in told["problems"]] == ["actions.begin.in", "actions.finish.to"]
    assert "是不是“received”" in told["problems"][0]["problem"]
    right = house.admin.post("/kinds/check", {"source": REPAIR}).json()
    assert (right["valid"], right["name"], right["problems"]) == (True, "repair", [])
    assert house.admin.head() == head


def test_a_broken_kind_is_refused_with_pointers_and_lines(house: House) -> None:
    wrong = REPAIR.replace("[received, ", "[recieved, ")
    answer = house.admin.post(KINDS, {"source": wrong})
    assert (answer.status_code, answer.json()["code"]) == (422, "bad-kind")
    (error,) = answer.json()["errors"]
    assert error["pointer"] == "/actions/begin/in"
    assert "recieved" in wrong.splitlines()[int(error["line"]) - 1]


def test_a_version_is_published_read_activated_and_retired(house: House) -> None:
    text = named(REPAIR, "lamp-repair")
    key = fresh_key()
    answer = house.admin.post(KINDS, {"source": text}, key=key)
    assert answer.status_code == 201
    told = answer.json()
    assert (told["name"], told["version"], told["state"]) == ("lamp-repair", "1.0.0", "published")
    again = house.admin.post(KINDS, {"source": text}, key=key)
    assert (again.status_code, again.json()["hash"]) == (201, told["hash"])
    refused = house.grid.post("/cases", {"title": "灯坏了", "kind": "lamp-repair"})
    assert refused.json()["code"] == "unknown-kind"
    active = house.admin.post("/kinds/lamp-repair/activate", {"version": "1.0.0"}).json()
    assert active["state"] == "active"
    assert house.integrator.report("灯坏了", kind="lamp-repair")["stage"] == "received"
    shown = house.auditor.get("/kinds/lamp-repair/versions/1.0.0").json()
    assert shown["source"] == text
    assert shown["mermaid"].startswith("stateDiagram-v2")
    assert shown["tables"][0]["title"] == "环节"
    listed = house.auditor.get("/kinds/versions").json()["items"]
    assert [one["state"] for one in listed if one["name"] == "lamp-repair"] == ["active"]
    assert house.admin.post("/kinds/lamp-repair/retire").json()["state"] == "retired"
    answer = house.integrator.post("/cases", {"title": "灯坏了", "kind": "lamp-repair"})
    assert (answer.status_code, answer.json()["code"]) == (409, "kind-retired")
    assert "已停用" in answer.json()["detail"]


def test_the_same_version_with_other_content_is_refused(house: House) -> None:
    text = named(REPAIR, "pump-repair")
    published(house.admin, text)
    other = text.replace("title: 报修", "title: 报修登记")
    answer = house.admin.post(KINDS, {"source": other})
    assert (answer.status_code, answer.json()["code"]) == (409, "version-taken")


def test_only_administrators_change_kinds(house: House) -> None:
    for path in (KINDS, "/kinds/check", "/kinds/repair/activate", "/kinds/repair/retire"):
        assert house.supervisor.post(path, {"source": REPAIR}).status_code == 403
    for path in ("preview", "approve"):
        answer = house.supervisor.post(f"/kinds/repair/migrations/{path}", {})
        assert answer.status_code == 403


def test_a_migration_is_previewed_by_anybody_and_approved_by_another(house: House) -> None:
    published(house.admin, named(REPAIR, "road-repair"))
    house.integrator.report("路面塌陷", kind="road-repair")
    published(house.admin, named(next_version(), "road-repair"))
    body = {"from": "1.0.0", "to": "2.0.0"}
    head = house.admin.head()
    shown = house.admin.post("/kinds/road-repair/migrations/preview", body).json()
    assert (shown["open"], shown["passing"], shown["refused"]) == (1, 1, 0)
    assert shown["stages"] == {"received": {"received": 1}}
    assert (shown["approved"], house.admin.head()) == (False, head)
    approval = body | {"plan": shown["plan"]}
    # Whoever published the new version wrote its rule.
    answer = house.admin.post("/kinds/road-repair/migrations/approve", approval)
    assert (answer.status_code, answer.json()["code"]) == (403, "same-person")
    other = house.admin.post("/keys", {"role": "admin", "name": "另一位管理员"}).json()
    person = house.stranger(other["secret"])
    wrong = person.post("/kinds/road-repair/migrations/approve", body | {"plan": "0" * 64})
    assert wrong.status_code == 404
    key = fresh_key()
    for _ in range(2):
        answer = person.post("/kinds/road-repair/migrations/approve", approval, key=key)
        assert (answer.status_code, answer.json()["approved"]) == (200, True), answer.text
    again = person.post("/kinds/road-repair/migrations/approve", approval)
    assert again.status_code == 409
