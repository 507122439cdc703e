"""Hostile photos and multipart bodies for hostile.py."""

import struct
import zlib

CHUNK = 64 << 10
# More than any body that is read completely.
ENDLESS_CHUNKS = (40 << 20) // CHUNK


def chunk(kind, data):
    """Returns one chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width, height, *chunks, colour=(8, 2)):
    """Returns a PNG with a declared size and the given chunks. `colour` is the depth and the type."""
    ihdr = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, *colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + ihdr + b"".join(chunks) + chunk(b"IEND", b"")


def photos():
    """Returns photos, all of which must be rejected."""
    zeros = zlib.compress(bytes(64 << 20), 9)
    return [
        # 2.5 gigapixels in 64 kB.
        png(50_000, 50_000, chunk(b"IDAT", zeros)),
        png(0xFFFFFFFF, 0xFFFFFFFF, chunk(b"IDAT", zeros)),
        # 600,000 empty chunks.
        png(100, 100, chunk(b"tEXt", b"") * 600_000),
        # A JPEG with 2 million empty segments; one of 65,535 by 65,535 pixels; one without an end.
        b"\xff\xd8" + b"\xff\xfe\0\x02" * 2_000_000,
        b"\xff\xd8\xff\xc0\0\x11\x08\xff\xff\xff\xff\x03\1\x22\0\2\x11\1\3\x11\1\xff\xd9",
        b"\xff\xd8\xff\xda\0\x08\1\1\0\0\x3f\0" + bytes(7 << 20),
        # A WebP with a declared size of 4 GiB.
        b"RIFF\xff\xff\xff\xffWEBPVP8X\n\0\0\0\x10\0\0\0\xff\xff\xff\xff\xff\xff" + bytes(1 << 20),
        # 12 megapixels of 64 bits, of which the last is missing.
        png(3500, 3500, chunk(b"IDAT", zlib.compress(bytes(3500 * (1 + 3500 * 8) - 1), 9)), colour=(16, 6)),
        # A gzip bomb without an image.
        b"\x1f\x8b\x08\0\0\0\0\0\0\3" + zeros,
    ]


def part(name, value, extra=""):
    """Returns one part of a form."""
    return f'--X\r\nContent-Disposition: form-data; name="{name}"{extra}\r\n\r\n'.encode() + value + b"\r\n"


def form(photo, number):
    """Returns the registration of an invented person, with a photo."""
    texts = part("nombre", b"Persona Inventada") + part("documento", b"99%08d" % number) + part("ciudad", "Bogotá".encode())
    return texts + part("foto", photo, '; filename="f.jpg"') + b"--X--\r\n"


def chunked(data):
    """Returns one chunk of a body in chunked encoding."""
    return b"%x\r\n" % len(data) + data + b"\r\n"


def nested():
    """Yields multipart nested in multipart, ten thousand levels deep."""
    deep = "".join(f"--X\r\nContent-Type: multipart/mixed; boundary=X{depth}\r\n\r\n--X{depth}\r\n" for depth in range(10_000))
    yield chunked(deep.encode())
    yield chunked(b"\r\n--X--\r\n")
    yield b"0\r\n\r\n"


def many_parts():
    """Yields an endless sequence of parts."""
    parts = part("nombre", b"a") * 1000
    for _ in range(ENDLESS_CHUNKS):
        yield chunked(parts)


def endless_part():
    """Yields an endless text."""
    yield chunked(part("nombre", b"")[:-2])
    for _ in range(ENDLESS_CHUNKS):
        yield chunked(b"a" * CHUNK)


def endless_head():
    """Yields endless headers of one part."""
    yield chunked(b"--X\r\n")
    for _ in range(ENDLESS_CHUNKS):
        yield chunked(b"X-A: a\r\n" * (CHUNK // 8))


def no_boundary():
    """Yields a body in which no part begins."""
    for _ in range(ENDLESS_CHUNKS):
        yield chunked(b"\r\n--" * (CHUNK // 4))
