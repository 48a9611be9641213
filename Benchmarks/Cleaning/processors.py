"""What cleans: programs on files, and libraries frame by frame in this process. All get 16 kHz mono, as 16 bits.

A processor has a name, a way to make `y` of `x`, as long as it, and what it costs. How far `y` stays behind, and
silence behind `x` so that all of it comes out, is the caller's business.
"""

import ctypes
import ctypes.util
import importlib.util
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile
from scipy import signal

from mixtures import RATE


REPEATS = 3


class Failure(Exception):
    """A tool did not do what it should."""


def least(measure) -> float:
    """The least of some processor times, of one where that is long enough to be sure of."""
    times = []
    while len(times) < REPEATS and sum(times) < 8:
        times.append(measure())
    return min(times)


def run(command: list) -> tuple[float, subprocess.CompletedProcess]:
    """Runs a program; gives the processor time of the whole process in seconds, and what it said."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as errors:
        process = subprocess.Popen([str(part) for part in command], stdin=subprocess.DEVNULL, stdout=out, stderr=errors)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        errors.seek(0)
        outcome = subprocess.CompletedProcess(command, process.returncode, out.read().decode(), errors.read().decode())
    if outcome.returncode != 0:
        last = " / ".join(outcome.stderr.strip().splitlines()[-3:])
        raise Failure(f"{' '.join(map(str, command))}: exit status {outcome.returncode}: {last}")
    return usage.ru_utime + usage.ru_stime, outcome


class Program:
    """A program that reads a file and writes one."""

    def __init__(self, name: str, command, plain):
        """`command` and `plain` make a command line of two paths: with what is measured, and without."""
        self.name, self.command, self.plain = name, command, plain

    def process(self, x: np.ndarray) -> np.ndarray:
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.wav"), Path(folder, "out.wav")
            soundfile.write(source, x, RATE, subtype="PCM_16")
            run(self.command(source, target))
            y, rate = soundfile.read(target, dtype="float64", always_2d=True)
        if rate != RATE or y.shape[1] != 1:
            raise Failure(f"{self.name}: {rate} Hz and {y.shape[1]} channels came")
        return y[:, 0]

    def cost(self, x: np.ndarray) -> tuple[float, float]:
        """Processor time per time of audio: of the part, and of the whole process."""
        with tempfile.TemporaryDirectory() as folder:
            source, target = Path(folder, "in.wav"), Path(folder, "out.wav")
            soundfile.write(source, x, RATE, subtype="PCM_16")

            def measure(command) -> float:
                target.unlink(missing_ok=True)
                return run(command(source, target))[0]
            whole = least(lambda: measure(self.command)) / (len(x) / RATE)
            plain = least(lambda: measure(self.plain)) / (len(x) / RATE)
        return whole - plain, whole


def utter_arguments(cleaning: str | None) -> list[str]:
    """What tells `utter convert` to clean: `light`, `full`, or parts by name; None for nothing."""
    return [] if cleaning is None else ["--clean", cleaning]


def utter(path: str, name: str, cleaning: str | None) -> Program:
    def command(option):
        return lambda source, target: [
            path, "convert", source, target, "--rate", RATE, "--encoding", "float32", *utter_arguments(option)]
    return Program(name, command(cleaning), command(None))


def ffmpeg_command(filters: str):
    return lambda source, target: [
        "ffmpeg", "-nostdin", "-v", "error", "-y", "-threads", "1", "-i", source, "-af", filters, "-ar", RATE,
        "-c:a", "pcm_f32le", target]


def ffmpeg(name: str, filters: str) -> Program:
    return Program(name, ffmpeg_command(filters), ffmpeg_command("anull"))


class Library:
    """A library that changes 16-bit samples in place, frame by frame."""

    def __init__(self, name: str):
        self.name = name
        self.seconds = 0.0

    def process(self, x: np.ndarray) -> np.ndarray:
        return self.processed(np.clip(np.round(x * 32768), -32768, 32767).astype(np.int16))

    def cost(self, x: np.ndarray) -> tuple[float, None]:
        def measure() -> float:
            self.process(x)
            return self.seconds
        return least(measure) / (len(x) / RATE), None

    def timed(self, loop) -> None:
        start = time.process_time()
        loop()
        self.seconds = time.process_time() - start


class SpeexDSP(Library):
    """The preprocessor in frames of 10 ms, as it is by default, or as gain control alone."""
    SET_DENOISE, SET_AGC, FRAME = 0, 2, 160

    def __init__(self, name: str, agc: bool = False):
        super().__init__(name)
        path = ctypes.util.find_library("speexdsp")
        if path is None:
            raise LookupError("no libspeexdsp")
        self.library = ctypes.CDLL(path)
        self.library.speex_preprocess_state_init.restype = ctypes.c_void_p
        self.library.speex_preprocess_state_destroy.argtypes = [ctypes.c_void_p]
        self.library.speex_preprocess_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p]
        self.library.speex_preprocess_run.argtypes = [ctypes.c_void_p, ctypes.c_void_p]
        self.agc = agc

    def processed(self, samples: np.ndarray) -> np.ndarray:
        state = self.library.speex_preprocess_state_init(self.FRAME, RATE)
        if self.agc:
            for request, value in ((self.SET_DENOISE, 0), (self.SET_AGC, 1)):
                if self.library.speex_preprocess_ctl(state, request, ctypes.byref(ctypes.c_int(value))) != 0:
                    raise Failure(f"{self.name}: speex_preprocess_ctl failed")
        work = np.concatenate([samples, np.zeros(-len(samples) % self.FRAME, np.int16)])
        start, step, process = work.ctypes.data, 2 * self.FRAME, self.library.speex_preprocess_run

        def loop():
            for address in range(start, start + 2 * len(work), step):
                process(state, address)
        self.timed(loop)
        self.library.speex_preprocess_state_destroy(state)
        return work[:len(samples)] / 32768


class WebRTC(Library):
    """WebRTC's audio processing by webrtc-noise-gain, which always has the high-pass in, in frames of 10 ms."""
    FRAME = 160

    def __init__(self, name: str, suppression: int = 0, gain: int = 0):
        super().__init__(name)
        try:
            from webrtc_noise_gain import AudioProcessor
        except ImportError:
            raise LookupError("no webrtc_noise_gain") from None
        self.make = lambda: AudioProcessor(gain, suppression)

    def processed(self, samples: np.ndarray) -> np.ndarray:
        processor = self.make()
        content = np.concatenate([samples, np.zeros(-len(samples) % self.FRAME, np.int16)]).tobytes()
        frames = [content[i:i + 2 * self.FRAME] for i in range(0, len(content), 2 * self.FRAME)]
        done = []

        def loop():
            for frame in frames:
                done.append(processor.Process10ms(frame).audio)
        self.timed(loop)
        return np.frombuffer(b"".join(done), np.int16)[:len(samples)] / 32768


