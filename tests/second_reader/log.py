"""The log and the manifest: docs/format/wal.md and docs/format/manifest.md, read a second time. See values.py."""
import hashlib
import json
import pathlib
import struct
import zlib

from values import Corrupt, check

HEADER, FRAME, FULL, FIRST, MIDDLE, LAST, MARK = 128, 32, 1, 2, 3, 4, 5


def sealed(path, kind, epoch=None):
    """The content of CURRENT or of a manifest, whose trailer binds kind and epoch."""
    data = path.read_bytes()
    content, trailer = data[:-16], data[-16:]
    if epoch is None:
        epoch = int(content)
    prefix = f"worldgraph {kind} {epoch:020}\n".encode()
    if trailer != b"\ncrc32 %08x\n" % zlib.crc32(prefix + content):
        raise Corrupt(f"checksum of {path}")
    return content


def manifest(workspace):
    """(epoch, content as a dictionary)"""
    workspace = pathlib.Path(workspace)
    epoch = int(sealed(workspace / "CURRENT", "current"))
    content = json.loads(sealed(workspace / "manifest" / f"{epoch:020}.json", "manifest", epoch))
    if content["epoch"] != epoch or content["format"] not in (1, 2):
        raise Corrupt("epoch or format of the manifest")
    return epoch, content


class Segment:
    def __init__(self, path, store):
        data = path.read_bytes()
        if len(data) < HEADER or data[:8] != b"WGWAL\r\n\x1a" or zlib.crc32(data[:124]) != struct.unpack_from("<I", data, 124)[0]:
            raise Corrupt(f"header of {path}")
        (version, size, uuid, self.number, self.bytes, features, self.first, self.previous_end, self.durable,
         self.chain) = struct.unpack_from("<II16sQIIQQQ32s", data, 8)
        if self.first > 1 and not any(self.chain):  # the writer had not computed it yet
            self.chain = None
        if (version, size, uuid, features) != (1, HEADER, store, 0) or self.number != int(path.stem):
            raise Corrupt(f"header of {path}")
        self.data = data + bytes(self.bytes - len(data))

    def frame(self, offset, before):
        """(kind, logseq, payload, payload checksum, next offset), or None where no valid frame is."""
        if offset + FRAME > self.bytes:
            return None
        head = self.data[offset:offset + FRAME]
        place = struct.pack("<QI", self.number, offset)
        header_crc, payload_crc, size, kind, zero, logseq, durable = struct.unpack("<IIIB3sQQ", head)
        if header_crc != zlib.crc32(self.store + place + head[4:]) or zero != b"\0\0\0":
            return None
        end = offset + FRAME + size
        payload = self.data[offset + FRAME:end]
        chained = struct.pack("<I", before or 0 if kind in (MIDDLE, LAST) else 0)
        known = before is not None or kind not in (MIDDLE, LAST)
        if known and payload_crc != zlib.crc32(self.store + place + chained + payload):
            return None
        after = (end + 7) // 8 * 8
        if any(self.data[end:after]) or durable > self.number << 32 | offset:
            return None
        return kind, logseq, payload, payload_crc, after


def commits(workspace, content):
    """Yields (logseq, payload, chain value) of every whole commit behind the checkpoint of a manifest."""
    store = bytes.fromhex(content["store"])
    begin = content.get("checkpoint", {"wal_segment": 0, "logseq": 0, "chain": "00" * 32})
    logseq, chain, payload, checksum, end = None, None, None, None, None
    number = begin["wal_segment"] or 1
    while True:
        path = pathlib.Path(workspace) / "wal" / f"{number:020}.wal"
        if not path.exists():
            return
        segment = Segment(path, store)
        segment.store = store
        if logseq is None:
            logseq, chain = segment.first - 1, segment.chain
            if logseq == begin["logseq"]:
                chain = bytes.fromhex(begin["chain"])
        elif (segment.previous_end, segment.first) != (end, logseq + 1):
            return
        if chain and segment.chain and chain != segment.chain:
            return
        chain = segment.chain or chain
        offset = HEADER
        while (found := segment.frame(offset, checksum)) is not None:
            kind, number_of, part, checksum, offset = found
            if kind != MARK:
                payload = part if kind in (FULL, FIRST) else payload and payload + part
            if kind in (FULL, LAST):
                check(number_of == logseq + 1, f"commit {number_of} after {logseq}")
                logseq = number_of
                if payload is None or chain is None:  # it began before this segment, and is in stripes
                    chain = None
                else:
                    chain = hashlib.sha256(chain + struct.pack("<QQ", logseq, len(payload)) + payload).digest()
                if logseq == begin["logseq"]:
                    check(chain is None or chain.hex() == begin["chain"], "chain value of the checkpoint")
                    chain = bytes.fromhex(begin["chain"])
                elif logseq > begin["logseq"]:
                    yield logseq, payload, chain
        end = number << 32 | offset
        number += 1
