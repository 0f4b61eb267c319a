"""A file as it streams in: the body itself, or the one part of a form; never whole in memory."""

from collections.abc import AsyncGenerator
from email.message import Message
from typing import Final, cast

from starlette.requests import ClientDisconnect, Request

from domain.errors import BadInput, TooLarge

FORM: Final = "multipart/form-data"
MOST_HEADERS: Final = 16_384
"""Bytes before the content of a form's part begins, and after it ends."""
_SAFE_DIGITS: Final = 17


class OnePart:
    """The content of a form that has one part, a file; pushed in, handed out as it comes."""

    def __init__(self, boundary: str) -> None:
        """Expect the part after this boundary."""
        self.declared = ""
        self._mark = b"\r\n--" + boundary.encode("latin-1")
        # A line break before everything: then the first boundary is like the others.
        self._rest = bytearray(b"\r\n")
        self._inside = False
        self._after = False

    def feed(self, chunk: bytes) -> bytes:
        """Take in bytes of the form; return those of the file that are certain by now.

        Raises:
            BadInput: it is no form of one part.
        """
        self._rest += chunk
        if self._after:
            del self._rest[len(self._mark) :]
        elif not self._inside:
            self._inside = self._begin()
        return self._content() if self._inside else b""

    def close(self) -> None:
        """Check that the form was complete.

        Raises:
            BadInput: it broke off, or has more than one part.
        """
        if not self._after or not self._rest.startswith(b"--"):
            raise BadInput(detail="表单应当完整，且恰有一个文件")

    def _begin(self) -> bool:
        """Skip to the content; tell whether it begins in what has come."""
        at = self._rest.find(self._mark)
        end = self._rest.find(b"\r\n\r\n", at + len(self._mark)) if at >= 0 else -1
        if end < 0:
            self._refuse_long()
            return False
        headers = bytes(self._rest[at + len(self._mark) : end])
        self.declared = _declared(headers)
        del self._rest[: end + 4]
        return True

    def _content(self) -> bytes:
        at = self._rest.find(self._mark)
        if at >= 0:
            content = bytes(self._rest[:at])
            del self._rest[: at + len(self._mark)]
            self._inside, self._after = False, True
            return content
        # The boundary may have begun in the last bytes.
        sure = max(0, len(self._rest) - len(self._mark) + 1)
        content = bytes(self._rest[:sure])
        del self._rest[:sure]
        return content

    def _refuse_long(self) -> None:
        if len(self._rest) > MOST_HEADERS:
            raise BadInput(detail="表单中没有找到文件")


async def body_chunks(request: Request, limit: int) -> AsyncGenerator[bytes]:
    """Yield the body as it arrives.

    Raises:
        TooLarge: more than `limit` bytes are announced, or arrive.
        ClientDisconnect: nobody waits for an answer any more.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > _SAFE_DIGITS or int(announced) > limit):
        raise TooLarge(limit=limit)
    size, more = 0, True
    while more:
        message = await request.receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = cast("bytes", message.get("body", b""))
        more = bool(message.get("more_body", False))
        size += len(chunk)
        if size > limit:
            raise TooLarge(limit=limit)
        yield chunk


def boundary_of(content_type: str) -> str | None:
    """Return the boundary of a form; None if the body is the file itself.

    Raises:
        BadInput: a form without boundary.
    """
    message = Message()
    message["Content-Type"] = content_type
    if message.get_content_type() != FORM:
        return None
    boundary = message.get_boundary()
    if not boundary or not boundary.isascii():
        raise BadInput(detail="multipart/form-data 缺少 boundary")
    return boundary


def _declared(headers: bytes) -> str:
    """Return the type that a part's headers declare."""
    for line in headers.decode("latin-1").split("\r\n"):
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return value.strip()
    return ""
