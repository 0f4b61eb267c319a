"""One signed POST: the standard's own vectors, and what can come back."""

import asyncio
import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest

from api.webhook_channel import WebhookChannel, signed
from domain.errors import UnknownField
from tests.support.receiver import NotVerified, Receiver, Reply, receiving, verify
from workflows.notices.channel import Target, signing_key
from workflows.notices.message import Failed, Message, Taken

DATA: Final = Path(
    os.environ.get("BIHUAN_TEST_DATA", Path(__file__).parents[3] / "shared" / "data")
)
VECTORS: Final = DATA / "standard_webhooks" / "vectors.json"
SECRET: Final = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"  # noqa: S105 - the standard's own
NOW: Final = datetime(2026, 10, 12, 1, 0, tzinfo=UTC)
MESSAGE: Final = Message("msg_1", b'{"test": 2432232314}')


@pytest.fixture
def vectors() -> dict[str, Any]:
    if not VECTORS.is_file():
        pytest.skip(f"BIHUAN_TEST_DATA: no {VECTORS}")
    return dict(json.loads(VECTORS.read_text("utf-8")))


def target(url: str) -> Target:
    return Target(url=url, key=signing_key(SECRET), quiet=None, since=NOW)


def sent(url: str, *, timeout: float = 5.0) -> Taken | Failed:
    async def send() -> Taken | Failed:
        channel = WebhookChannel(timeout=timeout)
        try:
            return await channel.send(target(url), MESSAGE, NOW)
        finally:
            await channel.close()

    return asyncio.run(send())


def answered(*replies: Reply, timeout: float = 5.0) -> Taken | Failed:
    with receiving() as receiver:
        receiver.replies = list(replies)
        return sent(receiver.url, timeout=timeout)


def test_the_standards_message_gets_the_standards_signature(vectors: dict[str, Any]) -> None:
    vector = vectors["sign_vector"]
    message = Message(vector["webhook-id"], vector["payload"].encode())
    at = datetime.fromtimestamp(vector["webhook-timestamp"], UTC)
    for secret in (vectors["secret_prefixed"], vectors["secret_base64"]):
        headers = signed(signing_key(secret), message, at)
        assert headers == {
            "webhook-id": vector["webhook-id"],
            "webhook-timestamp": str(vector["webhook-timestamp"]),
            "webhook-signature": vector["expected"],
        }
        verify(secret, headers, message.body, at.timestamp())


def test_the_tests_own_receiver_takes_and_refuses_what_the_standard_does(
    vectors: dict[str, Any],
) -> None:
    vector = vectors["sign_vector"]
    body, stamp = vector["payload"].encode(), vector["webhook-timestamp"]
    good = {name: str(vector[name]) for name in ("webhook-id", "webhook-timestamp")}
    good["webhook-signature"] = vector["expected"]
    seen = 0
    for case in vectors["verify_cases"]:
        headers, now = dict(good), float(stamp)
        name = str(case["name"])
        if "secret" in name and case["expect"] != "ok":
            continue
        if name.startswith("missing "):
            del headers[name.removeprefix("missing ")]
        if "not a number" in name:
            headers["webhook-timestamp"] = "hello"
        if "older" in name or "newer" in name:
            now += 301 if "older" in name else -301
        signature = case.get("webhook-signature", good["webhook-signature"])
        listed = [signature] if isinstance(signature, str) else signature
        if "webhook-signature" in headers:
            headers["webhook-signature"] = " ".join(
                vector["expected"] if one == "<valid v1>" else one for one in listed
            )
        seen += 1
        if case["expect"] == "ok":
            verify(vectors["secret_prefixed"], headers, body, now)
        else:
            with pytest.raises(NotVerified):
                verify(vectors["secret_prefixed"], headers, body, now)
    assert seen == 11


