"""The routes, one file a subject, each with its line here; the hot path comes first.

- `actions` 办理: take an action, see what is possible
- `reports` 上报
- `cases` 事项: now and in the past, facts, differences
- `duplicates` 重复件: which cases may be the same issue
- `attachments` 附件: uploaded, listed, read
- `clocks` 时限、通知: every clock, its computation, notices and receipts
- `accountability` 四定三包: who answers for a case
- `accountability_views` 四定三包视图: by case, leader, unit, campaign; the chart to print
- `dashboards` 大屏: counts, what stands open, a map
- `ledgers` 台账: rows, counts, csv, xlsx
- `rebuilds` 台账重建
- `indicators` 考核指标: values, groups, comparisons, down to the cases
- `indicator_formulas` 指标公式: versions, publishing, activating
- `rankings` 考核通报: previewed, signed, read version by version
- `conduct_board` 文明行为榜 as the public sees it
- `feed` 变更推送: the log by position
- `directory` 组织目录
- `directory_office` 组织目录工作簿、区划调整
- `catalogue` 事项目录、类别对照表
- `reference` 类型、日历
- `kinds` 事项类型的版本、发布、启用、停用、迁移
- `calendars` 工作日历的版本
- `outages` 停机与补录
- `registers` 自定台账的管理
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
    accountability_views,
    actions,
    attachments,
    calendars,
    cases,
    catalogue,
    channel,
    clock,
    clocks,
    conduct_board,
    dashboards,
    directory,
    directory_office,
    documents,
    duplicates,
    feed,
    health,
    indicator_formulas,
    indicators,
    keys,
    kinds,
    ledgers,
    outages,
    rankings,
    rebuilds,
    reference,
    registers,
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
    accountability_views.router,
    dashboards.router,
    ledgers.router,
    rebuilds.router,
    indicators.router,
    indicator_formulas.router,
    rankings.router,
    conduct_board.router,
    feed.router,
    directory.router,
    directory_office.router,
    catalogue.router,
    reference.router,
    kinds.router,
    registers.router,
    calendars.router,
    outages.router,
    channel.router,
    keys.router,
    clock.router,
    health.router,
    documents.router,
)
