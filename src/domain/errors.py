"""Refusals: what the domain says when something may not happen, each with a stable code.

Refusal
├── BadInput            what was sent cannot be understood
│   ├── MalformedJson, DuplicateMember, UnknownField, UnknownParameter, TooLarge
│   ├── NaiveTime, FutureTime, TooOld
│   └── UnknownKind, UnknownUnit, UnknownCalendar
├── NotAllowed          understood, but not by this actor or not now
│   ├── ActionUnavailable, RoleForbidden, GuardFailed, SamePerson
│   ├── TasksOpen, EvidenceMissing, TrialOnly, ItemNotAdmitted
│   ├── ExtensionLate, ExtensionNotAllowed, ReturnNotAllowed, CorrectionNotAllowed
│   ├── RequestPending, KindRetired, MigrationRefused
│   ├── AccountabilityIncomplete, EffectiveTooEarly, DeadlineNotAllowed, DutyNotAllowed
│   ├── CallbackDissatisfied, CallbackMissing, RedoExhausted, LeaderCloses, AlreadyRated
│   ├── AppealLate, AppealNotAllowed, MergeNotAllowed, DuplicatesJoined, Recused, RecusedLeads
│   ├── AlreadyClaimed, VoteContradicts, PublicationOpen, ObjectionsOpen, TooManyUploads
│   └── Unauthenticated, NotFound
└── Collision           somebody or something was there before
    └── VersionStale, KeyMissing, KeyReused, SourceConflict, ClosedTimes, Busy, RankingStale

What only counting can refuse (BareDuration, NoOpening…): `domain/budget.py`, `domain/due.py`.

The docstring of each is the message a person reads; `{names}` in it are filled from the details.
"""

from collections.abc import Sequence
from typing import ClassVar


class Refusal(Exception):
    """操作未被接受。"""

    code: ClassVar[str] = "refused"

    def __init__(self, *, pointer: str = "", **details: object) -> None:
        """Keep the details, and the JSON pointer of the field at fault (empty: the whole)."""
        self.pointer = pointer
        self.details = details
        self.also: tuple[Refusal, ...] = ()
        """What else is wrong with the same form, to be mended together."""
        super().__init__(type(self).title().format_map(_Details(details)))

    @classmethod
    def title(cls) -> str:
        """Return the message before its details are filled in."""
        return (cls.__doc__ or "").strip()


class _Details(dict[str, object]):
    """Details for a message; a missing one shows as a dash instead of failing."""

    def __missing__(self, key: str) -> str:
        return "—"


class BadInput(Refusal):
    """输入有误：{detail}。"""

    code = "bad-input"


class MalformedJson(BadInput):
    """请求正文不是有效的 JSON（UTF-8）：{detail}。请检查后重新提交。"""

    code = "malformed-json"


class DuplicateMember(BadInput):
    """JSON 中字段“{member}”出现了两次。请只保留一个。"""

    code = "duplicate-member"


class UnknownField(BadInput):
    """字段“{field}”有误：{detail}。"""

    code = "unknown-field"


class UnknownParameter(BadInput):
    """不认识的查询参数“{parameter}”。可用的参数：{known}。"""

    code = "unknown-parameter"


class TooLarge(BadInput):
    """请求正文超过 {limit} 字节。请缩短文字；附件请单独上传，每个不超过 20 MB。"""

    code = "too-large"


class NaiveTime(BadInput):
    """时间“{value}”没有时区，或不是 RFC 3339 格式。请写成 2026-10-08T09:00:00+08:00。"""

    code = "naive-time"


class FutureTime(BadInput):
    """时间 {value} 晚于现在 {now}。请填写已经发生的时间。"""

    code = "future-time"


class TooOld(BadInput):
    """时间 {value} 早于允许补录的最早时间 {earliest}。请改用补录或导入。"""

    code = "too-old"


class UnknownKind(BadInput):
    """没有名为“{kind}”的事项类型。可用的类型：{known}。"""

    code = "unknown-kind"


