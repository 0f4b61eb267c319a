"""The Chinese of a kind: what its codes are called where people read a definition."""

import re
from typing import Final

from domain import facts as f
from domain.budget import Budget, Unit
from domain.kind import PHASES, Relation

PHASE_TITLES: Final[dict[str, str]] = dict(
    zip(PHASES, ("网格发现", "社区呼应", "分级响应", "协同处置"), strict=True)
)
FACT_TITLES: Final[dict[str, str]] = {
    fact.TYPE: found[0]
    for fact in f.FACTS
    if (found := re.match(r"[\u4e00-\u9fff]+", fact.__doc__ or ""))
}
"""Every fact's docstring opens with its Chinese name."""
ROLES: Final[dict[str, str]] = {
    "admin": "管理员",
    "integrator": "对接系统",
    "auditor": "审计员",
    "dashboard": "看板",
    "grid_worker": "网格员",
    "community_officer": "社区干部",
    "town_officer": "镇街干部",
    "department_officer": "部门经办人",
    "dispatcher": "派遣员",
    "supervisor": "督办人员",
    "leader": "领导",
    "importer": "导入程序",
    "timer": "到时程序",
}
RELATIONS: Final[dict[Relation, str]] = {
    Relation.DISTRICT: "全区县",
    Relation.PLACE: "事项所在地及其上级",
    Relation.HOLDER: "当前持有单位",
    Relation.LEAD: "牵头单位",
    Relation.ASSISTING: "有未完成协办任务的单位",
    Relation.CALLED: "被吹哨的单位",
    Relation.GIVER: "把事项交来的单位",
    Relation.CENTRE: "区县中心",
    Relation.CLAIMANT: "认领的单位",
    Relation.LEADER: "包案领导",
    Relation.VERIFIER: "受理（核查）单位",
}
REQUIREMENTS: Final[dict[str, str]] = {
    "tasks_settled": "协办任务都已完成或免除",
    "another_unit": "由办理者以外的单位（人）办理",
    "within_return_window": "派遣后两个工作日内",
    "non_acceptance_proposed": "已拟不予受理",
    "handover_accepted": "已接办",
    "handover_pending": "等待接办",
    "push_forward": "不是被退回之后往下推",
    "not_bound": "不是指定承办",
    "handed_to_holder": "交到手两个工作日内",
    "centre_from_third_return": "第三次退单起由中心决定",
    "dispatch_free": "未到须由中心指定承办",
    "designation_due": "已到须由中心指定承办",
    "call_unanswered": "吹哨尚未报到",
    "not_lower": "督办单位不低于承办单位",
    "asked_to_provide": "已要求补充材料",
    "redo_left": "重办未满两次",
    "redo_exhausted": "重办已满两次",
    "settled": "回访已解决",
    "unsettled": "两次重办仍未解决",
    "called_back": "已回访或已评价",
    "unrated": "尚未评价",
    "within_appeal_window": "办结（或回访）后五个工作日内",
    "identity_open": "身份尚未隐藏",
    "four_fixed": "四定齐备",
    "duties_done": "包调查、包处理已落实",
    "admitted_for_community": "交社区的须是准入事项",
    "to_be_allotted": "区划调整后待分派",
    "not_the_claimant": "由认领者以外的单位（人）办理",
    "objections_answered": "异议都已答复",
    "publication_over": "公示已期满",
    "applied_ahead": "提前三十个工作日申请",
}
"""What `requires:` asks for; what is not listed is shown by its name."""
HOLDERS: Final[dict[str, str]] = {
    "lead": "牵头单位",
    "accepted_by": "受理单位",
    "verifier": "核查单位",
    "giver": "交来的单位",
    "place": "所在地单位",
    "community": "所在社区",
    "centre": "区县中心",
}
STEPS: Final[dict[str, str]] = {
    "notify": "通知",
    "remind": "催办",
    "supervise": "督办",
    "propose_reassignment": "建议改派",
    "name_leader": "点名到分管领导",
    "publicise": "通报",
}
TOLD: Final[dict[str, str]] = {"handler": "承办单位", "holder": "持有单位"}
PARTIES: Final[dict[str, str]] = {
    **TOLD,
    "lead": "牵头单位",
    "assisting": "协办单位",
    "informed": "知会单位",
    "called": "被吹哨的单位",
    "giver": "交来的单位",
    "verifier": "受理（核查）单位",
    "claimant": "认领的单位",
    "place": "事项所在地",
    "centre": "区县中心",
    "adopter": "包案领导",
    "accepted_by": "受理单位",
    "unit": "所涉单位",
    "charged_to": "派遣（交办）单位",
    "receiver": "接收单位",
    "copied": "抄送单位",
    "returner": "退单单位",
    "dispatcher": "派遣单位",
    "caller": "吹哨的单位",
    "attended": "参加单位",
    "previous": "原责任人",
    "post": "责任岗位",
    "owners": "措施责任单位",
    "cadre": "社区责任干部",
    "grid_worker": "责任网格员",
    "units": "责任单位",
    "coordinator": "协调单位",
    "department": "申请部门",
}
"""Whom a kind's notices name; the last of them by a member of the fact, before any role."""
FIELD_TYPES: Final[dict[str, str]] = {
    "text": "文字（加密）",
    "texts": "多段文字（加密）",
    "code": "编码",
    "codes": "多个编码",
    "unit": "单位",
    "units": "多个单位",
    "integer": "整数",
    "boolean": "是否",
    "moment": "时间",
    "day": "日期",
    "case": "另一事项",
    "post": "岗位",
}
DATES: Final[dict[str, str]] = {
    "source_due": "来源要求的办结时间",
    "fixed_deadline": "“定时间”确定的日期",
    "duty_until": "三包责任的期限",
}
PER: Final[dict[str, str]] = {
    "task": "每项协办",
    "call": "每次吹哨",
    "duty": "每项三包责任",
    "objection": "每项异议",
}
VALUES: Final[dict[str, str]] = {
    "general": "一般",
    "serious": "较大",
    "major": "重大",
    "normal": "普通",
    "urgent": "紧急",
    "": "其他",
}
PASSAGES: Final[dict[str, str]] = {
    "kept": "照旧",
    "restarted": "按新版重新起算",
    "cancelled": "取消",
    "started": "开始计时",
}
"""What becomes of a clock when its case passes to another version."""
_UNITS: Final[dict[Unit, str]] = {
    Unit.wh: "个工作小时",
    Unit.wd: "个工作日",
    Unit.nh: "小时（昼夜连续）",
    Unit.nd: "个自然日",
    Unit.month: "个月",
}


def fact_title(fact: str, value: str = "") -> str:
    """Return what people call a fact, with the value that is meant of it."""
    told = FACT_TITLES.get(fact, fact)
    return f"{told}（{VALUES.get(value, value)}）" if value else told


def budget_title(budget: Budget) -> str:
    """Return an amount of time in words."""
    minutes = f" {budget.minutes} 分" if budget.minutes else ""
    return f"{budget.amount} {_UNITS[budget.unit]}{minutes}"


def relation_title(relation: Relation) -> str:
    """Return how a unit stands to the case."""
    return RELATIONS.get(relation, relation.value)
