#!/usr/bin/env python3
"""Shows that the server is right: with the vendors' own clients (`sdk`), and with wrong events (`wrong`)."""

import argparse
import asyncio
import collections
import contextlib
import json
import os
import pathlib
import struct
import sys
import tempfile
import threading
import time

import websockets

FOLDER = pathlib.Path(__file__).parent
KEY = "key-of-the-self-test"


class Failure(Exception):
    pass


def expect(condition, text):
    if not condition:
        raise Failure(text)


@contextlib.asynccontextmanager
async def serving(dialect, script, out, *options):
    """The server as a process of its own: its URL, and a call that waits for its exit code."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(FOLDER / "server.py"), "--dialect", dialect, "--script", script, "--out", str(out),
        *options, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "VENDOR_SERVER_KEY": KEY})
    try:
        url = (await asyncio.wait_for(process.stdout.readline(), 60)).decode().strip()
        expect(url.startswith("ws://"), "the server did not start")

        async def ended():
            _, errors = await asyncio.wait_for(process.communicate(), 60)
            return process.returncode, errors.decode()

        yield url, ended
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


def user_audio(seconds, rate):
    count = round(seconds * rate)
    return struct.pack(f"<{count}h", *(i * 7919 % 20011 - 10000 for i in range(count)))


def pieces(audio, size):
    return [audio[i:i + size] for i in range(0, len(audio), size)]


# OpenAI.

def _openai_connection(url, is_beta):
    import openai
    base = url.replace("ws://", "http://").split("/realtime")[0]
    client = openai.AsyncOpenAI(api_key=KEY, base_url=base, websocket_base_url=base.replace("http://", "ws://"))
    resource = client.beta.realtime if is_beta else client.realtime
    return resource.connect(model="gpt-4o-realtime-preview" if is_beta else "gpt-realtime-2.1")


def _openai_session(is_beta, detection, tools):
    declared = [{"type": "function", "name": "get_time", "description": "The time in a city",
                 "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}] if tools else []
    if is_beta:
        return {"modalities": ["text", "audio"], "input_audio_format": "pcm16", "turn_detection": detection,
                "input_audio_transcription": {"model": "whisper-1"}, "tools": declared}
    return {"type": "realtime", "output_modalities": ["audio"], "tools": declared,
            "audio": {"input": {"format": {"type": "audio/pcm", "rate": 24000}, "turn_detection": detection,
                                "transcription": {"model": "gpt-transcribe"}}}}


async def _openai(url, script, turns, is_beta, audio):
    """What was heard of the answers; audio is sent in real time, so that there is a middle to interrupt."""
    import base64
    detection = {"type": "server_vad", "silence_duration_ms": 500} if turns == "server" else None
    heard, said, first_at, unsent = bytearray(), [], {}, pieces(audio, 4800)
    created, audio_delta = (("conversation.item.created", "response.audio.delta") if is_beta
                            else ("conversation.item.added", "response.output_audio.delta"))
    seen = collections.Counter()
    context_given = False
    for attempt in range(2):
        async with _openai_connection(url, is_beta) as connection:
            await connection.session.update(session=_openai_session(is_beta, detection, script == "tool"))
            for role, text in said:
                kind = "input_text" if role == "user" else ("text" if is_beta else "output_text")
                await connection.conversation.item.create(
                    item={"type": "message", "role": role, "content": [{"type": kind, "text": text}]})
                context_given = True

            async def talk():
                while unsent:
                    await connection.input_audio_buffer.append(audio=base64.b64encode(unsent[0]).decode())
                    del unsent[0]
                    await asyncio.sleep(0.02 if script == "turn" else 0.1)
                if turns == "manual":
                    await connection.input_audio_buffer.commit()
                    await connection.response.create()

            talking = asyncio.create_task(talk())
            if attempt == 0:
                manual_backup = list(unsent)
            last_item, expired = None, False
            try:
                while True:
                    event = await connection.recv()
                    seen[event.type] += 1
                    if event.type == audio_delta:
                        heard += base64.b64decode(event.delta)
                        first_at.setdefault(event.item_id, time.monotonic())
                        last_item = event.item_id
                    elif event.type == "conversation.item.input_audio_transcription.completed":
                        said.append(("user", event.transcript))
                    elif event.type == "input_audio_buffer.speech_started" and last_item:
                        played = max(1, int(1000 * (time.monotonic() - first_at[last_item])))
                        await connection.conversation.item.truncate(item_id=last_item, content_index=0,
                                                                    audio_end_ms=played)
                        last_item = None
                    elif event.type == "error":
                        expect(event.error.code == "session_expired", f"an error: {event.error}")
                        expired = True
                    elif event.type == "response.done":
                        if event.response.status == "cancelled":
                            continue
                        item = event.response.output[0]
                        if item.type == "function_call":
                            expect(json.loads(item.arguments) == {"city": "Lisbon"}, "the call's arguments")
                            await connection.conversation.item.create(item={
                                "type": "function_call_output", "call_id": item.call_id, "output": "21:04"})
                            await connection.response.create()
                            continue
                        said.append(("assistant", item.content[0].transcript))
                        if not unsent and (script != "interrupt" or seen["response.done"] > 1):
                            if script != "expire" or attempt == 1:
                                break
            except websockets.ConnectionClosed as closed:
                expect(expired and closed.rcvd and closed.rcvd.code == 1001, f"closed: {closed}")
            talking.cancel()
            await asyncio.gather(talking, return_exceptions=True)
        if not expired:
            break
        if turns == "manual":
            unsent[:] = manual_backup
    expect(seen["session.updated"] and seen[created], f"events missing: {dict(seen)}")
    expect(script != "expire" or turns == "manual" or context_given, "no context to give")
    return bytes(heard)


# Gemini.

async def _gemini(url, script, turns, audio):
    from google import genai
    from google.genai import live, types

    # The package speaks TLS alone; everything else is its own.
    def plain_connect(uri, **options):
        options.pop("ssl", None)
        return websockets.connect(uri.replace("wss://", "ws://"), **options)

    live.ws_connect = plain_connect
    base = url.replace("ws://", "http://").split("/ws/")[0]
    client = genai.Client(api_key=KEY, http_options=types.HttpOptions(base_url=base, api_version="v1beta"))
    heard, unsent, handle, seen = bytearray(), pieces(audio, 3200), None, collections.Counter()
    for attempt in range(2):
        config = types.LiveConnectConfig(
            response_modalities=["AUDIO"], system_instruction="Be brief.",
            realtime_input_config=types.RealtimeInputConfig(
                automatic_activity_detection=types.AutomaticActivityDetection(disabled=turns == "manual")),
            session_resumption=types.SessionResumptionConfig(handle=handle),
            input_audio_transcription=types.AudioTranscriptionConfig(),
            output_audio_transcription=types.AudioTranscriptionConfig(),
            tools=[types.Tool(function_declarations=[types.FunctionDeclaration(
                name="get_time", description="The time in a city",
                parameters=types.Schema(type="OBJECT", properties={"city": types.Schema(type="STRING")}))])])
        going = False
        async with client.aio.live.connect(model="gemini-3.8-live", config=config) as session:
            async def talk():
                if turns == "manual":
                    await session.send_realtime_input(activity_start=types.ActivityStart())
                while unsent and not going:
                    await session.send_realtime_input(
                        audio=types.Blob(data=unsent.pop(0), mime_type="audio/pcm;rate=16000"))
                    await asyncio.sleep(0.02 if script == "turn" else 0.1)
                if turns == "manual":
                    await session.send_realtime_input(activity_end=types.ActivityEnd())
                elif not going and script != "interrupt":
                    await session.send_realtime_input(audio_stream_end=True)

            talking = asyncio.create_task(talk())
            is_done = False
            while not is_done and not going:
                async for message in session.receive():
                    if message.session_resumption_update:
                        handle = message.session_resumption_update.new_handle
                    if message.go_away:
                        going = True
                        break
                    if message.tool_call:
                        call = message.tool_call.function_calls[0]
                        await session.send_tool_response(function_responses=[types.FunctionResponse(
                            id=call.id, name=call.name, response={"output": "21:04"})])
                    if message.data:
                        heard += message.data
                    content = message.server_content
                    if content and content.interrupted:
                        seen["interrupted"] += 1
                    if content and content.generation_complete:
                        seen["complete"] += 1
                    if content and content.turn_complete and seen["complete"]:
                        is_done = True
            await talking
        if not going:
            break
    expect(script != "interrupt" or seen["interrupted"] == 1, f"events missing: {dict(seen)}")
    return bytes(heard)


# ElevenLabs.

def _elevenlabs(url, script, audio):
    from elevenlabs.client import ElevenLabs
    from elevenlabs.conversational_ai.conversation import AudioInterface, ClientTools, Conversation

    answer_bytes = 2 * 2 * 22050
    heard, interruptions, done = bytearray(), [], threading.Event()

    class Interface(AudioInterface):
        def start(self, input_callback):
            def talk():
                for piece in pieces(audio, 4800):
                    input_callback(piece)
                    time.sleep(0.02 if script == "turn" else 0.1)
            threading.Thread(target=talk, daemon=True).start()

        def stop(self):
            pass

        def output(self, audio):
            heard.extend(audio)
            if len(heard) == answer_bytes + (10 * 2 * 22050 if script == "interrupt" else 0):
                done.set()

        def interrupt(self):
            interruptions.append(len(heard))

    tools = ClientTools()
    tools.register("get_time", lambda parameters: "21:04")
    conversation = Conversation(
        ElevenLabs(base_url=url.replace("ws://", "http://").split("/v1/")[0], api_key=KEY), "agent_check",
        requires_auth=False, audio_interface=Interface(), client_tools=tools)
    conversation.start_session()
    expect(done.wait(30), "the answer did not come")
    conversation.end_session()
    conversation.wait_for_session_end()
    expect(script != "interrupt" or len(interruptions) == 1, f"{len(interruptions)} interruptions")
    return bytes(heard)


SDK_RUNS = [
    ("openai", "turn", "manual"), ("openai", "turn", "server"), ("openai", "tool", "manual"),
    ("openai", "tool", "server"), ("openai", "interrupt", "server"), ("openai", "expire", "server"),
    ("openai", "expire", "manual"), ("openai-beta", "turn", "manual"), ("openai-beta", "tool", "server"),
    ("openai-beta", "interrupt", "server"), ("gemini", "turn", "manual"), ("gemini", "turn", "server"),
    ("gemini", "tool", "server"), ("gemini", "tool", "manual"), ("gemini", "interrupt", "server"),
    ("gemini", "expire", "server"), ("elevenlabs", "turn", "server"), ("elevenlabs", "tool", "server"),
    ("elevenlabs", "interrupt", "server"),
]


async def sdk_run(dialect, script, turns, out):
    audio = user_audio(3.0, 16000 if dialect == "gemini" else 24000)
    async with serving(dialect, script, out) as (url, ended):
        if dialect.startswith("openai"):
            run = _openai(url, script, turns, dialect == "openai-beta", audio)
        elif dialect == "gemini":
            run = _gemini(url, script, turns, audio)
        else:
            run = asyncio.to_thread(_elevenlabs, url, script, audio)
        try:
            heard = await asyncio.wait_for(run, 40)
        except (Failure, asyncio.TimeoutError, websockets.WebSocketException) as failure:
            raise Failure(f"{type(failure).__name__} {failure}; server: {(await ended())[1]}") from None
        code, errors = await ended()
    expect(code == 0, f"the server refused its vendor's own client: {errors}")
    received, answer = (out / "received.pcm").read_bytes(), (out / "answer.pcm").read_bytes()
    report = json.loads((out / "report.json").read_text())
    expect(report["violations"] == [] and report["received"]["bytes"] == len(received), "the report is another's")
    # A session that expires takes with it what was on its way.
    if script != "expire":
        expect(received == audio, f"{len(received)} bytes received of {len(audio)}, or others")
    expect(heard == answer and answer, f"{len(heard)} bytes heard of {len(answer)}, or others")
    return f"{len(received)} bytes in, {len(answer)} out"


async def run_sdk(only, keep):
    failed = 0
    for dialect, script, turns in SDK_RUNS:
        if only and dialect not in only:
            continue
        with tempfile.TemporaryDirectory() as temporary:
            out = (keep or pathlib.Path(temporary)) / f"{dialect}-{script}-{turns}"
            try:
                print(f"{dialect} {script} {turns}: {await sdk_run(dialect, script, turns, out)}", flush=True)
            except Failure as failure:
                failed += 1
                print(f"{dialect} {script} {turns}: FAILED: {failure}", flush=True)
    return failed


# Wrong events.

async def run_wrong(path):
    """Each line is a connection: it has to be refused for the reason given, or with none to pass."""
    cases = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    failed_before = failed = 0
    for dialect in dict.fromkeys(case["dialect"] for case in cases):
        mine = [case for case in cases if case["dialect"] == dialect]
        with tempfile.TemporaryDirectory() as temporary:
            out = pathlib.Path(temporary)
            async with serving(dialect, "any", out, "--connections", str(len(mine))) as (url, ended):
                headers = {"Authorization": f"Bearer {KEY}", "x-goog-api-key": KEY, "xi-api-key": KEY}
                if dialect == "openai-beta":
                    headers["OpenAI-Beta"] = "realtime=v1"
                for case in mine:
                    async with websockets.connect(url, additional_headers=headers, max_size=None, max_queue=None) as socket:
                        for event in case["events"]:
                            await socket.send(event if isinstance(event, str) else json.dumps(event))
                            if isinstance(event, dict) and "setup" in event and case.get("waits", True):
                                await socket.recv()
                code, errors = await ended()
            report = json.loads((out / "report.json").read_text())
        for number, case in enumerate(mine, 1):
            found = [one["what"] for one in report["violations"] if one["connection"] == number]
            wanted = case["refused"]
            fits = any(wanted in one for one in found) if wanted else not found
            failed += not fits
            if not fits:
                print(f"{dialect}: {case['why']}: FAILED: wanted {wanted!r}, found {found}")
        if code != 1:
            failed += 1
            print(f"{dialect}: FAILED: ended with {code}: {errors}")
        wrong = sum(1 for case in mine if case["refused"])
        print(f"{dialect}: {wrong} wrong logs of events refused, {len(mine) - wrong} right ones accepted"
              if failed == failed_before else f"{dialect}: see above", flush=True)
        failed_before = failed
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["sdk", "wrong"])
    parser.add_argument("--dialect", action="append", help="only this one")
    parser.add_argument("--keep", type=pathlib.Path, help="a folder to keep the logs in")
    options = parser.parse_args()
    if options.what == "sdk":
        failed = asyncio.run(run_sdk(options.dialect, options.keep))
    else:
        failed = asyncio.run(run_wrong(FOLDER / "wrong-events.jsonl"))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
