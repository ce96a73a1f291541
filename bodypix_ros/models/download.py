"""One file from the network: bounded, over HTTPS, going on where an earlier attempt broke off."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bodypix_ros.errors import DownloadError, TooLongError

TIMEOUT_S = 30
CHUNK_BYTES = 1 << 16


def download(
    url: str,
    part: Path,
    *,
    limit: int,
    exact: bool,
    progress: Callable[[int], None],
    plain_http: bool = False,
) -> None:
    """Write what a URL gives to the file `part`, and flush it to the disk.

    Args:
        url: Where from; https only.
        part: Written to. If the transfer breaks, what has come stays, and a later call goes on from there.
        limit: Most bytes to accept.
        exact: Whether the file has exactly `limit` bytes; only then can a transfer go on.
        progress: Called with the number of bytes that are there.
        plain_http: Accept http as well.

    Raises:
        DownloadError: The transfer failed or broke.
        TooLongError: There are more than `limit` bytes; `part` is deleted.
    """
    part.parent.mkdir(parents=True, exist_ok=True)
    done = part.stat().st_size if part.exists() else 0
    if not exact or done > limit:
        part.unlink(missing_ok=True)
        done = 0
    if exact and done == limit:
        return
    # Imported here: the command line lists models without paying for a network stack.
    from http.client import HTTPException
    from urllib.request import HTTPRedirectHandler, Request, build_opener

    schemes = ("https://", "http://") if plain_http else ("https://",)

    class Redirects(HTTPRedirectHandler):
        def redirect_request(self, *arguments: Any) -> Request | None:
            # Every hop is looked at before it is asked: whoever answers over http may send anywhere.
            if not arguments[-1].startswith(schemes):
                raise OSError(f"redirected to {arguments[-1]:.200}, which is not https")
            arguments[1].close()  # the body of a redirection would be read to its end, wherever that is
            return super().redirect_request(*arguments)

    try:
        if not url.startswith(schemes):
            raise OSError("the address is not https")
        request = Request(url, headers={"Range": f"bytes={done}-"} if done else {})  # noqa: S310 - checked above
        with build_opener(Redirects).open(request, timeout=TIMEOUT_S) as response:
            if not response.headers.get("Content-Range", "").startswith(f"bytes {done}-"):
                done = 0  # the server sends the whole file
            length = response.headers.get("Content-Length", "")
            total = limit if exact else done + int(length) if length.isdecimal() else None
            with part.open("r+b" if done else "wb") as out:
                out.seek(done)
                while chunk := response.read(min(CHUNK_BYTES, limit - done + 1)):
                    done += len(chunk)
                    if done > limit:
                        break
                    out.write(chunk)
                    progress(done)
                out.flush()
                os.fsync(out.fileno())
        if total is not None and done < min(total, limit):
            raise OSError(f"the connection broke after {done} of {total} bytes")
    except (
        OSError,
        HTTPException,
        ValueError,
    ) as error:  # the last for addresses and numbers from the server
        if getattr(error, "code", None) == 416:  # the server's file is shorter than what is here
            part.unlink(missing_ok=True)
        raise DownloadError(f"cannot download {url}: {str(error) or type(error).__name__:.300}") from error
    if done > limit:
        part.unlink()
        raise TooLongError(f"{url} gives more than {limit} bytes")
