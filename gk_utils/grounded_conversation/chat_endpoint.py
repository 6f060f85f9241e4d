"""A language model behind an address: any server that answers as OpenAI's /chat/completions does.

The key comes from an environment variable when it is needed; it is kept nowhere and is in no message. It is not sent
over plain http to another machine, never along a redirection, and never through a proxy on the way to this machine
itself. Nothing is asked before `complete` is called.

Notebook: 15.
"""

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

LOCAL = ("127.0.0.1", "::1", "localhost")
LARGEST = 4_000_000  # bytes of an answer
LONGEST = 600.0  # seconds


class EndpointError(RuntimeError):
    """The endpoint did not answer as it should; the message is one line."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any) -> None:
        return None


class ChatEndpoint:
    """A `LanguageModel` at an address such as http://127.0.0.1:8000/v1 (vLLM, llama.cpp, Ollama ...) or a provider's.

    Args:
        url: what stands before /chat/completions.
        model: the name that the endpoint knows it by.
        key_variable: the environment variable that holds the key; unset: no key is sent.
        timeout: seconds for the whole answer; each wait for the server may last as long, so that it can be twice that.

    Raises:
        ValueError: no http or https address, one with a key in it, or a timeout that is not in (0, 600].

    >>> ChatEndpoint("http://127.0.0.1:8000/v1/", "any").address
    'http://127.0.0.1:8000/v1/chat/completions'
    """

    def __init__(self, url: str, model: str, *, key_variable: str = "OPENAI_API_KEY", timeout: float = 60.0) -> None:
        if not _plain_address(url):
            raise ValueError(
                "url: expected http://HOST/PATH or https://HOST/PATH without a name, key, query or fragment in it, got "
                "another form. The key belongs into the environment."
            )
        if not 0 < timeout <= LONGEST:
            raise ValueError(f"timeout: expected more than 0 and at most {LONGEST:g} s, got {timeout}. Take 60.")
        self.address, self.model = f"{url.rstrip('/')}/chat/completions", model
        self.key_variable, self.timeout = key_variable, timeout

    def complete(self, messages: str | Sequence[Mapping[str, str]], *, max_tokens: int = 256) -> str:
        """The reply, with temperature 0.

        Raises:
            EndpointError: no answer in time, a refusal, or an answer without a text.
        """
        asked = [{"role": "user", "content": messages}] if isinstance(messages, str) else [dict(m) for m in messages]
        body = {"model": self.model, "messages": asked, "max_tokens": max_tokens, "temperature": 0}
        request = urllib.request.Request(self.address, json.dumps(body).encode(), self._headers(), method="POST")
        try:
            answer = json.loads(self._read(request))
            text = answer["choices"][0]["message"]["content"]
        except urllib.error.HTTPError as error:
            error.close()
            raise EndpointError(f"{self._where()}: refused with status {error.code}. {_advice(error.code)}") from None
        except TimeoutError:
            raise EndpointError(f"{self._where()}: no answer within {self.timeout:g} s. Raise timeout.") from None
        except (urllib.error.URLError, http.client.HTTPException, OSError) as error:
            timed_out = isinstance(getattr(error, "reason", None), TimeoutError)
            what = f"no answer within {self.timeout:g} s" if timed_out else f"not reached ({type(error).__name__})"
            raise EndpointError(f"{self._where()}: {what}. Is the server running?") from None
        except (ValueError, LookupError, TypeError):
            raise EndpointError(f"{self._where()}: expected choices[0].message.content, got another answer.") from None
        if not isinstance(text, str):
            raise EndpointError(f"{self._where()}: expected a text, got {type(text).__name__}.")
        return text

    def _headers(self) -> dict[str, str]:
        headers, key = {"Content-Type": "application/json"}, os.environ.get(self.key_variable, "").strip()
        if not key:
            return headers
        parts = urlsplit(self.address)
        if parts.scheme == "http" and parts.hostname not in LOCAL:
            raise EndpointError(f"{self._where()}: a key is not sent over plain http. Use https, or unset the key.")
        if not key.isascii() or not key.isprintable():
            raise EndpointError(f"{self._where()}: the key in {self.key_variable} has characters that no key has.")
        return {**headers, "Authorization": f"Bearer {key}"}

    def _read(self, request: urllib.request.Request) -> bytes:
        """The answer's bytes, within the time and up to LARGEST."""
        end, parts, size = time.monotonic() + self.timeout, [], 0
        direct = [urllib.request.ProxyHandler({})] if urlsplit(self.address).hostname in LOCAL else []
        with urllib.request.build_opener(_NoRedirect, *direct).open(request, timeout=self.timeout) as response:
            while part := response.read1(65536):
                parts.append(part)
                size += len(part)
                if time.monotonic() > end:
                    raise TimeoutError
                if size > LARGEST:
                    raise ValueError("too large")
        return b"".join(parts)

    def _where(self) -> str:
        parts = urlsplit(self.address)
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        return f"{host}:{parts.port}" if parts.port else host


def _plain_address(url: str) -> bool:
    """Whether it is http or https, a host, perhaps a port and a path, and nothing else."""
    try:
        parts = urlsplit(url)
        known = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not close, a port that is no number
        return False
    return bool(known) and "@" not in parts.netloc and not any(mark in url for mark in "?#")


def _advice(status: int) -> str:
    known = {401: "Check the key.", 403: "Check the key.", 404: "Check url and model.", 429: "Ask more slowly."}
    return known.get(status, "Redirections are not followed." if 300 <= status < 400 else "Ask again later.")
