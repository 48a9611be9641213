#!/usr/bin/env python3
"""Builds the audio pool from which the voice-activity network is trained.

    python3 corpus.py FOLDER

Every recording comes from a Debian package, and `sources.tsv` beside this
script says which files of which packages are used and as what. The script
fetches and unpacks the packages below FOLDER (it installs none of them),
decodes the files, synthesises speech and notes, and writes

    FOLDER/pool.i16      all clips, one after another: mono, 16 kHz, int16
    FOLDER/pool.tsv      one row per clip
    FOLDER/skipped.tsv   the files that gave no clip, and why

A second run does only what is missing: `pool.i16` is only ever appended to,
and a clip keeps its place. The labels of the clips that are already there are
taken anew from `sources.tsv`, so that a changed rule needs no new decoding.
What cannot be fetched or made is left out and named at the end, with the exit
status 1; another run tries it again.

Needs Debian 12 with numpy, scipy and soundfile, and the packages in TOOLS,
which it installs where they are missing (that needs root).
"""

import argparse
import csv
import fnmatch
import gettext
import hashlib
import os
import pathlib
import random
import re
import shlex
import shutil
import struct
import subprocess
import sys
import textwrap
import zipfile

import numpy as np
import scipy.signal
import soundfile

RATE = 16000
HERE = pathlib.Path(__file__).resolve().parent
COLUMNS = "start count kind group split language package bandwidth_hz file".split()
SPEECH = ("speech", "tts")
KINDS = SPEECH + (
    "vocal", "crowd", "animal", "music", "instrument", "alert", "impact", "machine",
    "ambience", "other",
)

SHORTEST = 0.15  # Seconds; shorter clips hold less than five frames of 32 ms.
SHORTEST_SPEECH = 0.25
LONGEST = 60.0  # Longer recordings are cut into pieces of this length...
PIECES = 3  # ...of which a sound gives this many,
PIECES_SPEECH = 20  # and a reading more, as each sentence differs.
SILENCE = 0.002  # Peak amplitude below which a clip counts as silent.

# One group in this many is kept for validation, unless the table says otherwise.
VALID_ONE_IN = 5

AUDIO = ("wav", "ogg", "oga", "mp3", "flac", "g722", "gsm", "raw", "au", "aif", "aiff", "opus")
HEADLESS = (".g722", ".gsm", ".raw")
ARCHIVES = ("zip", "pk3", "wz")

TOOLS = """
    ffmpeg espeak-ng flite festival fluidsynth fortune-mod
    festvox-ca-ona-hts festvox-czech-dita festvox-czech-krb festvox-czech-machac
    festvox-czech-ph festvox-italp16k festvox-itapc16k festvox-kallpc16k
    festvox-kdlpc16k festvox-ru festvox-suopuhe-lj festvox-suopuhe-mv
    festvox-us-slt-hts
    fortunes fortunes-bg fortunes-br fortunes-cs fortunes-de fortunes-eo fortunes-es
    fortunes-ga fortunes-it fortunes-pl fortunes-ru fortunes-zh
""".split()


def say(*words):
    print(*words, flush=True)


class ToolError(RuntimeError):
    """A command failed; the message holds what it printed."""


def run(*command, makes=None, **options):
    """Runs a command, which is to exit with 0 and to have written the file `makes`."""
    if makes:
        makes.unlink(missing_ok=True)
    name = textwrap.shorten(shlex.join(command), 300)
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **options)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"{name}: {error}") from error
    if done.returncode or (makes and not makes.exists()):
        printed = done.stdout.decode("utf-8", "replace").strip().splitlines()[-20:]
        outcome = f"exit status {done.returncode}" if done.returncode else f"made no {makes.name}"
        raise ToolError("\n".join([f"{name}: {outcome}", *printed]))


# The table of sources


