"""The indicators that ship: one YAML file each, and its line here.

- `filing-rate` 立案率, `closing-rate` 结案率
- `on-time-rate` 按期处置率, `handling-time` 平均处置时长
- `rework-rate` 返工率, `verification-rate` 核查通过率, `return-rate` 回退率
- `on-the-spot-rate` 格内处理率, `duplicate-rate` 重复率
- `response-rate` 响应率, `solution-rate` 解决率, `satisfaction-rate` 满意率 (三率)
- `unit-points` 单位积分
- `report-in-rate` 报到率, `report-in-score` 报到评价, `whistle-score` 吹哨评价 (双考核)
"""

from importlib.resources import files
from typing import Final

SHIPPED: Final = (
    "filing-rate",
    "closing-rate",
    "on-time-rate",
    "handling-time",
    "rework-rate",
    "verification-rate",
    "return-rate",
    "on-the-spot-rate",
    "duplicate-rate",
    "response-rate",
    "solution-rate",
    "satisfaction-rate",
    "unit-points",
    "report-in-rate",
    "report-in-score",
    "whistle-score",
)


def shipped_texts() -> dict[str, str]:
    """Return the text of each indicator that comes with the program."""
    folder = files("projections") / "indicators"
    return {name: (folder / f"{name}.yaml").read_text("utf-8") for name in SHIPPED}
