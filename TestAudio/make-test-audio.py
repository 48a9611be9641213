#!/usr/bin/env python3
"""Makes the recordings in this folder, and manifest.json, which describes them.

    apt-get install espeak-ng libsndfile1        (Debian 12: espeak-ng 1.51, libsndfile 1.2.0)
    pip install numpy                            (or Debian's python3-numpy)

    python3 TestAudio/make-test-audio.py               makes every file, beside this script
    python3 TestAudio/make-test-audio.py --into DIR    the same, in another folder
    python3 TestAudio/make-test-audio.py --check       makes nothing: checks the files against the manifest

Two runs give identical bytes. So that another processor does too, everything that sums (filters, resampling, levels)
runs on integers, which no order of summation changes; seeds are fixed; and nothing that tells the time or a random
number is left in a container. Other versions of espeak-ng, of libsndfile or of an encoder give other bytes, and the
lossy encoders may round otherwise on another processor; the committed files are the ones that count.
"""

import argparse
import ctypes
import ctypes.util
import functools
import hashlib
import json
import math
import os
import re
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np

MASTER_RATE = 48_000  # Hz; every scene is laid out at this rate, then converted to the file's own.
ESPEAK_RATE = 22_050  # Hz; the rate espeak-ng speaks at.
LICENCE = "CC0-1.0"

# ---------------------------------------------------------------------------------------------------------------------
# The label rule
# ---------------------------------------------------------------------------------------------------------------------

LABEL_FRAME = MASTER_RATE // 100  # 10 ms, in sample frames at MASTER_RATE
LABEL_RANGE_DB = 45  # a frame is speech when its energy is less than this far below the utterance's loudest frame
LABEL_SPLIT_FRAMES = 20  # a pause of 0.2 s or more inside an utterance ends one segment and starts another


def speech_frames(utterance):
    """The segments of one clean utterance, as (start, end) in sample frames at MASTER_RATE; the end is exclusive."""
    count = len(utterance) // LABEL_FRAME
    frames = to_integer(utterance[: count * LABEL_FRAME], 20).reshape(count, LABEL_FRAME)
    energy = (frames * frames).sum(axis=1)
    active = np.flatnonzero(energy > energy.max() * 10 ** (-LABEL_RANGE_DB / 10))
    breaks = np.flatnonzero(np.diff(active) > LABEL_SPLIT_FRAMES)
    firsts = active[np.concatenate(([0], breaks + 1))]
    lasts = active[np.concatenate((breaks, [len(active) - 1]))]
    return [(int(first) * LABEL_FRAME, int(last + 1) * LABEL_FRAME) for first, last in zip(firsts, lasts, strict=True)]


# ---------------------------------------------------------------------------------------------------------------------
# Arithmetic that gives the same result everywhere
# ---------------------------------------------------------------------------------------------------------------------


def to_integer(x, bits):
    """x in units of 2^-bits, as 64-bit integers."""
    return np.rint(np.asarray(x) * 2.0**bits).astype(np.int64)


def gain(decibels):
    """The factor for a level change, rounded to 24 bits so that the last digit of a power function cannot show."""
    return round(10 ** (decibels / 20) * 2**24) / 2**24


def rms(x):
    q = to_integer(x, 20)
    return math.sqrt(int((q * q).sum()) / max(1, q.size)) / 2**20


def decibels(x):
    """Level in dBFS of an RMS or a peak; full scale is 1.0, so a full-scale sine has -3.01 dBFS RMS."""
    return 20 * math.log10(x) if x > 0 else -math.inf


def convolve(x, taps):
    """Convolution in integers (24-bit samples, 20-bit taps); mode "full"."""
    return np.convolve(to_integer(x, 24), to_integer(taps, 20)) / 2.0**44


def filtered(x, taps):
    """x through a symmetric filter, without its delay."""
    half = len(taps) // 2
    return convolve(x, taps)[half : half + len(x)]


def low_pass(half, cutoff):
    """2 half + 1 taps of a Kaiser-windowed sinc, stop band -90 dB; cutoff as a fraction of the rate."""
    k = np.arange(-half, half + 1)
    return 2 * cutoff * np.sinc(2 * cutoff * k) * np.kaiser(2 * half + 1, 8.96)


@functools.cache
def resampling_table(up, down):
    """One row of taps, in units of 2^-20, for each of the `up` positions of an output sample between two input ones."""
    reach = 32 * max(1, math.ceil(down / up))  # input samples on either side
    cutoff = 0.5 * min(1, up / down) * 0.965  # of the input rate; the rest is the filter's skirt
    offset = np.arange(-reach + 1, reach + 1)[None, :] - np.arange(up)[:, None] / up
    window = np.i0(8.96 * np.sqrt(np.maximum(0, 1 - (offset / reach) ** 2))) / np.i0(8.96)
    return to_integer(2 * cutoff * np.sinc(2 * cutoff * offset) * window, 20), reach


