"""Files on this machine: what is sent is walked, what is received is written, safely.

``sources`` reads, ``plan`` decides names and is pure, ``saving`` writes.
"""
