"""The channel over HTTP: set and read by administrators, its secret shown once and kept sealed."""

import base64
from collections.abc import Generator
from typing import Any

import httpx
import pytest

from tests.api.house import House, Person, fresh_key

URL = "https://gateway.example.gov.cn/notices?district=610327"


def put(person: Person, body: object, *, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or fresh_key()}
    return person.http.put(f"{person.base}/channel", json=body, headers=headers)


def off(person: Person, *, key: str | None = None) -> httpx.Response:
    headers = {"Idempotency-Key": key or fresh_key()}
    return person.http.delete(f"{person.base}/channel", headers=headers)


def shown(house: House) -> dict[str, Any]:
    answer = house.admin.get("/channel")
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


@pytest.fixture(autouse=True)
def closed_afterwards(house: House) -> Generator[None]:
    yield
    assert off(house.admin).status_code == 200


def test_a_channel_is_set_read_and_closed(house: House) -> None:
    assert shown(house)["url"] is None
    done = put(house.admin, {"url": URL, "quiet": "22:00-07:00"})
    assert done.status_code == 200
    assert (done.json()["url"], done.json()["quiet"]) == (URL, "22:00-07:00")
    now = shown(house)
    assert (now["url"], now["quiet"]) == (URL, "22:00-07:00")
    assert set(now) == {"url", "quiet", "waiting", "oldest", "failing", "last_error"}
    closed = off(house.admin)
    assert closed.json()["position"] > done.json()["position"]
    assert (shown(house)["url"], shown(house)["quiet"]) == (None, None)


def test_a_new_secret_is_shown_once_and_stays_until_another_is_given(house: House) -> None:
    secret = put(house.admin, {"url": URL}).json()["secret"]
    assert len(base64.b64decode(secret.removeprefix("whsec_"), validate=True)) == 32
    again = put(house.admin, {"url": URL, "quiet": "12:00-13:00"})
    assert again.json()["secret"] is None
    given = "whsec_" + base64.b64encode(b"g" * 24).decode()
    assert put(house.admin, {"url": URL, "secret": given}).json()["secret"] is None
    off(house.admin)
    fresh = put(house.admin, {"url": URL}).json()["secret"]
    assert fresh not in {None, secret, given}
    for text in (str(shown(house)), house.log(), house.auditor.get("/events").text):
        assert not any(one.removeprefix("whsec_") in text for one in (secret, given, fresh))


def test_the_same_request_gets_the_same_answer_with_its_secret(house: House) -> None:
    key = fresh_key()
    first = put(house.admin, {"url": URL}, key=key)
    assert first.json()["secret"]
    again = put(house.admin, {"url": URL}, key=key)
    assert again.json() == first.json()
    reused = put(house.admin, {"url": URL + "&x=1"}, key=key)
    assert (reused.status_code, reused.json()["code"]) == (422, "key-reused")
    kept = fresh_key()
    second = put(house.admin, {"url": URL}, key=kept)
    assert second.json()["secret"] is None
    assert put(house.admin, {"url": URL}, key=kept).json() == second.json()
    closing = fresh_key()
    assert off(house.admin, key=closing).json() == off(house.admin, key=closing).json()
    assert put(house.admin, {"url": URL}, key=key).json() == first.json()
    assert shown(house)["url"] is None, "a repeated request changes nothing"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway",
        "ftp://gateway/x",
        "file:///etc/passwd",
        "http://",
        "http://:80/",
        "http://a:99999/",
        "http://a:0/",
        "http://user:word@gateway/",
        "http://user@gateway/",
        "http://gateway/#part",
        "http://gate way/",
        "http://gateway/\n",
        "http://网关/",
        "http://[::1/",
    ],
)
def test_what_is_no_address_is_refused(house: House, url: str) -> None:
    answer = put(house.admin, {"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-field")
    assert answer.json()["errors"][0]["pointer"] == "/url"
    assert shown(house)["url"] is None


@pytest.mark.parametrize(
    "url", ["http://[::1]:8080/x", "http://10.0.0.7/", "https://a.b:8443/c?d=e"]
)
def test_addresses_of_an_intranet_are_addresses(house: House, url: str) -> None:
    assert put(house.admin, {"url": url}).status_code == 200
    assert shown(house)["url"] == url


@pytest.mark.parametrize("quiet", ["22:00", "22:00-22:00", "24:00-07:00", "22-7", "22:00—07:00"])
def test_quiet_hours_are_two_different_times(house: House, quiet: str) -> None:
    answer = put(house.admin, {"url": URL, "quiet": quiet})
    assert (answer.status_code, answer.json()["code"]) == (422, "unknown-field")
    assert answer.json()["errors"][0]["pointer"] == "/quiet"


def test_a_short_secret_is_refused_and_not_repeated(house: House) -> None:
    answer = put(house.admin, {"url": URL, "secret": "whsec_c2hvcnQ="})
    assert answer.json()["errors"][0]["pointer"] == "/secret"
    assert "c2hvcnQ" not in answer.text


def test_the_channel_is_for_administrators(house: House) -> None:
    for name in ("auditor", "integrator", "dispatcher", "supervisor", "dashboard"):
        person: Person = getattr(house, name)
        answers = (person.get("/channel"), put(person, {"url": URL}), off(person))
        assert [answer.status_code for answer in answers] == [403, 403, 403]
