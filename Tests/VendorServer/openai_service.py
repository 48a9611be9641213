"""OpenAI's Realtime service, in its present (`openai`) and its earlier (`openai-beta`) dialect."""

import copy
import json
import time
import typing

from judges import AudioFault, whole_samples
from service import (ANSWER_TRANSCRIPT, USER_TRANSCRIPT, Service, TurnClock, answer_audio, base64_text, built, chunks)

RATE = 24000
BYTES_PER_SECOND = 2 * RATE
LARGEST_APPEND = 15 * 1024 * 1024
SHORTEST_COMMIT_MS = 100


def milliseconds(byte_count):
    return byte_count * 1000 // BYTES_PER_SECOND


def _models_by_type(union):
    models = {}
    for model in typing.get_args(typing.get_args(union)[0]):
        for name in typing.get_args(model.model_fields["type"].annotation):
            models[name] = model
    return models


def _merged(old, new):
    """A session after an update: only what is given changes, and a turn detection is given whole."""
    if not isinstance(old, dict) or not isinstance(new, dict):
        return new
    merged = dict(old)
    for key, value in new.items():
        whole = key in ("turn_detection", "format", "tools")
        merged[key] = value if whole else _merged(old.get(key), value)
    return merged


class Response:
    def __init__(self, identifier):
        self.id = identifier
        self.output = []
        self.item = None


