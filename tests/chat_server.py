"""A chat server on a free port of this machine, which answers as it is told."""

import base64
import io
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from PIL import Image


def said(text: str | None, reason: str | None = "stop") -> dict[str, Any]:
    """A completion of 5 tokens on a prompt of 20."""
    choice = {"message": {"content": text}, "finish_reason": reason}
    return {"choices": [choice], "usage": {"prompt_tokens": 20, "completion_tokens": 5}}


def picture(body: Any) -> Image.Image:
    """What the request shows."""
    url = body["messages"][0]["content"][0]["image_url"]["url"]
    return Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2])))


def colour(body: Any) -> dict[str, Any]:
    """Says the colour of the picture's first pixel."""
    return said("colour {} {} {}.".format(*picture(body).convert("RGB").getpixel((0, 0))))


@dataclass
class Script:
    """answer: (status, JSON or text) or JSON alone of a request's body. bodies: of all completions asked for."""

    answer: Callable[[Any], Any] = colour
    version: str = "0.30.0"
    bodies: list[Any] = field(default_factory=list)
    base_url: str = ""
    gone: bool = False
    at_once: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # a client that was killed
            super().handle_error(request, client_address)


@contextmanager
def chat_server(script: Script) -> Iterator[Script]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            if script.gone:
                return self._send(503, "gone")
            if self.path == "/version":
                return self._send(200, {"version": script.version})
            self._send(200, {"data": [{"id": "captioner", "root": "weights", "created": time.time()}]})

        def do_POST(self) -> None:
            content = self.rfile.read(length := int(self.headers["Content-Length"]))
            if len(content) < length:
                return  # of a client that was killed
            body = json.loads(content)
            with script.lock:
                script.bodies.append(body)
                script.at_once += 1
                script.most_at_once = max(script.at_once, script.most_at_once)
            try:
                answer = (503, "gone") if script.gone else script.answer(body)
            finally:
                with script.lock:
                    script.at_once -= 1
            self._send(*(answer if isinstance(answer, tuple) else (200, answer)))

        def _send(self, status: int, content: Any) -> None:
            data = (content if isinstance(content, str) else json.dumps(content)).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_: Any) -> None:
            """Nothing."""

    server = _Server(("127.0.0.1", 0), Handler)
    script.base_url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield script
    finally:
        server.shutdown()
        server.server_close()
