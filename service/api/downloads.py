"""Files on their way to a browser: always as a download, never as a page."""

from collections.abc import Iterator
from urllib.parse import quote

from starlette.responses import StreamingResponse

from service.tickets.attachments import FileToSend
from service.tickets.file_kinds import ENDINGS


def download(file: FileToSend, chunks: Iterator[bytes]) -> StreamingResponse:
    """The file piece by piece. Should a browser show it after all, it does so in a sandbox without script or origin."""
    plain = f"attachment-{file.id}.{ENDINGS[file.media_type]}"
    headers = {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file.name, safe='')}",
        "Content-Length": str(file.size),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "Cross-Origin-Resource-Policy": "same-origin",
    }
    return StreamingResponse(chunks, media_type=file.media_type, headers=headers)