class Rules:
    """The rows of sources.tsv; the first row that matches a file decides."""

    def __init__(self, path):
        self.rows = []
        self.valid = []
        self.words = []
        with open(path, encoding="utf-8", newline="") as lines:
            rows = csv.DictReader(
                (line for line in lines if line.strip() and not line.startswith("#")),
                delimiter="\t", quoting=csv.QUOTE_NONE,
            )
            for row in rows:
                if row["package"] == "valid":
                    self.valid.append(row["pattern"])
                    continue
                row["match"] = re.compile(row["pattern"], re.IGNORECASE)
                if row["package"] == "*":
                    self.words.append(row)
                else:
                    self.rows.append(row)
        self.by_package = {}
        for row in self.rows:
            self.by_package.setdefault(row["package"], []).append(row)

    def label(self, package, file):
        """The kind, group and language of a file, or None where it is left out."""
        path = file.split("#")[0]
        for row in self.by_package.get(package, ()):
            match = row["match"].search(path)
            if not match:
                continue
            kind = row["kind"]
            if kind == "auto":
                kind = self.guess(path)
            if kind == "exclude":
                return None
            return kind, self.group(row, match, path), self.language(row, match)
        return None

    def guess(self, path):
        """The kind that the file's own name, or else its folder's, suggests."""
        parts = path.split("/")
        for name in (parts[-1].rsplit(".", 1)[0], parts[-2] if len(parts) > 1 else ""):
            for row in self.words:
                if row["match"].search(name):
                    return row["kind"]
        return "other"

    @staticmethod
    def fill(template, match, path):
        parts = path.split("/")
        stem = parts[-1].rsplit(".", 1)[0].lower()
        # Takes of one sound ("hit1", "hit2", "hit_b") belong to one group.
        base = re.sub(r"[\W_]*\d+[a-z]?$|[\W_]+[a-z]$", "", stem) or stem
        base = re.sub(r"[\W_]*\d+[a-z]?$", "", base) or base
        values = {
            "stem": stem, "base": base,
            "folder": parts[-2].lower() if len(parts) > 1 else "",
            "above": parts[-3].lower() if len(parts) > 2 else "",
        }
        values.update(
            (f"m{number}", (value or "").lower())
            for number, value in enumerate(match.groups(), 1)
        )
        return template.format(**values)

    def group(self, row, match, path):
        return re.sub(r"\s+", "-", self.fill(row["group"], match, path))

    def language(self, row, match):
        return self.fill(row["language"], match, "-") if row["language"] else "-"

    def split(self, group, spoken):
        """Speakers are held out by hand, other sounds by a stable hash of their group."""
        if any(fnmatch.fnmatchcase(group, pattern) for pattern in self.valid):
            return "valid"
        if group in spoken:
            return "train"
        digest = hashlib.sha256(group.encode("utf-8")).digest()
        return "train" if int.from_bytes(digest[:4], "little") % VALID_ONE_IN else "valid"


# Packages


def fetch(package, folder):
    """Unpacks a package below `folder`, with the audio in its archives beside them."""
    target = folder / "packages" / package
    if (target / ".done").exists():
        return target
    work = folder / "work" / package
    shutil.rmtree(work, ignore_errors=True)
    shutil.rmtree(target, ignore_errors=True)
    (work / "deb").mkdir(parents=True)
    target.parent.mkdir(exist_ok=True)
    say("fetching", package)
    run("apt-get", "download", "-q", package, cwd=work / "deb")
    deb = next((work / "deb").glob("*.deb"), None)
    if not deb:
        raise ToolError(f"apt-get download {package}: no package came")
    run("dpkg-deb", "-x", str(deb), str(work / "root"))
    (work / "root" / ".done").touch()
    (work / "root").rename(target)
    shutil.rmtree(work)
    return target


def open_archives(root):
    """Unpacks the audio files of a package's archives, each into ARCHIVE.files/."""
    for path in sorted(root.rglob("*")):
        ending = path.suffix[1:].lower()
        target = path.with_name(path.name + ".files")
        if not path.is_file() or path.is_symlink() or target.exists():
            continue
        if ending in ARCHIVES and zipfile.is_zipfile(path):
            unpacked = path.with_name(path.name + ".part")
            shutil.rmtree(unpacked, ignore_errors=True)
            unpacked.mkdir()
            with zipfile.ZipFile(path) as archive:
                for name in archive.namelist():
                    if name.rsplit(".", 1)[-1].lower() in AUDIO and ".." not in name:
                        archive.extract(name, unpacked)
            unpacked.rename(target)
        elif ending == "cat":
            open_catalogue(path, target)


