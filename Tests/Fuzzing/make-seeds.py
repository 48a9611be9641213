#!/usr/bin/env python3
"""Writes small files of every kind that the fuzz targets read, as a start for the fuzzer.

    Tests/Fuzzing/make-seeds.py FOLDER

puts them into FOLDER/<target>/. Compressed files are made with ffmpeg from a tone that it makes itself. `.ci/fuzz --merge
FOLDER` takes into Corpus/ what reaches something new.
"""
import os
import struct
import subprocess
import sys
import tempfile


def le(value, size):
    return (value & (1 << 8 * size) - 1).to_bytes(size, "little")


def be(value, size):
    return (value & (1 << 8 * size) - 1).to_bytes(size, "big")


SAMPLES = struct.pack("<12h", 0, 1000, -1000, 32767, -32768, 5, 0, 0, 300, -300, 7, 1)
SWAPPED = struct.pack(">12h", *struct.unpack("<12h", SAMPLES))
GUID = bytes([0xF3, 0xAC, 0xD3, 0x11, 0x8C, 0xD1, 0x00, 0xC0, 0x4F, 0x8E, 0xDB, 0x8A])
RIFF_GUID = bytes([0x2E, 0x91, 0xCF, 0x11, 0xA5, 0xD6, 0x28, 0xDB, 0x04, 0xC1, 0, 0])
PCM_GUID = bytes([1, 0, 0, 0, 0, 0, 0x10, 0x00, 0x80, 0x00, 0x00, 0xAA, 0x00, 0x38, 0x9B, 0x71])
RATE_16000 = bytes([0x40, 0x0C, 0xFA, 0, 0, 0, 0, 0, 0, 0])


def chunk(mark, content):
    return mark + le(len(content), 4) + content + b"\0" * (len(content) & 1)


def fmt(tag=1, channels=1, rate=16000, size=2, bits=16, extra=b""):
    return chunk(
        b"fmt ",
        le(tag, 2) + le(channels, 2) + le(rate, 4) + le(rate * size, 4) + le(size, 2) + le(bits, 2) + extra)


def wav(head=None, data=SAMPLES, mark=b"RIFF", data_size=None, between=b"", after=b""):
    size = len(data) if data_size is None else data_size
    content = b"WAVE" + (head or fmt()) + between + b"data" + le(size, 4) + data + after
    return mark + le(len(content) if mark == b"RIFF" else 0xFFFFFFFF, 4) + content


