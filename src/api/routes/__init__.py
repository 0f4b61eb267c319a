"""The routes, one file a subject, each with its line here; the hot path comes first.

- `actions` 办理: take an action, see what is possible
- `reports` 上报
- `cases` 事项: now and in the past, facts, differences
- `duplicates` 重复件: which cases may be the same issue
- `attachments` 附件: uploaded, listed, read
- `clocks` 时限、通知: every clock, its computation, notices and receipts
- `accountability` 四定三包: who answers for a case
- `ledgers` 台账: rows, counts, csv, xlsx
- `feed` 变更推送: the log by position
- `directory` 组织目录
- `catalogue` 事项目录、类别对照表
- `reference` 类型、日历
- `kinds` 事项类型的版本、发布、启用、停用、迁移
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
    accountability,
    actions,
    attachments,
    calendars,
    cases,
    catalogue,
    channel,
    clock,
    clocks,
    directory,
    documents,
    duplicates,
    feed,
    health,
    keys,
    kinds,
    ledgers,
    outages,
    reference,
    reports,
)

ROUTERS: Final[tuple[APIRouter, ...]] = (
    actions.router,
    reports.router,
    duplicates.router,
    cases.router,
    attachments.router,
    clocks.router,
    accountability.router,
    ledgers.router,
    feed.router,
    directory.router,
    catalogue.router,
    reference.router,
    kinds.router,
    calendars.router,
    outages.router,
    channel.router,
    keys.router,
    clock.router,
    health.router,
    documents.router,
)
