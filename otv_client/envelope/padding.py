"""How much is padded, so that sizes say little (protocol sections 5 and 6)."""

from __future__ import annotations

from otv_client.errors import UsageError

MIN_CONTENT_BYTES = 16_384
BUCKETS = (4_096, 16_384, 65_536, 262_144)


def padme(length: int) -> int:
    """Padmé (PURBs, Nikitin et al. 2019), by integers only: at most 12 % more, less for more.

    The mantissa keeps as many bits as the exponent takes to write, so a length says no more than
    its order of magnitude and a few leading bits.
    """
    if length < 2:  # noqa: PLR2004 - no logarithm to take
        return length
    exponent = length.bit_length() - 1
    kept_bits = exponent.bit_length()
    step = 1 << (exponent - kept_bits)
    return (length + step - 1) // step * step


def padded_content(files_bytes: int) -> int:
    """`l`: the content's length, for that many bytes of files together."""
    return max(MIN_CONTENT_BYTES, padme(files_bytes))


def bucket(length: int) -> int:
    """The smallest size of a manifest's plaintext that holds that many bytes.

    Raises:
        UsageError: more than the largest holds.
    """
    for size in BUCKETS:
        if length <= size:
            return size
    raise UsageError(
        "the names and the note are too long for one link",
        hint="pack the files into an archive, or send a long note as a file",
    )
