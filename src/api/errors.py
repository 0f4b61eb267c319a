"""Refusals that only exist at the door: about requests, not about cases.

BadInput
├── NotAcceptable       a form of answer that we do not have
└── MethodNotAllowed    the address exists, not for this method
Collision
└── LedgerBehind        the position asked for is not in the ledger yet
Refusal
├── Unavailable         the database cannot be reached just now
└── Internal            our fault; the trace id leads to the log
"""

from domain.errors import BadInput, Collision, Refusal


class NotAcceptable(BadInput):
    """不支持的格式“{wanted}”。可用的格式：{known}。"""

    code = "not-acceptable"


class MethodNotAllowed(BadInput):
    """这个地址不支持 {method} 方法。请查阅接口文档 /v1/docs。"""

    code = "method-not-allowed"


class LedgerBehind(Collision):
    """台账“{ledger}”现在到位点 {current}，还没有处理到 {wanted}。请稍后重试。"""

    code = "ledger-behind"


class Unavailable(Refusal):
    """数据库暂时无法使用。请稍后重试；办理操作请用同一个 Idempotency-Key。"""

    code = "unavailable"


class Internal(Refusal):
    """服务内部出错，这次没有完成。请凭追踪编号联系管理员。"""

    code = "internal"
