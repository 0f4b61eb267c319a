"""Which encoding a text file is in: UTF-8 if it is, else GB18030 if it is, else an error.

GB18030 accepts nearly any bytes, so a UTF-8 file with one broken byte would pass as GB18030
and fill the register with nonsense. Text that read well as UTF-8 up to the break is therefore
called damaged, not GB18030.
"""

import codecs
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.register.errors import TableError

_CHUNK: Final = 1 << 16
# GB18030 text almost never forms even one valid three-byte UTF-8 character before it breaks.
_SURELY_UTF8: Final = 4
_LAST_TWO_BYTE: Final = "\u07ff"


@dataclass(frozen=True, slots=True)
class BadByte:
    """Where decoding broke: byte offset and text line from 1, and how much had read well."""

    offset: int
    line: int
    wide_characters: int


def detect_encoding(path: Path) -> str:
    """Name the codec for `path`, reading it once or twice in bounded memory.

    Raises:
        TableError: `bad-encoding`, naming the byte and the line.
    """
    with path.open("rb") as file:
        start = file.read(4)
    if start.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _checked(path, "utf-16")  # Excel's "Unicode text"
    if start.startswith(codecs.BOM_UTF8):
        return _checked(path, "utf-8-sig")
    as_utf8 = _first_bad_byte(path, "utf-8")
    if as_utf8 is None:
        return "utf-8"
    if as_utf8.wide_characters >= _SURELY_UTF8:
        raise _damaged("utf-8", as_utf8)
    as_gb = _first_bad_byte(path, "gb18030")
    if as_gb is None:
        return "gb18030"
    raise TableError(
        "bad-encoding",
        f"文件既不是 UTF-8（第 {as_utf8.offset} 字节、文本第 {as_utf8.line} 行读不通），"
        f"也不是 GB18030（第 {as_gb.offset} 字节、文本第 {as_gb.line} 行读不通）。"
        "请在 Excel 中另存为“CSV UTF-8”或 xlsx 后重试。",
    )


def _checked(path: Path, encoding: str) -> str:
    """Hold a file to the encoding that its byte order mark promises."""
    bad = _first_bad_byte(path, encoding)
    if bad is not None:
        raise _damaged(encoding.removesuffix("-sig"), bad)
    return encoding


def _damaged(encoding: str, bad: BadByte) -> TableError:
    return TableError(
        "bad-encoding",
        f"文件是 {encoding.upper()} 编码，但第 {bad.offset} 字节（文本第 {bad.line} 行）已损坏。"
        "请改正这一处，或重新导出后重试。",
    )


def _first_bad_byte(path: Path, encoding: str) -> BadByte | None:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    done, lines, wide = 0, 1, 0
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            pending = len(decoder.getstate()[0])
            try:
                text = decoder.decode(chunk, final=not chunk)
            except UnicodeDecodeError as error:
                good = error.object[: error.start].decode(encoding, "ignore")
                return BadByte(
                    offset=done - pending + error.start + 1,
                    line=lines + good.count("\n"),
                    wide_characters=wide + _wide(good),
                )
            if not chunk:
                return None
            done += len(chunk)
            lines += text.count("\n")
            # Enough is enough: counting goes on only while it can still change the verdict.
            wide = wide if wide >= _SURELY_UTF8 else wide + _wide(text)


def _wide(text: str) -> int:
    return sum(character > _LAST_TWO_BYTE for character in text)
