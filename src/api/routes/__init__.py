"""The routes, one file a subject, each with its line here; the hot path comes first.

- `actions` 办理: take an action, see what is possible
- `reports` 上报
- `cases` 事项: now and in the past, facts, differences
- `clocks` 时限、通知: every clock, its computation, notices and receipts
- `ledgers` 台账: rows, counts, csv, xlsx
- `feed` 变更推送: the log by position
- `reference` 目录、类型、日历
- `calendars` 工作日历的版本
- `outages` 停机与补录
- `channel` 通知渠道
- `keys` 访问密钥
- `clock` 试运行时钟
- `health` 健康检查、指标
- `documents` 接口文档
"""

from typing import Final

from fastapi import APIRouter

from api.routes import (
    actions,
    calendars,
    cases,
    channel,
    clock,
    clocks,
    documents,
    feed,
    health,
    keys,
    ledgers,
    outages,
    reference,
    reports,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    actions.router,
    reports.router,
    cases.router,
    clocks.router,
    ledgers.router,
    feed.router,
    reference.router,
    calendars.router,
    outages.router,
    channel.router,
    keys.router,
    clock.router,
    health.router,
    documents.router,
)
