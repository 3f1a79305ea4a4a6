"""The sandbox without a network: an httpx transport that answers in the same process."""

import httpx

from genesis_ops.sandbox.app import Sandbox
from genesis_ops.sandbox.wire import Dropped


class SandboxTransport(httpx.BaseTransport):
    """Let an ``httpx.Client`` talk to a sandbox; what reaches it has happened, even when the client times out."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request; raises RemoteProtocolError for a dropped connection, ReadTimeout for a long stall."""
        try:
            reply = self._sandbox.answer(request.method, request.url.raw_path.decode("ascii"), request.read())
        except Dropped:
            # the words of a dropped connection: what is made of them must not depend on where the servers are
            raise httpx.RemoteProtocolError(
                "Server disconnected without sending a response.", request=request
            ) from None
        if reply.stall_seconds:
            self._stall(reply.stall_seconds, request)
        return httpx.Response(reply.status, headers=reply.headers, stream=httpx.ByteStream(reply.body))

    def _stall(self, seconds: float, request: httpx.Request) -> None:
        patience = request.extensions.get("timeout", {}).get("read")
        if patience is None or seconds <= patience:
            self._sandbox.sleep(seconds)
            return
        self._sandbox.sleep(patience)
        raise httpx.ReadTimeout("the sandbox stalls", request=request)
