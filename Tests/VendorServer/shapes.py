"""Strict comparison of decoded JSON with the annotations of a vendor's types.

The vendors' packages are lenient on purpose: unknown keys pass, "1" becomes 1, lists are checked when they are read.
Here a key that the type does not name is an error, and so is a value that is not exactly of the type.
"""

import base64
import binascii
import collections.abc
import datetime
import enum
import types
import typing

import pydantic
import typing_extensions

_REQUIRED = (typing.Required, typing_extensions.Required)
_OPTIONAL_KEY = (typing.NotRequired, typing_extensions.NotRequired)
_LISTS = (list, collections.abc.Iterable, collections.abc.Sequence)
_DICTIONARIES = (dict, collections.abc.Mapping)
_DOCUMENTED_NULLS = {
    # "This can be set to null to turn off": documented beside keys whose type does not say so.
    "session.turn_detection",
    "session.input_audio_transcription",
    "session.input_audio_noise_reduction",
    "session.audio.input.transcription",
    "session.audio.input.noise_reduction",
}


def decode_base64(text, url_alphabet=False):
    """The bytes of one base64 string; ValueError for anything that a strict decoder refuses."""
    try:
        if url_alphabet and ("-" in text or "_" in text):
            if "+" in text or "/" in text:
                raise ValueError("both base64 alphabets in one string")
            text = text.replace("-", "+").replace("_", "/")
        decoded = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise ValueError(f"not base64: {error}") from None
    if base64.b64encode(decoded).decode() != text:
        raise ValueError("not base64: bits after the last byte are not zero")
    return decoded


def _is_typed_dict(annotation):
    return isinstance(annotation, type) and issubclass(annotation, dict) and hasattr(annotation, "__total__")


def _kind(value):
    return {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "an integer" if isinstance(value, int) else "a number")