class OpenAIService(Service):
    is_beta = False
    _TURN_DETECTION = {"type": "server_vad", "threshold": 0.5, "prefix_padding_ms": 300, "silence_duration_ms": 200,
                       "create_response": True, "interrupt_response": True}

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._models = _models_by_type(self._server_union())
        self.session = self._first_session()
        self.clock = TurnClock(BYTES_PER_SECOND)
        self.appended = 0  # bytes since the connection opened
        self.buffered = 0  # bytes since the last commit or clear
        self.speech_item = None
        self.last_item = None
        self.active = None
        self.assistant_audio = {}  # item: bytes sent
        self.first_audio_at = {}
        self.call = None
        self.call_is_answered = False
        self.finished_answers = 0
        self.created_texts = []
        self.interruption = None  # item that was interrupted
        self.truncations = []
        self.long_answer = None
        self.long_answer_at = 0.0
        self.expired = False
        self.has_updated = False
        self.transcripts = []  # what was said here

    # The two dialects differ in these.

    def _server_union(self):
        from openai.types.realtime import RealtimeServerEvent
        return RealtimeServerEvent

    def _first_session(self):
        pcm = {"type": "audio/pcm", "rate": RATE}
        return {"type": "realtime", "model": "gpt-realtime-2.1", "output_modalities": ["audio"], "tools": [],
                "tool_choice": "auto", "max_output_tokens": "inf",
                "audio": {"input": {"format": pcm, "turn_detection": dict(self._TURN_DETECTION)},
                          "output": {"format": pcm, "voice": "marin", "speed": 1.0}}}

    def turn_detection(self):
        return self.session["audio"]["input"].get("turn_detection")

    def transcription(self):
        return self.session["audio"]["input"].get("transcription")

    def _input_is_pcm(self):
        return self.session["audio"]["input"].get("format", {}).get("type", "audio/pcm") == "audio/pcm"

    def _output_is_pcm(self):
        return self.session["audio"]["output"].get("format", {}).get("type", "audio/pcm") == "audio/pcm"

    def _check_session(self, given):
        if given.get("output_modalities") not in (None, ["audio"]):
            self.violation(f"output_modalities {given['output_modalities']}: audio was to be asked for, and both "
                           "together are refused")

    def name(self, event_type):
        return event_type

    # Sending.

    async def emit(self, event_type, **fields):
        event_type = self.name(event_type)
        event = built(self._models[event_type], type=event_type, event_id=self.new_id("event"), **fields)
        if "session" in event:
            # What the service adds to a session, and the type of the event leaves out.
            event["session"].update(id=f"sess_{self.connection}", object="realtime.session",
                                    expires_at=int(time.time()) + 3600)
        await self.send(event)

    async def error(self, message, code, event=None, param=None):
        await self.emit("error", error={"type": "invalid_request_error", "code": code, "message": message,
                                        "param": param, "event_id": (event or {}).get("event_id")})

    async def item_added(self, item, is_done=True):
        previous, self.last_item = self.last_item, item["id"]
        place = {"previous_item_id": previous} if previous else {}
        await self.emit("conversation.item.added", item={**item, "status": "completed" if is_done else "in_progress"},
                        **place)
        if is_done:
            await self.emit("conversation.item.done", item=item, **place)

    async def start(self):
        await self.emit("session.created", session=copy.deepcopy(self.session))
        if not self.is_beta:
            # Of the vendor's types, and nothing that a voice client knows: it has to be passed over.
            await self.emit("mcp_list_tools.in_progress", item_id=self.new_id("item"))

    # Receiving.

    async def handle(self, event):
        handler = getattr(self, "_on_" + event["type"].replace(".", "_"), None)
        if handler is None:
            self.violation(f"{event['type']}: nothing that a voice client on a WebSocket has to send")
            return
        await handler(event)

    async def _on_session_update(self, event):
        self._check_session(event["session"])
        self.session = _merged(self.session, event["session"])
        self.has_updated = True
        if not self._input_is_pcm() or not self._output_is_pcm():
            self.violation("the session's formats are not 24 kHz PCM")
        await self.emit("session.updated", session=copy.deepcopy(self.session))

    async def _on_input_audio_buffer_append(self, event):
        try:
            audio = whole_samples(event["audio"], limit=LARGEST_APPEND)
        except AudioFault as fault:
            self.violation(f"input_audio_buffer.append: {fault}")
            await self.error(f"Invalid 'audio'. {fault}", "invalid_value", event, "audio")
            return
        self.take_audio(audio)
        self.appended += len(audio)
        self.buffered += len(audio)
        if self.turn_detection():
            self.clock.heard(audio)
        await self._on_progress()

    async def _on_input_audio_buffer_clear(self, event):
        self.buffered = 0
        self.clock.restart()
        await self.emit("input_audio_buffer.cleared")

    async def _on_input_audio_buffer_commit(self, event):
        if milliseconds(self.buffered) < SHORTEST_COMMIT_MS:
            self.violation(f"input_audio_buffer.commit after {milliseconds(self.buffered)} ms of audio")
            await self.error("Error committing input audio buffer: buffer too small. Expected at least 100ms of audio, "
                             f"but buffer only has {self.buffered * 1000 / BYTES_PER_SECOND:.2f}ms of audio.",
                             "input_audio_buffer_commit_empty", event)
            return
        await self._commit()

    async def _commit(self):
        item = self.speech_item or self.new_id("item")
        self.speech_item = None
        self.buffered = 0
        self.clock.restart()
        place = {"previous_item_id": self.last_item} if self.last_item else {}
        await self.emit("input_audio_buffer.committed", item_id=item, **place)
        await self.item_added({"id": item, "type": "message", "object": "realtime.item", "role": "user",
                               "status": "completed", "content": [{"type": "input_audio"}]})
        if self.transcription():
            await self.emit("conversation.item.input_audio_transcription.completed", item_id=item, content_index=0,
                            transcript=USER_TRANSCRIPT, usage={"type": "duration", "seconds": 1.0})
            self.transcripts.append(USER_TRANSCRIPT)

    async def _on_response_create(self, event):
        if self.active:
            self.violation("response.create while a response runs")
            await self.error("Conversation already has an active response", "conversation_already_has_active_response",
                             event)
            return
        if self.call and not self.call_is_answered:
            self.violation("response.create before the function's output")
        await self.respond()

    async def _on_response_cancel(self, event):
        if not self.active:
            self.recorder.note(self.connection, "response.cancel while no response runs")
            await self.error("Cancellation failed: no active response found", "response_cancel_not_active", event)
            return
        await self._end_answer("cancelled", "client_cancelled")

    async def _on_conversation_item_create(self, event):
        item = dict(event["item"])
        item.setdefault("id", self.new_id("item"))
        if item.get("type") == "function_call_output":
            if not self.call or item.get("call_id") != self.call:
                self.violation(f"function_call_output for {item.get('call_id')!r}, and {self.call!r} was called")
            elif self.call_is_answered:
                self.violation("function_call_output twice for one call")
            if not isinstance(item.get("output"), str):
                self.violation("function_call_output: output has to be a string")
            self.call_is_answered = True
        elif item.get("type") == "message":
            self.created_texts += [part.get("text") or part.get("transcript") or ""
                                   for part in item.get("content", [])]
        else:
            self.violation(f"conversation.item.create of a {item.get('type')!r}")
        await self.item_added({**item, "object": "realtime.item", "status": "completed"})

    async def _on_conversation_item_truncate(self, event):
        item, claimed = event["item_id"], event["audio_end_ms"]
        self.truncations.append(event)
        if item not in self.assistant_audio:
            self.violation(f"conversation.item.truncate of {item!r}, which is no answer's item")
            await self.error("Only model output audio messages can be truncated", "invalid_value", event)
            return
        sent = milliseconds(self.assistant_audio[item])
        passed = round(1000 * (self.now() - self.first_audio_at[item]))
        if event["content_index"] != 0:
            self.violation(f"conversation.item.truncate of content {event['content_index']}")
        if not 0 < claimed <= sent:
            self.violation(f"conversation.item.truncate at {claimed} ms, and {sent} ms were sent")
            await self.error(f"Audio content of {sent}ms is already shorter than {claimed}ms", "invalid_value", event)
            return
        if claimed > passed + 20:
            self.violation(f"conversation.item.truncate: {claimed} ms played, {passed} ms after the first was sent")
        self.recorder.note(self.connection, f"truncated at {claimed} ms of {sent} ms, {passed} ms after the first")
        await self.emit("conversation.item.truncated", item_id=item, content_index=0, audio_end_ms=claimed)

    async def _on_conversation_item_delete(self, event):
        await self.emit("conversation.item.deleted", item_id=event["item_id"])

    # Answering.

    async def respond(self, seconds=2.0, hold=False):
        tools = self.session.get("tools") or []
        response = self.active = Response(self.new_id("resp"))
        await self.emit("response.created", response=self._response(response, "in_progress"))
        await self.emit("rate_limits.updated", rate_limits=[
            {"name": "requests", "limit": 1000, "remaining": 999, "reset_seconds": 0.06},
            {"name": "tokens", "limit": 50000, "remaining": 49000, "reset_seconds": 1.2}])
        if self.script == "tool" and self.call is None:
            if tools:
                await self._call_function(response, tools[0]["name"])
                return
            self.violation("no tool is declared in the session")
        await self._answer(response, answer_audio(seconds, RATE, seed=self.recorder.next_seed()), hold)

    def _response(self, response, status, details=None):
        fields = {"id": response.id, "object": "realtime.response", "status": status, "output": response.output}
        if details:
            fields["status_details"] = details
        if status != "in_progress":
            fields["usage"] = self._usage()
        return fields

    def _usage(self):
        return {"total_tokens": 150, "input_tokens": 100, "output_tokens": 50,
                "input_token_details": {"text_tokens": 60, "audio_tokens": 40, "cached_tokens": 0},
                "output_token_details": {"text_tokens": 10, "audio_tokens": 40}}

    async def _call_function(self, response, name):
        self.call = self.new_id("call")
        item = {"id": self.new_id("item"), "type": "function_call", "object": "realtime.item", "name": name,
                "call_id": self.call, "arguments": "", "status": "in_progress"}
        place = {"response_id": response.id, "item_id": item["id"], "output_index": 0}
        await self.emit("response.output_item.added", response_id=response.id, output_index=0, item=item)
        await self.item_added(item, is_done=False)
        # The arguments come in pieces that are no JSON by themselves.
        for piece in ('{"city"', ':"Lis', 'bon"}'):
            await self.emit("response.function_call_arguments.delta", call_id=self.call, delta=piece, **place)
        arguments = '{"city":"Lisbon"}'
        await self.emit("response.function_call_arguments.done", call_id=self.call, arguments=arguments,
                        **({} if self.is_beta else {"name": name}), **place)
        done = {**item, "arguments": arguments, "status": "completed"}
        await self.emit("conversation.item.done", item=done)
        await self.emit("response.output_item.done", response_id=response.id, output_index=0, item=done)
        response.output = [done]
        self.active = None
        await self.emit("response.done", response=self._response(response, "completed"))

    def _assistant_content(self, transcript):
        return {"type": "output_audio", "transcript": transcript}

    async def _answer(self, response, audio, hold):
        response.item = item = self.new_id("item")
        self.assistant_audio[item] = 0
        message = {"id": item, "type": "message", "object": "realtime.item", "role": "assistant",
                   "status": "in_progress", "content": []}
        place = {"response_id": response.id, "item_id": item, "output_index": 0, "content_index": 0}
        await self.emit("response.output_item.added", response_id=response.id, output_index=0, item=message)
        await self.item_added(message, is_done=False)
        await self.emit("response.content_part.added", part={"type": "audio", "transcript": ""}, **place)
        words = iter(ANSWER_TRANSCRIPT.split(" "))
        for number, chunk in enumerate(chunks(audio)):
            word = next(words, None) if number % 2 == 0 else None
            if word is not None:
                await self.emit("response.output_audio_transcript.delta", delta=word if number == 0 else f" {word}",
                                **place)
            if number == 0:
                self.first_audio_at[item] = self.now()
            await self.emit("response.output_audio.delta", delta=base64_text(chunk), **place)
            self.assistant_audio[item] += len(chunk)
            self.recorder.answered(chunk)
        if hold:
            self.long_answer, self.long_answer_at = item, self.now()
        else:
            await self._end_answer("completed")

    async def _end_answer(self, status, reason=None):
        response, self.active = self.active, None
        place = {"response_id": response.id, "item_id": response.item, "output_index": 0, "content_index": 0}
        item = {"id": response.item, "type": "message", "object": "realtime.item", "role": "assistant",
                "status": "completed" if status == "completed" else "incomplete",
                "content": [self._assistant_content(ANSWER_TRANSCRIPT)]}
        await self.emit("response.output_audio.done", **place)
        await self.emit("response.output_audio_transcript.done", transcript=ANSWER_TRANSCRIPT, **place)
        await self.emit("response.content_part.done", part={"type": "audio", "transcript": ANSWER_TRANSCRIPT}, **place)
        await self.emit("conversation.item.done", item=item)
        await self.emit("response.output_item.done", response_id=response.id, output_index=0, item=item)
        response.output = [item]
        details = {"type": status, **({"reason": reason} if reason else {})}
        await self.emit("response.done", response=self._response(response, status, details))
        if status == "completed":
            self.finished_answers += 1
            self.transcripts.append(ANSWER_TRANSCRIPT)

    # The script.

    def _heard_ms(self):
        return milliseconds(self.appended)

    async def _speech_started(self):
        self.speech_item = self.new_id("item")
        start = max(0, self._heard_ms() - milliseconds(self.buffered))
        await self.emit("input_audio_buffer.speech_started", item_id=self.speech_item, audio_start_ms=start)

    async def _turn_over(self, **answer):
        if self.speech_item is None:
            await self._speech_started()
        await self.emit("input_audio_buffer.speech_stopped", item_id=self.speech_item, audio_end_ms=self._heard_ms())
        await self._commit()
        if self.turn_detection().get("create_response", True) and not self.active:
            await self.respond(**answer)

    async def _on_progress(self):
        if self.expired:
            return
        detects = self.turn_detection()
        if self.script == "expire" and self.connection == 1 and (detects is None and self._heard_ms() >= 500):
            await self._expire()
        if not detects or not self.clock.is_open:
            return
        if self.speech_item is None and milliseconds(self.buffered) >= 100 and not self.long_answer:
            await self._speech_started()
        if self._heard_ms() < 1000:
            return
        if self.script == "expire" and self.connection == 1:
            await self._turn_over(seconds=0.4)
            await self._expire()
        elif self.script == "interrupt" and self.connection == 1 and self.long_answer is None and not self.active:
            await self._turn_over(seconds=10.0, hold=True)

    async def _expire(self):
        self.expired = True
        self.recorder.transcripts += self.transcripts
        await self.error("Your session hit the maximum duration of 60 minutes.", "session_expired")
        await self.socket.close(1001, "session expired")

    async def tick(self):
        if self.expired or not self.turn_detection():
            return
        if self.long_answer and not self.interruption:
            # Somebody speaks over the answer: when it has been playing for a while, and more has been heard or no more
            # will come.
            playing = self.now() - self.long_answer_at >= 0.6
            if playing and (milliseconds(self.buffered) >= 400 or self.clock.is_quiet()):
                self.interruption = self.long_answer
                await self._speech_started()
                self.clock.is_open = True
                if self.active and self.turn_detection().get("interrupt_response", True):
                    await self._end_answer("cancelled", "turn_detected")
        elif self.clock.is_over():
            await self._turn_over()

    def finish(self, is_last):
        if not is_last and not self.expired:
            self.violation("the connection was closed before the script was through")
        if not is_last:
            return
        if not self.has_updated:
            self.violation("no session.update")
        if self.script == "tool" and not self.call_is_answered:
            self.violation("no function_call_output")
        if self.script == "expire" and self.connection == 1:
            self.violation("no new connection after the session had expired")
        if self.script == "expire" and self.connection > 1:
            told = " ".join(self.created_texts)
            for transcript in self.recorder.transcripts:
                # Of an answer that was interrupted, what was heard.
                heard = any(text and transcript.startswith(text) for text in self.created_texts)
                if transcript not in told and not heard:
                    self.violation(f"the new session was not told what was said: {transcript!r}")
        if self.script == "interrupt":
            if not self.turn_detection():
                self.violation("the script `interrupt` needs the service's turn detection")
            elif len([one for one in self.truncations if one["item_id"] == self.interruption]) != 1:
                self.violation(f"one conversation.item.truncate was expected, {len(self.truncations)} came")
        if self.active:
            self.violation("closed while a response was running")
        if not self.finished_answers:
            self.violation("closed before an answer was complete")


