"""Values, mutations and the state they make: docs/format/value.md and docs/format/mutation.md, read a second time.

Everything in this folder was written from docs/format alone, to show that the documents suffice. Damage raises Corrupt.
"""
import base64
import datetime
import json
import math
import struct
import zoneinfo


class Corrupt(Exception):
    pass


def check(good, what):
    if not good:
        raise Corrupt(what)


class Reader:
    """A cursor over bytes."""

    def __init__(self, data, at=0):
        self.data, self.at = data, at

    def take(self, size):
        check(size <= len(self.data) - self.at, f"{size} bytes at {self.at}, but {len(self.data)} in all")
        self.at += size
        return self.data[self.at - size:self.at]

    def unpack(self, form):
        values = struct.unpack("<" + form, self.take(struct.calcsize("<" + form)))
        return values[0] if len(values) == 1 else values

    def u8(self):
        return self.take(1)[0]

    def varint(self):
        value = 0
        for i in range(10):
            byte = self.u8()
            value |= (byte & 127) << 7 * i
            if byte < 128:
                check((byte != 0 or i == 0) and value < 1 << 64, f"varint before {self.at}")
                return value
        raise Corrupt(f"varint before {self.at}")

    def zigzag(self):
        n = self.varint()
        return n >> 1 if n & 1 == 0 else -(n >> 1) - 1

    def bytes(self):
        return self.take(self.varint())

    def text(self):
        return self.bytes().decode("utf-8")

    def numbers(self):
        return [self.varint() for _ in range(self.varint())]

    def done(self):
        check(self.at == len(self.data), f"{len(self.data) - self.at} bytes left over")


def clock(nanoseconds):
    seconds, rest = divmod(nanoseconds, 10 ** 9)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + (f".{rest:09}".rstrip("0") if rest else "")


def date(days):
    """Years that Python's calendar does not have are moved by whole cycles of 400 years."""
    cycles, rest = divmod(days, 146097)
    day = datetime.date(2000, 1, 1) + datetime.timedelta(days=rest - 10957)
    year = day.year + 400 * cycles
    sign = "-" if year < 0 else "+" if year > 9999 else ""
    return f"{sign}{abs(year):04}-{day.month:02}-{day.day:02}"


def local_datetime(seconds, nanoseconds):
    days, second = divmod(seconds, 86400)
    return f"{date(days)}T{clock(second * 10 ** 9 + nanoseconds)}"


def offset(seconds):
    if seconds == 0:
        return "Z"
    text = f"{'+' if seconds > 0 else '-'}{abs(seconds) // 3600:02}:{abs(seconds) // 60 % 60:02}"
    return text + (f":{abs(seconds) % 60:02}" if seconds % 60 else "")


