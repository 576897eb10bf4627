"""Runs of agents: RUNS, STATE and EVENTS of docs/format/arc1.md, RUN_COMMIT of docs/format/mutation.md, docs/format/events.md, read a second time."""
import base64
import hashlib
import struct

import arc1
from values import Reader, check

ID, PAYLOAD, VERSION, TIME, TYPE, VALUE_TYPE, DIGEST, KEY, EXPIRES = (arc1.HEADS + n for n in (1, 14, 15, 16, 17, 18, 19, 20, 21))
RUNS, STATE, EVENTS = 9, 10, 11
DELETED = 255


def raw(cell):
    """A cell of type BYTES, or of STRING, as bytes."""
    return base64.b64decode(cell) if isinstance(cell, str) else bytes(cell)


class Run:
    def __init__(self, number, parent, fork_version, fork_events):
        self.number, self.parent, self.fork_version, self.fork_events = number, parent, fork_version, fork_events
        self.version, self.dropped = fork_version, False
        self.records = {}  # key -> {version: (time, type, expires, value)}
        self.events = {}  # sequence -> (version, time, type, value type, payload)


class Agents:
    def __init__(self, found):
        self.runs = {0: Run(0, 0, 0, 0)}
        self.numbers = 1
        for key in sorted(found):
            fragment, columns = found[key]
            kind, owner = key[0], key[1]
            if kind == RUNS and owner == 0:
                self.load_runs(fragment, columns)
            elif kind == STATE:
                self.load_records(self.runs[owner], columns)
            elif kind == EVENTS:
                self.load_events(self.runs[owner], fragment, columns)

    def load_runs(self, fragment, columns):
        self.numbers = max(self.numbers, fragment["attributes"][0])
        for number, version, payload in zip(columns[ID], columns[VERSION], columns[PAYLOAD]):
            parent, flags, fork_version, fork_events, events = struct.unpack("<IBQQQ", raw(payload))
            run = self.runs[number] = Run(number, parent, fork_version, fork_events)
            run.version, run.dropped, run.stored = version, flags & 1 == 1, events

    @staticmethod
    def load_records(run, columns):
        rows = range(len(columns[KEY]))
        before = None
        for i in rows:
            key, version = raw(columns[KEY][i]), columns[VERSION][i]
            check(before is None or before < (key, -version), "order of records")
            before = (key, -version)
            expires = columns[EXPIRES][i] if EXPIRES in columns else 0
            run.records.setdefault(key, {})[version] = (columns[TIME][i], columns[VALUE_TYPE][i], expires, raw(columns[PAYLOAD][i] or b""))

    @staticmethod
    def load_events(run, fragment, columns):
        first = fragment["attributes"][0]
        for i in range(fragment["rows"]):
            run.events[first + i] = (columns[VERSION][i], columns[TIME][i], raw(columns[TYPE][i]), columns[VALUE_TYPE][i],
                                     raw(columns[PAYLOAD][i] or b""), raw(columns[DIGEST][i]))

    # ---- the log

    def apply(self, payload):
        r, time, gathered = Reader(payload), None, []
        while r.at < len(payload):
            kind = r.u8()
            body = Reader(r.bytes())
            if kind == 13:
                time = body.unpack("Q")
            elif kind == 14:
                check(time is not None, "a commit without a time")
                gathered.append((body.varint(), body.varint(), time, body))
            elif kind in (15, 16):
                gathered = self.commit(gathered)
                (self.create if kind == 15 else self.drop)(body)
        self.commit(gathered)

    def commit(self, gathered):
        for number, version, time, body in sorted(gathered, key=lambda g: g[:2]):
            check(number < self.numbers, f"run {number}")
            run = self.runs.get(number)
            if run is None or run.dropped or version <= run.version:
                continue
            while body.at < len(body.data):
                op, type_ = body.u8(), body.u8()
                sizes = body.varint(), body.varint()
                expires = body.unpack("Q") if op & 128 else 0
                key, value = body.take(sizes[0]), body.take(sizes[1])
                if op & 127 == 3:
                    sequence = self.length(run)
                    last = self.event(run, sequence - 1)[1] if sequence else 0
                    run.events[sequence] = (version, max(time, last), key, type_, value, None)
                else:
                    check(op & 127 in (1, 2), f"operation {op}")
                    kept = (time, DELETED, 0, b"") if op & 127 == 2 else (time, type_, expires, value)
                    run.records.setdefault(key, {})[version] = kept
            run.version = version
        return []

    def create(self, body):
        number, parent, version, events = (body.varint() for _ in range(4))
        check(number >= self.numbers and parent in self.runs, f"run {number} of {parent}")
        self.runs[number] = Run(number, parent, version, events)
        self.numbers = number + 1

    def drop(self, body):
        number = body.varint()
        if number in self.runs:
            self.runs[number].dropped = True

    # ---- what runs show

    @staticmethod
    def length(run):
        return max(run.events, default=run.fork_events - 1) + 1

    def event(self, run, sequence):
        while sequence < run.fork_events:
            run = self.runs[run.parent]
        return run.events[sequence]

    def visible(self, run):
        """{key: (version, time, type, expires, value)} of what is not deleted."""
        shown, limit = {}, run.version
        while True:
            for key, versions in run.records.items():
                newest = max((v for v in versions if v <= limit), default=None)
                if newest is not None and key not in shown:
                    shown[key] = (newest, *versions[newest])
            if run.parent == 0:
                break
            limit, run = min(limit, run.fork_version), self.runs[run.parent]
        return {key: record for key, record in shown.items() if record[2] != DELETED}

    def dump(self):
        """The lines of tests/golden/runs-*/dump.txt."""
        lines = []
        for number, run in sorted(self.runs.items()):
            if run.dropped:
                continue
            lines.append(f"run {number} parent {run.parent} from {run.fork_version} events {run.fork_events} at {run.version}")
            for key, (version, time, type_, expires, value) in sorted(self.visible(run).items()):
                lines.append(f"key {key.hex()} version {version} time {time} expires {expires} type {type_} {value.hex() or '-'}")
            digest = bytes(32)
            for sequence in range(self.length(run)):
                version, time, type_, value_type, payload, stored = self.event(run, sequence)
                digest = hashlib.sha256(digest + struct.pack("<QQI", sequence, time, len(type_)) + type_ +
                                        struct.pack("<BQ", value_type, len(payload)) + payload).digest()
                check(stored is None or stored == digest, f"hash of event {sequence} of run {number}")
                lines.append(f"event {sequence} version {version} time {time} {type_.hex() or '-'} type {value_type} {payload.hex() or '-'} {digest.hex()}")
        return lines
