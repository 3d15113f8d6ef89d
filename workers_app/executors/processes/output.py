"""Keep the beginning and the end of an output of any length, as safe text."""

import codecs

_CONTINUATION = range(0x80, 0xC0)


class KeptOutput:
    """Takes bytes without end and holds at most ``limit`` of them: the first half and the last."""

    def __init__(self, limit: int) -> None:
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail = bytearray()
        self._seen = 0

    @property
    def truncated(self) -> bool:
        """Whether something in the middle was left out."""
        return self._left_out > 0

    @property
    def _left_out(self) -> int:
        return self._seen - len(self._head) - min(len(self._tail), self._half)

    def add(self, data: bytes) -> None:
        self._seen += len(data)
        room = self._half - len(self._head)
        self._head += data[:room]
        self._tail += data[room:][-self._half :] if room < len(data) else b""
        # Cutting once in a while, not at every chunk, keeps long outputs linear.
        if len(self._tail) > 2 * self._half:
            del self._tail[: -self._half]

    def text(self) -> str:
        """Return what was kept: invalid UTF-8 replaced, NUL removed, a marker where something is missing."""
        if not self.truncated:
            return _safe(bytes(self._head + self._tail))
        head = codecs.getincrementaldecoder("utf-8")("replace").decode(bytes(self._head))
        tail = bytes(self._tail[-self._half :])
        start = next((i for i, byte in enumerate(tail[:4]) if byte not in _CONTINUATION), 0)
        marker = f"\n[... {self._left_out} bytes left out ...]\n"
        return head.replace("\0", "") + marker + _safe(tail[start:])


def _safe(data: bytes) -> str:
    return data.decode("utf-8", errors="replace").replace("\0", "")
