"""The keyed hash is SipHash-1-3, by the measure of implementations that share no code with it."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.engine.hashing import hash_id, hash_slices, key_words

MASK = (1 << 64) - 1
KEY = bytes(range(16))


def slow_siphash(message: bytes, key: bytes, compressions: int, finalisations: int) -> int:
    """SipHash as its paper states it, on Python integers."""
    k0, k1 = int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")
    v = [k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D, k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573]

    def turn(value: int, bits: int) -> int:
        return ((value << bits) | (value >> (64 - bits))) & MASK

    def mix(a: int, b: int, bits: int) -> None:
        v[a] = (v[a] + v[b]) & MASK
        v[b] = turn(v[b], bits) ^ v[a]

    def rounds(count: int) -> None:
        for _ in range(count):
            mix(0, 1, 13)
            v[0] = turn(v[0], 32)
            mix(2, 3, 16)
            mix(0, 3, 21)
            mix(2, 1, 17)
            v[2] = turn(v[2], 32)

    padded = message + b"\0" * (7 - len(message) % 8) + bytes([len(message) & 0xFF])
    for at in range(0, len(padded), 8):
        word = int.from_bytes(padded[at : at + 8], "little")
        v[3] ^= word
        rounds(compressions)
        v[0] ^= word
    v[2] ^= 0xFF
    rounds(finalisations)
    return v[0] ^ v[1] ^ v[2] ^ v[3]


def test_the_slow_reference_gives_the_published_vector() -> None:
    """The reference must itself be SipHash: the paper's SipHash-2-4 value of the bytes 0..14."""
    assert slow_siphash(bytes(range(15)), KEY, 2, 4) == 0xA129CA6149BE45E5


@given(st.binary(max_size=300), st.binary(min_size=16, max_size=16))
def test_hash_is_siphash_1_3(message: bytes, key: bytes) -> None:
    """An unkeyed or weaker hash would let outsiders aim at collisions."""
    assert hash_id(message, key) == slow_siphash(message, key, 1, 3)


@pytest.mark.skipif(sys.hash_info.algorithm != "siphash13", reason="this interpreter hashes bytes in another way")
def test_hash_is_what_the_interpreter_computes_for_a_zero_key() -> None:
    """CPython hashes bytes by SipHash-1-3, with a zero key under PYTHONHASHSEED=0."""
    program = "import sys; print(*[hash(bytes(range(n))) % 2**64 for n in range(1, 40)])"
    env = {**os.environ, "PYTHONHASHSEED": "0"}
    answer = subprocess.run([sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True)
    ours = [hash_id(bytes(range(n)), bytes(16)) for n in range(1, 40)]
    assert ours == [int(word) for word in answer.stdout.split()]


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_slices_hash_as_the_ids_do_alone(ids: list[bytes]) -> None:
    """Where an id lies in a fetched buffer must not change its hash."""
    buf = np.frombuffer(b"".join(ids), np.uint8)
    length = np.array([len(i) for i in ids], np.int64)
    hashes = hash_slices(buf, np.cumsum(length) - length, length, *key_words(KEY))
    assert hashes.tolist() == [hash_id(i, KEY) for i in ids]


def test_a_key_of_another_length_is_refused() -> None:
    """A short key would silently weaken every hash."""
    with pytest.raises(ValueError, match="15 bytes; give exactly 16"):
        key_words(bytes(15))
