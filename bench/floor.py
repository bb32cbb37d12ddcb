"""Pulls a whole mailbox over one connection and drops it: HOST PORT USER PASSWORD. Used by `bench.peers`."""

import re
import socket
import sys

ROOM = 1 << 18


def main(host: str, port: str, user: str, password: str) -> None:
    """One FETCH a folder, read in large pieces; only the end of each answer is looked at."""
    wire = socket.create_connection((host, int(port)))
    room = bytearray(ROOM)
    wire.recv_into(room)
    _ask(wire, room, f'LOGIN "{user}" "{password}"')
    listed = _ask(wire, room, 'LIST "" "*"', keep=True)
    for attributes, name in re.findall(rb'\* LIST \(([^)]*)\) "[^"]*" (.+?)\r\n', listed):
        if b"noselect" in attributes.lower():
            continue
        _ask(wire, room, f"EXAMINE {name.decode()}")
        _ask(wire, room, "UID FETCH 1:* (UID FLAGS INTERNALDATE BODY.PEEK[])")
    wire.close()


def _ask(wire: socket.socket, room: bytearray, command: str, *, keep: bool = False) -> bytes:
    """Sends one command and reads to its end; the tag is one that no mail holds."""
    wire.sendall(b"Zq9 " + command.encode() + b"\r\n")
    kept, tail = bytearray(), b""
    while True:
        count = wire.recv_into(room)
        if count == 0:
            raise ConnectionError(command)
        tail = (tail + bytes(room[max(0, count - 2000) : count]))[-4000:]
        if keep:
            kept += room[:count]
        if tail.endswith(b"\r\n") and (end := re.search(rb"(?:^|\r\n)Zq9 (OK|NO|BAD)[^\r\n]*\r\n$", tail)):
            # NO and BAD answer what an empty folder is asked, too.
            if end[1] == b"OK" or b"1:*" in command.encode():
                return bytes(kept)
            raise ConnectionError(f"{command}: {end[0]!r}")


if __name__ == "__main__":
    main(*sys.argv[1:])
