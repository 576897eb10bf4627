"""ARC1 stripes: docs/format/arc1.md, read a second time. See values.py."""
import base64
import datetime
import struct
import subprocess
import zlib

from values import Reader, check, clock, local_datetime, value

BOOL, INT, FLOAT, STRING, BYTES, DATE, LOCAL_TIME, LOCAL_DATETIME, NODE, ANY = 1, 2, 3, 4, 5, 6, 7, 9, 15, 18
STRINGS = (STRING, BYTES, ANY)
NAMES = {1: "BOOL", 2: "INT", 3: "FLOAT", 4: "STRING", 5: "BYTES", 6: "DATE", 7: "LOCAL TIME", 9: "LOCAL DATETIME", 15: "NODE",
         18: "ANY"}
KINDS = "? CATALOG CHAIN TABLE HISTORY ROWS DIRECTORY KEYS ADJACENCY RUNS STATE EVENTS".split()
ENCODINGS = "PLAIN CONSTANT SEQUENCE BIT_PACKED DELTA RUN_LENGTH DICTIONARY DECIMAL".split()
MASK, HEADS = (1 << 64) - 1, 1 << 24


def unzstd(data, size):
    try:
        import zstandard
        raw = zstandard.ZstdDecompressor().decompress(data, max_output_size=size)
    except ImportError:
        raw = subprocess.run(["zstd", "-dcq"], input=data, stdout=subprocess.PIPE, check=True).stdout
    check(len(raw) == size, "raw bytes of a block")
    return raw


def packed(data, at, count, width):
    """`count` numbers of `width` bits, and where their bytes end."""
    size = (count * width + 63) // 64 * 8
    bits = int.from_bytes(data[at:at + size], "little")
    check(at + size <= len(data), "packed numbers")
    return [bits >> i * width & (1 << width) - 1 for i in range(count)], at + size


