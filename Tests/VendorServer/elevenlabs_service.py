"""ElevenLabs' Agents service.

The package has no types for what the server sends: these are the shapes that its conversation.py reads, with the keys
of the published AsyncAPI file.
"""

import typing

import pydantic

from judges import AudioFault, whole_samples
from service import ANSWER_TRANSCRIPT, USER_TRANSCRIPT, Service, TurnClock, answer_audio, base64_text, built, chunks

# Neither is the package's default of 16 kHz, and they differ: a client has to read them.
IN_RATE, OUT_RATE = 24000, 22050


class _Metadata(pydantic.BaseModel):
    conversation_id: str
    agent_output_audio_format: typing.Literal["pcm_22050"]
    user_input_audio_format: typing.Literal["pcm_24000"]


class _Initiation(pydantic.BaseModel):
    type: typing.Literal["conversation_initiation_metadata"]
    conversation_initiation_metadata_event: _Metadata


class _PingBody(pydantic.BaseModel):
    event_id: int
    ping_ms: typing.Optional[int]


class _Ping(pydantic.BaseModel):
    type: typing.Literal["ping"]
    ping_event: _PingBody


class _AudioBody(pydantic.BaseModel):
    audio_base_64: str
    event_id: int


class _Audio(pydantic.BaseModel):
    type: typing.Literal["audio"]
    audio_event: _AudioBody


class _UserTranscriptBody(pydantic.BaseModel):
    user_transcript: str
    event_id: int


class _UserTranscript(pydantic.BaseModel):
    type: typing.Literal["user_transcript"]
    user_transcription_event: _UserTranscriptBody


class _AgentResponseBody(pydantic.BaseModel):
    agent_response: str
    event_id: int


class _AgentResponse(pydantic.BaseModel):
    type: typing.Literal["agent_response"]
    agent_response_event: _AgentResponseBody


class _CorrectionBody(pydantic.BaseModel):
    original_agent_response: str
    corrected_agent_response: str


class _Correction(pydantic.BaseModel):
    type: typing.Literal["agent_response_correction"]
    agent_response_correction_event: _CorrectionBody


class _InterruptionBody(pydantic.BaseModel):
    event_id: int


class _Interruption(pydantic.BaseModel):
    type: typing.Literal["interruption"]
    interruption_event: _InterruptionBody


class _ToolCallBody(pydantic.BaseModel):
    tool_name: str
    tool_call_id: str
    parameters: dict[str, object]


class _ToolCall(pydantic.BaseModel):
    type: typing.Literal["client_tool_call"]
    client_tool_call: _ToolCallBody


class _ScoreBody(pydantic.BaseModel):
    vad_score: float


class _Score(pydantic.BaseModel):
    type: typing.Literal["vad_score"]
    vad_score_event: _ScoreBody


