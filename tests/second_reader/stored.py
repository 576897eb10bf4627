"""The state that the stripes of a workspace hold: "Kinds of fragments" of docs/format/arc1.md, read a second time."""
import base64
import pathlib
import struct

import arc1
from values import State, check

ROW, ID, BEGIN, END, FROM, TO, LOGSEQ, PAYLOAD = (arc1.HEADS + n for n in (0, 1, 2, 3, 5, 6, 13, 14))
CATALOG, TABLE, ROWS = 1, 3, 5
NEVER = (1 << 64) - 1


def fragments(workspace, manifest):
    """{(kind, owner, run, slot, part): (fragment, {column: cells})}, of each key the highest version."""
    found = {}
    for entry in manifest.get("stripes", ()):
        path = pathlib.Path(workspace) / "stripes" / f"{entry['id']:020}.arc1"
        check(path.stat().st_size == entry["bytes"], f"size of {path}")
        for f, columns in arc1.read(path, bytes.fromhex(manifest["store"]), entry["id"]):
            key = tuple(f[name] for name in ("kind", "owner", "run", "slot", "part"))
            if key not in found or found[key][0]["version"] < f["version"]:
                found[key] = f, {described["id"]: cells for described, cells in columns}
    return found


def table_of(fragment, columns):
    payload = base64.b64decode(columns[PAYLOAD][0])
    labels, count = struct.unpack_from("<II", payload)
    numbers = struct.unpack_from(f"<{labels + 2 * count}I", payload, 8)
    return bool(fragment["attributes"][2] & 1), set(numbers[:labels]), numbers[labels::2]


def add_rows(state, table, fragment, columns, newer, snapshot):
    """The rows of a slot that the snapshot sees."""
    edges, labels, keys = table
    rows = range(fragment["rows"])
    offsets, ends = columns.get(ROW, rows), columns.get(END, [NEVER] * len(rows))
    if newer is not None and newer[0]["version"] > fragment["version"]:
        behind = dict(zip(newer[1].get(ROW, range(newer[0]["rows"])), newer[1][END]))
        ends = [behind.get(offset, end) for offset, end in zip(offsets, ends)]
    for i in rows:
        if columns[BEGIN][i] <= snapshot < ends[i]:
            values = {keys[c]: cells[i] for c, cells in columns.items() if c < arc1.HEADS and cells[i] is not None}
            if edges:
                state.edges[columns[ID][i]] = [min(labels), columns[FROM][i], columns[TO][i], values]
            else:
                state.nodes[columns[ID][i]] = [set(labels), values]


def state_at(found, manifest, snapshot):
    state = State()
    for key in sorted(found):
        if key[0] == CATALOG:
            for payload, logseq in zip(found[key][1][PAYLOAD], found[key][1][LOGSEQ]):
                mutation = base64.b64decode(payload)
                if 19 <= mutation[0] <= 22 and logseq > snapshot:  # indexes and constraints, by the snapshot
                    continue
                state.apply(mutation)
    tables = {key[3]: table_of(*found[key]) for key in found if key[0] == TABLE}
    for key, (fragment, columns) in found.items():
        if key[0] == ROWS and key[4] == 0:
            add_rows(state, tables[key[1]], fragment, columns, found.get((*key[:4], 1)), snapshot)
    counts = manifest.get("counts", {"nodes": 0, "edges": 0})
    state.node_ids, state.edge_ids = counts["nodes"], counts["edges"]
    pieces = sum(key[0] == CATALOG for key in found)
    if counts.get("catalog_pieces", pieces) != pieces:
        raise ValueError(f"{pieces} pieces of definitions, and the manifest counts {counts['catalog_pieces']}")
    return state
