"""Which partition a key belongs to: Java's murmur2, as every producer of MarketLag uses it."""

from __future__ import annotations

from itertools import count

_MASK, _MULTIPLIER, _SEED = 0xFFFFFFFF, 0x5BD1E995, 0x9747B28C


def partition(key: bytes, partitions: int) -> int:
    """The number of the partition that Kafka's default partitioner gives a record with that key.

    >>> partition(b"heartbeat", 1)
    0
    """
    return (murmur2(key) & 0x7FFFFFFF) % partitions


def keys_for_all(partitions: int) -> list[str]:
    """For each partition a key that belongs to it: "0", "1", … whichever is the first that does."""
    found: dict[int, str] = {}
    for number in count():
        found.setdefault(partition(str(number).encode(), partitions), str(number))
        if len(found) == partitions:
            return [found[each] for each in range(partitions)]
    raise AssertionError("count has no end")


def murmur2(data: bytes) -> int:
    """The 32-bit hash of Kafka's Java client, unsigned. Source: Austin Appleby's MurmurHash2."""
    value = _SEED ^ len(data)
    whole = len(data) & ~3
    for start in range(0, whole, 4):
        word = int.from_bytes(data[start : start + 4], "little") * _MULTIPLIER & _MASK
        word = (word ^ (word >> 24)) * _MULTIPLIER & _MASK
        value = (value * _MULTIPLIER & _MASK) ^ word
    if data[whole:]:
        value = (value ^ int.from_bytes(data[whole:], "little")) * _MULTIPLIER & _MASK
    value = (value ^ (value >> 13)) * _MULTIPLIER & _MASK
    return value ^ (value >> 15)
