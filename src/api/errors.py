"""Refusals that only exist at the door: about requests, not about cases.

BadInput
├── NotAcceptable       a form of answer that we do not have
├── MethodNotAllowed    the address exists, not for this method
├── UnsupportedMedia    a file of a type that is not taken in
└── RangeOutside        bytes that a file does not have
NotAllowed
└── AttachmentErased    its content went with its subject's key
Collision
└── LedgerBehind        the position asked for is not in the ledger yet
Refusal
├── RegisterHalted      a register could not be folded from the log
├── Unavailable         the database cannot be reached just now
└── Internal            our fault; the trace id leads to the log
"""

from domain.errors import BadInput, Collision, NotAllowed, Refusal


class NotAcceptable(BadInput):
    """不支持的格式“{wanted}”。可用的格式：{known}。"""

    code = "not-acceptable"


class MethodNotAllowed(BadInput):
    """这个地址不支持 {method} 方法。请查阅接口文档 /v1/docs。"""

    code = "method-not-allowed"


class UnsupportedMedia(BadInput):
    """不能上传这个文件：{detail}。可以上传 png、jpeg、pdf、docx、xlsx、mp4。"""

    code = "unsupported-media-type"


class RangeOutside(BadInput):
    """附件共 {size} 字节，没有所要的范围。请按实际大小请求。"""

    code = "range-outside"


class AttachmentErased(NotAllowed):
    """附件的内容已按规定删除，只保留登记的摘要。"""

    code = "attachment-erased"


class LedgerBehind(Collision):
    """台账“{ledger}”现在到位点 {current}，还没有处理到 {wanted}。请稍后重试。"""

    code = "ledger-behind"


class Unavailable(Refusal):
    """数据库暂时无法使用。请稍后重试；办理操作请用同一个 Idempotency-Key。"""

    code = "unavailable"


class Internal(Refusal):
    """服务内部出错，这次没有完成。请凭追踪编号联系管理员。"""

    code = "internal"


class RegisterHalted(Refusal):
    """台账“{register}”没有建成：{detail}。原来的仍可查询；请排除原因后再启用，将从中断处继续。"""

    code = "register-halted"