class ElevenLabsService(Service):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.is_initiated = False
        self.clock = TurnClock(2 * IN_RATE)
        self.turn_audio = 0
        self.event_id = 0
        self.pings = {}  # event: when sent
        self.last_ping = 0.0
        self.call = None
        self.call_is_answered = False
        self.finished_answers = 0
        self.holding_since = None
        self.was_interrupted = False

    def _next_event(self):
        self.event_id += 1
        return self.event_id

    async def handle(self, event):
        kind = event.get("type", "user_audio_chunk")
        if kind == "conversation_initiation_client_data":
            if self.is_initiated:
                self.violation("conversation_initiation_client_data twice")
                return
            self.is_initiated = True
            await self.send(built(_Initiation, type="conversation_initiation_metadata",
                                  conversation_initiation_metadata_event={
                                      "conversation_id": "conv_check", "agent_output_audio_format": f"pcm_{OUT_RATE}",
                                      "user_input_audio_format": f"pcm_{IN_RATE}"}))
            # Nothing that a voice client needs: it has to be passed over.
            await self.send(built(_Score, type="vad_score", vad_score_event={"vad_score": 0.25}))
            await self._ping()
        elif not self.is_initiated:
            self.violation(f"{kind} before conversation_initiation_client_data")
        elif kind == "user_audio_chunk":
            await self._on_audio(event["user_audio_chunk"])
        elif kind == "pong":
            if self.pings.pop(event["event_id"], None) is None:
                self.violation(f"pong for {event['event_id']}, which was not sent or is answered")
        elif kind == "client_tool_result":
            await self._on_tool_result(event)

    async def _ping(self):
        self.last_ping = self.now()
        identifier = self._next_event()
        self.pings[identifier] = self.now()
        await self.send(built(_Ping, type="ping", ping_event={"event_id": identifier, "ping_ms": 40}))

    async def _on_audio(self, text):
        try:
            audio = whole_samples(text)
        except AudioFault as fault:
            self.violation(f"user_audio_chunk: {fault}")
            return
        self.take_audio(audio)
        self.turn_audio += len(audio)
        self.clock.heard(audio)
        if self.script == "interrupt" and not self.holding_since and len(self.received) >= 2 * IN_RATE:
            await self._turn_over(seconds=10.0, hold=True)

    async def _on_tool_result(self, event):
        if event["tool_call_id"] != self.call:
            self.violation(f"client_tool_result for {event['tool_call_id']!r}, and {self.call!r} was called")
        elif self.call_is_answered:
            self.violation("client_tool_result twice for one call")
        else:
            if event["is_error"]:
                self.violation(f"client_tool_result: an error, {event['result']!r}")
            self.call_is_answered = True
            await self._answer(2.0)

    async def _turn_over(self, seconds=2.0, hold=False):
        self.clock.restart()
        self.turn_audio = 0
        await self.send(built(_UserTranscript, type="user_transcript", user_transcription_event={
            "user_transcript": USER_TRANSCRIPT, "event_id": self._next_event()}))
        if self.script == "tool" and self.call is None:
            self.call = "tool_call_1"
            await self.send(built(_ToolCall, type="client_tool_call", client_tool_call={
                "tool_name": "get_time", "tool_call_id": self.call, "parameters": {"city": "Lisbon"}}))
            return
        await self._answer(seconds, hold)

    async def _audio(self, chunk):
        await self.send(built(_Audio, type="audio", audio_event={
            "audio_base_64": base64_text(chunk), "event_id": self._next_event()}))

    async def _answer(self, seconds, hold=False):
        await self.send(built(_AgentResponse, type="agent_response", agent_response_event={
            "agent_response": ANSWER_TRANSCRIPT, "event_id": self._next_event()}))
        for chunk in chunks(answer_audio(seconds, OUT_RATE, self.recorder.next_seed())):
            await self._audio(chunk)
            self.recorder.answered(chunk)
        if hold:
            self.holding_since = self.now()
        else:
            self.finished_answers += 1

    async def _interrupt(self):
        self.was_interrupted = True
        self.clock.is_open = True
        await self.send(built(_Interruption, type="interruption", interruption_event={"event_id": self.event_id}))
        await self.send(built(_Correction, type="agent_response_correction", agent_response_correction_event={
            "original_agent_response": ANSWER_TRANSCRIPT, "corrected_agent_response": "It is four..."}))
        # A chunk that was on its way: what is not newer than the interruption is not to be heard.
        late = answer_audio(0.1, OUT_RATE, seed=99)
        self.recorder.write("late.pcm", late)
        await self.send(built(_Audio, type="audio", audio_event={
            "audio_base_64": base64_text(late), "event_id": self.event_id}))

    async def tick(self):
        if not self.is_initiated:
            return
        if self.now() - self.last_ping >= 1.0:
            await self._ping()
        if self.holding_since and not self.was_interrupted:
            if self.now() - self.holding_since >= 0.6 and (self.turn_audio >= 0.8 * IN_RATE or self.clock.is_quiet()):
                await self._interrupt()
        elif self.clock.is_over():
            await self._turn_over()

    def finish(self, is_last):
        if not self.is_initiated:
            self.violation("no conversation_initiation_client_data")
            return
        # The last may have been on its way when the client closed.
        unanswered = [one for one, at in self.pings.items() if self.now() - at > 1.5]
        if unanswered:
            self.violation(f"no pong for {unanswered}")
        if self.script == "tool" and not self.call_is_answered:
            self.violation("no client_tool_result")
        if not self.finished_answers:
            self.violation("closed before an answer was complete")
