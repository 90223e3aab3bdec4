"""One message as its sender encoded it, taken apart only as far as the broker has to write into it.

Sections: OASIS AMQP 1.0 part 3, section 3.2,
http://docs.oasis-open.org/amqp/core/v1.0/os/amqp-core-messaging-v1.0-os.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from local.broker import codec
from local.broker.errors import Malformed

MAX_MESSAGE_BYTES = 256 * 1024
"""Standard tier: https://learn.microsoft.com/azure/service-bus-messaging/service-bus-quotas"""

_HEADER = 0x70
_ANNOTATIONS = 0x72
_PROPERTIES = 0x73
_APPLICATION_PROPERTIES = 0x74
_DATA = 0x75
_FOOTER = 0x78
# The client puts the first message's properties on the envelope, so it is not only data sections.
_ENVELOPE_SECTIONS = {_HEADER, _ANNOTATIONS, _PROPERTIES, _DATA}
_BROKER_KEYS = {
    codec.symbol(f"x-opt-{name}")
    for name in (
        "enqueued-time",
        "sequence-number",
        "enqueue-sequence-number",
        "locked-until",
        "message-state",
        "deadletter-source",
    )
}
_SCHEDULED_KEY = codec.symbol("x-opt-scheduled-enqueue-time")


@dataclass(frozen=True, slots=True)
class Section:
    code: int
    encoded: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class Content:
    """`bare` is what belongs to the sender (properties to footer) and passes through byte for byte.

    `header` holds the encoded durable, priority and ttl fields; `annotations` the sender's own, encoded.
    """

    bare: bytes
    header: tuple[bytes, ...] = (codec.NULL, codec.NULL, codec.NULL)
    annotations: tuple[tuple[bytes, bytes], ...] = ()
    ttl_seconds: float | None = None
    scheduled_for: float | None = None

    @property
    def size(self) -> int:
        """Bytes that it counts against the queue's quota."""
        return len(self.bare) + sum(len(key) + len(value) for key, value in self.annotations)


def unpack(raw: bytes) -> list[Content]:
    """The messages in one transfer: those of a batch envelope (message format 0x80013700), or the one.

    Proton does not tell the message format, so an envelope is known by its shape: every data section
    is a whole encoded message. A body that is itself an encoded AMQP message is taken for one.
    Raises Malformed.
    """
    sections = list(split(raw))
    data = [section for section in sections if section.code == _DATA]
    if data and all(section.code in _ENVELOPE_SECTIONS for section in sections):
        try:
            return [decode(codec.payload(section.value)) for section in data]
        except Malformed:
            pass
    return [decode(raw)]


def split(raw: bytes) -> Iterator[Section]:
    """The sections of a message, in order. Raises Malformed, also when there is none."""
    if not raw:
        raise Malformed("a message without a section")
    at = 0
    while at < len(raw):
        code, value_at = _descriptor(raw, at)
        end = codec.value_end(raw, value_at)
        yield Section(code, raw[at:end], raw[value_at:end])
        at = end


def _descriptor(raw: bytes, at: int) -> tuple[int, int]:
    value_at = codec.value_end(raw, at + 1)
    code = int.from_bytes(raw[at + 2 : value_at])
    if raw[at] != 0 or not _HEADER <= code <= _FOOTER:
        raise Malformed("not a message section")
    return code, value_at


def decode(raw: bytes) -> Content:
    """Read what the broker acts on: time to live, scheduled time, annotations. Raises Malformed."""
    content, bare = Content(b""), b""
    for section in split(raw):
        if section.code == _HEADER:
            content = _with_header(content, codec.elements(section.value))
        elif section.code == _ANNOTATIONS:
            content = _with_annotations(content, codec.pairs(section.value))
        elif section.code >= _PROPERTIES:
            _check_application_properties(section)
            bare += section.encoded
    if not bare:
        raise Malformed("a message without a body")
    return replace(content, bare=bare)


def _check_application_properties(section: Section) -> None:
    # Whatever is accepted must be fit for the dead letters, which add their reason to this map.
    if section.code == _APPLICATION_PROPERTIES:
        for name, _ in codec.pairs(section.value):
            codec.payload(name)


def _with_header(content: Content, fields: list[bytes]) -> Content:
    header = tuple([*fields, codec.NULL, codec.NULL, codec.NULL][:3])
    ttl = codec.number(header[2])
    return replace(content, header=header, ttl_seconds=None if ttl is None else ttl / 1000)


def _with_annotations(content: Content, given: list[tuple[bytes, bytes]]) -> Content:
    scheduled = codec.number(dict(given).get(_SCHEDULED_KEY, codec.NULL))
    kept = tuple(pair for pair in given if pair[0] not in _BROKER_KEYS)
    return replace(content, annotations=kept, scheduled_for=None if scheduled is None else scheduled / 1000)


def encode(content: Content, failed_deliveries: int, annotations: Mapping[str, bytes]) -> bytes:
    """The message as it is delivered: the broker's header and annotations before the sender's bytes."""
    first_acquirer = codec.FALSE if failed_deliveries else codec.TRUE
    header = codec.described_list(_HEADER, *content.header, first_acquirer, codec.uint(failed_deliveries))
    own = [(codec.symbol(name), value) for name, value in annotations.items()]
    return header + codec.described_map(_ANNOTATIONS, [*content.annotations, *own]) + content.bare


def with_application_properties(content: Content, added: Mapping[str, str]) -> Content:
    """The same message with application properties added or replaced."""
    before, pairs, after = b"", [], b""
    names = {name.encode() for name in added}
    for section in split(content.bare):
        if section.code < _APPLICATION_PROPERTIES:
            before += section.encoded
        elif section.code == _APPLICATION_PROPERTIES:
            pairs = [p for p in codec.pairs(section.value) if codec.payload(p[0]) not in names]
        else:
            after += section.encoded
    pairs += [(codec.string(name), codec.string(text)) for name, text in added.items()]
    return replace(content, bare=before + codec.described_map(_APPLICATION_PROPERTIES, pairs) + after)
