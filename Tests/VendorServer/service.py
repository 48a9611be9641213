"""What the services have in common."""

import asyncio
import base64
import json
import struct

import pydantic
import websockets

from shapes import Shape

ANSWER_TRANSCRIPT = "It is four minutes past nine."
USER_TRANSCRIPT = "What time is it in Lisbon?"
# A tenth of a second in three uneven parts: a lone sample, and lengths that base64 has to pad.
_CHUNK_SAMPLES = (1601, 1, 798)


def answer_audio(seconds, rate, seed):
    """PCM16 that no client can guess and that fits no other place in itself: a random walk."""
    state, level, samples = seed, 0, []
    for _ in range(round(seconds * rate)):
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        level += (state >> 33) % 801 - 400
        level = max(-20000, min(20000, level))
        samples.append(level)
    return struct.pack(f"<{len(samples)}h", *samples)


def chunks(audio):
    """The audio as it is sent: unevenly, in whole samples."""
    start, turn = 0, 0
    while start < len(audio):
        end = start + 2 * _CHUNK_SAMPLES[turn % len(_CHUNK_SAMPLES)]
        yield audio[start:end]
        start, turn = end, turn + 1


def base64_text(audio):
    return base64.b64encode(audio).decode()


def built(model, **fields):
    """An event of a vendor's type as JSON: refused when the type has no such key, or not with that value."""
    faults = Shape(model).faults(fields)
    if faults:
        raise AssertionError(f"the server's own {model.__name__}: {faults}")
    event = pydantic.TypeAdapter(model).validate_json(json.dumps(fields))
    return event.model_dump(mode="json", by_alias=True, exclude_unset=True)


class TurnClock:
    """Tells when a user who is not told to say so has ended.

    It listens for no speech: a turn ends with a second without audio, or a second of digital silence, so that the
    audio of a file is one turn whatever is in it.
    """

    GAP = 1.0

    def __init__(self, bytes_per_second):
        self.bytes_per_second = bytes_per_second
        self.is_open = False
        self._silent_bytes = 0
        self._last = 0.0

    def heard(self, audio):
        self._last = asyncio.get_running_loop().time()
        spoken = audio.rstrip(b"\0")
        if spoken:
            self.is_open, self._silent_bytes = True, len(audio) - len(spoken)
        else:
            self._silent_bytes += len(audio)

    def is_quiet(self):
        return (asyncio.get_running_loop().time() - self._last >= self.GAP
                or self._silent_bytes >= self.GAP * self.bytes_per_second)

    def is_over(self):
        return self.is_open and self.is_quiet()

    def restart(self):
        self.is_open, self._silent_bytes = False, 0


class Service:
    """One connection. `handle` is called for each event that has the vendor's shape, `tick` every 50 ms."""

    def __init__(self, socket, recorder, script, connection):
        self.socket, self.recorder, self.script, self.connection = socket, recorder, script, connection
        self.received = bytearray()
        self._ids = 0

    def now(self):
        return asyncio.get_running_loop().time()

    def new_id(self, kind):
        self._ids += 1
        return f"{kind}_{self.connection}{self._ids:04d}"

    def violation(self, text):
        self.recorder.violation(self.connection, text)

    async def send(self, event, as_bytes=False):
        self.recorder.sent(self.connection, event)
        text = pydantic.TypeAdapter(object).dump_json(event)
        try:
            await self.socket.send(text if as_bytes else text.decode())
        except websockets.ConnectionClosed:
            pass

    def take_audio(self, audio):
        self.received += audio
        self.recorder.audio(audio)

    async def start(self):
        pass

    async def handle(self, event):
        raise NotImplementedError

    async def tick(self):
        pass

    def finish(self, is_last):
        """Called when the connection has ended; says what was expected and did not come."""
