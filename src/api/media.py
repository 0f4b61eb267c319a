"""What a file is, told by its bytes: never by its name, and without unpacking anything.

Of an Office file only the table of contents at its end is read; how much it would unpack to does
not matter. Files with macros, and tables of contents of unusual size, are refused.
"""

from typing import Final

from api.errors import UnsupportedMedia

PNG: Final = "image/png"
JPEG: Final = "image/jpeg"
PDF: Final = "application/pdf"
MP4: Final = "video/mp4"
DOCX: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
EXTENSIONS: Final = {PNG: "png", JPEG: "jpg", PDF: "pdf", MP4: "mp4", DOCX: "docx", XLSX: "xlsx"}
"""The types that are taken in, and how their files are called when they are read."""
UNSAID: Final = frozenset({"", "application/octet-stream", "binary/octet-stream"})
"""Declarations that say nothing, as curl and many programs send."""

HEAD_BYTES: Final = 256
TAIL_BYTES: Final = 1_048_576
"""How much of the end is kept: the whole table of contents of an Office file has to lie in it."""
MOST_ENTRIES: Final = 5_000
_ZIP: Final = b"PK\x03\x04"
_END: Final = b"PK\x05\x06"
_END_BYTES: Final = 22
_ENTRY: Final = b"PK\x01\x02"
_ENTRY_BYTES: Final = 46
# Brands of ISO media files that are MP4; HEIC pictures and QuickTime films are of the same family.
_BRANDS: Final = frozenset(
    {
        *(b"isom", b"iso2", b"iso3", b"iso4", b"iso5", b"iso6", b"iso7", b"iso8", b"iso9"),
        *(b"mp41", b"mp42", b"avc1", b"hvc1", b"hev1", b"M4V ", b"dash", b"mmp4", b"MSNV"),
    }
)
_MACROS: Final = "vbaproject.bin"


class Sniffer:
    """Looks at a file while it streams by: its beginning, and the end of an Office file."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self._head = bytearray()
        self._tail = bytearray()

    def feed(self, chunk: bytes) -> None:
        """Look at some bytes.

        Raises:
            UnsupportedMedia: the beginning is none of a type that is taken in.
        """
        known = len(self._head) >= HEAD_BYTES
        if not known:
            self._head += chunk[: HEAD_BYTES - len(self._head)]
            if len(self._head) >= HEAD_BYTES:
                self._begins()
        if self._head.startswith(_ZIP):
            self._tail += chunk
            del self._tail[:-TAIL_BYTES]

    def media_type(self, declared: str = "") -> str:
        """Return the type of the whole file; what was declared must agree, if it says anything.

        Raises:
            UnsupportedMedia.
        """
        found = self._begins() or _office_type(bytes(self._tail))
        said = declared.partition(";")[0].strip().lower()
        if said == "image/jpg":
            said = JPEG
        if said not in UNSAID and said != found:
            name = EXTENSIONS[found]
            raise UnsupportedMedia(detail=f"内容是 {name}，与所报的类型不符")
        return found

    def _begins(self) -> str:
        """Return the type that the beginning tells; empty for what only the end can tell."""
        head = bytes(self._head)
        if head.startswith(b"\x89PNG\r\n\x1a\n"):
            return PNG
        if head.startswith(b"\xff\xd8\xff"):
            return JPEG
        if head.startswith(b"%PDF-"):
            return PDF
        if _is_mp4(head):
            return MP4
        if head.startswith(_ZIP):
            return ""
        raise UnsupportedMedia(detail="按内容判断，不是可以上传的类型")


def _is_mp4(head: bytes) -> bool:
    if head[4:8] != b"ftyp":
        return False
    end = min(int.from_bytes(head[:4], "big"), len(head))
    # The major brand, a version, then the compatible brands.
    brands = {head[8:12], *(head[n : n + 4] for n in range(16, end, 4))}
    # A picture lists film brands too at times; what it is in the first place decides.
    major = head[8:12]
    return major in _BRANDS or (major not in {b"qt  ", *_PICTURES} and bool(brands & _BRANDS))


_PICTURES: Final = frozenset({b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"avif", b"avis"})


def _office_type(tail: bytes) -> str:
    """Tell a document from a workbook by the parts that the table of contents lists."""
    names = {name.lower() for name in _names(tail)}
    if any(name.endswith(_MACROS) for name in names):
        raise UnsupportedMedia(detail="Office 文件含有宏")
    if "[content_types].xml" in names and "word/document.xml" in names:
        return DOCX
    if "[content_types].xml" in names and "xl/workbook.xml" in names:
        return XLSX
    raise UnsupportedMedia(detail="是压缩包，不是 docx 或 xlsx")


def _names(tail: bytes) -> list[str]:
    """Return what a zip's table of contents lists, from the end of the file alone."""
    damaged = UnsupportedMedia(detail="压缩格式的目录不完整，或大得反常")
    end = tail.rfind(_END)
    if end < 0 or len(tail) - end < _END_BYTES:
        raise damaged
    entries = int.from_bytes(tail[end + 10 : end + 12], "little")
    at = end - int.from_bytes(tail[end + 12 : end + 16], "little")
    if at < 0 or not 0 < entries <= MOST_ENTRIES:
        raise damaged
    names: list[str] = []
    for _ in range(entries):
        if tail[at : at + 4] != _ENTRY or at + _ENTRY_BYTES > end:
            raise damaged
        lengths = [int.from_bytes(tail[at + n : at + n + 2], "little") for n in (28, 30, 32)]
        names.append(tail[at + _ENTRY_BYTES : at + _ENTRY_BYTES + lengths[0]].decode("latin-1"))
        at += _ENTRY_BYTES + sum(lengths)
    return names