def open_catalogue(path, target):
    """Unpacks a sound catalogue of OpenTTD: offsets and sizes, then named WAVE files."""
    data = path.read_bytes()
    # The first offset is the table's length; its highest bit marks the newer form.
    count = (struct.unpack_from("<I", data)[0] & 0x7FFFFFFF) // 8
    target.mkdir()
    for index in range(count):
        offset, size = struct.unpack_from("<II", data, index * 8)
        offset &= 0x7FFFFFFF
        length = data[offset]
        name = data[offset + 1 : offset + length].split(b"\0")[0].decode("latin-1")
        # What follows the sound's own name tells where it was taken from.
        name = re.sub(r"[^\w.-]+", "_", name).split("_._")[0].strip("_") or "sound"
        begin = data.find(b"RIFF", offset, offset + size + length + 16)
        if begin >= 0:
            (target / f"{index:02d}-{name}.wav").write_bytes(data[begin : begin + size])


# Decoding


def decode(path, spoken, ready):
    """Yields (offset in seconds or None, native rate, samples) for each piece of a file."""
    if path in ready:
        found = ready.pop(path)
        if isinstance(found, ToolError):
            raise found
        yield from pieces_of_array(*found, spoken)
        return
    with soundfile.SoundFile(str(path)) as source:
        rate, frames = source.samplerate, source.frames
        for offset in starts(frames / rate, spoken):
            source.seek(int((offset or 0) * rate))
            samples = source.read(int(LONGEST * rate), dtype="float32", always_2d=True)
            yield offset, rate, to_rate(samples.mean(axis=1), rate)


def decode_headless(paths, folder):
    """Decodes files without a header: {path: (native rate, samples), or the error}.

    One run of ffmpeg decodes many, as starting it takes longer than its work. Where
    that fails, each file is decoded by itself, to find the bad ones.
    """
    work = folder / "work" / "decoded"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    inputs, outputs, rates = [], [], []
    for index, path in enumerate(paths):
        ending = path.suffix.lower()
        if ending == ".g722":
            options, rate = ["-f", "g722"], RATE
        elif ending == ".gsm":
            options, rate = ["-f", "gsm", "-ar", "8000"], 8000
        else:
            # Vectors for telephony codecs are at 8 kHz, those of the recogniser at 16 kHz.
            rate = 8000 if "codec2" in str(path) else RATE
            options = ["-f", "s16le", "-ar", str(rate), "-ac", "1"]
        rates.append(rate)
        inputs += [*options, "-i", str(path)]
        outputs += ["-map", str(index), "-ac", "1", "-ar", str(RATE), "-f", "f32le",
                    str(work / f"{index}.f32")]
    try:
        run("ffmpeg", "-v", "error", "-nostdin", *inputs, *outputs)
    except ToolError as error:
        if len(paths) == 1:
            return {paths[0]: error}
        return {path: found for one in paths
                for path, found in decode_headless([one], folder).items()}
    return {path: (rate, np.fromfile(work / f"{index}.f32", "<f4"))
            for index, (path, rate) in enumerate(zip(paths, rates))}


def starts(seconds, spoken):
    """Where the pieces of a recording begin; [None] for one that is used whole."""
    if seconds <= LONGEST:
        return [None]
    count = min(PIECES_SPEECH if spoken else PIECES, int(seconds / LONGEST))
    spare = seconds - count * LONGEST
    # Evenly spread, so that the pieces of a long track differ.
    return [spare * (i + 1) / (count + 1) + i * LONGEST for i in range(count)]


def pieces_of_array(rate, samples, spoken):
    for offset in starts(len(samples) / RATE, spoken):
        begin = int((offset or 0) * RATE)
        yield offset, rate, samples[begin : begin + int(LONGEST * RATE)]


