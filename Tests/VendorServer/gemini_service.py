"""Gemini's Live service."""

import asyncio
import re

from google.genai import types

from judges import AudioFault, whole_samples
from service import ANSWER_TRANSCRIPT, USER_TRANSCRIPT, Service, TurnClock, answer_audio, base64_text, built, chunks

IN_RATE, OUT_RATE = 16000, 24000
SETUP_SECONDS = 0.05


def _key(event, *names):
    """The value under a key in either spelling."""
    for name in names:
        if name in event:
            return event[name]
    return None


class GeminiService(Service):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.setup = None
        self.is_set_up = False
        self.clock = TurnClock(2 * IN_RATE)
        self.in_activity = False
        self.turn_audio = 0
        self.call = None
        self.call_is_answered = False
        self.finished_answers = 0
        self.holding_since = None
        self.was_interrupted = False
        self.going_away_since = None

    async def emit(self, **fields):
        event = built(types.LiveServerMessage, **fields)
        # The package's types write bytes in the URL alphabet of base64, which is theirs: the service writes the other.
        for part in event.get("serverContent", {}).get("modelTurn", {}).get("parts", []):
            part["inlineData"]["data"] = part["inlineData"]["data"].replace("-", "+").replace("_", "/")
        # The service's messages come in binary frames.
        await self.send(event, as_bytes=True)

    def manual(self):
        detection = _key(_key(self.setup, "realtimeInputConfig", "realtime_input_config") or {},
                         "automaticActivityDetection", "automatic_activity_detection") or {}
        return bool(detection.get("disabled"))

    def _resumption(self):
        return _key(self.setup or {}, "sessionResumption", "session_resumption")

    async def handle(self, event):
        if len(event) != 1:
            self.violation(f"a message holds one of the kinds, and this one {sorted(event)}")
            return
        kind = re.sub("_(.)", lambda m: m[1].upper(), next(iter(event)))
        body = event[next(iter(event))]
        if kind == "setup":
            await self._on_setup(body)
        elif self.setup is None:
            self.violation(f"{kind} before setup")
        elif not self.is_set_up:
            self.violation(f"{kind} before setupComplete")
        elif kind == "realtimeInput":
            await self._on_realtime_input(body)
        elif kind == "toolResponse":
            await self._on_tool_response(body)
        elif kind == "clientContent":
            self.recorder.note(self.connection, "clientContent")
        else:
            self.violation(f"{kind}: nothing that a voice client has to send")

    async def _on_setup(self, setup):
        if self.setup is not None:
            self.violation("setup twice")
            return
        self.setup = setup
        if not str(setup.get("model", "")).startswith("models/"):
            self.violation(f"setup: model {setup.get('model')!r} does not start with models/")
        modalities = _key(_key(setup, "generationConfig", "generation_config") or {}, "responseModalities",
                          "response_modalities")
        if modalities not in (None, ["AUDIO"]):
            self.violation(f"setup: responseModalities {modalities}, and audio was to be asked for")
        handle = (self._resumption() or {}).get("handle")
        if handle and handle != self.recorder.handle:
            self.violation(f"setup: resumes {handle!r}, which nobody gave")
        elif not handle and self.connection > 1 and self.script == "expire":
            self.violation(f"setup: resumes nothing, and {self.recorder.handle!r} was given")
        # Whatever comes before this has passed was not waited for.
        asyncio.get_running_loop().call_later(SETUP_SECONDS, lambda: asyncio.ensure_future(self._complete_setup()))

    async def _complete_setup(self):
        self.is_set_up = True
        await self.emit(setupComplete={"sessionId": f"session-{self.connection}"})
        # Of the vendor's types, and nothing that a voice client needs: it has to be passed over.
        await self.emit(voiceActivity={"voiceActivityType": "ACTIVITY_START", "audioOffset": "0s"})
        if self._resumption() is not None:
            self.recorder.handle = f"handle-{self.connection}"
            await self.emit(sessionResumptionUpdate={"newHandle": self.recorder.handle, "resumable": True})

    async def _on_realtime_input(self, body):
        if len(body) != 1:
            self.violation(f"realtimeInput holds one of its kinds, and this one {sorted(body)}")
            return
        kind, value = next(iter(body.items()))
        kind = re.sub("_(.)", lambda m: m[1].upper(), kind)
        if kind == "audio":
            await self._on_audio(value)
        elif kind in ("activityStart", "activityEnd"):
            if not self.manual():
                self.violation(f"{kind} while the service detects activity itself")
            elif (kind == "activityEnd") != self.in_activity:
                self.violation(f"{kind} {'outside' if kind == 'activityEnd' else 'inside'} an activity")
            else:
                self.in_activity = kind == "activityStart"
                if not self.in_activity:
                    await self._turn_over()
        elif kind == "audioStreamEnd":
            if self.manual():
                self.violation("audioStreamEnd while the client marks activity itself")
            elif value is not True:
                self.violation("audioStreamEnd that is not true")
            elif self.clock.is_open and not self.holding_since:
                await self._turn_over()
        else:
            self.violation(f"realtimeInput.{kind}: not a voice client's audio")

    async def _on_audio(self, blob):
        mime = _key(blob, "mimeType", "mime_type") or ""
        if not re.fullmatch(rf"audio/pcm;\s*rate={IN_RATE}", mime):
            self.violation(f"realtimeInput.audio: mimeType {mime!r}")
        try:
            audio = whole_samples(blob.get("data") or "", url_alphabet=True)
        except AudioFault as fault:
            self.violation(f"realtimeInput.audio: {fault}")
            return
        if self.manual() and not self.in_activity:
            self.violation("audio outside an activity")
        self.take_audio(audio)
        self.turn_audio += len(audio)
        if not self.manual():
            self.clock.heard(audio)
        heard_a_second = len(self.received) >= 2 * IN_RATE
        if self.connection == 1 and heard_a_second and self.script == "expire" and not self.going_away_since:
            self.going_away_since = self.now()
            if self._resumption() is None:
                self.violation("setup without sessionResumption: nothing can be resumed")
            await self.emit(goAway={"timeLeft": "1s"})
        if heard_a_second and self.script == "interrupt" and not self.holding_since and not self.manual():
            await self._turn_over(seconds=10.0, hold=True)

    async def _on_tool_response(self, body):
        answers = _key(body, "functionResponses", "function_responses") or []
        if self.call is None or [one.get("id") for one in answers] != [self.call[0]]:
            self.violation(f"toolResponse for {[one.get('id') for one in answers]}, and {self.call} was called")
            return
        if self.call_is_answered:
            self.violation("toolResponse twice for one call")
            return
        if answers[0].get("name") != self.call[1] or not isinstance(answers[0].get("response"), dict):
            self.violation("toolResponse: name and response are required")
        self.call_is_answered = True
        await self._answer(2.0)

    async def _turn_over(self, seconds=2.0, hold=False):
        self.clock.restart()
        self.turn_audio = 0
        await self.emit(serverContent={"inputTranscription": {"text": USER_TRANSCRIPT}})
        names = [one.get("name") for tool in self.setup.get("tools") or []
                 for one in _key(tool, "functionDeclarations", "function_declarations") or []]
        if self.script == "tool" and self.call is None:
            if names:
                self.call = ("function-call-1", names[0])
                await self.emit(toolCall={"functionCalls": [
                    {"id": self.call[0], "name": self.call[1], "args": {"city": "Lisbon"}}]})
                return
            self.violation("no function is declared in the setup")
        await self._answer(seconds, hold)

    async def _answer(self, seconds, hold=False):
        for number, chunk in enumerate(chunks(answer_audio(seconds, OUT_RATE, self.recorder.next_seed()))):
            if number == 1:
                await self.emit(serverContent={"outputTranscription": {"text": ANSWER_TRANSCRIPT}})
            await self.emit(serverContent={"modelTurn": {"role": "model", "parts": [
                {"inlineData": {"mimeType": f"audio/pcm;rate={OUT_RATE}", "data": base64_text(chunk)}}]}})
            self.recorder.answered(chunk)
        if hold:
            self.holding_since = self.now()
            return
        await self.emit(serverContent={"generationComplete": True})
        await self.emit(serverContent={"turnComplete": True}, usageMetadata={
            "promptTokenCount": 100, "responseTokenCount": 50, "totalTokenCount": 150})
        self.finished_answers += 1

    async def tick(self):
        if self.going_away_since and self.now() - self.going_away_since >= 3.0:
            await self.socket.close(1001, "going away")
            return
        if self.setup is None or self.manual():
            return
        if self.holding_since and not self.was_interrupted:
            if self.now() - self.holding_since >= 0.6 and (self.turn_audio >= 0.8 * IN_RATE or self.clock.is_quiet()):
                self.was_interrupted = True
                self.clock.is_open = True
                await self.emit(serverContent={"interrupted": True})
                await self.emit(serverContent={"turnComplete": True})
        elif self.clock.is_over():
            await self._turn_over()

    def finish(self, is_last):
        if not is_last:
            if not self.going_away_since:
                self.violation("the connection was closed before the script was through")
            return
        if self.setup is None:
            self.violation("no setup")
            return
        if self.in_activity:
            self.violation("closed inside an activity")
        if self.script == "tool" and not self.call_is_answered:
            self.violation("no toolResponse")
        if self.script == "expire" and self.connection == 1:
            self.violation("no new connection after goAway")
        if self.script == "interrupt" and self.manual():
            self.violation("the script `interrupt` needs the service's own detection")
        if not self.finished_answers:
            self.violation("closed before an answer was complete")
