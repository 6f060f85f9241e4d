"""The endpoint, against a server on this machine: what is sent, what comes back, and every failure in one line."""

import contextlib
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from gk_utils.grounded_conversation.chat_endpoint import ChatEndpoint, EndpointError
from gk_utils.labs.tiny_server import serving
from gk_utils.protocols import LanguageModel

KEY = "sk-secret-of-the-test"
GOOD = {"choices": [{"message": {"role": "assistant", "content": "A cat."}}]}


class Server(ThreadingHTTPServer):
    """Answers every request as it was told, and keeps what it was sent."""

    daemon_threads = True

    def handle_error(self, request, client_address):
        """A client that went away is no news."""


@pytest.fixture
def serve():
    """`serve(status, body, wait)` starts a server and returns its address and what it was sent."""
    with contextlib.ExitStack() as stack:

        def start(status=200, body=GOOD, wait=0.0, headers=()):
            seen = []

            class Handler(BaseHTTPRequestHandler):
                def do_POST(self):
                    length = int(self.headers["Content-Length"])
                    seen.append((self.path, dict(self.headers), json.loads(self.rfile.read(length))))
                    time.sleep(wait)
                    content = body if isinstance(body, bytes) else json.dumps(body).encode()
                    self.send_response(status)
                    for name, value in headers:
                        self.send_header(name, value)
                    self.send_header("Content-Length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)

                def do_GET(self):
                    seen.append(("GET", dict(self.headers), None))
                    self.send_response(200)
                    self.end_headers()

                def log_message(self, *args):
                    pass

            server = Server(("127.0.0.1", 0), Handler)
            threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
            stack.callback(server.server_close)
            stack.callback(server.shutdown)
            return f"http://127.0.0.1:{server.server_address[1]}/v1", seen

        yield start


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch):
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY", "no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)


def message_of(endpoint):
    with pytest.raises(EndpointError) as error:
        endpoint.complete("And?")
    text = str(error.value)
    assert "\n" not in text
    assert KEY not in text
    assert error.value.__cause__ is None
    return text


class TestComplete:
    def test_what_is_sent_and_what_comes_back(self, serve):
        url, seen = serve()
        model = ChatEndpoint(url, "tiny")
        assert isinstance(model, LanguageModel)
        messages = [{"role": "system", "content": "Be short."}, {"role": "user", "content": "And?"}]
        assert model.complete(messages, max_tokens=7) == "A cat."
        path, headers, body = seen[0]
        assert path == "/v1/chat/completions"
        assert body == {"model": "tiny", "messages": messages, "max_tokens": 7, "temperature": 0}
        assert "Authorization" not in headers

    def test_one_question_is_the_user_s(self, serve):
        url, seen = serve()
        ChatEndpoint(url, "tiny").complete("And?")
        assert seen[0][2]["messages"] == [{"role": "user", "content": "And?"}]

    def test_the_key_is_sent_and_kept_nowhere(self, serve, monkeypatch):
        monkeypatch.setenv("MY_KEY", KEY)
        url, seen = serve()
        model = ChatEndpoint(url, "tiny", key_variable="MY_KEY")
        model.complete("And?")
        assert seen[0][1]["Authorization"] == f"Bearer {KEY}"
        assert KEY not in repr(vars(model))

    @pytest.mark.parametrize(
        ("status", "advice"),
        [(401, "Check the key."), (404, "Check url and model."), (429, "Ask more slowly."), (500, "Ask again later.")],
    )
    def test_refused(self, serve, monkeypatch, status, advice):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        url, _ = serve(status, {"error": f"bad key {KEY}"})
        assert message_of(ChatEndpoint(url, "tiny")).endswith(f"refused with status {status}. {advice}")

    def test_redirections_are_not_followed(self, serve, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        elsewhere, seen = serve()
        for status in (302, 307, 308):
            url, _ = serve(status, {}, headers=[("Location", f"{elsewhere}/chat/completions")])
            assert "Redirections are not followed" in message_of(ChatEndpoint(url, "tiny"))
        assert seen == []

    @pytest.mark.parametrize("body", [b"no json", {}, {"choices": []}, [], {"choices": [{"message": {"content": 3}}]}])
    def test_no_answer_of_this_kind(self, serve, body):
        url, _ = serve(body=body)
        assert ": expected " in message_of(ChatEndpoint(url, "tiny"))

    def test_too_slow(self, serve):
        url, _ = serve(wait=1.0)
        began = time.monotonic()
        assert "no answer within 0.2 s" in message_of(ChatEndpoint(url, "tiny", timeout=0.2))
        assert time.monotonic() - began < 0.9

    def test_nobody_there(self, serve):
        url, _ = serve()
        url = url.replace(url.split(":")[2].split("/")[0], "9")  # the port of nobody
        assert "Is the server running?" in message_of(ChatEndpoint(url, "tiny", timeout=2))

    def test_no_proxy_on_the_way_to_this_machine(self, serve, monkeypatch):
        proxy, through = serve()
        url, seen = serve()
        monkeypatch.setenv("http_proxy", proxy.removesuffix("/v1"))
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert ChatEndpoint(url, "tiny").complete("And?") == "A cat."
        assert (len(seen), through) == (1, [])

    def test_a_proxy_on_the_way_to_others(self, serve, monkeypatch):
        proxy, through = serve()
        monkeypatch.setenv("http_proxy", proxy.removesuffix("/v1"))
        assert ChatEndpoint("http://models.example/v1", "tiny").complete("And?") == "A cat."
        assert len(through) == 1

    def test_a_toy_that_breaks_is_quiet(self, capfd):
        class Broken:
            def complete(self, messages, *, max_tokens=256):
                raise RuntimeError("broken")

        with serving(Broken()) as address:
            assert "not reached" in message_of(ChatEndpoint(address, "broken", timeout=5))
        assert capfd.readouterr().err == ""

    def test_no_key_over_plain_http_to_another_machine(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        assert "not sent over plain http" in message_of(ChatEndpoint("http://models.example/v1", "tiny"))

    def test_a_key_with_a_line_end(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", f"{KEY}\nX: y")
        assert "characters that no key has" in message_of(ChatEndpoint("http://127.0.0.1:9/v1", "tiny"))


class TestArguments:
    @pytest.mark.parametrize(
        "url",
        [
            *("ftp://a/b", "a/b", "file:///etc", "https://me:word@a/v1", "https://:word@a/v1", "https://word@a/v1"),
            *("https://a/v1?key=word", "https://a/v1#word", "https://a:word/v1", "https://[word/v1", "https://a:0/v1"),
        ],
    )
    def test_url(self, url):
        with pytest.raises(ValueError, match="url: expected http") as error:
            ChatEndpoint(url, "tiny")
        assert "word" not in str(error.value)
        assert error.value.__cause__ is None
        assert error.value.__context__ is None

    def test_messages_name_host_and_port_alone(self, monkeypatch):
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        for url, where in (("http://a.example:81/some/path", "a.example:81"), ("http://[::2]/path", "[::2]")):
            assert message_of(ChatEndpoint(url, "tiny")).startswith(f"{where}: a key is not sent")

    @pytest.mark.parametrize("timeout", [0.0, -1.0, float("inf"), float("nan"), 601.0])
    def test_timeout(self, timeout):
        with pytest.raises(ValueError, match="timeout: expected more than 0"):
            ChatEndpoint("http://127.0.0.1:1/v1", "tiny", timeout=timeout)
