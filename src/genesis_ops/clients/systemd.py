"""What systemd wants to hear from a Type=notify service (sd_notify(3))."""

import socket
import sys
from collections.abc import Mapping


class Notifier:
    """Sends notifications where ``NOTIFY_SOCKET`` names a socket, and nothing where it does not."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        address = environ.get("NOTIFY_SOCKET", "")
        # A leading @ stands for an abstract socket's NUL byte.
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._watchdog = "WATCHDOG_USEC" in environ

    def ready(self, status: str) -> None:
        """Say that the start is over."""
        self._send("READY=1", f"STATUS={status}")

    def starting(self, status: str, extend_seconds: int) -> None:
        """Say that the start takes longer, and why."""
        self._send(f"STATUS={status}", f"EXTEND_TIMEOUT_USEC={extend_seconds * 1_000_000}")

    def progress(self, status: str) -> None:
        """Say that a cycle was completed; only then is the watchdog fed."""
        self._send(*(["WATCHDOG=1"] if self._watchdog else []), f"STATUS={status}")

    def stopping(self) -> None:
        """Say that the process is about to end in good order."""
        self._send("STOPPING=1")

    def _send(self, *lines: str) -> None:
        if not self._address or sys.platform == "win32":
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
                channel.setblocking(False)
                channel.connect(self._address)
                channel.send("\n".join(lines).encode())
        except OSError:
            # A supervisor that does not listen must not end a trading day; its watchdog notices the silence.
            return
