"""The channel (通知渠道): where a district's notices are sent, when not, and what signs them.

The signing secret is sealed beside the fact and shown once, when it is made here.
"""

import asyncio
import base64
import binascii
import re
import secrets
from datetime import datetime, time, timedelta
from typing import Final
from urllib.parse import urlsplit

from msgspec import Struct
from typing_extensions import override

from domain import facts as f
from domain.due import SHANGHAI
from domain.errors import UnknownField
from domain.world import Draft
from eventlog.reader import read_positions
from eventlog.records import Record
from eventlog.streams import stream_id
from workflows.administration import administrator
from workflows.engine import Caller, Engine

WEBHOOK: Final = "webhook"
SUBJECT: Final = "channel:webhook"
PREFIX: Final = "whsec_"
"""By which Standard Webhooks tells secrets from other words; the rest is base64."""
SECRET_BYTES: Final = 32
SHORTEST_SECRET: Final = 24
LONGEST_SECRET: Final = 64
LONGEST_URL: Final = 500
FRESH: Final = timedelta(hours=24)
"""How old a notice may be that waited for a channel; an older one is told to nobody any more."""
_QUIET: Final = re.compile(r"((?:[01]\d|2[0-3]):[0-5]\d)-((?:[01]\d|2[0-3]):[0-5]\d)", re.ASCII)
_PRINTABLE: Final = re.compile(r"[\x21-\x7e]+")


class Target(Struct, frozen=True, kw_only=True):
    """The channel as a worker needs it."""

    url: str
    key: bytes
    quiet: tuple[time, time] | None
    since: datetime
    """Older notices that nobody has tried to send are not sent (district time)."""

    @override
    def __repr__(self) -> str:
        """Return what may stand in a log."""
        return f"Target({self.url!r})"

    def rests(self, now: datetime) -> bool:
        """Whether `now`, district time, lies in the quiet hours; they may pass midnight."""
        if self.quiet is None:
            return False
        since, until = self.quiet
        local = now.astimezone(SHANGHAI).time()
        return since <= local < until if since < until else local >= since or local < until


class ChannelSet(Struct, frozen=True, kw_only=True):
    """What was configured; the secret only where it is new."""

    url: str
    quiet: str | None
    secret: str | None
    position: int


async def set_channel(
    engine: Engine,
    url: str,
    *,
    quiet: str | None = None,
    secret: str | None = None,
    fresh: str | None = None,
    caller: Caller | None = None,
) -> ChannelSet:
    """设置通知渠道. Without a secret the present one stays; where there is none, one is made.

    `fresh` is the new secret where a request determines it.

    Raises:
        UnknownField: the address, the quiet hours or the secret are not what they should be.
    """
    checked_url(url)
    quiet_from, quiet_until = quiet_hours(quiet)
    kept = secret if secret is not None else await present_secret(engine)
    made = fresh or new_secret(secrets.token_bytes(SECRET_BYTES)) if kept is None else None
    signing = kept or made or ""
    signing_key(signing)
    fact = f.ChannelConfigured(
        channel=WEBHOOK, url=url, quiet_from=quiet_from, quiet_until=quiet_until
    )
    who = caller or administrator(engine, "channel-set", url)
    position = await _record(engine, fact, (f.Text("secret", SUBJECT, signing),), who)
    return ChannelSet(url=url, quiet=quiet or None, secret=made, position=position)


async def close_channel(engine: Engine, *, caller: Caller | None = None) -> int:
    """停用通知渠道: nothing is sent any more, notices wait; returns the position."""
    fact = f.ChannelConfigured(channel=WEBHOOK, url="", quiet_from="", quiet_until="")
    return await _record(engine, fact, (), caller or administrator(engine, "channel-off"))


async def _record(
    engine: Engine, fact: f.ChannelConfigured, texts: tuple[f.Text, ...], caller: Caller
) -> int:
    stream = stream_id(engine.district, f.DISTRICT)
    draft = Draft(fact, engine.now(), texts)
    return (await engine.record(f.DISTRICT, stream, [draft], caller)).last


async def present_secret(engine: Engine) -> str | None:
    """Return the secret that signs now; None without a channel, or where it was erased."""
    reference = await engine.refresh()
    if reference.channel is None or not reference.channel.url:
        return None
    return await asyncio.to_thread(secret_at, engine, reference.channel_position)


def secret_at(engine: Engine, position: int) -> str | None:
    """Return the secret that was configured at a position of the log; blocks."""
    return _opened(engine, position)[1]


def load_target(engine: Engine) -> Target | None:
    """Return the channel as it is configured now; None without one; blocks."""
    reference = engine.reference
    channel = reference.channel
    if channel is None or not channel.url:
        return None
    record, secret = _opened(engine, reference.channel_position)
    if secret is None:
        return None
    hours = [time.fromisoformat(one) for one in (channel.quiet_from, channel.quiet_until) if one]
    return Target(
        url=channel.url,
        key=signing_key(secret),
        quiet=(hours[0], hours[1]) if hours else None,
        since=record.recorded_at - FRESH,
    )


def _opened(engine: Engine, position: int) -> tuple[Record, str | None]:
    with engine.database.connection() as connection:
        record = read_positions(connection, [position])[0]
        texts = engine.vault.open_records([record], connection=connection)
    return record, texts.get((position, "secret"))


def new_secret(random: bytes) -> str:
    """Return a signing secret as Standard Webhooks writes it."""
    return PREFIX + base64.b64encode(random).decode()


def signing_key(secret: str) -> bytes:
    """Return the bytes that sign, of a secret with or without its prefix.

    Raises:
        UnknownField: it is no base64, or not of 24 to 64 bytes (Standard Webhooks).
    """
    try:
        key = base64.b64decode(secret.strip().removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not SHORTEST_SECRET <= len(key) <= LONGEST_SECRET:
        detail = f"应为 {PREFIX} 加 {SHORTEST_SECRET} 至 {LONGEST_SECRET} 字节的 base64"
        raise UnknownField(field="secret", detail=detail, pointer="/secret")
    return key


def checked_url(url: str) -> None:
    """Refuse what is no address to send to; it is recorded in clear, so no password either.

    Raises:
        UnknownField.
    """
    detail = _wrong_with(url)
    if detail:
        raise UnknownField(field="url", detail=detail, pointer="/url")


def _wrong_with(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "不是有效的网址"
    if parts.scheme not in {"http", "https"} or not host or port == 0:
        return "应为 http:// 或 https:// 开头的完整网址"
    if len(url) > LONGEST_URL or not _PRINTABLE.fullmatch(url):
        return f"只能用 ASCII 字符，不超过 {LONGEST_URL} 个，不含空格"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "不能带用户名、口令或 #；网址会明文记录，接收方凭签名核验来源"
    return ""


def quiet_hours(text: str | None) -> tuple[str, str]:
    """Read `22:00-07:00`, from inclusive, until exclusive; empty for none.

    Raises:
        UnknownField.
    """
    if not text:
        return ("", "")
    found = _QUIET.fullmatch(text.strip())
    if found is None or found[1] == found[2]:
        detail = "应写成 22:00-07:00（区县时间，两个时刻不同，可以过午夜）"
        raise UnknownField(field="quiet", detail=detail, pointer="/quiet")
    return found[1], found[2]


def shown_quiet(channel: f.ChannelConfigured) -> str | None:
    """Return the quiet hours as they are written."""
    return f"{channel.quiet_from}-{channel.quiet_until}" if channel.quiet_from else None