@pytest.mark.parametrize(
    "secret", ["", "whsec_", "whsec_c2hvcnQ=", "whsec_不是", "whsec_" + "A" * 90]
)
def test_a_secret_that_signs_nothing_well_is_refused(secret: str) -> None:
    with pytest.raises(UnknownField) as refused:
        signing_key(secret)
    assert refused.value.pointer == "/secret"
    assert not secret.removeprefix("whsec_") or secret not in str(refused.value)


@pytest.mark.parametrize(
    ("body", "receipt"),
    [
        (b"", "http-200"),
        (b'{"receipt": "sms-20261012-7"}', "sms-20261012-7"),
        (b'{"receipt": "sms-7", "more": [1, {"a": null}]}', "sms-7"),
        ('{"receipt": "已送达王小明"}'.encode(), "http-200"),
        (b'{"receipt": "two words"}', "http-200"),
        (b'{"receipt": "' + b"x" * 65 + b'"}', "http-200"),
        (b'{"receipt": 7}', "http-200"),
        (b'{"receipt": null}', "http-200"),
        (b"<html>", "http-200"),
        (b"\xff\xfe", "http-200"),
        (b"[" * 10_000, "http-200"),
        (b" " * 1_000_000 + b'{"receipt": "ok"}', "http-200"),
    ],
)
def test_a_receipt_is_a_short_code_or_else_the_status(body: bytes, receipt: str) -> None:
    assert answered(Reply(body=body)) == Taken(receipt)


@pytest.mark.parametrize("status", [201, 202, 204])
def test_any_success_is_a_success(status: int) -> None:
    assert answered(Reply(status)) == Taken(f"http-{status}")


@pytest.mark.parametrize("status", [400, 401, 404, 429, 500, 503])
def test_any_other_status_is_tried_again_later(status: int) -> None:
    assert answered(Reply(status, b'{"receipt": "no"}')) == Failed(f"http-{status}")


def test_gone_is_for_ever() -> None:
    assert answered(Reply(410)) == Failed("http-410", final=True)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int) -> None:
    with receiving() as elsewhere, receiving() as receiver:
        receiver.replies = [Reply(status, headers={"location": elsewhere.url})]
        assert sent(receiver.url) == Failed(f"http-{status}")
        assert len(receiver.got) == 1
        assert elsewhere.got == []


def test_who_hangs_is_waited_for_no_longer_than_agreed() -> None:
    assert answered(Reply(hangs=1.0), timeout=0.2) == Failed("timeout")


def test_who_speaks_ever_so_slowly_is_waited_for_no_longer_either() -> None:
    assert answered(Reply(drips=0.1), timeout=0.4) == Failed("timeout")


def test_nobody_there_is_a_failure_like_any_other() -> None:
    with receiving() as receiver:
        url = receiver.url
    assert sent(url) == Failed("unreachable")
    assert sent("https" + url.removeprefix("http")) == Failed("unreachable")


def test_a_server_without_a_certificate_is_not_spoken_to() -> None:
    with receiving() as receiver:
        assert sent("https" + receiver.url.removeprefix("http")) == Failed("bad-certificate")
        assert receiver.got == []


def test_no_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving() as proxy, receiving() as receiver:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        assert sent(receiver.url) == Taken("http-200")
        assert proxy.got == []


def test_the_secret_shows_in_no_log_and_no_text(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(0), receiving() as receiver:
        sent(receiver.url)
        _verified(receiver)
    assert "secret" not in repr(target(receiver.url))
    key = signing_key(SECRET)
    for text in (caplog.text, repr(target(receiver.url)), str(target(receiver.url))):
        assert SECRET.removeprefix("whsec_") not in text
        assert repr(key)[2:-1] not in text


def _verified(receiver: Receiver) -> None:
    (got,) = receiver.got
    verify(SECRET, got.headers, got.body, NOW.timestamp())
    assert got.headers["content-type"] == "application/cloudevents+json; charset=utf-8"
    with pytest.raises(NotVerified):
        verify(SECRET, got.headers, got.body + b" ", NOW.timestamp())