def aiff(compression=None, data=SWAPPED, bits=16, sound_first=False, size=2):
    tail = compression + b"\0\0" if compression else b""
    common = be(1, 2) + be(len(data) // size, 4) + be(bits, 2) + RATE_16000 + tail
    common = b"COMM" + be(len(common), 4) + common
    sound = b"SSND" + be(len(data) + 8, 4) + bytes(8) + data
    content = (b"AIFC" if compression else b"AIFF") + (sound + common if sound_first else common + sound)
    return b"FORM" + be(len(content), 4) + content


def au(encoding=3, data=SWAPPED, size=None, mark=b".snd"):
    number = le if mark == b"dns." else be
    fields = [24, len(data) if size is None else size, encoding, 16000, 1]
    return mark + b"".join(number(field, 4) for field in fields) + data


def caf(codec=b"lpcm", flags=2, size=2, bits=16, data=SAMPLES, data_size=None):
    description = struct.pack(">d", 16000.0) + codec + be(flags, 4) + be(size, 4) + be(1, 4) + be(1, 4) + be(bits, 4)
    length = len(data) + 4 if data_size is None else data_size
    return (b"caff" + be(1, 2) + be(0, 2) + b"desc" + be(32, 8) + description + b"free" + be(4, 8) + bytes(4)
            + b"data" + be(length, 8) + bytes(4) + data)


def wave64(size=None):
    format_chunk = b"fmt " + GUID + le(40, 8) + fmt()[8:]
    length = len(SAMPLES) + 24 if size is None else size
    return b"riff" + RIFF_GUID + le(0, 8) + b"wave" + GUID + format_chunk + b"data" + GUID + le(length, 8) + SAMPLES


def id3(content):
    return b"ID3\4\0\0" + bytes([0, 0, 0, 10]) + bytes(10) + content


def compressed(arguments, extension):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tone." + extension)
        source = ["-f", "lavfi", "-i", "sine=frequency=400:duration=0.09:sample_rate=16000"]
        subprocess.run(
            ["ffmpeg", "-v", "error", "-y", *source, "-bitexact", "-map_metadata", "-1", *arguments, path], check=True)
        with open(path, "rb") as file:
            return file.read()


def recordings():
    ds64 = chunk(b"ds64", le(100, 8) + le(len(SAMPLES), 8) + le(0, 8) + le(0, 4))
    extensible = fmt(0xFFFE, extra=le(22, 2) + le(16, 2) + le(4, 4) + PCM_GUID)
    files = {
        "wav": wav(), "wav-placeholder": wav(data_size=0xFFFFFFFF), "wav-short": wav(data_size=999),
        "wav-odd": wav(data=SAMPLES[:-1], data_size=0), "wav-stereo": wav(fmt(channels=2, size=4)),
        "wav-24": wav(fmt(size=3, bits=24)), "wav-float": wav(fmt(3, size=4, bits=32)),
        "wav-double": wav(fmt(3, size=8, bits=64)), "wav-8": wav(fmt(size=1, bits=8)),
        "wav-alaw": wav(fmt(6, size=1, bits=8)), "wav-ulaw": wav(fmt(7, size=1, bits=8)),
        "wav-extensible": wav(extensible), "wav-list": wav(between=chunk(b"LIST", b"INFOabc"), after=chunk(b"fact", bytes(4))),
        "rf64": wav(fmt(), mark=b"RF64", data_size=0xFFFFFFFF).replace(b"WAVE", b"WAVE" + ds64),
        "w64": wave64(), "w64-unknown": wave64(0), "id3-wav": id3(wav()),
        "aiff": aiff(), "aifc-sowt": aiff(b"sowt", SAMPLES), "aifc-fl32": aiff(b"fl32", bits=32, size=4),
        "aifc-alaw": aiff(b"alaw", size=1), "aifc-ulaw": aiff(b"ulaw", size=1), "aiff-sound-first": aiff(sound_first=True),
        "au": au(), "au-unknown": au(size=0xFFFFFFFF), "au-ulaw": au(1), "au-alaw": au(27), "au-float": au(6),
        "au-little": au(mark=b"dns.", data=SAMPLES), "au-adpcm": au(23),
        "caf": caf(), "caf-unknown": caf(data_size=-1), "caf-ulaw": caf(b"ulaw", 0, 1, 8), "caf-float": caf(flags=1, size=4, bits=32),
        "flac": compressed(["-compression_level", "0"], "flac"),
        "vorbis": compressed(["-ac", "2", "-c:a", "vorbis", "-strict", "-2", "-b:a", "16k"], "ogg"),
        "opus": compressed(["-c:a", "libopus", "-b:a", "8k"], "opus"),
        "mp3": compressed(["-b:a", "8k", "-write_xing", "0"], "mp3"),
        "mp3-xing": compressed(["-b:a", "8k"], "mp3"), "mp2": compressed(["-b:a", "8k"], "mp2"),
        "wav-ima": compressed(["-c:a", "adpcm_ima_wav", "-block_size", "64"], "wav"),
        "wav-microsoft": compressed(["-c:a", "adpcm_ms", "-block_size", "64"], "wav"),
        "voc": compressed(["-c:a", "pcm_u8"], "voc"), "adts": compressed([], "aac"),
    }
    files["opus-chain"] = files["opus"] + files["opus"]
    files["flac-cut"] = files["flac"][:len(files["flac"]) * 2 // 3]
    files["vorbis-cut"] = files["vorbis"][:len(files["vorbis"]) * 9 // 10]
    return files


def events():
    audio = "AAECAwQF"
    lines = {
        "openai-append": '{"type":"input_audio_buffer.append","audio":"%s"}' % audio,
        "openai-delta": '{"type":"response.output_audio.delta","item_id":"i","response_id":"r","delta":"%s"}' % audio,
        "beta-delta": '{"type":"response.audio.delta","item_id":"i","delta":"%s"}' % audio,
        "openai-session": '{"type":"session.update","session":{"audio":{"input":{"format":{"type":"audio/pcm","rate":24000}},'
                          '"output":{"format":{"type":"audio/pcmu"}}}}}',
        "beta-session": '{"type":"session.created","session":{"input_audio_format":"pcm16","output_audio_format":"g711_ulaw"}}',
        "gemini-audio": '{"realtimeInput":{"audio":{"data":"%s","mimeType":"audio/pcm;rate=16000"}}}' % audio,
        "gemini-chunks": '{"realtime_input":{"media_chunks":[{"data":"%s","mime_type":"audio/pcm"}]}}' % audio,
        "gemini-content": '{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000",'
                          '"data":"%s"}},{"text":"x"}]}}}' % audio,
        "gemini-snake": '{"server_content":{"model_turn":{"parts":[{"inline_data":{"mime_type":"audio/L16","data":"_-8="}}]}}}',
        "elevenlabs-sent": '{"user_audio_chunk":"%s"}' % audio,
        "elevenlabs-audio": '{"type":"audio","audio_event":{"audio_base_64":"%s","event_id":3}}' % audio,
        "elevenlabs-start": '{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":'
                            '{"agent_output_audio_format":"pcm_16000","user_input_audio_format":"ulaw_8000"}}',
        "pcm": audio,
        "wrapped": '{"time":1.5,"event":{"type":"input_audio_buffer.append","audio":"%s"}}' % audio,
        "quoted": '{"data":"{\\"user_audio_chunk\\":\\"%s\\"}"}' % audio,
        "marked": "\ufeff \t" + audio + "\r\n",
    }
    return {name: line.encode() for name, line in lines.items()}


def manifests():
    piece = ('{"bytes":%d,"container":"wav","cut_after":false,"cut_before":false,"encoding":"pcm16","end":%d,"end_s":%s,'
             '"file":"a/b.0001.wav","index":%d,"recording":"a/b.wav","sample_rate":24000,"samples":%d,"speech_end":%s,'
             '"speech_end_s":%s,"speech_start":%s,"speech_start_s":%s,"start":%d,"start_s":%s}\n')
    first = piece % (4844, 2400, 0.1, 1, 2400, 2000, 0.083333, 100, 0.004167, 0, 0)
    second = piece % (144, 2550, 0.10625, 2, 50, "null", "null", "null", "null", 2500, 0.104167)
    return {name: text.encode() for name, text in
            {"one": first, "two": first + second, "none": "", "cut": (first + second)[:-9], "order": second + first}.items()}


def messages():
    lines = {
        "missing": "[mov,mp4 @ 0x1] [error] moov atom not found\n[error] subfile,,x: Invalid data found when processing input\n",
        "whole": "[info] Input #0, mov, from 'x':\n[info]   Duration: 00:00:01.50, start: 0.023000, bitrate: 64 kb/s\n"
                 "[info]   Stream #0:0[0x1](und): Audio: aac (LC), 48000 Hz, stereo, fltp\n[info] Stream mapping:\n",
        "video": "[info] Input #0, mpegts\n[info]   Duration: N/A, start: 1.4, bitrate: N/A\n[info]   Stream #0:1: Video: h264\n"
                 "[h264 @ 0x2] [error] no frame!\n[aac @ 0x3] [warning] Packet corrupt (stream = 0, dts = 1).\n",
        "guess": "[mp3 @ 0x1] [warning] Format mp3 detected only with low score of 1, misdetection possible!\n"
                 "[mp3 @ 0x1] [warning] Estimating duration from bitrate, this may be inaccurate\r",
    }
    return {name: line.encode() for name, line in lines.items()}


def services():
    """What services send; the last byte is the dialect's number, or 4 for a URL."""
    audio = "AAECAwQF"
    messages = {
        0: ['{"type":"session.created","session":{"id":"s","expires_at":1764122400,"audio":{"input":{"format":{"type":"audio/pcm",'
            '"rate":24000}},"output":{"format":{"type":"audio/pcmu"}}}}}',
            '{"type":"input_audio_buffer.speech_started","audio_start_ms":1184,"item_id":"i"}',
            '{"type":"input_audio_buffer.speech_stopped","audio_end_ms":3.5e3,"item_id":null}',
            '{"type":"response.output_audio.delta","response_id":"r","item_id":"i","content_index":0,"delta":"%s"}' % audio,
            '{"type":"response.output_audio_transcript.delta","delta":"a\\ud83d\\ude00\\n"}',
            '{"type":"conversation.item.input_audio_transcription.completed","item_id":"i","transcript":"Hi"}',
            '{"type":"response.output_item.done","item":{"id":"i","type":"function_call","name":"f","call_id":"c","arguments":"{}"}}',
            '{"type":"response.done","response":{"id":"r","status":"cancelled","status_details":{"reason":"turn_detected"},'
            '"usage":{"input_tokens":9,"output_tokens":8,"input_token_details":{"text_tokens":4,"audio_tokens":5,"cached_tokens":7},'
            '"output_token_details":{"text_tokens":3,"audio_tokens":5}}}}',
            '{"type":"response.done","response":{"status":"failed","status_details":{"error":{"type":"t","message":"m"}}}}',
            '{"type":"conversation.item.truncated","item_id":"i","audio_end_ms":1500}',
            '{"type":"conversation.item.deleted","item_id":"i"}',
            '{"type":"rate_limits.updated","rate_limits":[{"name":"tokens","limit":5,"remaining":4,"reset_seconds":0.06}]}',
            '{"type":"error","error":{"type":"t","code":429,"message":"m","param":"p","event_id":"e"}}'],
        1: ['{"type":"response.audio.delta","delta":"%s"}' % audio, '{"type":"response.text.done","text":"x"}',
            '{"type":"session.updated","session":{"input_audio_format":"pcm16","output_audio_format":"g711_ulaw"}}'],
        2: ['{"setupComplete":{"sessionId":"s"},"goAway":{"timeLeft":"1.5s"}}',
            '{"serverContent":{"modelTurn":{"parts":[{"inlineData":{"mimeType":"audio/pcm;rate=24000","data":"_-8"}},{"text":"x"}]},'
            '"inputTranscription":{"text":"a"},"outputTranscription":{"text":"b"},"interrupted":true,"generationComplete":true,'
            '"turnComplete":true},"usageMetadata":{"promptTokenCount":9,"cachedContentTokenCount":2,"promptTokensDetails":'
            '[{"modality":"AUDIO","tokenCount":7}],"responseTokensDetails":[{"modality":"VIDEO","tokenCount":1}],"thoughtsTokenCount":1}}',
            '{"toolCall":{"functionCalls":[{"id":"a","name":"f","args":{"z":[1,null]}}]},"toolCallCancellation":{"ids":["b"]}}',
            '{"session_resumption_update":{"new_handle":"h","resumable":true},"voice_activity":{"voice_activity_type":'
            '"ACTIVITY_START","audio_offset":"2s"},"error":{"status":"X","message":"m"}}'],
        3: ['{"type":"audio","audio_event":{"audio_base_64":"%s","event_id":"3"}}' % audio,
            '{"type":"conversation_initiation_metadata","conversation_initiation_metadata_event":{"conversation_id":"c",'
            '"agent_output_audio_format":"pcm_16000","user_input_audio_format":"ulaw_8000"}}',
            '{"type":"agent_response_correction","agent_response_correction_event":{"corrected_agent_response":"x"}}',
            '{"type":"user_transcript","user_transcription_event":{"user_transcript":"x"}}',
            '{"type":"interruption","interruption_event":{"event_id":7}}', '{"type":"ping","ping_event":{"event_id":3}}',
            '{"type":"client_tool_call","client_tool_call":{"tool_name":"f","tool_call_id":"c","parameters":{},"expects_response":false}}',
            '{"type":"client_error","error_event":{"code":1,"message":"m"}}'],
        4: ["wss://api.example/v1/realtime?model=m&key=k%20", "HTTP://[::1]:8080", "https://u:p@a/#b", "ws://a:/\u00fc b?x"],
    }
    return {"%d-%d" % (mode, i): text.encode() + bytes([mode])
            for mode, texts in messages.items() for i, text in enumerate(texts)}


def main():
    folder = sys.argv[1]
    files = recordings()
    controls = {"readers": b"\xff\x2b", "base64": b"\1\7", "events": b"\7", "messages": b"\x11", "labels": bytes([9, 40, 3, 77, 2, 1, 10, 1])}
    arguments = {text: text.encode() for text in [
        "s16le,48000,2", "u8,8000", "f64be,192000,1024", "mulaw,8000,1", "25MB", "15MiB", "1000000", "1.5kB", ".5GiB", "9B"]}
    encoded = {"long": b"QUJDRA==" * 1 + b"", "text": b"QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWZnaGlqa2xtbm9wcXJzdHV2d3h5ejAxMjM0NTY3ODkrLw==",
               "one": b"Zg==", "bad": b"Zm9v*mFy", "bits": b"Zh=="}
    labels = {"words": "two words\0one two".encode(), "marks": "a\"b%20\0<i>&\u2028".encode(), "empty": b"\0"}
    for target, seeds in {
            "readers": files, "headers": files, "base64": encoded, "events": events(), "services": services(), "manifest": manifests(), "messages": messages(),
            "arguments": arguments, "labels": labels}.items():
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        for i, content in enumerate(seeds.values()):
            with open(os.path.join(folder, target, "seed-%02d" % i), "wb") as file:
                file.write(content + controls.get(target, b""))


main()
