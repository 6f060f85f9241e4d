"""A server of this machine that puts a language model behind OpenAI's protocol, for as long as a `with` block lasts.

Notebook: 15.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from gk_utils.protocols import LanguageModel


@contextmanager
def serving(model: LanguageModel) -> Iterator[str]:
    """The address of the server, which listens on 127.0.0.1 alone.

    >>> from gk_utils.grounded_conversation.chat_endpoint import ChatEndpoint
    >>> class Echo:
    ...     def complete(self, messages, *, max_tokens=256):
    ...         return messages[-1]["content"]
    >>> with serving(Echo()) as address:
    ...     ChatEndpoint(address, "echo", key_variable="NO_KEY").complete("Hello")
    'Hello'
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text = model.complete(asked["messages"], max_tokens=asked["max_tokens"])
            content = json.dumps({"choices": [{"message": {"role": "assistant", "content": text}}]}).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Nothing: a notebook shows what is written to stderr."""

    class Server(ThreadingHTTPServer):
        def handle_error(self, *args: object) -> None:
            """Nothing, as above: who asked learns of it by the closed connection."""

    server = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
