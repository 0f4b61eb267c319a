"""The ledgers that ship: one file each, and its line here.

- `cases` 事项台账: all cases, any filter
- `deadlines` 办结时限台账: every clock; what is due, met, overdue
- `accountability` 四定三包台账: who answers for what of a case, and how it stands
- `tasks` 协同任务台账: who owes what to whom, whistles too
- `returns` 退单台账: what was sent back, and what became of it
- `supervision` 督办台账: orders by level, answers, instructions, reminders
- `extensions` 延期挂账台账: more time and pauses, asked for and granted
- `decisions` 议事台账: votes, publications, objections, signatures
- `catalogue` 事项清单: what may be handed down to communities, versions of the standards
- `conduct-board` 文明行为榜台账: proposed, reviewed, posted, objected to, withdrawn
- `unit-ranking` 考核通报: rankings of units as they were signed, version by version
- `directory` 组织台账: units, posts, who held them, relations
- `notices` 通知签收台账: who was told what, and who signed
- `measures` 指标底账: each thing that indicators count, and who is judged by it
"""

from typing import Any, Final

from projections.ledger import Ledger
from projections.ledgers.accountability import ACCOUNTABILITY
from projections.ledgers.cases import CASES
from projections.ledgers.catalogue import CATALOGUE
from projections.ledgers.conduct_board import CONDUCT_BOARD
from projections.ledgers.deadlines import DEADLINES
from projections.ledgers.decisions import DECISIONS
from projections.ledgers.directory import DIRECTORY
from projections.ledgers.extensions import EXTENSIONS
from projections.ledgers.measures import MEASURES
from projections.ledgers.receipts import RECEIPTS
from projections.ledgers.returns import RETURNS
from projections.ledgers.supervision import SUPERVISION
from projections.ledgers.tasks import TASKS
from projections.ledgers.unit_ranking import UNIT_RANKING

LEDGERS: Final[dict[str, Ledger[Any, Any]]] = {
    "cases": CASES,
    "deadlines": DEADLINES,
    "accountability": ACCOUNTABILITY,
    "tasks": TASKS,
    "returns": RETURNS,
    "supervision": SUPERVISION,
    "extensions": EXTENSIONS,
    "decisions": DECISIONS,
    "catalogue": CATALOGUE,
    "conduct-board": CONDUCT_BOARD,
    "unit-ranking": UNIT_RANKING,
    "directory": DIRECTORY,
    "notices": RECEIPTS,
    "measures": MEASURES,
}