def resampled(x, from_rate, to_rate):
    """Sample k of the result is the instant k / to_rate of x; the length is ceil(len(x) to_rate / from_rate)."""
    if from_rate == to_rate:
        return x
    divisor = math.gcd(from_rate, to_rate)
    up, down = to_rate // divisor, from_rate // divisor
    table, reach = resampling_table(up, down)
    padded = np.concatenate((np.zeros(reach, np.int64), to_integer(x, 24), np.zeros(reach + 1, np.int64)))
    position = np.arange(-(-len(x) * up // down)) * down
    result = np.empty(len(position), np.int64)
    for first in range(0, len(position), 1 << 14):
        part = position[first : first + (1 << 14)]
        window = part[:, None] // up + 1 + np.arange(2 * reach)[None, :]
        result[first : first + len(part)] = (padded[window] * table[part % up]).sum(axis=1)
    return result / 2.0**44


def rescaled(offset, rate):
    """A sample offset at MASTER_RATE, at another rate, to the nearest sample."""
    return (offset * rate + MASTER_RATE // 2) // MASTER_RATE


# ---------------------------------------------------------------------------------------------------------------------
# Noise
# ---------------------------------------------------------------------------------------------------------------------


def white(count, name):
    """White noise of unit RMS (nearly Gaussian: a sum of four uniform numbers). The seed is the name's CRC-32."""
    # RandomState's sequences are frozen by numpy's policy; those of its newer generators are not.
    random = np.random.RandomState(zlib.crc32(name.encode()))
    total = random.randint(-32768, 32768, size=(4, count), dtype=np.int64).sum(axis=0)
    return total / (65536 / math.sqrt(3))


def pink(count, name):
    """Noise of unit RMS whose power falls by 3 dB per octave, down to about a thousandth of the rate."""
    taps = np.ones(1024)
    for k in range(1, len(taps)):  # the impulse response of (1 - 1/z)^(-1/2)
        taps[k] = taps[k - 1] * (k - 0.5) / k
    noise = convolve(white(count + len(taps), name), taps / 8)[len(taps) : len(taps) + count]
    return noise / rms(noise)


def room_tone(count, name, level=-75):
    return pink(count, name) * gain(level)


# ---------------------------------------------------------------------------------------------------------------------
# Speech
# ---------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Voice:
    language: str  # espeak-ng's name for it; not all of its names take a variant (en-gb and fr-fr do not)
    variant: str  # m1 ... m8, f1 ... f5
    speed: int  # words per minute
    pitch: int  # 0 ... 99


@dataclass(frozen=True)
class Say:
    voice: Voice
    text: str
    pause: float = 0.5  # seconds of silence before it, from label to label; before the first, from the file's start
    level: float = 0  # dB, relative to the other utterances of the scene
    crest: float = None  # dB from the speech level to the highest peak, where that is limited; spoken, it is 15 to 20


ALICE = Voice("en-us", "f2", 165, 55)
BRUNO = Voice("de", "m1", 155, 40)
CLAIRE = Voice("fr", "f3", 160, 60)
DIEGO = Voice("es", "m7", 170, 45)
ELENA = Voice("it", "f1", 165, 65)
GRACE = Voice("en", "f4", 175, 50)  # British
HENRY = Voice("en-us", "m3", 160, 35)
IRIS = Voice("nl", "f5", 165, 50)
JONAS = Voice("sv", "m2", 150, 45)
KASIA = Voice("pl", "f2", 155, 60)
LEELA = Voice("hi", "f4", 150, 55)
MATEUS = Voice("pt-br", "m5", 165, 30)
NOAH = Voice("en", "m6", 185, 60)  # British


def speak(voice_name, voice, text):
    # -a 60 leaves headroom; just above the default, 100, voices clip. -b 1: text is UTF-8, whatever the locale.
    manner = ["-s", str(voice.speed), "-p", str(voice.pitch), "-a", "60", "-b", "1"]
    command = ["espeak-ng", "-v", voice_name, *manner, "--stdout", text]
    wav = subprocess.run(command, check=True, capture_output=True).stdout
    format_, channels, rate, _, _, bits = struct.unpack_from("<HHIIHH", wav, 20)
    if (format_, channels, rate, bits) != (1, 1, ESPEAK_RATE, 16):
        sys.exit(f"make-test-audio: espeak-ng gave {rate} Hz, {channels} channels, {bits} bits; expected 22050, 1, 16")
    return np.frombuffer(wav, "<i2", offset=44) / 32768


@functools.cache
def utterance(voice, text, crest=None):
    """Clean speech at MASTER_RATE whose labelled segments have unit RMS, and those segments."""
    spoken = speak(f"{voice.language}+{voice.variant}", voice, text)
    if np.array_equal(spoken, speak(voice.language, voice, text)):
        sys.exit(f"make-test-audio: espeak-ng ignores the variant in {voice.language}+{voice.variant}")
    clean = resampled(spoken, ESPEAK_RATE, MASTER_RATE)
    segments = speech_frames(clean)
    clean = clean / rms(within(clean, segments))
    while crest is not None and np.abs(clean).max() > gain(crest):  # limiting lowers the RMS too, hence the loop
        clean = limited(clean, gain(crest - 0.1))
        clean = clean / rms(within(clean, segments))
    return clean, segments


def limited(x, ceiling):
    """x with its peaks turned down to the ceiling, by a gain that moves smoothly over 5 ms on either side of each."""
    reach = MASTER_RATE // 200
    ramp = np.hanning(2 * reach + 1)
    needed = np.pad(np.minimum(1, ceiling / np.maximum(np.abs(x), 1e-9)), 2 * reach, constant_values=1)
    lowest = np.lib.stride_tricks.sliding_window_view(needed, 2 * reach + 1).min(axis=1)
    return x * convolve(lowest, ramp / ramp.sum())[2 * reach : 2 * reach + len(x)]


def within(samples, labels):
    return np.concatenate([samples[start:end] for start, end in labels])


def between(samples, labels, margin):
    """What lies at least `margin` sample frames away from every label."""
    keep = np.ones(len(samples), bool)
    for start, end in labels:
        keep[max(0, start - margin) : end + margin] = False
    return samples[keep]


class Scene:
    """Utterances at known places on one silent track; each has unit RMS within its labels, or what its `level` says."""

    def __init__(self, *sayings, tail=0.5):
        placed, self.utterances, self.segments, end = [], [], [], 0
        for saying in sayings:
            samples, segments = utterance(saying.voice, saying.text, saying.crest)
            start = end + round(saying.pause * MASTER_RATE) - segments[0][0]
            placed.append((start, samples * gain(saying.level)))
            here = [(start + first, start + last) for first, last in segments]
            self.utterances.append((saying, here[0][0], here[-1][1]))
            self.segments += here
            end = here[-1][1]
        self.track = np.zeros(end + round(tail * MASTER_RATE))
        for start, samples in placed:
            samples = samples[max(0, -start) :]
            start = max(0, start)
            samples = samples[: len(self.track) - start]
            self.track[start : start + len(samples)] += samples

    def at(self, rate):
        return resampled(self.track, MASTER_RATE, rate)

    def labels(self, rate):
        return [(rescaled(start, rate), rescaled(end, rate)) for start, end in self.segments]

    def clean(self, rate, level):
        """The track with its mean speech level (RMS within all labels) at `level` dBFS."""
        track = self.at(rate)
        return track * (gain(level) / rms(within(track, self.labels(rate))))


# ---------------------------------------------------------------------------------------------------------------------
# Writing and reading through libsndfile
# ---------------------------------------------------------------------------------------------------------------------

CONTAINERS = {
    "wav": 0x010000, "aiff": 0x020000, "au": 0x030000, "w64": 0x0B0000, "wavex": 0x130000, "flac": 0x170000,
    "caf": 0x180000, "ogg": 0x200000, "rf64": 0x220000, "mp3": 0x230000,
}
ENCODINGS = {
    "pcm16": 0x02, "pcm24": 0x03, "pcm8": 0x05, "float32": 0x06, "ulaw": 0x10, "alaw": 0x11, "vorbis": 0x60,
    "opus": 0x64, "mp3": 0x82,
}
LOSSY = {"vorbis", "opus", "mp3"}
SET_ADD_PEAK_CHUNK, SET_CHANNEL_MAP = 0x1050, 0x1101
SURROUND_5_1 = (ctypes.c_int * 6)(5, 6, 7, 11, 9, 10)  # front left, right, centre, LFE, rear left, right


class Info(ctypes.Structure):
    _fields_ = [
        ("frames", ctypes.c_int64), ("samplerate", ctypes.c_int), ("channels", ctypes.c_int),
        ("format", ctypes.c_int), ("sections", ctypes.c_int), ("seekable", ctypes.c_int),
    ]


@functools.cache
def sndfile():
    name = ctypes.util.find_library("sndfile")
    if name is None:
        sys.exit("make-test-audio: libsndfile is missing; on Debian: apt-get install libsndfile1")
    library = ctypes.CDLL(name)
    library.sf_open.restype = ctypes.c_void_p
    library.sf_open.argtypes = [ctypes.c_char_p, ctypes.c_int, ctypes.POINTER(Info)]
    library.sf_strerror.restype = library.sf_version_string.restype = ctypes.c_char_p
    library.sf_strerror.argtypes = library.sf_close.argtypes = [ctypes.c_void_p]
    library.sf_command.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    for function in ("sf_writef_short", "sf_writef_int", "sf_writef_float", "sf_readf_double"):
        getattr(library, function).restype = ctypes.c_int64
        getattr(library, function).argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64]
    return library


def opened(path, mode, info):
    handle = sndfile().sf_open(os.fsencode(path), mode, ctypes.byref(info))
    if not handle:
        sys.exit(f"make-test-audio: {path}: {sndfile().sf_strerror(None).decode()}")
    return handle


def quantized(samples, encoding, name):
    """Samples as libsndfile takes them without rounding of its own, and the function that writes them."""
    if encoding == "float32" or encoding in LOSSY:
        return samples.astype(np.float32), "sf_writef_float"
    if encoding == "pcm24":
        return (np.clip(np.rint(samples * 2**23), -(2**23), 2**23 - 1).astype(np.int32) << 8), "sf_writef_int"
    if encoding == "pcm8":  # with triangular dither, for without it the pauses would be digital silence
        random = np.random.RandomState(zlib.crc32(f"{name} dither".encode()))
        dither = random.randint(0, 65536, size=(2, *samples.shape), dtype=np.int64).sum(axis=0) / 65536 - 1
        return (np.clip(np.rint(samples * 2**7 + dither), -(2**7), 2**7 - 1).astype(np.int16) << 8), "sf_writef_short"
    return np.clip(np.rint(samples * 2**15), -(2**15), 2**15 - 1).astype(np.int16), "sf_writef_short"


def write(path, name, samples, rate, container, encoding):
    samples = samples if samples.ndim == 2 else samples[:, None]
    data, function = quantized(samples, encoding, name)
    data = np.ascontiguousarray(data)
    info = Info(0, rate, samples.shape[1], CONTAINERS[container] | ENCODINGS[encoding], 0, 0)
    handle = opened(path, 0x20, info)
    sndfile().sf_command(handle, SET_ADD_PEAK_CHUNK, None, 0)  # this chunk holds the time of writing
    if samples.shape[1] == 6:
        sndfile().sf_command(handle, SET_CHANNEL_MAP, SURROUND_5_1, ctypes.sizeof(SURROUND_5_1))
    for first in range(0, len(data), 4096):  # libsndfile's Vorbis encoder puts a whole call's samples on the stack
        part = data[first : first + 4096]
        if getattr(sndfile(), function)(handle, part.ctypes.data, len(part)) != len(part):
            sys.exit(f"make-test-audio: {path}: {sndfile().sf_strerror(handle).decode()}")
    if sndfile().sf_close(handle) != 0:
        sys.exit(f"make-test-audio: {path}: could not be closed")
    if container == "ogg":
        path.write_bytes(with_fixed_serial(path.read_bytes(), zlib.crc32(name.encode())))


def with_fixed_serial(ogg, serial):
    """An Ogg stream with its random serial number replaced and the checksums made anew, in every page (RFC 3533)."""
    ogg, offset = bytearray(ogg), 0
    while offset < len(ogg):
        if ogg[offset : offset + 4] != b"OggS":
            sys.exit(f"make-test-audio: no Ogg page at byte {offset}")
        segments = ogg[offset + 26]
        size = 27 + segments + sum(ogg[offset + 27 : offset + 27 + segments])
        struct.pack_into("<I", ogg, offset + 14, serial)
        struct.pack_into("<I", ogg, offset + 22, 0)
        struct.pack_into("<I", ogg, offset + 22, ogg_checksum(ogg[offset : offset + size]))
        offset += size
    return bytes(ogg)


def ogg_checksum(page):
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1) ^ (0x04C11DB7 if register & 0x80000000 else 0)
        register &= 0xFFFFFFFF
    return register


def read(path):
    """The decoded samples (sample frames by channels) and what the header says."""
    info = Info()
    handle = opened(path, 0x10, info)
    samples, count = np.zeros((info.frames + 4096, info.channels)), 0
    while True:
        got = sndfile().sf_readf_double(handle, samples[count:].ctypes.data, min(4096, len(samples) - count))
        count += got
        if got <= 0:
            break
    sndfile().sf_close(handle)
    return samples[:count], info


# ---------------------------------------------------------------------------------------------------------------------
# The recordings
# ---------------------------------------------------------------------------------------------------------------------


@dataclass
class Recording:
    container: str
    encoding: str
    rate: int
    samples: np.ndarray  # one value per sample frame, or a column per channel
    scene: Scene  # None where nobody speaks
    note: str


RECIPES = {}  # by file name, in the order of the manifest


def recipe(function):
    """Registers a recipe under the file name that its docstring gives."""
    RECIPES[function.__doc__] = function
    return function


def quiet_room(name, scene, rate, level=-23):
    """One channel of clean speech over room tone."""
    track = scene.clean(rate, level)
    return track + room_tone(len(track), name)


# What a good recording looks like.


@recipe
def speech(name):
    "speech.wav"
    scene = Scene(
        Say(HENRY, "Good morning.", 0.5, crest=17),
        Say(HENRY, "Can you move my dentist appointment to Thursday?", 0.25, crest=17),
        Say(GRACE, "Of course.", 1.0, crest=17),
        Say(GRACE, "Thursday at three is free.", 0.25, crest=17),
        Say(HENRY, "Perfect.", 0.8, crest=17),
        Say(GRACE, "See you then!", 1.5, crest=17),
        tail=0.4,
    )
    left = scene.clean(48_000, -23)
    right = np.concatenate((np.zeros(17), left[:-17])) * gain(-0.5)
    # Half of the room tone's power is common to both channels, half is each one's own.
    shared, *own = (room_tone(len(left), name + part, -78) for part in ("", " left", " right"))
    return Recording(
        "wav", "pcm16", 48_000, np.stack((left + shared + own[0], right + shared + own[1]), axis=1), scene,
        "Two people in turn in a quiet room. Mean speech level -23 dBFS, peaks limited to -6 dBFS, room tone -75 dBFS. "
        "The right channel is 0.5 dB quieter and 17 sample frames (0.35 ms) later; the labels are exact for the left.",
    )


@recipe
def languages(name):
    "languages-16k.flac"
    scene = Scene(
        Say(BRUNO, "Der Zug fährt von Gleis sieben.", 0.603),
        Say(CLAIRE, "Une table près de la fenêtre ?", 0.704),
        Say(DIEGO, "Mañana llega el paquete.", 0.508),
        Say(ELENA, "Il caffè è pronto.", 0.901),
        Say(MATEUS, "A reunião começa às dez e meia.", 0.607),
        Say(IRIS, "De sleutel ligt onder de mat.", 0.802),
        Say(JONAS, "Bussen går nu.", 0.405),
        Say(KASIA, "Proszę zadzwonić jutro.", 1.109),
        Say(LEELA, "कल बारिश होगी।", 0.506),
    )
    return Recording(
        "flac", "pcm16", 16_000, quiet_room(name, scene, 16_000), scene,
        "Nine voices in nine languages, one sentence each, pauses from 0.4 to 1.1 s.",
    )


@recipe
def two_callers(name):
    "two-callers-8k.flac"
    scene = Scene(
        Say(ALICE, "Hello, this is the flower shop.", 0.403),
        Say(NOAH, "Is my order ready?", 0.5),
        Say(ALICE, "Yes, it is.", 0.6),
    )
    track = scene.clean(8_000, -23)
    (_, _, first), (_, _, second), _ = scene.utterances
    at = np.arange(len(track))
    hers = (at < rescaled(first, 8_000) + 1_200) | (at > rescaled(second, 8_000) + 1_200)
    samples = np.stack((track * hers, track * ~hers), axis=1)
    samples += np.stack([room_tone(len(track), name + side, -66) for side in (" left", " right")], axis=1)
    return Recording(
        "flac", "pcm16", 8_000, samples, scene,
        "A call with one person on each channel: the first and third utterance on the left, the second on the right.",
    )


# What goes wrong with recordings.


@recipe
def noisy_10(name):
    "noisy-10dB-16k.wav"
    scene = Scene(
        Say(NOAH, "The ferry is late again.", 0.703),
        Say(NOAH, "We could take the bridge.", 0.706),
        tail=0.7,
    )
    track = scene.clean(16_000, -26)
    return Recording(
        "wav", "pcm16", 16_000, track + pink(len(track), name) * gain(-36), scene,
        "Speech at -26 dBFS in steady pink noise at -36 dBFS: 10 dB signal-to-noise ratio.",
    )


@recipe
def noisy_3(name):
    "noisy-3dB-16k.flac"
    scene = Scene(
        Say(CLAIRE, "Le train part à huit heures.", 0.904),
        Say(BRUNO, "Ich komme etwas später.", 0.807),
        tail=0.7,
    )
    track = scene.clean(16_000, -26)
    return Recording(
        "flac", "pcm16", 16_000, track + pink(len(track), name) * gain(-29), scene,
        "Speech at -26 dBFS in steady pink noise at -29 dBFS: 3 dB signal-to-noise ratio.",
    )


@recipe
def level_steps(name):
    "level-steps-16k.flac"
    scene = Scene(*(Say(GRACE, "Turn left at the old mill.", 0.7, level, crest=11) for level in (-12, -24, -36)))
    track = scene.at(16_000)
    return Recording(
        "flac", "pcm16", 16_000, track + room_tone(len(track), name), scene,
        "The same utterance three times, at speech levels of -12, -24 and -36 dBFS; its peaks are limited to 11 dB "
        "above its level, so that the first fits.",
    )


@recipe
def clipped(name):
    "clipped-24k.flac"
    scene = Scene(Say(DIEGO, "¡La sopa está caliente!", 0.3), Say(DIEGO, "Espera.", 0.6), tail=0.3)
    track = quiet_room(name, scene, 24_000, -11)
    _, (_, second, _) = scene.utterances
    ceiling = np.where(np.arange(len(track)) < rescaled(second, 24_000) - 2_400, 1, 0.7)
    return Recording(
        "flac", "pcm16", 24_000, np.clip(track, -ceiling, ceiling), scene,
        "Hard clipping with flat tops: the first utterance at full scale, the second at 0.7 of it, as if turned down "
        "after it was clipped.",
    )


@recipe
def dc_offset(name):
    "dc-offset-32k.flac"
    scene = Scene(Say(IRIS, "De fiets staat daar.", 0.5), Say(IRIS, "Neem hem maar.", 0.7))
    return Recording(
        "flac", "pcm16", 32_000, quiet_room(name, scene, 32_000) + 0.1, scene,
        "A constant offset of +0.1 of full scale.",
    )


@recipe
def dead_channel(name):
    "dead-right-channel-44k1.flac"
    scene = Scene(Say(ELENA, "Il treno è in ritardo.", 0.4), Say(ELENA, "Prendo un taxi.", 0.6), tail=0.3)
    left = quiet_room(name, scene, 44_100)
    return Recording(
        "flac", "pcm16", 44_100, np.stack((left, np.zeros(len(left))), axis=1), scene,
        "Stereo whose right channel is digital silence.",
    )


@recipe
def inverted_channel(name):
    "inverted-right-channel-8k.flac"
    scene = Scene(Say(JONAS, "Kaffet är varmt.", 0.4), Say(JONAS, "Brödet är nybakat.", 0.7))
    left = quiet_room(name, scene, 8_000)
    own = room_tone(len(left), name + " right", -66)
    return Recording(
        "flac", "pcm16", 8_000, np.stack((left, own - left), axis=1), scene,
        "Stereo whose right channel has the opposite polarity: the sum of the channels holds noise and no speech.",
    )


@recipe
def dropouts(name):
    "dropouts-16k.flac"
    scene = Scene(Say(KASIA, "Kot spi na ciepłym parapecie.", 0.507), Say(KASIA, "Nie budź go.", 0.6))
    track = quiet_room(name, scene, 16_000)
    start, end = scene.labels(16_000)[0]
    for part, milliseconds in ((0.25, 20), (0.5, 40), (0.75, 60)):
        first = start + int((end - start) * part)
        track[first : first + 16 * milliseconds] = 0
    return Recording(
        "flac", "pcm16", 16_000, track, scene,
        "Samples lost and replaced by zeros for 20, 40 and 60 ms, at 1/4, 1/2 and 3/4 of the first utterance; the "
        "label goes on through them.",
    )


# What is not speech.


@recipe
def silence(name):
    "silence-48k.flac"
    return Recording("flac", "pcm16", 48_000, np.zeros((3 * 48_000, 2)), None, "Digital silence, stereo, 3 s.")


@recipe
def noise_only(name):
    "noise-only-16k.flac"
    steps = np.repeat([gain(-50), gain(-35)], 24_000)
    return Recording(
        "flac", "pcm16", 16_000, pink(len(steps), name) * steps, None,
        "Pink noise without speech: 1.5 s at -50 dBFS, then 1.5 s at -35 dBFS, without a ramp.",
    )


@recipe
def hum_and_clicks(name):
    "hum-and-clicks-16k.flac"
    time = np.arange(4 * 16_000) / 16_000
    hum = sum(np.sin(2 * np.pi * 50 * k * time) * gain(-36 - 8 * (k - 1)) for k in (1, 2, 3))
    clicks = np.zeros(len(time))
    burst = white(160, name + " click") * 0.5 ** (np.arange(160) / 16)  # 10 ms, halved every millisecond
    for place in (0.61, 0.93, 1.22, 1.38, 2.05, 2.17, 2.84, 3.31):
        first = round(place * 16_000)
        clicks[first : first + 160] = burst * gain(-22)
    return Recording(
        "flac", "pcm16", 16_000, hum + clicks + room_tone(len(time), name, -70), None,
        "Mains hum (50, 100 and 150 Hz) and eight keyboard-like clicks of 10 ms, without speech.",
    )


# Rates, encodings and containers.


@recipe
def clean_mono(name):
    "clean-mono-16k.wav"
    scene = Scene(
        Say(ALICE, "Please wait. The library is closed.", 0.4),
        Say(ALICE, "It opens at nine.", 0.5),
    )
    return Recording(
        "wav", "pcm16", 16_000, scene.clean(16_000, -23), scene,
        "Clean speech that fades into digital silence, as a synthesiser delivers it. The first utterance pauses for "
        "more than 0.2 s and so has two segments.",
    )


@recipe
def telephone_mulaw(name):
    "telephone-mulaw-8k.wav"
    scene = Scene(
        Say(HENRY, "I am calling about my invoice.", 0.504),
        Say(HENRY, "The number is four seven two.", 0.8),
    )
    return Recording(
        "wav", "ulaw", 8_000, telephone(name, scene), scene, "G.711 mu-law, 300 to 3400 Hz, line noise at -62 dBFS."
    )


@recipe
def telephone_alaw(name):
    "telephone-alaw-8k.au"
    scene = Scene(Say(BRUNO, "Guten Tag, ich rufe wegen der Rechnung an.", 0.5), Say(BRUNO, "Einen Moment.", 0.7))
    return Recording(
        "au", "alaw", 8_000, telephone(name, scene), scene, "G.711 A-law, 300 to 3400 Hz, line noise at -62 dBFS."
    )


def telephone(name, scene):
    """Speech and noise as a telephone line passes them."""
    track = resampled(scene.track, MASTER_RATE, 8_000)
    band = low_pass(128, 3_400 / 8_000) - low_pass(128, 300 / 8_000)
    speech, noise = filtered(track, band), filtered(pink(len(track), name), band)
    return speech * (gain(-20) / rms(within(speech, scene.labels(8_000)))) + noise * (gain(-62) / rms(noise))


@recipe
def pcm8(name):
    "pcm8-11k025.wav"
    scene = Scene(Say(MATEUS, "O barco chega ao meio-dia.", 0.5), Say(MATEUS, "Vamos até lá.", 0.6))
    return Recording(
        "wav", "pcm8", 11_025, scene.clean(11_025, -20), scene,
        "Unsigned 8-bit samples with triangular dither, hence noise at -48 dBFS.",
    )


@recipe
def caf(name):
    "mono-22k05.caf"
    scene = Scene(Say(GRACE, "There is a map in the glove box.", 0.4), tail=0.4)
    return Recording("caf", "pcm16", 22_050, quiet_room(name, scene, 22_050), scene, "One utterance.")


@recipe
def aiff(name):
    "mono-44k1.aiff"
    scene = Scene(Say(ALICE, "The kettle is boiling.", 0.4), tail=0.4)
    return Recording("aiff", "pcm16", 44_100, quiet_room(name, scene, 44_100), scene, "One utterance.")


@recipe
def pcm24(name):
    "pcm24-extensible-24k.wav"
    scene = Scene(Say(NOAH, "Seven swans swam south.", 0.3), tail=0.3)
    track = scene.clean(24_000, -40)
    return Recording(
        "wavex", "pcm24", 24_000, track + room_tone(len(track), name, -100), scene,
        "A quiet recording (-40 dBFS) with noise at -100 dBFS, less than a step of 16 bits.",
    )


@recipe
def float32(name):
    "float32-16k.w64"
    scene = Scene(Say(CLAIRE, "La lampe est là.", 0.4), tail=0.4)
    return Recording("w64", "float32", 16_000, quiet_room(name, scene, 16_000), scene, "One utterance.")


@recipe
def float32_over(name):
    "float32-over-full-scale-16k.wav"
    scene = Scene(Say(DIEGO, "Son las cinco.", 0.4), tail=0.4)
    track = quiet_room(name, scene, 16_000)
    return Recording(
        "wav", "float32", 16_000, track * (1.5 / np.abs(track).max()), scene,
        "The highest peak is 1.5 (+3.5 dBFS): not clipped in the file, to be saturated by a conversion to PCM16.",
    )


@recipe
def surround(name):
    "surround-5.1-16k.wav"
    scene = Scene(Say(HENRY, "Welcome back.", 0.3), tail=0.3)
    centre = scene.clean(16_000, -20)
    samples = np.stack([room_tone(len(centre), f"{name} {channel}", -60) for channel in range(6)], axis=1)
    samples[:, 2] += centre
    samples[:, 3] = filtered(white(len(centre), name + " rumble"), low_pass(400, 60 / 16_000)) * gain(-24)
    return Recording(
        "wavex", "pcm16", 16_000, samples, scene,
        "Six channels (front left, front right, centre, low frequencies, rear left, rear right): speech on the centre "
        "one, a rumble below 100 Hz on the low-frequency one, noise at -60 dBFS on the others.",
    )


@recipe
def rf64(name):
    "mono-rf64-16k.wav"
    scene = Scene(Say(ELENA, "La chiave è nel cassetto.", 0.4), tail=0.4)
    return Recording("rf64", "pcm16", 16_000, quiet_room(name, scene, 16_000), scene, "One utterance.")


@recipe
def vorbis(name):
    "stereo-44k1.ogg"
    scene = Scene(Say(LEELA, "यह किताब बहुत अच्छी है।", 0.5), Say(GRACE, "I liked it too.", 0.7))
    track = scene.clean(44_100, -23)
    sides = [track + room_tone(len(track), name + side) for side in (" left", " right")]
    return Recording("ogg", "vorbis", 44_100, np.stack(sides, axis=1), scene, "Ogg Vorbis, stereo, two voices.")


@recipe
def opus(name):
    "mono-48k.opus"
    scene = Scene(Say(ALICE, "Turn the volume down.", 0.5), Say(ALICE, "A little more.", 0.7))
    return Recording("ogg", "opus", 48_000, quiet_room(name, scene, 48_000), scene, "Ogg Opus.")


@recipe
def mp3(name):
    "mono-44k1.mp3"
    scene = Scene(Say(NOAH, "Somebody left the gate open.", 0.5), Say(NOAH, "Not me.", 0.7))
    return Recording("mp3", "mp3", 44_100, quiet_room(name, scene, 44_100), scene, "MPEG-1 layer III.")


# ---------------------------------------------------------------------------------------------------------------------
# The manifest, and what is checked
# ---------------------------------------------------------------------------------------------------------------------


def entry(name, recording, path):
    samples, info = read(path)
    rate, scene = recording.rate, recording.scene

    def span(start, end):
        return {"start": start, "end": end, "start_s": round(start / rate, 6), "end_s": round(end / rate, 6)}

    spoken = [
        {
            "voice": f"{saying.voice.language}+{saying.voice.variant}",
            "language": saying.voice.language,
            "words_per_minute": saying.voice.speed,
            "pitch": saying.voice.pitch,
            "text": saying.text,
            **span(rescaled(start, rate), rescaled(end, rate)),
        }
        for saying, start, end in (scene.utterances if scene else [])
    ]
    return {
        "file": name,
        "container": recording.container,
        "encoding": recording.encoding,
        "lossy": recording.encoding in LOSSY,
        "sample_rate": info.samplerate,
        "channels": info.channels,
        "sample_frames": len(samples),
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "speech": [span(start, end) for start, end in (scene.labels(rate) if scene else [])],
        "source": {"synthesizer": synthesizer() if scene else None, "utterances": spoken},
        "licence": LICENCE,
        "note": recording.note,
    }


@functools.cache
def synthesizer():
    try:
        told = subprocess.run(["espeak-ng", "--version"], check=True, capture_output=True, text=True).stdout
    except FileNotFoundError:
        sys.exit("make-test-audio: espeak-ng is missing; on Debian: apt-get install espeak-ng")
    return "espeak-ng " + re.search(r"\d+\.\d+(\.\d+)?", told)[0]


def check(folder):
    """Every file against its entry in the manifest, with a line of levels for each; the number of complaints."""
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    complaints = []
    print(f"{'file':34}{'bytes':>9}{'rate':>7}{'ch':>3}{'frames':>8}{'peak':>8}{'speech':>8}{'pauses':>8}  segments")
    for item in manifest:
        path, name = folder / item["file"], item["file"]
        samples, info = read(path)
        labels = [(label["start"], label["end"]) for label in item["speech"]]
        found = (info.samplerate, info.channels, len(samples), hashlib.sha256(path.read_bytes()).hexdigest())
        told = tuple(item[key] for key in ("sample_rate", "channels", "sample_frames", "sha256"))
        if found != told:
            complaints.append(f"{name}: has {found}, the manifest says {told}")
        if info.format & 0x0FFFFFFF != ENCODINGS[item["encoding"]] | CONTAINERS[item["container"]]:  # less byte order
            complaints.append(f"{name}: format {info.format:#x} is not {item['container']} with {item['encoding']}")
        edges = [edge for label in labels for edge in label]
        if edges != sorted(set(edges)) or (edges and not 0 <= edges[0] < edges[-1] <= len(samples)):
            complaints.append(f"{name}: labels out of order or outside of the file")
        # The loudest channel stands for the file, without its offset; 50 ms next to a label are the tails of words.
        loudest = samples[:, np.argmax((samples**2).mean(axis=0))]
        if labels:
            centred = loudest - between(loudest, labels, info.samplerate // 20).mean()
            speech, pauses = rms(within(centred, labels)), rms(between(centred, labels, info.samplerate // 20))
        else:
            speech, pauses = 0, rms(loudest)
        print(
            f"{name:34}{path.stat().st_size:9}{info.samplerate:7}{info.channels:3}{len(samples):8}"
            f"{decibels(np.abs(samples).max()):8.1f}{decibels(speech):8.1f}{decibels(pauses):8.1f}  {len(labels)}"
        )
        if name == "speech.wav":
            floor = rms(between(loudest, labels, info.samplerate // 20))
            for start, end in labels:
                if decibels(rms(loudest[start:end])) < decibels(floor) + 35:
                    complaints.append(f"{name}: the segment at {start} stands less than 35 dB above the floor")
    listed = {item["file"] for item in manifest}
    readme = folder / "README.md"
    if readme.exists():
        described = set(re.findall(r"^\| `([^`]+)`", readme.read_text(encoding="utf-8"), re.MULTILINE))
        if described != listed:
            complaints.append(f"README.md and manifest.json differ in {sorted(described ^ listed)}")
    print(f"{len(manifest)} files, {sum((folder / name).stat().st_size for name in listed)} bytes")
    for complaint in complaints:
        print(f"make-test-audio: {complaint}", file=sys.stderr)
    return len(complaints)


def main():
    parser = argparse.ArgumentParser(description="Makes the recordings in TestAudio and their manifest.")
    here = Path(__file__).resolve().parent
    parser.add_argument("--into", type=Path, default=here, metavar="DIR", help="the folder, if not this script's own")
    parser.add_argument("--check", action="store_true", help="make nothing; check the files against the manifest")
    options = parser.parse_args()
    if not options.check:
        options.into.mkdir(parents=True, exist_ok=True)
        synthesizer()
        entries = []
        for name, make in RECIPES.items():
            recording = make(name)
            beside = options.into / f".{name}.partial"
            write(beside, name, recording.samples, recording.rate, recording.container, recording.encoding)
            entries.append(entry(name, recording, beside))
            os.replace(beside, options.into / name)
        beside = options.into / ".manifest.json.partial"
        beside.write_text(json.dumps(entries, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        os.replace(beside, options.into / "manifest.json")
    sys.exit(1 if check(options.into) else 0)


if __name__ == "__main__":
    main()
