"""Small files of every type that may be uploaded, and some that may not."""

import io
import zipfile
from typing import Final

PNG: Final = b"\x89PNG\r\n\x1a\n" + bytes(range(200))
JPEG: Final = b"\xff\xd8\xff\xe0\x00\x10JFIF" + bytes(200)
PDF: Final = b"%PDF-1.7\n" + b"x" * 200
MP4: Final = b"\x00\x00\x00\x18ftypisom\x00\x00\x02\x00isommp41" + bytes(200)
HEIC: Final = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1isom" + bytes(200)
EXE: Final = b"MZ\x90\x00\x03" + bytes(300)
HTML: Final = b"<!doctype html><script>alert(1)</script>"


def zipped(*names: str, filling: bytes = b"<x/>") -> bytes:
    """Return a zip with entries of these names."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in names:
            archive.writestr(name, filling)
    return buffer.getvalue()


DOCX: Final = zipped("[Content_Types].xml", "word/document.xml")
XLSX: Final = zipped("xl/workbook.xml", "[Content_Types].xml")
MACROS: Final = zipped("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")


def bomb() -> bytes:
    """Return a document of 60 KB that would unpack to 60 MB."""
    return zipped("[Content_Types].xml", "word/document.xml", filling=bytes(30_000_000))
