#!/usr/bin/env python3
"""A realtime voice service that judges its client by the vendors' own types. See README.md."""

import argparse
import asyncio
import collections
import hashlib
import http
import json
import os
import pathlib
import sys
import urllib.parse

import websockets
from websockets.asyncio.server import serve

from judges import judge_for

PATHS = {
    "openai": "/v1/realtime?model=gpt-realtime-2.1",
    "openai-beta": "/v1/realtime?model=gpt-4o-realtime-preview",
    "gemini": "/ws/google.ai.generativelanguage.v1beta.GenerativeService.BidiGenerateContent",
    "elevenlabs": "/v1/convai/conversation?agent_id=agent_check",
}
QUERIES = {"openai": ["model"], "openai-beta": ["model"], "gemini": [], "elevenlabs": ["agent_id"]}
# `any` judges each event and expects no more: for logs of events.
SCRIPTS = {"openai": ["turn", "tool", "interrupt", "expire", "any"],
           "openai-beta": ["turn", "tool", "interrupt", "expire", "any"],
           "gemini": ["turn", "tool", "interrupt", "expire", "any"],
           "elevenlabs": ["turn", "tool", "interrupt", "any"]}


def service_class(dialect):
    # Imported when needed: each of the packages takes a second.
    if dialect == "openai":
        from openai_service import OpenAIService as service
    elif dialect == "openai-beta":
        from openai_service import OpenAIBetaService as service
    elif dialect == "gemini":
        from gemini_service import GeminiService as service
    else:
        from elevenlabs_service import ElevenLabsService as service
    return service


def abbreviated(value):
    """An event for the log, without its audio."""
    if isinstance(value, str) and len(value) > 400:
        return f"{value[:24]}… {len(value)} characters"
    if isinstance(value, dict):
        return {key: abbreviated(one) for key, one in value.items()}
    if isinstance(value, list):
        return [abbreviated(one) for one in value]
    return value


def kind_of(event):
    if not isinstance(event, dict):
        return type(event).__name__
    if isinstance(event.get("type"), str):
        return event["type"]
    keys = sorted(event)
    inner = event[keys[0]] if len(keys) == 1 else None
    return ".".join(keys[:1] + sorted(inner)[:1]) if isinstance(inner, dict) and keys[0] != "setup" else "+".join(keys)


