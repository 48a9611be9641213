#!/usr/bin/env python3
"""Holds what the simulator sends against the services' own packages.

Needs `pip install openai google-genai elevenlabs websockets` and a running simulator whose answers are short:

    utter simulate --port 8080 --call-tool weather --answer-ms 300
    check-vendor-types.py 8080

Ends with status 0 if every event is one that the packages know, with the fields that they require.
"""

import asyncio
import base64
import json
import struct
import sys
import threading

import websockets
from google import genai
from google.genai import types as gemini
from openai.types.realtime import RealtimeServerEvent
from pydantic import TypeAdapter

root = f"ws://127.0.0.1:{sys.argv[1]}"
problems = []
seen = {}


def sound(seconds, rate):
    samples = [6000 if (i * 300 // rate) % 2 == 0 else -6000 for i in range(int(seconds * rate))]
    return struct.pack(f"<{len(samples)}h", *samples)


def silence(seconds, rate):
    return bytes(2 * int(seconds * rate))


# In the published examples of session.created, but not in the package's model.
told_by_service = {"id", "object", "expires_at"}


def unknown_fields(value, place):
    """Fields that the package's model does not have."""
    found = []
    if isinstance(value, list):
        for item in value:
            found += unknown_fields(item, place)
    elif hasattr(value, "model_fields_set"):
        for name in value.model_extra or {}:
            if not (place.endswith(".session") and name in told_by_service):
                found.append(f"{place}.{name}")
        for name in type(value).model_fields:
            found += unknown_fields(getattr(value, name, None), f"{place}.{name}")
    return found


adapter = TypeAdapter(RealtimeServerEvent)


def check_openai(text, dialect):
    event = json.loads(text)
    seen.setdefault(dialect, set()).add(event["type"])
    try:
        parsed = adapter.validate_json(text)
    except Exception as error:
        problems.append(f"{dialect} {event['type']}: {str(error)[:600]}")
        return event
    if parsed.type != event["type"]:
        problems.append(f"{dialect}: {event['type']} is taken for {parsed.type}")
    for name in unknown_fields(parsed, event["type"]):
        problems.append(f"{dialect}: {name} is not known")
    return event


async def openai_session():
    async with websockets.connect(f"{root}/v1/realtime?model=simulated", max_size=None) as ws:

        async def until(type):
            while True:
                event = check_openai(await asyncio.wait_for(ws.recv(), 20), "openai")
                if event["type"] == type:
                    return event

        async def send(**event):
            await ws.send(json.dumps(event))

        async def say(audio):
            for start in range(0, len(audio), 9600):
                await send(type="input_audio_buffer.append", audio=base64.b64encode(audio[start : start + 9600]).decode())

        tool = {"type": "function", "name": "weather", "parameters": {"type": "object", "properties": {}}}
        audio = {"input": {"transcription": {"model": "gpt-transcribe"}}}
        await send(type="session.update", session={"type": "realtime", "tools": [tool], "audio": audio})
        await until("session.updated")
        await say(sound(1, 24000) + silence(1, 24000))
        call = (await until("response.function_call_arguments.done"))["call_id"]
        await until("response.done")
        output = {"type": "function_call_output", "call_id": call, "output": "sunny"}
        await send(type="conversation.item.create", item=output)
        await send(type="response.create")
        item = (await until("response.done"))["response"]["output"][0]["id"]
        await send(type="conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=100)
        await until("conversation.item.truncated")
        await send(type="conversation.item.truncate", item_id=item, content_index=0, audio_end_ms=9000)
        await until("error")
        await send(type="conversation.item.retrieve", item_id=item)
        await until("conversation.item.retrieved")
        await send(type="conversation.item.delete", item_id=item)
        await until("conversation.item.deleted")
        await send(type="input_audio_buffer.clear")
        await until("input_audio_buffer.cleared")
        await send(type="response.create", response={"output_modalities": ["text"]})
        await until("response.done")
    for fault in ["rate-limit", "duplicate", "reordered", "early-audio", "session-expired"]:
        async with websockets.connect(f"{root}/v1/realtime?model=simulated&fault={fault}", max_size=None) as ws:
            await ws.send('{"type":"response.create"}')
            try:
                while check_openai(await asyncio.wait_for(ws.recv(), 20), "openai")["type"] != "response.done":
                    pass
            except websockets.ConnectionClosed as closed:
                if fault != "session-expired" or closed.rcvd.code != 1001:
                    problems.append(f"{fault}: closed with {closed}")


async def gemini_session():
    """Through the package's own client."""
    options = gemini.HttpOptions(base_url=root.replace("ws:", "http:"))
    client = genai.Client(api_key="none", http_options=options)
    # The package connects with TLS whatever the base URL says, and the simulator has none.
    genai.live.ws_connect = lambda uri, **rest: websockets.connect(
        uri.replace("wss:", "ws:"), **{name: value for name, value in rest.items() if name != "ssl"}
    )
    config = gemini.LiveConnectConfig(
        response_modalities=["AUDIO"],
        input_audio_transcription=gemini.AudioTranscriptionConfig(),
        output_audio_transcription=gemini.AudioTranscriptionConfig(),
        session_resumption=gemini.SessionResumptionConfig(),
        tools=[{"function_declarations": [{"name": "weather"}]}],
    )
    async with client.aio.live.connect(model="simulated", config=config) as session:
        audio = sound(1, 16000) + silence(1, 16000)
        for start in range(0, len(audio), 3200):
            blob = gemini.Blob(data=audio[start : start + 3200], mime_type="audio/pcm;rate=16000")
            await session.send_realtime_input(audio=blob)
        sound_bytes = 0
        for turn in range(2):
            async for message in session.receive():
                for name in message.model_fields_set:
                    seen.setdefault("gemini", set()).add(name)
                for name in unknown_fields(message, "message"):
                    problems.append(f"gemini: {name} is not known")
                sound_bytes += len(message.data or b"")
                if message.tool_call:
                    call = message.tool_call.function_calls[0]
                    response = gemini.FunctionResponse(id=call.id, name=call.name, response={"sky": "blue"})
                    await session.send_tool_response(function_responses=[response])
                if message.server_content:
                    for name in message.server_content.model_fields_set:
                        seen["gemini"].add(f"server_content.{name}")
            if turn == 0:
                await session.send_client_content(turns={"role": "user", "parts": [{"text": "hello"}]}, turn_complete=True)
        if sound_bytes != 2 * 14400:
            problems.append(f"gemini: {sound_bytes} bytes of sound")


def elevenlabs_session():
    """Through the package's own client."""
    from elevenlabs.client import ElevenLabs
    from elevenlabs.conversational_ai.conversation import AudioInterface, ClientTools, Conversation

    heard = bytearray()
    done = threading.Event()
    texts = []

    class Interface(AudioInterface):
        def start(self, input_callback):
            self.input = input_callback
            audio = sound(1, 16000) + silence(1.5, 16000)
            for start in range(0, len(audio), 8000):
                input_callback(audio[start : start + 8000])

        def stop(self):
            pass

        def output(self, audio):
            heard.extend(audio)
            if len(heard) >= 9600:
                done.set()

        def interrupt(self):
            pass

    tools = ClientTools()
    tools.register("weather", lambda parameters: "sunny")
    client = ElevenLabs(api_key="none", base_url=root.replace("ws:", "http:"))
    conversation = Conversation(
        client,
        "simulated",
        requires_auth=False,
        audio_interface=Interface(),
        client_tools=tools,
        callback_agent_response=lambda text: texts.append(text),
        callback_user_transcript=lambda text: texts.append(text),
        callback_latency_measurement=lambda milliseconds: None,
    )
    conversation.start_session()
    if not done.wait(20):
        problems.append(f"elevenlabs: {len(heard)} bytes of sound")
    conversation.end_session()
    conversation.wait_for_session_end()
    if texts != ["(1.00 s of speech)", "The tool weather says: sunny"]:
        problems.append(f"elevenlabs: {texts}")
    seen["elevenlabs"] = {f"{len(heard)} bytes of sound", *texts}


def chat():
    from openai import OpenAI

    import io, wave

    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(24000)
        out.writeframes(sound(1, 24000))
    client = OpenAI(api_key="none", base_url=root.replace("ws:", "http:") + "/v1")
    data = base64.b64encode(file.getvalue()).decode()
    answer = client.chat.completions.create(
        model="gpt-audio-1.5",
        modalities=["text", "audio"],
        audio={"voice": "alloy", "format": "wav"},
        messages=[{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}]}],
    )
    sound_out = wave.open(io.BytesIO(base64.b64decode(answer.choices[0].message.audio.data)))
    if sound_out.getnframes() != 7200:
        problems.append(f"chat: {sound_out.getnframes()} samples")
    seen["chat"] = {answer.choices[0].message.audio.transcript, str(answer.usage.completion_tokens)}


for part in [
    lambda: asyncio.run(openai_session()),
    lambda: asyncio.run(asyncio.wait_for(gemini_session(), 20)),
    elevenlabs_session,
    chat,
]:
    try:
        part()
    except Exception as error:
        problems.append(f"{type(error).__name__}: {error}")
for dialect, names in seen.items():
    print(f"{dialect}: {', '.join(sorted(names))}")
for problem in sorted(set(problems)):
    print(f"PROBLEM {problem}")
sys.exit(1 if problems else 0)
