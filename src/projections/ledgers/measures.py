"""指标底账: one row for each thing that indicators count, with who is judged by it."""

from typing import Final

from projections.ledger import Ledger
from projections.ledgers.cases import CASES, case_columns, case_filters
from projections.measured import FOLDED, measure, unmeasured
from projections.measured_rows import Measured, MeasureRow
from projections.query import Column, Filter
from projections.rows import Shape
from projections.summing import counting

OF_MEASURE: Final = (
    "number",
    "title",
    "kind",
    "stage",
    "category",
    "severity",
    "urgency",
    "place",
    "reported_at",
    "source_system",
)

MEASURES: Final = Ledger(
    shape=Shape(
        name="measures",
        version=1,
        facts=FOLDED,
        state=Measured,
        row=MeasureRow,
        blank=unmeasured,
        fold=measure,
        show=lambda state, _: state.rows,
    ),
    title="指标底账",
    columns=(
        Column("sort", "计量对象"),
        *case_columns(*OF_MEASURE),
        Column("at", "发生时间", "time"),
        Column("cycle", "办理轮次", "number"),
        Column("latest", "最近一轮", "flag"),
        Column("unit", "考核单位", "unit"),
        Column("unit_path", "考核单位的上级"),
        Column("other", "相关单位", "unit"),
        Column("other_path", "相关单位的上级"),
        Column("filed_at", "立案时间", "time"),
        Column("responded_at", "首次响应时间", "time"),
        Column("accepted_at", "受理时间", "time"),
        Column("dispatched_at", "首次派遣时间", "time"),
        Column("due", "总时限到期时间", "time"),
        Column("stopped_at", "总时限停止时间", "time"),
        Column("on_time", "按期", "flag"),
        Column("paused", "时限暂停中", "flag"),
        Column("closed_at", "结案时间", "time"),
        Column("ended_at", "终结时间", "time"),
        Column("ending", "终结方式"),
        Column("grade", "结案等级"),
        Column("on_the_spot", "格内处理", "flag"),
        Column("duration", "处置秒数", "number"),
        Column("dispatches", "派遣次数", "number"),
        Column("returns", "退单成立次数", "number"),
        Column("passed", "核查通过次数", "number"),
        Column("failed", "返工次数", "number"),
        Column("redos", "重办次数", "number"),
        Column("callbacks", "回访次数", "number"),
        Column("solved", "回访称已解决", "flag"),
        Column("satisfaction", "满意度（1 至 5）", "number"),
        Column("duplicates", "并入的重复件", "number"),
        Column("yellow", "黄牌督办次数", "number"),
        Column("red", "红牌督办次数", "number"),
        Column("level", "督办级别"),
        Column("score", "考核单位得分（1 至 5）", "number"),
        Column("other_score", "相关单位得分（1 至 5）", "number"),
        Column("exempt_overdue", "超期已剔除", "flag"),
        Column("exempt_rework", "返工已剔除", "flag"),
        Column("exempt_dissatisfaction", "不满意已剔除", "flag"),
        Column("exempt_supervision", "督办扣分已剔除", "flag"),
    ),
    filters={
        **case_filters("kind", "category", "severity", "urgency", "number", "source_system"),
        "sort_of": Filter("计量对象", "in", "sort"),
        "unit": Filter("管辖单元", "within"),
        "judged": Filter("考核单位", "in", "unit"),
        "other": Filter("相关单位", "in", "other"),
        "latest": Filter("最近一轮", "flag", "latest"),
        "on_time": Filter("按期", "flag", "on_time"),
        "ending": Filter("终结方式", "in", "ending"),
        "at_from": Filter("发生时间起", "from", "at"),
        "at_before": Filter("发生时间止", "before", "at"),
        "due_from": Filter("到期时间起", "from", "due"),
        "due_before": Filter("到期时间止", "before", "due"),
        "closed_from": Filter("结案时间起", "from", "closed_at"),
        "closed_before": Filter("结案时间止", "before", "closed_at"),
    },
    sorts=("at",),
    summarise=counting(
        {
            "open": "sort = 'round' AND ended_at IS NULL",
            "closed": "sort = 'round' AND closed_at IS NOT NULL",
            "on_time": "sort = 'round' AND on_time",
            "late": "sort = 'round' AND NOT on_time",
        },
        by={"by_sort": "sort"},
    ),
    cases=CASES,
    of_case=OF_MEASURE,
)
