"""A client that measures: it notes when each byte, event and token of an answer arrives.

The stock clients hide what the benchmarks are about (when the first byte came, comments that only keep a
connection alive, how an answer ended), so this one speaks HTTP/1.1 by itself, one connection per request.
Everything runs in one thread on asyncio: on a machine with two cores the load generator must not be the load.
"""

import asyncio
import contextlib
import json
import time


class Failure(Exception):
    """What was to be shown does not hold, or could not be tried; the text is for a reader of the output."""


class Answer:
    """One request's answer, while it grows and afterwards. Times are those of `time.monotonic()`."""

    def __init__(self):
        self.sent = None
        self.ended = None
        self.status = None
        self.headers = {}
        self.body = b""
        # Times of whatever arrived, interim answers (1xx) and comments included: what a read timeout sees.
        self.reads = []
        self.comments = []
        self.chunks = []
        # Times at which text arrived, by choice; one entry per event, which is a token or, where the server
        # found several at once, a few.
        self.tokens = {}
        self.texts = {}
        self.reasons = {}
        self.usage = None
        self.error = None
        self.is_done = False
        self.problem = None
        self._transport = None
        self._watchers = []

    @property
    def text(self):
        return self.texts.get(0, "")

    @property
    def first_token(self):
        """Seconds from sending to the first text of any choice; None without text."""
        times = [times[0] for times in self.tokens.values() if times]
        return min(times) - self.sent if times else None

    @property
    def duration(self):
        return self.ended - self.sent

    def gaps(self, since=0.0, until=float("inf")):
        """Seconds between neighbouring arrivals of text, for those that end in a span of time."""
        found = []
        for times in self.tokens.values():
            pairs = zip(times, times[1:], strict=False)
            found += [later - earlier for earlier, later in pairs if since <= later <= until]
        return found

    @property
    def longest_silence(self):
        """The longest time without any byte: what a client's read timeout must be above."""
        times = [self.sent, *self.reads, self.ended]
        return max(later - earlier for earlier, later in zip(times, times[1:], strict=False))

    def count(self, name):
        """A number of the usage; a name may be a path."""
        value = self.usage
        for key in name.split("."):
            value = (value or {}).get(key)
        if value is None:
            raise Failure(f"the answer has no usage.{name}: {self.summary()}")
        return value

    @property
    def prompt_tokens(self):
        return self.count("prompt_tokens")

    @property
    def output_tokens(self):
        return self.count("completion_tokens")

    @property
    def cached_tokens(self):
        """How much of the prompt was not computed; a server that says nothing has computed it all."""
        return ((self.usage or {}).get("prompt_tokens_details") or {}).get("cached_tokens") or 0

    def summary(self):
        text = self.problem or self.error or self.body.decode(errors="replace") or self.text
        return f"status {self.status}, {str(text)[:300]!r}"

    def require(self):
        """The answer itself if it is whole and good; what it is instead as a failure."""
        if self.problem or self.error or self.status != 200 or not self.is_done:
            raise Failure(f"a request failed: {self.summary()}")
        return self

    async def until(self, holds, within=600):
        """Waits until `holds(answer)` or the end; whether it holds."""
        future = asyncio.get_running_loop().create_future()
        watcher = (holds, future)
        self._watchers.append(watcher)
        self._look()
        try:
            await asyncio.wait_for(future, within)
        except asyncio.TimeoutError:
            raise Failure(f"nothing came within {within} s: {self.summary()}") from None
        finally:
            with contextlib.suppress(ValueError):
                self._watchers.remove(watcher)
        return bool(holds(self))

    async def outputs(self, count=1, within=600):
        """Waits for that many arrivals of text; an end before them is a failure."""
        if not await self.until(lambda answer: sum(map(len, answer.tokens.values())) >= count, within):
            raise Failure(f"an answer ended early: {self.summary()}")

    async def end(self, within=600):
        await self.until(lambda answer: answer.ended is not None, within)
        return self

    def drop(self):
        """Hangs up without a word, as a client that crashes does."""
        if self._transport:
            self._transport.abort()

    # What the connection tells.

    def note_event(self, now, event):
        for line in event.split(b"\n"):
            if line.startswith(b":"):
                self.comments.append((now, line[1:].strip().decode(errors="replace")))
            elif line.startswith(b"data:"):
                data = line[5:].strip()
                if data == b"[DONE]":
                    self.is_done = True
                else:
                    self.note_chunk(now, json.loads(data))

    def note_chunk(self, now, chunk):
        self.chunks.append((now, chunk))
        if chunk.get("error"):
            self.error = chunk["error"]
        if chunk.get("usage"):
            self.usage = chunk["usage"]
        for choice in chunk.get("choices") or []:
            index = choice.get("index", 0)
            if choice.get("finish_reason"):
                self.reasons[index] = choice["finish_reason"]
            text = (choice.get("delta") or choice.get("message") or {}).get("content")
            if text is None:
                text = choice.get("text")
            if text:
                self.texts[index] = self.texts.get(index, "") + text
                self.tokens.setdefault(index, []).append(now)

    def note_whole(self, now):
        """A body that is no stream has come."""
        with contextlib.suppress(ValueError):
            value = json.loads(self.body)
            if isinstance(value, dict):
                self.note_chunk(now, value)
        self.is_done = True

    def note_end(self, now, problem):
        if self.ended is None:
            self.ended = now
            self.problem = problem
        self._look()

    def _look(self):
        for holds, future in self._watchers:
            if not future.done() and (self.ended is not None or holds(self)):
                future.set_result(None)


