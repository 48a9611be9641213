"""What a client may send, for each dialect: the vendor's types, and the rules that types cannot say."""

import typing

import pydantic

from shapes import Shape, decode_base64

__all__ = ["AudioFault", "judge_for", "whole_samples"]


class AudioFault(ValueError):
    """Audio that a service refuses."""


class Judge:
    """Compares a decoded event with the vendor's types, twice: by annotations, and by the vendor's own models."""

    def __init__(self, shape, model=None):
        self._shape = shape
        self._model = pydantic.TypeAdapter(model) if model is not None else None

    def faults(self, event):
        if not isinstance(event, dict):
            return ["event: an object expected"]
        faults = self._shape.faults(event)
        if not faults and self._model is not None:
            try:
                self._model.validate_python(event)
            except pydantic.ValidationError as error:
                faults = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
        return faults


def whole_samples(text, bytes_per_sample=2, url_alphabet=False, limit=None):
    """The bytes of an event's audio."""
    try:
        audio = decode_base64(text, url_alphabet)
    except ValueError as error:
        raise AudioFault(str(error)) from None
    if not audio:
        raise AudioFault("no audio in the event: empty bytes")
    if len(audio) % bytes_per_sample:
        raise AudioFault(f"{len(audio)} bytes are not whole samples of {bytes_per_sample} bytes")
    if limit is not None and len(audio) > limit:
        raise AudioFault(f"{len(audio)} bytes, and {limit} are allowed in an event")
    return audio


def _openai():
    from openai.types.realtime import RealtimeClientEvent, RealtimeClientEventParam
    return Judge(Shape(RealtimeClientEventParam), RealtimeClientEvent)


def _openai_beta():
    from openai.types.beta.realtime import RealtimeClientEventParam
    # The package's model of a session has no null where its own text allows one: the annotations alone are asked.
    return Judge(Shape(RealtimeClientEventParam))


def _gemini():
    from google.genai import types

    # LiveClientSetup lacks a key that the package's own live client writes into the setup.
    class Setup(types.LiveClientSetup):
        realtime_input_config: typing.Optional[types.RealtimeInputConfig] = None

    class Message(types.LiveClientMessage):
        setup: typing.Optional[Setup] = None

    # What the package lets a Python program pass is wider than what goes over the wire.
    replacements = [
        (types.LiveClientSetup.model_fields["system_instruction"].annotation, typing.Optional[types.Content]),
        (types.LiveClientSetup.model_fields["tools"].annotation, typing.Optional[list[types.Tool]]),
    ]
    return Judge(Shape(Message, replacements), Message)


def _elevenlabs():
    from elevenlabs.types import (ConversationConfigClientOverrideInput, ConversationConfigOverride,
                                  ConversationInitiationClientDataRequestInput)

    # The published AsyncAPI file has a key that the package's type of the same object has not.
    class ConversationOverride(ConversationConfigOverride):
        client_events: typing.Optional[list[str]] = None

    class ConfigOverride(ConversationConfigClientOverrideInput):
        conversation: typing.Optional[ConversationOverride] = None

    class Initiation(ConversationInitiationClientDataRequestInput):
        type: typing.Literal["conversation_initiation_client_data"]
        conversation_config_override: typing.Optional[ConfigOverride] = None

    # The rest has no types in the package: these are the shapes that its conversation.py sends, and for `feedback`
    # those of the AsyncAPI file.
    class Audio(pydantic.BaseModel):
        user_audio_chunk: str

    class Pong(pydantic.BaseModel):
        type: typing.Literal["pong"]
        event_id: int

    class ToolResult(pydantic.BaseModel):
        type: typing.Literal["client_tool_result"]
        tool_call_id: str
        result: str
        is_error: bool

    class UserMessage(pydantic.BaseModel):
        type: typing.Literal["user_message"]
        text: typing.Optional[str] = None

    class ContextualUpdate(pydantic.BaseModel):
        type: typing.Literal["contextual_update"]
        text: str

    class UserActivity(pydantic.BaseModel):
        type: typing.Literal["user_activity"]

    class Feedback(pydantic.BaseModel):
        type: typing.Literal["feedback"]
        score: typing.Literal["like", "dislike"]
        event_id: int

    tagged = typing.Union[Initiation, Pong, ToolResult, UserMessage, ContextualUpdate, UserActivity, Feedback]

    class ByKey(Judge):
        def __init__(self):
            self._audio, self._tagged = Judge(Shape(Audio), Audio), Judge(Shape(tagged))

        def faults(self, event):
            is_audio = isinstance(event, dict) and "type" not in event
            return (self._audio if is_audio else self._tagged).faults(event)

    return ByKey()


def judge_for(dialect):
    return {"openai": _openai, "openai-beta": _openai_beta, "gemini": _gemini, "elevenlabs": _elevenlabs}[dialect]()