class OpenAIBetaService(OpenAIService):
    is_beta = True
    _NAMES = {"conversation.item.added": "conversation.item.created",
              "response.output_audio.delta": "response.audio.delta",
              "response.output_audio.done": "response.audio.done",
              "response.output_audio_transcript.delta": "response.audio_transcript.delta",
              "response.output_audio_transcript.done": "response.audio_transcript.done"}

    def _server_union(self):
        from openai.types.beta.realtime import RealtimeServerEvent
        return RealtimeServerEvent

    def _first_session(self):
        return {"model": "gpt-4o-realtime-preview", "modalities": ["text", "audio"], "voice": "alloy",
                "input_audio_format": "pcm16", "output_audio_format": "pcm16", "tools": [], "tool_choice": "auto",
                "temperature": 0.8, "max_response_output_tokens": "inf",
                "turn_detection": dict(self._TURN_DETECTION)}

    def turn_detection(self):
        return self.session.get("turn_detection")

    def transcription(self):
        return self.session.get("input_audio_transcription")

    def _input_is_pcm(self):
        return self.session["input_audio_format"] == "pcm16"

    def _output_is_pcm(self):
        return self.session["output_audio_format"] == "pcm16"

    def _check_session(self, given):
        if "audio" not in given.get("modalities", ["audio"]):
            self.violation(f"modalities {given['modalities']}: audio was to be asked for")
        if not 0.6 <= given.get("temperature", 0.8) <= 1.2:
            self.violation(f"temperature {given['temperature']}: 0.6 to 1.2 are allowed")

    def name(self, event_type):
        return self._NAMES.get(event_type, event_type)

    async def emit(self, event_type, **fields):
        # An item is announced once in this dialect, and not again when it is complete.
        if event_type != "conversation.item.done":
            await super().emit(event_type, **fields)

    def _assistant_content(self, transcript):
        return {"type": "audio", "transcript": transcript}