class UnknownUnit(BadInput):
    """单元“{unit}”{problem}。请用单元编码，或“镇街/社区”这样带上级的名称。"""

    code = "unknown-unit"

    def __init__(self, *, unit: str, candidates: Sequence[str] = (), pointer: str = "") -> None:
        """Name those that were meant perhaps; with none, nothing has this code or name."""
        problem = f"不止一个：{'、'.join(candidates)}" if candidates else "不在组织目录中"
        found = list(candidates)
        super().__init__(pointer=pointer, unit=unit, problem=problem, candidates=found)


class UnknownCalendar(BadInput):
    """没有名为“{calendar}”的工作日历。可用的日历：{known}。"""

    code = "unknown-calendar"


class NotAllowed(Refusal):
    """现在不能这样办理：{detail}。"""

    code = "not-allowed"


class ActionUnavailable(NotAllowed):
    """事项处于“{stage}”环节，不能办理“{action}”。现在可以办理：{available}。"""

    code = "action-unavailable"


class RoleForbidden(NotAllowed):
    """您的角色（{role}）或所在单位不能办理“{action}”。可办理的角色：{allowed}。"""

    code = "role-forbidden"


class GuardFailed(NotAllowed):
    """不满足办理条件：{detail}。"""

    code = "guard-failed"


class SamePerson(NotAllowed):
    """“{action}”须由另一人（单位）办理，不能由承办者自己办理。"""

    code = "same-person"


class TasksOpen(NotAllowed):
    """还有协办任务未完成：{tasks}。请先完成，或说明理由后免除。"""

    code = "tasks-open"


class ItemNotAdmitted(NotAllowed):
    """“{item}”没有准入社区工作事项，{department}不能交给{unit}；请先申请准入（catalogue-admission）。"""

    code = "item-not-admitted"


class EvidenceMissing(NotAllowed):
    """缺少办理凭据“{field}”。请说明办理情况后再提交。"""

    code = "evidence-missing"


class ExtensionLate(NotAllowed):
    """“{clock}”已于 {due} 到期，到期之后不能再申请延期。请尽快办结，并说明超期的原因。"""

    code = "extension-late"


class ExtensionNotAllowed(NotAllowed):
    """不能延期：{detail}。请按现在的时限办理，或由有权的人变更分级。"""

    code = "extension-not-allowed"


class ReturnNotAllowed(NotAllowed):
    """不能退单：{detail}。请继续办理，或与派遣（交办）单位协商。"""

    code = "return-not-allowed"


class CorrectionNotAllowed(NotAllowed):
    """不能这样更正：{detail}。请核对时限和时间。"""

    code = "correction-not-allowed"


class RequestPending(NotAllowed):
    """同样的申请（第 {request} 号）正在等待审批。请等待审批结果，不要重复申请。"""

    code = "request-pending"


class CallbackDissatisfied(NotAllowed):
    """回访不满意的，不能就此了结。请改为办理：{ways}。"""

    code = "callback-dissatisfied"


class CallbackMissing(NotAllowed):
    """办结以后还没有回访或评价，不能办理“{action}”。请先回访。"""

    code = "callback-missing"


class RedoExhausted(NotAllowed):
    """已重办 {count} 次，不能再重办。请报领导，由领导说明理由后作程序性办结。"""

    code = "redo-exhausted"


class LeaderCloses(NotAllowed):
    """两次重办后回访仍不满意，只有领导可以说明理由后作程序性办结。请报领导办理。"""

    code = "leader-closes"


class AlreadyRated(NotAllowed):
    """这次办理结果已经评价过。请待重新办结后再评价。"""

    code = "already-rated"


class AppealLate(NotAllowed):
    """申诉须在办结后五个工作日内提出，最迟 {last}，已经过期。请在以后的办理中及时申诉。"""

    code = "appeal-late"


class AppealNotAllowed(NotAllowed):
    """不能这样申诉：{detail}。请核对申诉的理由。"""

    code = "appeal-not-allowed"


class MergeNotAllowed(NotAllowed):
    """不能并案：{detail}。请核对要并入的事项。"""

    code = "merge-not-allowed"