class RNNoise(Library):
    """RNNoise of pyrnnoise at its 48 kHz, in frames of 10 ms; resampling both ways is not in its time."""
    FRAME = 480

    def __init__(self, name: str):
        super().__init__(name)
        found = importlib.util.find_spec("pyrnnoise")
        paths = [Path(place, "librnnoise.so") for place in found.submodule_search_locations] if found else []
        if not any(path.exists() for path in paths):
            raise LookupError("no pyrnnoise")
        self.library = ctypes.CDLL(str(next(path for path in paths if path.exists())))
        self.library.rnnoise_create.argtypes = [ctypes.c_void_p]
        self.library.rnnoise_create.restype = ctypes.c_void_p
        self.library.rnnoise_destroy.argtypes = [ctypes.c_void_p]
        self.library.rnnoise_process_frame.argtypes = [ctypes.c_void_p] * 3
        self.library.rnnoise_process_frame.restype = ctypes.c_float
        if self.library.rnnoise_get_frame_size() != self.FRAME:
            raise Failure(f"{name}: frames are not of {self.FRAME} samples")

    def processed(self, samples: np.ndarray) -> np.ndarray:
        high = signal.resample_poly(samples.astype(np.float64), 3, 1)
        # It takes floats of the range of 16-bit integers.
        work = np.concatenate([high, np.zeros(-len(high) % self.FRAME)]).astype(np.float32)
        state = self.library.rnnoise_create(None)
        start, step, process = work.ctypes.data, 4 * self.FRAME, self.library.rnnoise_process_frame

        def loop():
            for address in range(start, start + 4 * len(work), step):
                process(state, address, address)
        self.timed(loop)
        self.library.rnnoise_destroy(state)
        return signal.resample_poly(work[:len(high)].astype(np.float64), 1, 3)[:len(samples)] / 32768