class Connection(asyncio.Protocol):
    """Reads one HTTP/1.1 answer into an `Answer`."""

    def __init__(self, answer, request):
        self.answer = answer
        self.request = request
        self.buffer = bytearray()
        self.events = bytearray()
        self.step = self.read_head
        self.remaining = None

    def connection_made(self, transport):
        self.answer._transport = transport
        transport.write(self.request)

    def data_received(self, data):
        now = time.monotonic()
        self.answer.reads.append(now)
        self.buffer += data
        try:
            while self.step(now):
                pass
        except ValueError as error:
            self.answer.problem = f"no HTTP or no JSON: {error}"
            self.answer.drop()
        self.answer._look()

    def connection_lost(self, error):
        now = time.monotonic()
        if self.step == self.read_rest:
            self.finish(now)
        self.answer.note_end(now, self.answer.problem or f"the connection ended early ({error})")

    def read_head(self, now):
        end = self.buffer.find(b"\r\n\r\n")
        if end < 0:
            return False
        lines = self.buffer[:end].decode("latin-1").split("\r\n")
        del self.buffer[: end + 4]
        status = int(lines[0].split(" ")[1])
        if status < 200:
            return True
        answer = self.answer
        answer.status = status
        answer.headers = {
            name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        if answer.headers.get("transfer-encoding", "").lower() == "chunked":
            self.step = self.read_size
        elif "content-length" in answer.headers:
            self.remaining = int(answer.headers["content-length"])
            self.step = self.read_length
        else:
            self.step = self.read_rest
        return True

    def read_size(self, now):
        end = self.buffer.find(b"\r\n")
        if end < 0:
            return False
        self.remaining = int(self.buffer[:end].split(b";")[0], 16)
        del self.buffer[: end + 2]
        if self.remaining == 0:
            self.finish(now)
            return False
        self.step = self.read_chunk
        return True

    def read_chunk(self, now):
        if len(self.buffer) < self.remaining + 2:
            return False
        self.take(now, self.remaining)
        del self.buffer[:2]
        self.step = self.read_size
        return True

    def read_length(self, now):
        self.remaining -= self.take(now, min(self.remaining, len(self.buffer)))
        if self.remaining == 0:
            self.finish(now)
        return False

    def read_rest(self, now):
        self.take(now, len(self.buffer))
        return False

    def take(self, now, count):
        data = bytes(self.buffer[:count])
        del self.buffer[:count]
        if not self.answer.headers.get("content-type", "").startswith("text/event-stream"):
            self.answer.body += data
            return count
        self.events += data
        while (end := self.events.find(b"\n\n")) >= 0:
            event = bytes(self.events[:end])
            del self.events[: end + 2]
            self.answer.note_event(now, event)
        return count

    def finish(self, now):
        if not self.answer.headers.get("content-type", "").startswith("text/event-stream"):
            self.answer.note_whole(now)
        self.answer.note_end(now, None)
        self.answer._transport.close()


class Client:
    """Sends requests to one server, as the holder of one key.

    With `completes` a chat is its messages' text to be continued, for a model without a chat template.
    """

    def __init__(self, host, port, model, key=None, completes=False):
        self.host, self.port, self.model, self.key = host, port, model, key
        self.completes = completes

    def with_key(self, key):
        return Client(self.host, self.port, self.model, key)

    async def send(self, method, path, body=None, headers=None):
        """The answer to a request that has been sent, as soon as it has been."""
        data = b"" if body is None else json.dumps(body).encode()
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self.host}:{self.port}",
            "Connection: close",
            f"Content-Length: {len(data)}",
        ]
        if data:
            lines.append("Content-Type: application/json")
        if self.key:
            lines.append(f"Authorization: Bearer {self.key}")
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        request = "\r\n".join(lines).encode() + b"\r\n\r\n" + data
        answer = Answer()
        answer.sent = time.monotonic()
        try:
            await asyncio.get_running_loop().create_connection(
                lambda: Connection(answer, request), self.host, self.port
            )
        except OSError as error:
            answer.note_end(time.monotonic(), f"cannot connect: {error}")
        return answer

    async def start(self, messages, stream=True, headers=None, **options):
        """A chat that has been sent: temperature 0 and a stream with its usage unless `options` say else."""
        if isinstance(messages, str):
            messages = [{"role": "user", "content": messages}]
        body = {"model": self.model, "temperature": 0, **options}
        if stream:
            body |= {"stream": True, "stream_options": {"include_usage": True}}
        if self.completes:
            body["prompt"] = "\n\n".join(message["content"] for message in messages)
            return await self.send("POST", "/v1/completions", body, headers)
        return await self.send("POST", "/v1/chat/completions", body | {"messages": messages}, headers)

    async def chat(self, messages, **options):
        """A chat's whole, good answer."""
        answer = await self.start(messages, **options)
        return (await answer.end()).require()

    async def json(self, method, path, body=None, within=60):
        """A small request's JSON."""
        answer = await (await self.send(method, path, body)).end(within=within)
        if answer.status != 200:
            raise Failure(f"{method} {path}: {answer.summary()}")
        return json.loads(answer.body)


async def gather(*tasks):
    """All results, in order; the first failure stops the others and is raised as it is."""
    try:
        async with asyncio.TaskGroup() as group:
            started = [group.create_task(task) for task in tasks]
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return [task.result() for task in started]