class Shape:
    """What `faults` compares with. `replacements` stands in for annotations that name no wire type."""

    def __init__(self, annotation, replacements=()):
        self.annotation = annotation
        self.replacements = list(replacements)

    def faults(self, value):
        """What is wrong with `value`, one string a fault; empty when nothing is."""
        return self._check(value, self.annotation, "")

    def _check(self, value, annotation, path):
        for original, replacement in self.replacements:
            if annotation is original or annotation == original:
                annotation = replacement
        origin = typing.get_origin(annotation)
        if value is None and path in _DOCUMENTED_NULLS:
            return []
        if origin is typing.Annotated or origin in _REQUIRED + _OPTIONAL_KEY:
            return self._check(value, typing.get_args(annotation)[0], path)
        if isinstance(annotation, typing_extensions.TypeAliasType):
            return self._check(value, annotation.__value__, path)
        if annotation in (typing.Any, object):
            return []
        if origin in (typing.Union, types.UnionType):
            return self._check_union(value, typing.get_args(annotation), path)
        if origin is typing.Literal:
            allowed = typing.get_args(annotation)
            same = any(type(value) is type(one) and value == one for one in allowed)
            return [] if same else [f"{path or 'event'}: {value!r} is not one of {list(allowed)}"]
        if annotation in (None, type(None)):
            return [] if value is None else [f"{path}: null expected, {_kind(value)} found"]
        if _is_typed_dict(annotation):
            return self._check_typed_dict(value, annotation, path)
        if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
            return self._check_model(value, annotation, path)
        if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
            allowed = [one.value for one in annotation]
            return [] if value in allowed else [f"{path}: {value!r} is not one of {allowed}"]
        if annotation is list or origin in _LISTS or self._is_string_free_sequence(annotation, origin):
            if not isinstance(value, list):
                return [f"{path}: a list expected, {_kind(value)} found"]
            inner = (typing.get_args(annotation) or (typing.Any,))[0]
            return [f for i, one in enumerate(value) for f in self._check(one, inner, f"{path}[{i}]")]
        if annotation is dict or origin in _DICTIONARIES:
            if not isinstance(value, dict):
                return [f"{path}: an object expected, {_kind(value)} found"]
            inner = (typing.get_args(annotation) or (str, typing.Any))[1]
            return [f for key, one in value.items() for f in self._check(one, inner, self._join(path, key))]
        return self._check_scalar(value, annotation, path)

    @staticmethod
    def _is_string_free_sequence(annotation, origin):
        return getattr(origin or annotation, "__name__", "") == "SequenceNotStr"

    @staticmethod
    def _join(path, key):
        return f"{path}.{key}" if path else key

    def _check_scalar(self, value, annotation, path):
        if annotation is bytes:
            if not isinstance(value, str):
                return [f"{path}: a base64 string expected, {_kind(value)} found"]
            try:
                decode_base64(value, url_alphabet=True)
            except ValueError as error:
                return [f"{path}: {error}"]
            return []
        expected = {str: str, bool: bool, int: int, float: (int, float), datetime.datetime: str}.get(annotation)
        if expected is None:
            return [f"{path}: no wire type is known for {annotation!r}"]
        if isinstance(value, bool) and annotation is not bool or not isinstance(value, expected):
            return [f"{path}: {annotation.__name__} expected, {_kind(value)} found"]
        return []

    def _check_union(self, value, branches, path):
        found = [self._check(value, one, path) for one in branches]
        if any(not faults for faults in found):
            return []
        # The branch that the value says it is tells the most; of others, the one with the fewest faults.
        ranked = [(-self._tags_in_common(value, one), one is type(None), len(f), i)
                  for i, (f, one) in enumerate(zip(found, branches))]
        best = min(ranked)
        if best[0] == 0 and isinstance(value, dict) and "type" in value and len(branches) > 2:
            return [f"{self._join(path, 'type')}: {value['type']!r} is none of the types that fit here"]
        return found[best[3]]

    def _tags_in_common(self, value, annotation):
        if not isinstance(value, dict) or not isinstance(annotation, type):
            return 0
        hints = self._fields(annotation)
        return sum(not self._check(value[key], hints[key], key) for key in ("type", "role")
                   if key in value and key in hints)

    @staticmethod
    def _fields(annotation):
        if _is_typed_dict(annotation):
            return typing_extensions.get_type_hints(annotation, include_extras=True)
        if issubclass(annotation, pydantic.BaseModel):
            return {key: field.annotation for key, field in annotation.model_fields.items()}
        return {}

    def _check_typed_dict(self, value, annotation, path):
        if not isinstance(value, dict):
            return [f"{path or 'event'}: an object expected, {_kind(value)} found"]
        hints = self._fields(annotation)
        faults = [f"{self._join(path, key)}: unknown key" for key in value if key not in hints]
        for key, hint in hints.items():
            if key in value:
                faults += self._check(value[key], hint, self._join(path, key))
            elif typing.get_origin(hint) in _REQUIRED or key in annotation.__required_keys__:
                faults.append(f"{self._join(path, key)}: missing")
        return faults

    def _check_model(self, value, annotation, path):
        if not isinstance(value, dict):
            return [f"{path or 'event'}: an object expected, {_kind(value)} found"]
        names = {}
        for name, field in annotation.model_fields.items():
            wire_names = {field.alias} if field.alias else set()
            config = annotation.model_config
            if not field.alias and config.get("alias_generator"):
                wire_names.add(config["alias_generator"](name))
            if not wire_names or config.get("populate_by_name"):
                wire_names.add(name)
            names[name] = wire_names
        known = set().union(*names.values()) if names else set()
        faults = [f"{self._join(path, key)}: unknown key" for key in value if key not in known]
        for name, wire_names in names.items():
            present = [key for key in wire_names if key in value]
            if len(present) > 1:
                faults.append(f"{self._join(path, name)}: given twice, as {sorted(present)}")
            for key in present:
                faults += self._check(value[key], annotation.model_fields[name].annotation, self._join(path, key))
            if not present and annotation.model_fields[name].is_required():
                faults.append(f"{self._join(path, name)}: missing")
        return faults