def to_rate(samples, rate):
    if rate == RATE or not len(samples):
        return samples
    divisor = np.gcd(RATE, int(rate))
    return scipy.signal.resample_poly(samples, RATE // divisor, int(rate) // divisor)


def bandwidth(samples, rate):
    """An estimate of a clip's bandwidth, from its rate and from a cliff in its spectrum."""
    limit = min(rate / 2, RATE / 2)
    if limit < RATE / 2 or len(samples) < 1024:
        return int(limit)
    frequencies, power = scipy.signal.welch(samples, RATE, nperseg=512)
    level = 10 * np.log10(power + 1e-14)

    def mean(low, high):
        return level[(frequencies >= low) & (frequencies < high)].mean()

    for edge, below, above in ((4000, (3000, 3700), (4500, 7900)),
                               (5500, (4500, 5200), (6000, 7900))):
        if mean(*below) - mean(*above) > 25:
            return edge
    return int(limit)


# Speech synthesis

# Names of countries and languages stand in for sentences where a language has no
# collection of its own.
FORTUNES = {
    "en": ["fortunes", "literature", "riddles", "wisdom", "work", "science"],
    "bg": ["bg"], "pt": ["brasil"], "cs": ["cs"], "de": ["de"], "eo": ["eo"],
    "es": ["es"], "ga": ["ga"], "it": ["it"], "pl": ["pl"], "sk": ["sk"],
    "ru": ["ru"], "zh": ["chinese", "song100", "tang300"],
}


def sentences(language, seed, folder):
    """An endless, repeatable stream of short texts in a language."""
    chance = random.Random(f"{language} {seed}")
    texts = fortune_sentences(language)
    names = [] if len(texts) > 200 else iso_names(language, folder)
    if not texts and not names:
        raise ValueError(f"no text for {language}")
    while True:
        if texts and (not names or chance.random() < 0.7):
            yield chance.choice(texts)
        else:
            yield ", ".join(chance.sample(names, chance.randint(2, 5))) + "."


CACHE = {}


def fortune_sentences(language):
    if language in CACHE:
        return CACHE[language]
    found = set()
    root = pathlib.Path("/usr/share/games/fortunes")
    for path in sorted(root.rglob("*")):
        names = FORTUNES.get(language, ())
        relative = path.relative_to(root).as_posix().lower()
        wanted = any(
            relative == name or relative.startswith((name + "/", name + "-", name + "."))
            for name in names
        )
        # The offensive collections are kept in folders and files of their own.
        if not wanted or path.suffix in (".dat", ".u8") or not path.is_file():
            continue
        if re.search(r"off|/rot", relative):
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        for paragraph in re.split(r"^%.*$", text, flags=re.MULTILINE):
            paragraph = re.sub(r"^\s*--.*", "", paragraph, flags=re.MULTILINE)
            paragraph = re.sub(r"\s+", " ", paragraph)
            for sentence in re.split(r"(?<=[.!?。！？])\s*", paragraph):
                sentence = sentence.strip(" \"'-*<>|_«»„“”")
                wide = language == "zh"
                low, high = (8, 30) if wide else (25, 95)
                markup = re.search(r"[{}\\/@#$^~=\[\]<>|*_]", sentence)
                if low <= len(sentence) <= high and not markup:
                    found.add(sentence)
    CACHE[language] = sorted(found)
    return CACHE[language]


def iso_names(language, folder):
    # Unpacked rather than installed, as a slim system drops translations.
    root = fetch("iso-codes", folder) / "usr/share/locale"
    names = set()
    for domain in ("iso_3166-1", "iso_639-3", "iso_639-2", "iso_3166"):
        path = gettext.find(domain, str(root), [language])
        if not path:
            continue
        with open(path, "rb") as file:
            catalogue = gettext.GNUTranslations(file)._catalog
        for value in catalogue.values():
            if isinstance(value, str) and 3 <= len(value) <= 30 and "\n" not in value:
                if not re.search(r"[();:]", value):
                    names.add(value)
    return sorted(names)


def synthesise(row, folder):
    """Yields (file, rate, samples) for each sentence of one voice.

    The pattern column of such a row is ^VOICE/, and the note holds `n=COUNT`. Some
    voices fail at some sentences, which are then left out; one that fails at all is
    an error.
    """
    count = int(re.search(r"\bn=(\d+)", row["note"]).group(1))
    engine, voice = row["package"], row["pattern"].strip("^/").replace("\\", "")
    language = row["language"]
    chance = random.Random(f"{engine} {voice}")
    text = sentences(language, f"{engine} {voice}", folder)
    wave = folder / "work" / "voice.wav"
    wave.parent.mkdir(exist_ok=True)
    errors = []
    for index in range(count):
        sentence = next(text)
        speed, pitch = chance.randint(125, 205), chance.randint(25, 75)
        try:
            if engine == "espeak-ng":
                # A leading dash would be read as an option.
                run("espeak-ng", "-v", voice, "-s", str(speed), "-p", str(pitch),
                    "-w", str(wave), "--stdin", input=sentence.encode("utf-8"), makes=wave)
            elif engine == "flite":
                run("flite", "-voice", voice, "--setf", f"duration_stretch={170 / speed:.2f}",
                    "-t", " " + sentence, "-o", str(wave), makes=wave)
            else:
                coding = {"cs": "iso-8859-2", "fi": "iso-8859-15", "it": "iso-8859-15",
                          "ca": "iso-8859-15"}.get(language, "utf-8")
                run("text2wave", "-o", str(wave), "-eval", f"(voice_{voice})",
                    input=sentence.encode(coding, "replace"), makes=wave, timeout=60)
            samples, rate = soundfile.read(str(wave), dtype="float32")
        except (ToolError, soundfile.LibsndfileError) as error:
            errors.append(error)
            continue
        yield f"{voice}/{index:03d}", rate, to_rate(samples, rate)
    if errors:
        message = f"{engine} {voice}: {len(errors)} of {count} sentences failed, first: {errors[0]}"
        if len(errors) == count:
            raise ToolError(message)
        say(message)


# Notes


def quantity(value):
    """A number as a Standard MIDI File writes it: seven bits a byte."""
    data = [value & 0x7F]
    while value >= 0x80:
        value >>= 7
        data.insert(0, (value & 0x7F) | 0x80)
    return bytes(data)


def midi_file(program, style, chance):
    """About forty seconds of a melody, chords or a small ensemble with one program."""
    beat, events = 480, []  # Ticks, at 120 beats a minute before `pace`.
    pace = chance.uniform(0.6, 1.4)

    def note(tick, length, channel, key, strength):
        events.append((tick, 1, bytes((0x90 | channel, key, strength))))
        events.append((tick + length, 0, bytes((0x80 | channel, key, 0))))

    events.append((0, 0, bytes((0xC0, program))))
    scale = chance.choice(([0, 2, 4, 5, 7, 9, 11], [0, 2, 3, 5, 7, 8, 10], [0, 3, 5, 7, 10]))
    # Melodies lie where voices do (about 90 to 500 Hz), which is what a detector
    # that leans on pitch confuses.
    root, step, tick = chance.randint(43, 59), chance.randint(0, 6), 0
    end = 40 * 2 * beat
    while tick < end:
        length = int(beat * chance.choice((0.25, 0.5, 0.5, 1, 1, 1.5, 2, 3)) * pace)
        step = max(-3, min(11, step + chance.choice((-3, -2, -1, -1, 0, 1, 1, 2, 4))))
        octave, degree = divmod(step, len(scale))
        key = root + 12 * octave + scale[degree]
        strength = chance.randint(60, 120)
        if style != "chords":
            note(tick, int(length * chance.uniform(0.6, 1.0)), 0, key, strength)
            if length >= beat:
                # Vibrato of four to seven hertz and a scoop into the note.
                speed, depth = chance.uniform(4, 7), chance.uniform(100, 900)
                scoop = chance.choice((0, 0, -2500, -1500, 1500))
                for at in range(0, length, 24):
                    seconds = at / (2 * beat)
                    bend = 8192 + depth * np.sin(2 * np.pi * speed * seconds)
                    bend += scoop * max(0.0, 1 - seconds / 0.15)
                    bend = int(max(0, min(16383, bend)))
                    events.append((tick + at, 2, bytes((0xE0, bend & 127, bend >> 7))))
        if style == "chords":
            for extra in (0, 2, 4):
                octave, degree = divmod(step + extra, len(scale))
                note(tick, length, 0, root + 12 * octave + scale[degree], strength)
        if style == "ensemble":
            if tick == 0:
                events.append((0, 0, bytes((0xC1, chance.choice((0, 24, 33, 48, 61))))))
            note(tick, length, 1, max(24, key - 12 - chance.choice((0, 3, 4, 5))), 70)
            for at in range(0, length, beat // 2):
                note(tick + at, 60, 9, chance.choice((36, 38, 42, 42, 46, 51)), 80)
        tick += length
        if chance.random() < 0.12:
            tick += int(beat * chance.choice((0.5, 1, 2)))
    events.sort(key=lambda event: event[:2])
    track, last = b"", 0
    for tick, _, message in events:
        track += quantity(tick - last) + message
        last = tick
    track += b"\x00\xff\x2f\x00"
    return (b"MThd" + struct.pack(">IHHH", 6, 0, 1, beat)
            + b"MTrk" + struct.pack(">I", len(track)) + track)


def render(row, folder):
    """Yields (file, rate, samples) for the programs of a sound font.

    The pattern column of such a row is STYLE/PROGRAM as a regular expression.
    """
    fonts = sorted(fetch(row["package"], folder).rglob("*.sf[23]"))
    font = next((path for path in fonts if path.is_file()), None)
    if not font:
        raise ToolError(f"{row['package']} holds no sound font")
    work = folder / "work"
    work.mkdir(exist_ok=True)
    for style in ("solo", "chords", "ensemble"):
        for program in range(128):
            name = f"{style}/{program:03d}"
            if not row["match"].search(name):
                continue
            chance = random.Random(f"{row['package']} {name}")
            (work / "notes.mid").write_bytes(midi_file(program, style, chance))
            # At 16 kHz the synthesiser would fold the upper harmonics down.
            run("fluidsynth", "-ni", "-g", "0.5", "-r", "48000", "-F", str(work / "notes.wav"),
                str(font), str(work / "notes.mid"), makes=work / "notes.wav")
            samples, rate = soundfile.read(str(work / "notes.wav"), dtype="float32", always_2d=True)
            yield name, rate, to_rate(samples.mean(axis=1)[: int(LONGEST * rate)], rate)


ENGINES = {"espeak-ng": synthesise, "flite": synthesise, "festival": synthesise}
FONTS = ("fluid-soundfont-gm", "timgm6mb-soundfont")


# The pool


class Pool:
    def __init__(self, folder, rules):
        self.folder, self.rules = folder, rules
        self.clips = read_table(folder / "pool.tsv")
        self.skipped = {(row["package"], row["file"]): row["reason"]
                        for row in read_table(folder / "skipped.tsv")}
        for row in self.clips:
            row["start"], row["count"] = int(row["start"]), int(row["count"])
        self.clips = [row for row in self.clips if self.relabel(row)]
        self.known = {(row["package"], row["file"].split("#")[0]) for row in self.clips}
        self.data = open(folder / "pool.i16", "ab")
        # A run that was interrupted may have left half a sample behind.
        self.data.truncate(self.data.tell() // 2 * 2)
        self.fresh = 0

    def relabel(self, row):
        label = self.rules.label(row["package"], row["file"])
        if label:
            row["kind"], row["group"], row["language"] = label
        return label

    def has(self, package, file):
        return (package, file) in self.known or (package, file) in self.skipped

    def skip(self, package, file, reason):
        self.skipped[package, file] = reason

    def add(self, package, file, offset, rate, samples):
        """Appends one clip; says whether it was worth keeping."""
        kind, group, language = self.rules.label(package, file)
        shortest = SHORTEST_SPEECH if kind in SPEECH else SHORTEST
        samples = np.nan_to_num(np.asarray(samples, "float32"))
        if len(samples) < shortest * RATE:
            return "short"
        if np.abs(samples).max() < SILENCE:
            return "silent"
        start = self.data.tell() // 2
        scaled = np.clip(np.round(samples * 32767), -32768, 32767).astype("<i2")
        self.data.write(scaled.tobytes())
        self.clips.append({
            "start": start, "count": len(samples), "kind": kind, "group": group,
            "language": language, "package": package,
            "bandwidth_hz": bandwidth(samples, rate),
            "file": file if offset is None else f"{file}#{offset:.0f}",
        })
        self.known.add((package, file))
        self.fresh += 1
        return None

    def save(self):
        """The samples first, then the table that points at them, by a rename."""
        self.data.flush()
        os.fsync(self.data.fileno())
        spoken = {row["group"] for row in self.clips if row["kind"] in SPEECH}
        for row in self.clips:
            row["split"] = self.rules.split(row["group"], spoken)
        write_table(self.folder / "pool.tsv", COLUMNS, self.clips)
        write_table(self.folder / "skipped.tsv", ["package", "file", "reason"], [
            {"package": package, "file": file, "reason": reason}
            for (package, file), reason in self.skipped.items()
        ])
        self.fresh = 0


def read_table(path):
    if not path.exists():
        return []
    with open(path, encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def write_table(path, columns, rows):
    part = path.with_name(path.name + ".part")
    with open(part, "w", encoding="utf-8") as file:
        file.write("\t".join(columns) + "\n")
        for row in rows:
            file.write("\t".join(str(row[column]) for column in columns) + "\n")
    part.replace(path)


def add_package(pool, package, folder):
    root = fetch(package, folder)
    open_archives(root)
    before = len(pool.clips)
    paths = []
    for path in sorted(root.rglob("*")):
        if path.suffix[1:].lower() not in AUDIO or path.is_symlink() or not path.is_file():
            continue
        file = path.relative_to(root).as_posix()
        if pool.rules.label(package, file) and not pool.has(package, file):
            paths.append(path)
    for first in range(0, len(paths), 50):
        batch = paths[first : first + 50]
        headless = [path for path in batch if path.suffix.lower() in HEADLESS]
        ready = decode_headless(headless, folder) if headless else {}
        for path in batch:
            add_file(pool, package, path, path.relative_to(root).as_posix(), ready)
        if pool.fresh >= 1000:
            pool.save()
    pool.save()
    say(f"{package}: {len(pool.clips) - before} new clips")


def add_file(pool, package, path, file, ready):
    spoken = pool.rules.label(package, file)[0] in SPEECH
    try:
        reasons = [pool.add(package, file, *piece) for piece in decode(path, spoken, ready)]
    except (RuntimeError, ValueError) as error:
        say(f"{package}: left out {file}: {error}")
        reasons = [f"unreadable ({type(error).__name__})"]
    if all(reasons):
        pool.skip(package, file, reasons[0] if reasons else "empty")


def add_made(pool, row, folder, make):
    marker = f"{row['kind']} {row['pattern']}"
    if pool.has(row["package"], marker):
        return
    before = len(pool.clips)
    for file, rate, samples in make(row, folder):
        if not pool.has(row["package"], file):
            reason = pool.add(row["package"], file, None, rate, samples)
            if reason:
                pool.skip(row["package"], file, reason)
    # The marker says that this row is finished.
    pool.skip(row["package"], marker, "finished")
    pool.save()
    say(f"{row['package']} {row['pattern']}: {len(pool.clips) - before} new clips")


def summary(pool):
    totals, groups, languages = {}, {}, set()
    for row in pool.clips:
        key = row["kind"], row["split"]
        totals[key] = totals.get(key, 0) + row["count"] / RATE / 60
        groups.setdefault(key, set()).add(row["group"])
        if row["kind"] in SPEECH:
            languages.add(row["language"])
    say(f"{'kind':<12}{'train min':>10}{'groups':>8}{'valid min':>11}{'groups':>8}")
    for kind in KINDS:
        values = [value for split in ("train", "valid") for value in
                  (totals.get((kind, split), 0), len(groups.get((kind, split), ())))]
        say("{:<12}{:>10.1f}{:>8}{:>11.1f}{:>8}".format(kind, *values))
    say(f"{sum(totals.values()):.0f} minutes, {len(pool.clips)} clips, "
        f"{len(languages)} languages: {' '.join(sorted(languages))}")


def install_tools():
    # A slim system has no lists, without which nothing can be installed or fetched.
    if not any(pathlib.Path("/var/lib/apt/lists").glob("*Packages*")):
        say("fetching the lists of packages")
        run("apt-get", "update", "-q")
    missing = [tool for tool in TOOLS if subprocess.run(
        ["dpkg", "-s", tool], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ).returncode]
    if missing:
        say("installing", *missing)
        run("apt-get", "install", "-y", "-q", "--no-install-recommends", *missing,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("--only", nargs="*", help="take only these packages")
    parser.add_argument("--relabel", action="store_true", help="only apply a changed table")
    parser.add_argument("--summary", action="store_true", help="only print what is there")
    options = parser.parse_args()
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    pool = Pool(folder, Rules(HERE / "sources.tsv"))
    failures = []

    def attempt(name, action, *arguments):
        try:
            action(*arguments)
        except (ToolError, soundfile.LibsndfileError) as error:
            say(f"{name} failed: {error}")
            failures.append(f"{name}: {error}")

    if not options.relabel and not options.summary:
        try:
            install_tools()
        except ToolError as error:
            sys.exit(f"cannot install the tools: {error}")
        for package, rows in pool.rules.by_package.items():
            if options.only and package not in options.only:
                continue
            if package in ENGINES or package in FONTS:
                for row in rows:
                    if row["kind"] != "exclude":
                        attempt(f"{package} {row['pattern']}", add_made, pool, row, folder,
                                ENGINES.get(package, render))
            else:
                attempt(package, add_package, pool, package, folder)
    if not options.summary:
        pool.save()
    for row in pool.clips:
        row.setdefault("split", "train")
    summary(pool)
    if failures:
        sys.exit("\n".join([f"{len(failures)} failed:", *failures]))


if __name__ == "__main__":
    sys.exit(main())
