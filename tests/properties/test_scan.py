"""Whatever the bytes and however they are chunked, the spans tile the message and say the same."""

from hypothesis import given, settings
from hypothesis import strategies as st

from reconcile.scan import Kind, Scanner

TOKENS = [
    b"Content-Type: multipart/mixed; boundary=b\r\n",
    b'Content-Type: multipart/x;\n boundary="b b"\n',
    b"content-transfer-encoding: base64\n",
    b"Content-type: message/rfc822\n\n",
    b"\n",
    b"\r\n",
    b"\r",
    b"-",
    b"--",
    b"--b\n",
    b"--b--\r\n",
    b"--b b\r\n",
    b"--b b--",
    b"--b \t\r\n",
    b"QUJD\r\n",
    b"x: y\n",
    b"\x00\xff",
    b"-" * 1000,
]
BLOCKS = [
    b"Content-Transfer-Encoding: base64\n\nQUJD\n",
    b"Content-Transfer-Encoding: base64\r\n\r\nQUJD\r\n",
    b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n",
    b"\n--b\n",
    b"\r\n--b--\r\n",
    b"\n--",
]
blocks = st.lists(st.sampled_from(BLOCKS + TOKENS[-4:]), max_size=8).map(b"".join)
messages = st.one_of(
    blocks,
    blocks.map(lambda some: BLOCKS[2] + some),
    st.binary(max_size=200),
    st.lists(st.sampled_from(TOKENS), max_size=20).map(b"".join),
)


def merged(chunks: list[bytes]) -> list[tuple[Kind, int, int]]:
    scanner = Scanner()
    spans = [span for chunk in chunks for span in scanner.feed(chunk)] + scanner.close()
    out: list[tuple[Kind, int, int]] = []
    end = 0
    for span in spans:
        assert span.start == end < span.end
        end = span.end
        start = out.pop()[1] if out and out[-1][0] is span.kind else span.start
        out.append((span.kind, start, end))
    assert end == sum(map(len, chunks))
    return out


@settings(max_examples=300)
@given(messages, st.lists(st.integers(1, 40), max_size=60))
def test_chunks_change_nothing(message: bytes, sizes: list[int]) -> None:
    chunks, start = [], 0
    for size in sizes:
        chunks.append(message[start : start + size])
        start += size
    assert merged([*chunks, message[start:]]) == merged([message])


@settings(max_examples=300)
@given(messages)
def test_byte_by_byte_changes_nothing(message: bytes) -> None:
    assert merged([bytes([byte]) for byte in message]) == merged([message])