class DuplicatesJoined(NotAllowed):
    """还有并入的事项等待答复：{numbers}。请先解除并案，或办结后一并答复。"""

    code = "duplicates-joined"


class Recused(NotAllowed):
    """“{unit}”与本事项有利害关系，应当回避。请改由其他单位办理。"""

    code = "recused"


class RecusedLeads(NotAllowed):
    """“{unit}”正牵头办理本事项。请用退回重新派遣的回避办理，由其他单位接办。"""

    code = "recused-leads"


class AlreadyClaimed(NotAllowed):
    """已由“{unit}”认领。请待其放弃后再认领，或选择其他事项。"""

    code = "already-claimed"


class VoteContradicts(NotAllowed):
    """到会须有应到的 {quorum}，赞成须超过{of}的 {majority}：结果为{result}。请核对人数。"""

    code = "vote-contradicts"


class PublicationOpen(NotAllowed):
    """公示期未满（至 {until}）。请在公示期满的次日起再办理。"""

    code = "publication-open"


class ObjectionsOpen(NotAllowed):
    """还有未答复的公示异议：{objections}。请先逐项答复。"""

    code = "objections-open"


class KindRetired(NotAllowed):
    """事项类型“{kind}”已停用，不再受理新的事项。请改报其他类型：{known}。"""

    code = "kind-retired"


class MigrationRefused(NotAllowed):
    """事项 {number} 不能迁移到新版：{detail}。"""

    code = "migration-refused"


class AccountabilityIncomplete(NotAllowed):
    """四定三包不完整，不能办理“{action}”：{missing}。请先补齐。"""

    code = "accountability-incomplete"


class EffectiveTooEarly(NotAllowed):
    """变更不能早于 {earliest} 生效：此前的责任已经记录在案。请改为该时间或以后。"""

    code = "effective-too-early"


class DeadlineNotAllowed(NotAllowed):
    """不能这样定时间：{detail}。请改定时间，或先申请延期。"""

    code = "deadline-not-allowed"


class DutyNotAllowed(NotAllowed):
    """“{duty}”现在不能这样办理：{detail}。请先查看三包责任的现状。"""

    code = "duty-not-allowed"


class TrialOnly(NotAllowed):
    """只有演示或试运行区县可以设置时钟；{district} 是正式区县。"""

    code = "trial-only"


class Unauthenticated(NotAllowed):
    """没有提供有效的访问密钥。请在 Authorization 头中写 Bearer <密钥>。"""

    code = "unauthenticated"


class NotFound(NotAllowed):
    """没有找到{what}，或不在您的管辖范围内。"""

    code = "not-found"


class TooManyUploads(NotAllowed):
    """已上传、尚未引用的附件过多（最多 {files} 个、共 {megabytes} MB）。请先引用，或稍后再传。"""

    code = "too-many-uploads"


class Collision(Refusal):
    """与已有记录冲突：{detail}。"""

    code = "collision"


class VersionStale(Collision):
    """事项已有新的办理记录：您看到的是第 {expected} 版，现在是第 {current} 版。请刷新后再办理。"""

    code = "version-stale"


class KeyMissing(Collision):
    """缺少 Idempotency-Key 请求头。请为每次操作生成一个不重复的编号，重试时用同一个。"""

    code = "key-missing"


class KeyReused(Collision):
    """这个 Idempotency-Key 已用于另一个请求。请为新的操作换一个编号。"""

    code = "key-reused"


class SourceConflict(Collision):
    """来源系统“{system}”的编号“{source_id}”已有事项 {number}，内容不同。请核对编号，或作更正。"""

    code = "source-conflict"


class ClosedTimes(Collision):
    """事项 {number} 已办结，其时间只能由两人审批的更正修改。"""

    code = "closed-times"


class Busy(Collision):
    """同一事项正被频繁办理，这次没有写入。请稍后用同一个 Idempotency-Key 重试。"""

    code = "busy"


class RankingStale(Collision):
    """考核通报在预览以后有了变化，或已有新版签发。请重新预览，核对以后再签发。"""

    code = "ranking-stale"
