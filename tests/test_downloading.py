"""Downloads within bounds: what a hostile server can do, and that it gets nowhere with it."""

import gzip
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler
from pathlib import Path

import pytest
from files_support import GOOD, left_in, made_file

from diswot_errors import DataError
from nb201_data import fetching
from nb201_data.catalogue import FILES, Source
from nb201_data.downloading import DownloadLimits, _check_address

LIMITS = DownloadLimits(most_bytes=50_000, slowest=20_000, window=0.4, silence=0.4)
Answer = Callable[[BaseHTTPRequestHandler], None]


def headed(handler: BaseHTTPRequestHandler, code: int = 200, **headers: str) -> None:
    handler.send_response(code)
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def to(goal: str) -> Answer:
    return lambda handler: headed(handler, 302, Location=goal, Content_Length="0")


def endless(handler: BaseHTTPRequestHandler) -> None:
    headed(handler)
    for _ in range(10_000):  # 600 MB
        handler.wfile.write(b"x" * 60_000)


def drip(handler: BaseHTTPRequestHandler) -> None:
    for _ in range(30):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)


def drip_of_content(handler: BaseHTTPRequestHandler) -> None:
    headed(handler, Content_Length=str(len(GOOD)))
    drip(handler)


def drip_of_headers(handler: BaseHTTPRequestHandler) -> None:
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
    drip(handler)


def silence(handler: BaseHTTPRequestHandler) -> None:
    time.sleep(1.0)


def raw(content: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.wfile.write(content)

    return answer


def packed(content: bytes) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        headed(handler, Content_Encoding="gzip", Content_Length=str(len(content)))
        handler.wfile.write(content)

    return answer


HOSTILE: dict[str, tuple[Answer, str]] = {
    "600 MB": (endless, "broken off after .* bytes: more than 30000 bytes, its size"),
    "a bomb in gzip": (packed(gzip.compress(bytes(40_000_000))), "more than 30000 bytes"),
    "gzip that is none": (packed(b"no gzip at all"), "failed: "),
    "one byte at a time": (drip_of_content, r"given up: 0 bytes in 0\.4 seconds, expected at least 8000"),
    "one byte at a time in the headers": (drip_of_headers, r"given up: 0 bytes in 0\.4 seconds"),
    "silence": (silence, "(failed: .*timed out|given up)"),
    "no HTTP": (raw(b"220 ftp ready\r\n"), "failed: "),
    "a header without end": (raw(b"HTTP/1.0 200 OK\r\nX: " + b"x" * 100_000), "failed: "),
    "a thousand headers": (raw(b"HTTP/1.0 200 OK\r\n" + b"X: y\r\n" * 1000), "failed: "),
    "a length that is no number": (raw(b"HTTP/1.0 200 OK\r\nContent-Length: many\r\n\r\nabc"), "failed: |wrong file"),
    "a negative length": (raw(b"HTTP/1.0 200 OK\r\nContent-Length: -5\r\n\r\nabc"), "failed: |wrong file"),
    "broken chunks": (raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc"), "failed: "),
    "to a file": (to("file:///etc/passwd"), "leads to 'file:///etc/passwd', which is refused: the scheme is 'file'"),
    "to half an address": (to("http://[::1"), r"leads to 'http://\[::1', which is no address"),
    "to no port": (to("http://127.0.0.1:port/"), "failed: |is no address"),
    "to ftp": (to("ftp://127.0.0.1/file"), "the scheme is 'ftp'"),
    "to a script": (to("javascript:alert(1)"), "the scheme is 'javascript'"),
    "to another host": (to("https://evil.example/file"), "the host is 'evil.example', expected 127.0.0.1"),
    "to another host without TLS": (to("http://evil.example/file"), "the scheme is 'http', expected https"),
    "to another host by its scheme": (to("//evil.example/file"), "which is refused"),
    "to another host behind a name": (to("https://127.0.0.1@evil.example/"), "the host is 'evil.example'"),
    "to this machine by number": (to("http://2130706433/"), "the scheme is 'http', expected https"),
    "to this machine in IPv6": (to("http://[::1]/"), "the scheme is 'http', expected https"),
    "to itself": (lambda handler: to(handler.path)(handler), "failed: Exceeded 30 redirects"),
    "to a long place": (to("x:" + "y" * 60_000), "the scheme is 'x'|failed: "),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_answers_end_in_one_message(name: str, folder: Path, server: Callable[..., str]) -> None:
    answer, message = HOSTILE[name]
    begin = time.monotonic()
    with pytest.raises(DataError, match=rf"(?s)made/file could not be fetched\. .*({message})") as caught:
        fetching.fetch_files([made_file(server(answer=answer), size=len(GOOD))], folder, limits=LIMITS)
    assert time.monotonic() - begin < 5 and len(str(caught.value)) < 2_000
    assert left_in(folder) == []


def test_the_docs_say_how_many() -> None:
    page = (Path(__file__).parents[1] / "docs" / "trust.md").read_text(encoding="utf-8")
    assert f"{len(HOSTILE)} hostile answers" in page


def test_a_file_of_unknown_size_has_a_bound(folder: Path, server: Callable[..., str]) -> None:
    sent: list[int] = []

    def much(handler: BaseHTTPRequestHandler) -> None:
        headed(handler)
        for _ in range(5_000):
            sent.append(handler.wfile.write(b"x" * 60_000))

    with pytest.raises(DataError, match="more than 50000 bytes, the most for a file whose size is not stated"):
        fetching.fetch_files([made_file(server(answer=much))], folder, limits=LIMITS)
    time.sleep(0.1)
    assert sum(sent) < 20_000_000  # what was under way, not 300 MB
    assert left_in(folder) == []


def test_redirects_that_the_record_allows_are_followed(folder: Path, server: Callable[..., str]) -> None:
    good = server(GOOD)
    file = made_file(server(answer=to(good)), size=len(GOOD))
    fetching.fetch_files([file], folder, limits=LIMITS)
    assert (folder / file.path).read_bytes() == GOOD


def test_slow_but_not_too_slow(folder: Path, server: Callable[..., str]) -> None:
    def steady(handler: BaseHTTPRequestHandler) -> None:
        headed(handler, Content_Length=str(len(GOOD)))
        for start in range(0, len(GOOD), 6_000):
            handler.wfile.write(GOOD[start : start + 6_000])
            time.sleep(0.3)

    file = made_file(server(answer=steady), size=len(GOOD))
    limits = DownloadLimits(slowest=5_000, window=1.0)
    fetching.fetch_files([file], folder, limits=limits)  # 1.5 seconds: more than a window
    assert (folder / file.path).read_bytes() == GOOD


@pytest.mark.parametrize("file", [f for f in FILES.values() if f.urls], ids=lambda f: f.name)
def test_addresses_of_the_catalogue_pass_and_their_redirects_are_hosts(file: object) -> None:
    source = Source(file.name, file.urls, file.hash, file.size, file.redirects)  # type: ignore[attr-defined]
    for url in source.urls:
        _check_address(url, source)
    for host in source.redirects:
        assert "/" not in host and host.count(".") >= 1
        _check_address(f"https://{host}/some/place", source)
    with pytest.raises(DataError, match=r"the host is 'objects\.example'"):
        _check_address("https://objects.example/", source)
