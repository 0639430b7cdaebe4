"""A DNS server like Docker's: the name of a service resolves to the addresses of its running instances."""

import socket
import struct
import threading

_HEADER_BYTES = 12
_RESPONSE, _NAME_ERROR = 0x8180, 0x8183
_TYPE_A = 1


class NameServer:
    """Listens on a UDP port of 127.0.0.1. `addresses` may change at any time, so the TTL is 0."""

    def __init__(self) -> None:
        self.addresses: dict[str, list[str]] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    def start(self, port: int) -> None:
        self._socket.bind(("127.0.0.1", port))
        self._thread.start()

    def stop(self) -> None:
        # Wakes the thread; an empty datagram is not a query.
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while True:
            question, client = self._socket.recvfrom(512)
            if not question:
                return
            self._socket.sendto(self._answer(question), client)

    def _answer(self, question: bytes) -> bytes:
        name, end = _read_name(question)
        (kind,) = struct.unpack("!H", question[end : end + 2])
        found = self.addresses.get(name, []) if kind == _TYPE_A else []
        flags = _RESPONSE if self.addresses.get(name) else _NAME_ERROR
        header = question[:2] + struct.pack("!5H", flags, 1, len(found), 0, 0)
        # 0xC00C is a pointer to the name in the query.
        records = [struct.pack("!3HIH", 0xC00C, _TYPE_A, 1, 0, 4) + socket.inet_aton(one) for one in found]
        return header + question[_HEADER_BYTES : end + 4] + b"".join(records)


def _read_name(question: bytes) -> tuple[str, int]:
    """The queried name, and the offset of its end."""
    labels, position = [], _HEADER_BYTES
    while length := question[position]:
        labels.append(question[position + 1 : position + 1 + length].decode())
        position += 1 + length
    return ".".join(labels), position + 1
