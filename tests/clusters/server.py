# SPDX-License-Identifier: Apache-2.0
"""A tiny instance for tests: `server.py PORT [stubborn|parent|forgetful]...`.

Listens at once. What it is sent is a command: `exit N`, `children`. `stubborn` ignores SIGTERM; `parent` starts a
grandchild in a session of its own; `fails` exits with status 3 before it listens.
"""

import os
import signal
import socket
import subprocess
import sys

SLEEP = ("sleep", "600")


def main(port: int, manners: list[str]) -> None:
    """Serve until told to exit."""
    if "fails" in manners:
        sys.stderr.write("no database\nconfiguration is wrong\n")
        sys.exit(3)
    if "stubborn" in manners:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    children = [subprocess.Popen(SLEEP, start_new_session=True).pid] if "parent" in manners else []
    with socket.create_server(("127.0.0.1", port)) as listener:
        while True:
            connection, _ = listener.accept()
            with connection:
                obey(connection, children)


def obey(connection: socket.socket, children: list[int]) -> None:
    """Do what one connection asks."""
    command, _, argument = connection.recv(100).decode().partition(" ")
    if command == "exit":
        sys.stderr.write("a drill told me to\n")
        sys.stderr.flush()
        os._exit(int(argument))
    if command == "children":
        connection.sendall(" ".join(map(str, [os.getpid(), *children])).encode())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