class Loudnorm:
    """ffmpeg's loudnorm in two passes, the second with what the first has measured: as a rule one gain for a file."""
    name = "ffmpeg loudnorm, two passes"
    settings = "loudnorm=I={target}:TP={ceiling}:LRA=20"

    def normalize(self, source: Path, target: Path, loudness: float, ceiling: float) -> tuple[float, str]:
        """Gives the processor time of both processes, and a word where it did not keep to one gain."""
        settings = self.settings.format(target=loudness, ceiling=ceiling)
        first, outcome = run(
            ["ffmpeg", "-nostdin", "-hide_banner", "-i", source, "-af", settings + ":print_format=json", "-f", "null",
             "-"])
        measured = self.figures(outcome.stderr)
        settings += (f":measured_I={measured['input_i']}:measured_TP={measured['input_tp']}"
                     f":measured_LRA={measured['input_lra']}:measured_thresh={measured['input_thresh']}"
                     f":offset={measured['target_offset']}:linear=true:print_format=json")
        second, outcome = run(
            ["ffmpeg", "-nostdin", "-hide_banner", "-y", "-i", source, "-af", settings, "-ar", RATE, "-c:a",
             "pcm_s16le", target])
        kind = self.figures(outcome.stderr)["normalization_type"]
        return first + second, "" if kind == "linear" else kind

    @staticmethod
    def figures(text: str) -> dict:
        found = re.findall(r"\{[^{}]*\}", text)
        if not found:
            raise Failure("loudnorm: no figures came")
        return json.loads(found[-1])


class UtterLoudness:
    """`utter convert --clean loudness=…`, which measures and writes in one process."""
    name = "utter, loudness"

    def __init__(self, path: str):
        self.path = path

    def normalize(self, source: Path, target: Path, loudness: float, ceiling: float) -> tuple[float, str]:
        cleaning = utter_arguments(f"loudness={loudness:g}")
        seconds, _ = run([self.path, "convert", source, target, "--rate", RATE, *cleaning])
        return seconds, ""


class Untouched:
    """The input, to compare with."""
    name = "input"

    def process(self, x: np.ndarray) -> np.ndarray:
        return x

    def normalize(self, source: Path, target: Path, loudness: float, ceiling: float) -> tuple[float, str]:
        shutil.copyfile(source, target)
        return 0.0, ""


def meter(path: Path) -> tuple[float, float]:
    """Integrated loudness in LUFS and true peak in dBTP, as ffmpeg's ebur128 has them."""
    _, outcome = run(
        ["ffmpeg", "-nostdin", "-hide_banner", "-nostats", "-i", path, "-af", "ebur128=peak=true:framelog=verbose",
         "-f", "null", "-"])
    # The summary is the last of what it says.
    loudness = re.findall(r"I:\s+(-?[\d.]+|-inf|nan) LUFS", outcome.stderr)
    peak = re.findall(r"Peak:\s+(-?[\d.]+|-inf|nan) dBFS", outcome.stderr)
    if not loudness or not peak:
        raise Failure(f"{path}: ebur128 gave no summary")
    return float(loudness[-1]), float(peak[-1])