def cell_of(kind, bits):
    """A cell of 8 bytes, given as an unsigned number, as the value that a dump shows."""
    if kind == FLOAT:
        return struct.unpack("<d", struct.pack("<Q", bits))[0]
    if kind == BOOL:
        return bits != 0
    signed = bits - (1 << 64) if bits >> 63 and kind != NODE else bits
    if kind == DATE:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=signed)).isoformat()
    if kind == LOCAL_TIME:
        return clock(signed)
    if kind == LOCAL_DATETIME:
        return local_datetime(signed // 10 ** 6, signed % 10 ** 6 * 1000)
    return signed


def text_of(kind, data):
    if kind == STRING:
        return data.decode("utf-8")
    if kind == BYTES:
        return base64.b64encode(data).decode()
    if not data:
        return None  # of a null row, whose cell means nothing
    r = Reader(data)
    v = value(r)
    r.done()
    return v


def string_list(kind, data, at, count, width):
    ends = struct.unpack_from(f"<{count + 1}{'Q' if width == 64 else 'I'}", data, at)
    start = at + (count + 1) * width // 8
    check(ends[0] == 0 and list(ends) == sorted(ends) and start + ends[-1] == len(data), "offsets of strings")
    return [text_of(kind, data[start + a:start + b]) for a, b in zip(ends, ends[1:])]


def deltas(data, rows, groups):
    check(groups == (rows + 1023) // 1024, "groups")
    cells = []
    for g in range(groups):
        first, least, where, width = struct.unpack_from("<QQIB", data, g * 24)
        numbers, _ = packed(data, groups * 24 + where, min(1024, rows - g * 1024) - 1, width)
        cells.append(first)
        for number in numbers:
            cells.append(cells[-1] + least + number & MASK)
    return cells


def decode(c, data, rows):
    """The cells of a block behind its bitmap."""
    kind, encoding = c["cell"], ENCODINGS[c["encoding"]]
    if kind in STRINGS:
        if encoding == "CONSTANT":
            return [text_of(kind, data) if c["nulls"] < rows else None] * rows
        if encoding == "PLAIN":
            return string_list(kind, data, 0, rows, c["width"])
        codes, at = packed(data, 0, rows, c["width"])
        entries = string_list(kind, data, at, c["count"], 32)
        return [entries[code] for code in codes]
    if encoding == "PLAIN":
        cells = data if kind == BOOL else struct.unpack(f"<{rows}Q", data)
    elif encoding in ("CONSTANT", "SEQUENCE"):
        cells = [c["base"] + i * c["step"] & MASK for i in range(rows)]
    elif encoding == "BIT_PACKED":
        cells = [c["base"] + n & MASK for n in packed(data, 0, rows, c["width"])[0]]
    elif encoding == "DELTA":
        cells = deltas(data, rows, c["count"])
    elif encoding == "DECIMAL":
        numbers = (c["base"] + n & MASK for n in packed(data, 0, rows, c["width"])[0])
        return [(n - (n >> 63 << 64)) / 10 ** c["step"] for n in numbers]
    elif encoding == "RUN_LENGTH":
        ends = struct.unpack_from(f"<{c['count']}I", data, c["count"] * 8)
        check(ends[-1] == rows, "runs")
        cells = [v for v, a, b in zip(struct.unpack_from(f"<{c['count']}Q", data), (0, *ends), ends) for _ in range(b - a)]
    else:
        entries = struct.unpack_from(f"<{c['count']}Q", data)
        cells = [entries[code] for code in packed(data, c["count"] * 8, rows, c["width"])[0]]
    return [cell_of(kind, v) for v in cells]


def read(path, store, number):
    """Yields (fragment, columns) with each column's cells, None where a row has none; checks all checksums."""
    data = path.read_bytes()

    def crc(offset, size):
        return zlib.crc32(store + struct.pack("<QQ", number, offset) + data[offset:offset + size])

    end = len(data) - 64
    check(end >= 64 and data[:9] == b"ARC1\r\n\x1a\n\1" and struct.unpack_from("<I", data, 60)[0] == zlib.crc32(data[:60]), "header")
    check(struct.unpack_from("<I", data, 12)[0] & ~7 == 0, "required features")
    check((data[24:40], *struct.unpack_from("<Q", data, 40)) == (store, number), "store or id")
    footer, size, count, footer_crc, whole = struct.unpack_from("<QQIIQ", data, end)
    check(struct.unpack_from("<I", data, end + 52)[0] == crc(end, 52) and data[end + 56:] == b"1CRA\r\n\x1a\n", "trailer")
    check(whole == len(data) and footer + size == end and footer_crc == crc(footer, size), "footer")
    at, before = footer, None
    for _ in range(count):
        bytes_, kind, owner, part, run, slot, version, rows, columns = struct.unpack_from("<4I3Q2I", data, at)
        attributes, (start, step) = struct.unpack_from("<6Q", data, at + 48), struct.unpack_from("<HH", data, at + 96)
        check(before is None or before < (kind, owner, run, slot, part), "order of fragments")
        before = (kind, owner, run, slot, part)
        fragment = {"kind": kind, "name": KINDS[kind] if kind < len(KINDS) else "?", "owner": owner, "run": run, "slot": slot, "part": part, "version": version,
                    "rows": rows, "columns": columns, "attributes": list(attributes)}
        check(step == 72 or step == 80 and data[9] >= 1, "length of column records")
        yield fragment, [column(data, at + start + i * step, rows, crc, at if step >= 80 else None) for i in range(columns)]
        at += bytes_
    check(at == end, "end of the footer")


def column(data, at, rows, crc, record):
    id_, type_, cell, encoding, codec, flags, width = struct.unpack_from("<I6B", data, at)
    nulls, count, stored_crc, base, step, offset, stored, raw = struct.unpack_from("<III5Q", data, at + 12)
    block, where, more = data[offset:offset + stored], 0 if record is None else struct.unpack_from("<Q", data, at + 72)[0], {}
    check((stored == 0 or crc(offset, stored) == stored_crc) and where < len(data), f"block at {offset}")
    if where:
        sums = [crc(offset + i, min(65536, stored - i)) for i in range(0, stored, 65536)]
        check(list(struct.unpack_from(f"<{len(sums)}I", data, record + where)) == sums, f"parts of the block at {offset}")
        more = {"parts": len(sums)}
    block = unzstd(block, raw) if codec == 1 else block
    bitmap = (rows + 511) // 512 * 64 if flags & 1 else 0
    c = {"cell": cell, "encoding": encoding, "width": width, "nulls": nulls, "count": count, "base": base, "step": step}
    cells = decode(c, block[bitmap:], rows)
    if flags & 1:
        cells = [v if block[i // 8] >> i % 8 & 1 else None for i, v in enumerate(cells)]
    check(sum(v is None for v in cells) == nulls, "null rows")
    return {"id": id_, "type": NAMES[type_], "cell_type": NAMES[cell], "encoding": ENCODINGS[encoding], "nulls": nulls,
            "codec": "zstd" if codec else "none", "offset": offset, "bytes": stored, "raw_bytes": raw, **more}, cells
