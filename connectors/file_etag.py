"""The etag of a file: the hash of its content and, behind a `;`, what the file system said of it when it was read.

As long as the file system still says that, the file is not read again. It is left out while it could not be trusted;
whoever writes goes by the hash alone.
"""

import hashlib
import os
import time

from mappings.record import Etag

RACY_NS = 2 * 10**9
"""A file changed less than this before it was read may change again within the same timestamp.

Source: Git's "racy" index entries; ext3 keeps whole seconds, FAT every second one.
"""


def hash_of(content: bytes) -> str:
    """Return the name of a content."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()


def etag_of(content_hash: str, status: os.stat_result) -> Etag:
    """Return the etag of a file that was read after `status` was taken."""
    is_racy = time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) < RACY_NS
    return Etag(content_hash if is_racy else f"{content_hash};{_signature(status)}")


def is_same(status: os.stat_result, etag: Etag | None) -> bool:
    """Tell whether a file is certain to be as it was, without reading it."""
    return etag is not None and etag.endswith(f";{_signature(status)}")


def hash_in(etag: Etag) -> str:
    """Return the part of an etag that names the content."""
    return etag.partition(";")[0]


def _signature(status: os.stat_result) -> str:
    return f"{status.st_dev}.{status.st_ino}.{status.st_size}.{status.st_mtime_ns}.{status.st_ctime_ns}"
