"""The API about itself: every route guarded, described, listed; refusals in one table; no leaks."""

import ast
import pkgutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.routing import APIRoute
from openapi_spec_validator import OpenAPIV31SpecValidator

import api
import api.routes
from api.access import guard_of
from api.application import create_app
from api.hot import HotRoute
from api.problems import STATUSES
from api.services import Services
from domain import errors as domain_errors
from domain.errors import Refusal
from tests.api.house import House
from tests.support import districts as d

PUBLIC = {
    "/health/live",
    "/health/ready",
    "/metrics",
    "/v1/openapi.json",
    "/v1/docs",
}
# Modules outside the API that define refusals of their own.
SOURCES = ("app.cli", "domain.due", "projections.query", "workflows.administration")


def routes() -> list[APIRoute]:
    found = create_app(Services()).router.routes
    assert all(isinstance(route, APIRoute) for route in found)
    return [route for route in found if isinstance(route, APIRoute)]


def test_every_route_is_guarded_or_known_to_be_public() -> None:
    unguarded = {route.path for route in routes() if guard_of(route) is None}
    assert unguarded == PUBLIC


def test_every_guarded_route_names_its_district() -> None:
    outside = [
        route.path
        for route in routes()
        if guard_of(route) and not route.path.startswith("/v1/districts/{district}")
    ]
    assert outside == []


def test_every_file_of_routes_is_listed() -> None:
    files = {module.name for module in pkgutil.iter_modules(api.routes.__path__)}
    listed = {name for name in vars(api.routes) if name in files}
    assert files == listed
    assert len(api.routes.ROUTERS) == len(files)


def test_only_the_hot_path_is_served_without_the_framework() -> None:
    hot = {
        route.path.removeprefix("/v1/districts/{district}")
        for route in routes()
        if isinstance(route, HotRoute)
    }
    assert hot == {"/cases", "/cases/{case_id}/actions/{action}"}


def refusals(kind: type[Refusal] = Refusal) -> Iterator[type[Refusal]]:
    yield kind
    for child in kind.__subclasses__():
        yield from refusals(child)


def test_every_refusal_of_the_domain_has_its_status() -> None:
    for module in SOURCES:
        pytest.importorskip(module)
    found = {kind.code for kind in refusals() if not kind.__module__.startswith("app")}
    assert found - set(STATUSES) == set()
    assert domain_errors.NotFound.code in found


def test_http_statuses_of_refusals_stand_in_one_file() -> None:
    root = Path(api.__file__).parent
    offenders = [
        f"{path.relative_to(root)}: {node.value}"
        for path in root.rglob("*.py")
        if path.name != "problems.py"
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant)
        and type(node.value) is int
        and node.value in {status for status, _ in STATUSES.values()}
        and node.value < 500 + 100
        and node.value != 500
    ]
    assert offenders == []


def test_the_description_is_valid_openapi_and_covers_every_route(house: House) -> None:
    answer = house.auditor.http.get("/v1/openapi.json")
    description = answer.json()
    OpenAPIV31SpecValidator(description).validate()
    described = {
        (method.upper(), path)
        for path, operations in description["paths"].items()
        for method in operations
    }
    wanted = {
        (method, route.path_format)
        for route in routes()
        for method in route.methods or ()
        if route.include_in_schema
    }
    assert described == wanted
    act = description["paths"]["/v1/districts/{district}/cases/{case_id}/actions/{action}"]["post"]
    assert {one["name"] for one in act["parameters"]} == {
        "district",
        "case_id",
        "action",
        "Idempotency-Key",
        "If-Match",
    }
    assert act["requestBody"]["content"]["application/json"]["schema"]["$ref"].endswith("ActBody")


def test_the_page_of_the_description_loads_nothing(house: House) -> None:
    page = house.auditor.http.get("/v1/docs")
    assert page.status_code == 200
    assert "Idempotency-Key" in page.text
    for outside in ("http://", "https://", "<script", "src=", "@import"):
        assert outside not in page.text


def test_health_and_metrics_need_no_key(house: House) -> None:
    stranger = house.stranger().http
    assert stranger.get("/health/live").json() == {"status": "live", "problems": []}
    ready = stranger.get("/health/ready")
    assert (ready.status_code, ready.json()["status"]) == (200, "ready")
    house.integrator.report("计数", unit=d.COMMUNITY)
    metrics = stranger.get("/metrics").text
    assert 'route="/v1/districts/{district}/cases",status="201"' in metrics
    assert 'bihuan_appended_facts_total{district="610327"}' in metrics
    assert 'bihuan_ledger_lag{district="610327",ledger="cases@1"}' in metrics


def test_a_halted_ledger_makes_the_process_unready(house: House) -> None:
    with house.site.open("610328") as services, services.database.connection() as connection:
        connection.execute("UPDATE checkpoint SET state = 'halted' WHERE name = 'cases@1'")
        try:
            answer = house.stranger().http.get("/health/ready")
        finally:
            connection.execute("UPDATE checkpoint SET state = 'live' WHERE name = 'cases@1'")
    assert answer.status_code == 503
    assert "cases@1" in answer.json()["problems"][0]


def test_a_sane_request_id_is_kept_and_any_other_replaced(house: House) -> None:
    kept = house.auditor.get("/events", X_Request_Id="abc-12345678")
    assert kept.headers["x-request-id"] == "abc-12345678"
    for odd in ("short", "x" * 200, "a b c d e f g h", "<script>alert"):
        answer = house.auditor.get("/events", X_Request_Id=odd)
        assert answer.headers["x-request-id"] != odd


def test_logs_hold_an_id_and_nothing_personal(house: House) -> None:
    marks = ("王小明", "13800138000", "隐私标题", "隐私经过", "secret-source")
    body = {
        "title": marks[2],
        "description": marks[3],
        "reporter": {"name": marks[0], "phone": marks[1]},
        "source": {"system": "hotline", "id": marks[4]},
    }
    answer = house.integrator.post("/cases", body, X_Request_Id="trace-me-1234")
    assert answer.status_code == 201
    assert not any(mark in answer.text for mark in marks)
    house.auditor.get(f"/cases/by-source/hotline/{marks[4]}")
    house.auditor.get("/ledgers/cases", {"source_id": marks[4]})
    refused = house.integrator.post("/cases", body | {"description": 5})
    conflict = house.integrator.post("/cases", body | {"title": "别的"})
    assert not any(mark in refused.text + conflict.text for mark in marks[:4])
    log = house.log()
    assert "trace-me-1234" in log
    assert not any(mark in log for mark in marks)
    assert not any(secret in log for secret in house.secrets.values())


def test_an_error_of_ours_is_a_problem_with_a_trace_and_no_stack(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("王小明 13800138000")

    monkeypatch.setattr("api.routes.cases.records_of", broken)
    answer = house.auditor.get("/cases/3e0b5a5e-7a39-4b4e-9d4a-0f3ad32c1a01")
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "Traceback" not in answer.text
    assert "王小明" not in answer.text + house.log()
    assert answer.json()["trace_id"] in house.log()
    assert "RuntimeError" in house.log()
