"""Bytes in, bytes out: keys, sealing, manifest and content (protocol sections 3 to 6).

Nothing here knows a file, a socket or a clock; randomness is an argument.
"""