def duration(months, days, seconds, nanoseconds):
    text = "P" + "".join(f"{n}{unit}" for n, unit in ((months // 12, "Y"), (months % 12, "M"), (days, "D")) if n)
    times = "".join(f"{n}{unit}" for n, unit in ((seconds // 3600, "H"), (seconds // 60 % 60, "M")) if n)
    if seconds % 60 or nanoseconds:
        times += f"{seconds % 60}" + (f".{nanoseconds:09}".rstrip("0") if nanoseconds else "") + "S"
    return text + ("T" + times if times else "")


def value(r):
    """One value of value.md; dates and times become their text."""
    kind = r.u8()
    if kind == 0:
        return None
    if kind == 1:
        flag = r.u8()
        check(flag <= 1, "a boolean that is neither")
        return flag == 1
    if kind == 2:
        return r.zigzag()
    if kind == 3:
        return r.unpack("d")
    if kind == 4:
        return r.text()
    if kind == 5:
        return base64.b64encode(r.bytes()).decode()
    if kind == 6:
        return date(r.zigzag())
    if kind == 7:
        return clock(r.varint())
    if kind == 8:
        return clock(r.varint()) + offset(r.zigzag())
    if kind == 9:
        return local_datetime(r.zigzag(), r.varint())
    if kind == 10:
        seconds, nanoseconds, east = r.zigzag(), r.varint(), r.zigzag()
        zone = r.text() if east == 1 << 20 else None
        if zone is not None:
            moment = datetime.datetime.fromtimestamp(seconds, zoneinfo.ZoneInfo(zone))
            east = int(moment.utcoffset().total_seconds())
        return local_datetime(seconds + east, nanoseconds) + offset(east) + (f"[{zone}]" if zone else "")
    if kind == 11:
        return duration(r.zigzag(), r.zigzag(), r.zigzag(), r.zigzag())
    if kind == 12:
        srid = r.varint()
        check(srid in (4326, 4979, 7203, 9157), f"a point of system {srid}")
        axes = r.unpack("dd" if srid in (4326, 7203) else "ddd")
        check(all(math.isfinite(axis) for axis in axes), "a point that is not finite")
        check(srid > 5000 or abs(axes[0]) <= 180 and abs(axes[1]) <= 90, "a point off the globe")
        return {"srid": srid, **dict(zip("xyz", axes))}
    if kind == 13:
        return [value(r) for _ in range(r.varint())]
    if kind == 14:
        return {r.text(): value(r) for _ in range(r.varint())}
    raise Corrupt(f"value of type {kind}")


def to_json(v):
    return json.dumps(v, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


# ---------------------------------------------------------------- mutations

KINDS = "RANGE", "HASH", "UNIQUENESS", "KEY", "NOT NULL", "TYPE"
TYPES = {1: "BOOL", 2: "INT", 3: "FLOAT", 4: "STRING", 5: "BYTES", 6: "DATE", 9: "LOCAL_DATETIME", 18: "ANY"}
BOOL, INT, FLOAT, STRING, BYTES, DATE, LOCAL_DATETIME, ANY = 1, 2, 3, 4, 5, 6, 9, 18


def properties(r):
    return {r.varint(): value(r) for _ in range(r.varint())}


def definition_column(r):
    name, kind, flags, bits = r.text(), r.u8(), r.u8(), r.u8()
    check(flags < 64 and flags & 33 != 33, "flags of a column")
    declared = r.text() if flags & 8 else None
    default = value(r) if flags & 16 else None
    return name, kind, flags, bits, declared, default, r.text() if flags & 32 else None


def definition(r):
    check(r.u8() == 1, "format of a label definition")
    flags = r.u8()
    label = {"edge": bool(flags & 1), "kind": flags >> 1 & 3, "name": r.text(), "columns": []}
    for _ in range(r.varint()):
        label["columns"].append(definition_column(r))
    label["keys"] = r.numbers()
    label["from"], label["to"], label["path"] = (r.text() if flags >> bit & 1 else None for bit in (3, 4, 5))
    return label


def rule(r):
    check(r.u8() == 1, "format of an index or constraint")
    kind = r.u8()
    check(kind <= 5, "kind of an index or constraint")
    made = {"kind": kind, "name": r.text(), "label": r.varint(), "keys": r.numbers()}
    if kind == 5:
        made["type"] = (r.u8(), r.u8(), r.u8())
        check(made["type"][2] <= 3, "type of a constraint")
        if made["type"][2] & 2:
            made["declared"] = r.text()
    return made


def bulk_cell(r, kind):
    if kind == BOOL:
        return r.u8() == 1
    if kind == INT:
        return r.unpack("q")
    if kind == FLOAT:
        return r.unpack("d")
    if kind == STRING:
        return r.text()
    if kind == BYTES:
        return base64.b64encode(r.bytes()).decode()
    if kind == DATE:
        return (datetime.date(1970, 1, 1) + datetime.timedelta(days=r.unpack("q"))).isoformat()
    if kind == LOCAL_DATETIME:
        seconds, micro = divmod(r.unpack("q"), 10 ** 6)
        return local_datetime(seconds, micro * 1000)
    if kind == ANY:
        return value(r)
    raise Corrupt(f"column of type {kind}")


def bulk_column(r, rows):
    kind, partial = r.u8(), r.u8()
    bitmap = r.take((rows + 7) // 8) if partial else b"\xff" * ((rows + 7) // 8)
    cells = [bulk_cell(r, kind) for _ in range(rows)]
    return [cells[i] if bitmap[i // 8] >> i % 8 & 1 else None for i in range(rows)]


def packed_numbers(r, rows):
    width, base = r.u8(), r.unpack("Q")
    check(width <= 56 or width == 64, "width of packed numbers")
    bits = int.from_bytes(r.take((rows * width + 63) // 64 * 8), "little")
    return [base + (bits >> i * width & (1 << width) - 1) & (1 << 64) - 1 for i in range(rows)]


def signed(number):
    return number - (number >> 63 << 64)


def packed_cells(r, kind, rows):
    if kind in (INT, DATE, LOCAL_DATETIME):
        numbers = [signed(number) for number in packed_numbers(r, rows)]
        return numbers if kind == INT else [bulk_cell(Reader(number.to_bytes(8, "little", signed=True)), kind) for number in numbers]
    if kind == FLOAT and r.u8() == 1:
        exponent = r.u8()
        return [signed(number) / 10 ** exponent for number in packed_numbers(r, rows)]
    return [bulk_cell(r, kind) for _ in range(rows)]


def packed_column(r, rows):
    kind, partial = r.u8(), r.u8()
    bitmap = r.take((rows + 7) // 8) if partial else b"\xff" * ((rows + 7) // 8)
    cells = packed_cells(r, kind, rows)
    return [cells[i] if bitmap[i // 8] >> i % 8 & 1 else None for i in range(rows)]


class State:
    """What a log has made: names by number, nodes {id: [labels, properties]}, edges {id: [label, from, to, properties]}."""

    def __init__(self):
        self.keys, self.labels, self.partitions, self.dropped = [], [], [], set()
        self.rules, self.dropped_rules = [], set()
        self.nodes, self.edges, self.node_ids, self.edge_ids = {}, {}, 0, 0

    def apply(self, payload):
        r = Reader(payload)
        while r.at < len(payload):
            kind = r.u8()
            body = Reader(r.bytes())
            step = self.STEPS.get(kind)
            if step is None:
                if kind & 128:
                    continue
                raise Corrupt(f"mutation {kind}")
            step(self, body)
            body.done()

    @staticmethod
    def expect(got, wanted, what):
        check(got == wanted, f"{what} {got}, expected {wanted}")

    def add_key(self, r):
        self.expect(r.varint(), len(self.keys), "key")
        self.keys.append(r.text())

    def create_label(self, r):
        self.expect(r.varint(), len(self.labels), "label")
        self.labels.append(definition(r))

    def drop_label(self, r):
        self.dropped.add(r.varint())

    def alter_label(self, r):
        number, new, rewrite = r.varint(), definition(r), r.u8()
        check(number < len(self.labels) and number not in self.dropped and rewrite <= 1, "altered label")
        old, self.labels[number] = self.labels[number], new
        if not rewrite:
            return
        sources = r.numbers()
        check(len(sources) == len(new["columns"]), "sources of columns")
        check(all(source <= len(old["columns"]) for source in sources), "source of a column")
        if new["edge"]:
            for edge in self.edges.values():
                if edge[0] == number:
                    edge[3] = self.altered(edge[3], {number}, number, old, sources)
            return
        for node in self.nodes.values():
            if number in node[0]:
                node[1] = self.altered(node[1], node[0], number, old, sources)

    def altered(self, values, labels, number, old, sources):
        """The properties of a row under the new definition of label `number`."""
        key = {name: i for i, name in enumerate(self.keys)}

        def stored(label):
            return [column for column in label["columns"] if not column[2] & 32]

        others = {key[c[0]] for other in labels - {number} for c in stored(self.labels[other])}
        mine = {key[c[0]] for c in stored(old)}
        made = {k: v for k, v in values.items() if k not in mine or k in others}
        free = set(made)
        for column, source in zip(self.labels[number]["columns"], sources):
            name, kind, flags, _, _, default, _ = column
            if flags & 32:
                continue
            if source:
                found = values.get(key[old["columns"][source - 1][0]])
            else:
                found = made[key[name]] if key[name] in free else default
            if found is not None:
                made[key[name]] = float(found) if kind == FLOAT else found
        return made

    def add_partition(self, r):
        self.expect(r.varint(), len(self.partitions), "partition")
        label, path, size, rows, digest = r.varint(), r.text(), r.varint(), r.varint(), r.take(32)
        self.partitions.append({"label": label, "path": path, "bytes": size, "rows": rows, "digest": digest.hex(),
                                "variables": [value(r) for _ in range(r.varint()) if r.varint() == 0]})

    def create_rule(self, r):
        self.expect(r.varint(), len(self.rules), "index or constraint")
        self.rules.append(rule(r))
        check(self.rules[-1]["label"] < len(self.labels), "label of an index or constraint")
        check(all(key < len(self.keys) for key in self.rules[-1]["keys"]), "property of an index or constraint")

    def drop_rule(self, r):
        number = r.varint()
        check(number < len(self.rules) and number not in self.dropped_rules, "dropped index or constraint")
        self.dropped_rules.add(number)

    def create_node(self, r):
        self.expect(r.varint(), self.node_ids, "node")
        self.nodes[self.node_ids] = [set(r.numbers()), properties(r)]
        self.node_ids += 1

    def create_nodes(self, r):
        label, first, rows = r.varint(), r.varint(), r.varint()
        self.expect(first, self.node_ids, "node")
        keys = r.numbers()
        columns = [bulk_column(r, rows) for _ in keys]
        for i in range(rows):
            self.nodes[first + i] = [{label}, {key: column[i] for key, column in zip(keys, columns)}]
        self.node_ids += rows

    def create_edge(self, r):
        self.expect(r.varint(), self.edge_ids, "edge")
        self.edges[self.edge_ids] = [r.varint(), r.varint(), r.varint(), properties(r)]
        self.edge_ids += 1

    def load_nodes(self, r):
        labels, first, rows = r.numbers(), r.varint(), r.varint()
        self.expect(first, self.node_ids, "node")
        keys = r.numbers()
        columns = [packed_column(r, rows) for _ in keys]
        for i in range(rows):
            self.nodes[first + i] = [set(labels), {key: column[i] for key, column in zip(keys, columns)}]
        self.node_ids += rows

    def load_edges(self, r):
        label, first, rows = r.varint(), r.varint(), r.varint()
        self.expect(first, self.edge_ids, "edge")
        keys = r.numbers()
        ends = packed_numbers(r, rows), packed_numbers(r, rows)
        columns = [packed_column(r, rows) for _ in keys]
        for i in range(rows):
            self.edges[first + i] = [label, ends[0][i], ends[1][i], {key: column[i] for key, column in zip(keys, columns)}]
        self.edge_ids += rows

    @staticmethod
    def change(old, r):
        if r.u8() == 1:
            old.clear()
        old.update(properties(r))

    def set_node(self, r):
        self.change(self.nodes[r.varint()][1], r)

    def set_edge(self, r):
        self.change(self.edges[r.varint()][3], r)

    def change_labels(self, r):
        labels = self.nodes[r.varint()][0]
        labels.update(r.numbers())
        labels.difference_update(r.numbers())

    def delete_node(self, r):
        del self.nodes[r.varint()]

    def delete_edge(self, r):
        del self.edges[r.varint()]

    STEPS = {1: add_key, 2: create_label, 3: drop_label, 4: add_partition, 5: create_node, 6: create_nodes, 7: create_edge,
             8: set_node, 9: set_edge, 10: change_labels, 11: delete_node, 12: delete_edge,
             17: load_nodes, 18: load_edges, 19: create_rule, 20: drop_rule, 21: create_rule, 22: drop_rule, 23: alter_label}

    def named(self, values):
        return to_json({self.keys[key]: v for key, v in values.items() if v is not None})

    def standing(self, first, last):
        return [r for number, r in enumerate(self.rules) if number not in self.dropped_rules and first <= r["kind"] < last]

    def described(self, what, r, last):
        label = self.labels[r["label"]]
        kind = "HASH" if what == "index" and r["kind"] in (2, 3) else KINDS[r["kind"]]
        words = [r["name"], kind, "EDGE" if label["edge"] else "NODE", label["name"], ", ".join(self.keys[key] for key in r["keys"]), last]
        return " ".join([what] + [to_json(word) for word in words])

    def dump(self):
        lines = []
        for id_, (labels, values) in sorted(self.nodes.items()):
            names = sorted(self.labels[label]["name"] for label in labels)
            lines.append(f"node {id_} {to_json(names)} {self.named(values)}")
        for id_, (label, a, b, values) in sorted(self.edges.items()):
            lines.append(f"edge {id_} {to_json(self.labels[label]['name'])} {a} {b} {self.named(values)}")
        lines += [self.described("index", r, r["name"] if r["kind"] in (2, 3) else None) for r in self.standing(0, 4)]
        lines += [self.described("constraint", r, TYPES.get(r.get("type", (None,))[0])) for r in self.standing(2, 6)]
        return lines
