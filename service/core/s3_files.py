"""Files in an S3-compatible store. Imported only where one is set: the client is not carried along otherwise."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import urllib3
from minio import Minio
from minio.error import MinioException, S3Error
from urllib3.exceptions import HTTPError

from service.core.files import CHUNK_BYTES, FileMissing, FileStoreAway, is_name

_GONE = frozenset({"NoSuchKey", "NoSuchObject"})
# Parts of an upload in memory at once: one, of the smallest size S3 knows.
_PART_BYTES = 5 * 1024 * 1024


class S3Files:
    """A bucket. An object's name is the hash of its content, so writing one twice changes nothing."""

    def __init__(self, endpoint: str, bucket: str, *, access_key: str, secret_key: str, region: str) -> None:
        """`endpoint` is an address with http or https and no path; the bucket exists. Opens no connection."""
        address = urlsplit(endpoint)
        self._bucket = bucket
        self._client = Minio(
            address.netloc,
            access_key=access_key,
            secret_key=secret_key,
            secure=address.scheme != "http",
            region=region,
            http_client=urllib3.PoolManager(
                timeout=urllib3.Timeout(connect=3, read=30), retries=urllib3.Retry(2, backoff_factor=0.2), maxsize=8
            ),
        )

    def put(self, sha256: str, source: BinaryIO, *, size: int) -> None:
        """As the port says."""
        try:
            self._client.put_object(self._bucket, sha256, source, size, part_size=_PART_BYTES, num_parallel_uploads=1)
        except (MinioException, HTTPError, OSError):
            raise FileStoreAway from None

    def read(self, sha256: str) -> Iterator[bytes]:
        """As the port says."""
        try:
            answer = self._client.get_object(self._bucket, sha256)
        except S3Error as error:
            raise (FileMissing if error.code in _GONE else FileStoreAway) from None
        except (MinioException, HTTPError, OSError):
            raise FileStoreAway from None
        return _chunks(answer)

    def remove(self, sha256: str) -> None:
        """As the port says."""
        try:
            self._client.remove_object(self._bucket, sha256)
        except (MinioException, HTTPError, OSError):
            raise FileStoreAway from None

    def stored(self) -> Iterator[tuple[str, datetime]]:
        """As the port says."""
        try:
            for each in self._client.list_objects(self._bucket):
                if each.object_name and each.last_modified and is_name(each.object_name):
                    yield each.object_name, each.last_modified
        except (MinioException, HTTPError, OSError):
            raise FileStoreAway from None

    def tidy(self, before: datetime) -> int:  # noqa: ARG002 - the port's form
        """Nothing: an upload that broke off is no object; a rule of the bucket ends unfinished ones."""
        return 0


def _chunks(answer: Any) -> Iterator[bytes]:
    try:
        yield from answer.stream(CHUNK_BYTES)
    finally:
        answer.close()
        answer.release_conn()
