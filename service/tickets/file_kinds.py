"""What kinds of file are taken, told by their content. A name proves nothing, and no file is opened to look inside."""

import codecs
from dataclasses import dataclass
from typing import BinaryIO

import filetype

from service.core.errors import Malformed
from service.core.files import CHUNK_BYTES, measured
from service.core.scanning import Scanned

# The library's name for a kind, the name it is sent under, and how a file of it is called.
_KINDS = {
    "application/pdf": ("application/pdf", "pdf"),
    "image/jpeg": ("image/jpeg", "jpg"),
    "image/png": ("image/png", "png"),
    "image/webp": ("image/webp", "webp"),
    "image/heic": ("image/heic", "heic"),
    "application/msword": ("application/msword", "doc"),
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": (
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "docx",
    ),
    "application/vnd.ms-excel": ("application/vnd.ms-excel", "xls"),
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": (
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "xlsx",
    ),
    "audio/x-wav": ("audio/wav", "wav"),
    "audio/mpeg": ("audio/mpeg", "mp3"),
    "audio/mp4": ("audio/mp4", "m4a"),
    "audio/amr": ("audio/amr", "amr"),
    "video/mp4": ("video/mp4", "mp4"),
}
TEXT = "text/plain"
ENDINGS: dict[str, str] = {**dict(_KINDS.values()), TEXT: "txt"}
MEDIA_TYPES = tuple(ENDINGS)

# What a browser lets somebody choose; only a help, the content decides.
ACCEPTED = ",".join(f".{ending}" for ending in (*ENDINGS.values(), "jpeg"))

# A line of text holds none of these; every program, archive and picture does somewhere.
_NOT_IN_TEXT = bytes(range(9)) + bytes((11, *range(14, 27), *range(28, 32), 127))
# What Windows and old phones write Chinese in.
_ENCODINGS = ("utf-8", "gb18030")


class FileKindRefused(Malformed):
    """Judged by the content: a program with the name of a picture is a program."""

    zh = (
        "不能收取这种文件(以内容为准,与文件名无关)。可以上传:照片(jpg、png、heic、webp)、PDF、Word、Excel、"
        "文本、录音(mp3、m4a、wav、amr)和 mp4 视频。"
    )
    en = (
        "This kind of file is not taken (its content counts, not its name). Taken are pictures (jpg, png, heic, webp), "
        "PDF, Word, Excel, plain text, recordings (mp3, m4a, wav, amr) and mp4."
    )


@dataclass(frozen=True, slots=True)
class Examined:
    """A file that may be kept. `sha256` in hexadecimal, `size` in bytes; `scanned` is what the antivirus said, if there
    is one."""

    sha256: str
    size: int
    media_type: str
    scanned: Scanned | None = None


def examine(source: BinaryIO, *, most: int) -> Examined:
    """Measure a file and tell its kind; it is left at its beginning.

    Raises FileEmpty, FileTooLarge (`most` bytes), FileKindRefused.
    """
    found = measured(source, most=most)
    media_type = _kind(found.head, source)
    source.seek(0)
    return Examined(sha256=found.sha256, size=found.size, media_type=media_type)


def _kind(head: bytes, source: BinaryIO) -> str:
    guessed = filetype.guess_mime(head)
    if guessed is None and _is_text(source):
        return TEXT
    if guessed not in _KINDS:
        raise FileKindRefused
    return _KINDS[guessed][0]


def _is_text(source: BinaryIO) -> bool:
    """Whether a file reads as text to its end, in one of the encodings."""
    return any(_reads_as(source, encoding) for encoding in _ENCODINGS)


def _reads_as(source: BinaryIO, encoding: str) -> bool:
    source.seek(0)
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        while chunk := source.read(CHUNK_BYTES):
            if chunk.translate(None, _NOT_IN_TEXT) != chunk:
                return False
            decoder.decode(chunk)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True