class Recorder:
    """What is written into the folder."""

    def __init__(self, folder):
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._log = open(folder / "events.jsonl", "w", encoding="utf-8")
        self._received = open(folder / "received.pcm", "wb")
        self._answer = open(folder / "answer.pcm", "wb")
        self._sums = {"received": hashlib.sha256(), "answer": hashlib.sha256()}
        self._bytes = collections.Counter()
        self._counts = {"client": collections.Counter(), "server": collections.Counter()}
        self._seed = 0
        self._index = 0
        self.violations, self.notes, self.closes = [], [], []
        self.handle = None
        self.transcripts = []  # what was said on connections that ended

    def next_seed(self):
        self._seed += 1
        return self._seed

    def _line(self, **fields):
        self._log.write(json.dumps(fields, ensure_ascii=False) + "\n")
        self._log.flush()

    def received_event(self, connection, event, faults):
        self._index += 1
        self._counts["client"][kind_of(event)] += 1
        self._line(index=self._index, connection=connection, sender="client", event=abbreviated(event),
                   verdict="refused" if faults else "accepted", faults=faults)
        for fault in faults:
            self.violation(connection, f"{kind_of(event)}: {fault}")

    def sent(self, connection, event):
        self._counts["server"][kind_of(event)] += 1
        self._line(connection=connection, sender="server", event=abbreviated(event))

    def violation(self, connection, text):
        self.violations.append({"connection": connection, "event": self._index, "what": text})
        self._line(connection=connection, violation=text, event=self._index)

    def note(self, connection, text):
        self.notes.append({"connection": connection, "event": self._index, "what": text})

    def audio(self, audio):
        self._received.write(audio)
        self._sums["received"].update(audio)
        self._bytes["received"] += len(audio)

    def answered(self, audio):
        self._answer.write(audio)
        self._sums["answer"].update(audio)
        self._bytes["answer"] += len(audio)

    def write(self, name, data):
        (self.folder / name).write_bytes(data)

    def close(self, **fields):
        for file in (self._log, self._received, self._answer):
            file.close()
        report = {**fields, "counts": self._counts, "violations": self.violations, "notes": self.notes,
                  "closes": self.closes}
        for name in ("received", "answer"):
            report[name] = {"bytes": self._bytes[name], "sha256": self._sums[name].hexdigest()}
        temporary = self.folder / "report.json.part"
        temporary.write_text(json.dumps(report, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        temporary.rename(self.folder / "report.json")


class Server:
    def __init__(self, options):
        self.options = options
        self.recorder = Recorder(options.out)
        self.judge = judge_for(options.dialect)
        self.service = service_class(options.dialect)
        self.connections = 0
        self.expected = options.connections or (2 if options.script == "expire" else 1)
        self.ended = asyncio.Event()
        self.last_event = 0.0
        self.open = 0

    def _refuse(self, connection, request):
        """Judges the request that opens a connection; a response refuses it."""
        number = self.connections + 1
        parts = urllib.parse.urlsplit(request.path)
        query = urllib.parse.parse_qs(parts.query)
        if parts.path != urllib.parse.urlsplit(PATHS[self.options.dialect]).path:
            self.recorder.violation(number, f"path {parts.path}")
            self.ended.set()
            return connection.respond(http.HTTPStatus.NOT_FOUND, "no such path\n")
        for name in QUERIES[self.options.dialect]:
            if not query.get(name):
                self.recorder.violation(number, f"the query has no {name}")
        headers = request.headers
        key, expected = None, os.environ.get(self.options.key_env, "")
        if self.options.dialect.startswith("openai"):
            key = headers.get("Authorization", "").removeprefix("Bearer ")
            beta = headers.get("OpenAI-Beta")
            if self.options.dialect == "openai-beta" and beta != "realtime=v1":
                self.recorder.violation(number, f"the header OpenAI-Beta is {beta!r}")
            if self.options.dialect == "openai" and beta is not None:
                self.recorder.violation(number, "the header OpenAI-Beta was sent, which ended with the beta")
        elif self.options.dialect == "gemini":
            key = headers.get("x-goog-api-key") or (query.get("key") or [""])[0]
        else:
            key = headers.get("xi-api-key", expected)  # a public agent needs none
        if key != expected or not expected:
            self.recorder.violation(number, "the key is missing or another")
            self.ended.set()
            return connection.respond(http.HTTPStatus.UNAUTHORIZED, "no such key\n")
        return None

    async def _tick(self, service):
        while True:
            await asyncio.sleep(0.05)
            await service.tick()

    async def _serve(self, socket):
        self.connections += 1
        number = self.connections
        self.open += 1
        self.last_event = asyncio.get_running_loop().time()
        if number > self.expected:
            self.recorder.violation(number, "a connection too many")
        script = "turn" if self.options.script == "any" else self.options.script
        service = self.service(socket, self.recorder, script, number)
        await service.start()
        ticking = asyncio.create_task(self._tick(service))
        failure = None
        try:
            async for message in socket:
                self.last_event = asyncio.get_running_loop().time()
                await self._judge(service, number, message)
        except websockets.ConnectionClosed:
            pass
        except Exception as error:  # the judge's own mistake must not look like a pass
            failure = error
        ticking.cancel()
        result = (await asyncio.gather(ticking, return_exceptions=True))[0]
        if isinstance(result, Exception) and not isinstance(result, asyncio.CancelledError):
            failure = failure or result
        if failure is not None:
            self.recorder.violation(number, f"the server failed: {type(failure).__name__}: {failure}")
            await socket.close(1011)
        by_client = socket.protocol.close_rcvd_then_sent
        self.recorder.closes.append({"connection": number, "code": socket.close_code, "by_client": by_client})
        if self.options.script != "any":
            if by_client is None:
                self.recorder.violation(number, "the connection was dropped without a close frame")
            elif by_client and socket.close_code not in (1000, 1001):
                self.recorder.violation(number, f"closed with code {socket.close_code}")
            service.finish(is_last=number >= self.expected)
        self.open -= 1
        if number >= self.expected and self.open == 0:
            self.ended.set()

    async def _judge(self, service, number, message):
        if isinstance(message, bytes) and self.options.dialect != "gemini":
            self.recorder.received_event(number, "binary", ["a binary frame: events are text"])
            return
        try:
            event = json.loads(message)
        except ValueError as error:
            self.recorder.received_event(number, "text", [f"not JSON: {error}"])
            return
        faults = self.judge.faults(event)
        self.recorder.received_event(number, event, faults)
        if not faults:
            await service.handle(event)

    async def _idle(self):
        loop = asyncio.get_running_loop()
        started = loop.time()
        while not self.ended.is_set():
            await asyncio.sleep(0.1)
            limit = self.options.idle
            if self.connections == 0:
                if loop.time() - started > max(limit, 30):
                    self.recorder.violation(0, "nobody connected")
                    return
            elif loop.time() - self.last_event > limit:
                self.recorder.violation(self.connections, f"nothing came for {limit} s, and the script is not through")
                return

    async def run(self):
        # Nothing compressed, no limit that is not the vendor's: appends may be of 15 MiB, 20 MiB as base64.
        async with serve(self._serve, "127.0.0.1", self.options.port, process_request=self._refuse,
                         max_size=32 * 1024 * 1024) as server:
            port = server.sockets[0].getsockname()[1]
            print(f"ws://127.0.0.1:{port}{PATHS[self.options.dialect]}", flush=True)
            idle = asyncio.create_task(self._idle())
            await asyncio.wait([idle, asyncio.create_task(self.ended.wait())],
                               return_when=asyncio.FIRST_COMPLETED)
        self.recorder.close(dialect=self.options.dialect, script=self.options.script, connections=self.connections)
        for violation in self.recorder.violations:
            print(f"connection {violation['connection']}, event {violation['event']}: {violation['what']}",
                  file=sys.stderr)
        return 1 if self.recorder.violations else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dialect", required=True, choices=list(PATHS))
    parser.add_argument("--script", default="turn", choices=["turn", "tool", "interrupt", "expire", "any"])
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--connections", type=int, default=0, help="connections to expect; 0: as many as the script")
    parser.add_argument("--idle", type=float, default=10.0, help="seconds without an event that end the check")
    parser.add_argument("--key-env", default="VENDOR_SERVER_KEY", help="the variable with the key to expect")
    options = parser.parse_args()
    if options.script not in SCRIPTS[options.dialect]:
        parser.error(f"{options.dialect} has no script {options.script}")
    sys.exit(asyncio.run(Server(options).run()))


if __name__ == "__main__":
    main()
