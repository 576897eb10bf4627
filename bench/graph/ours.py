"""The shared library through ctypes: one database, one session, prepared statements."""

import ctypes
import os
import time

C = ctypes
OK, STRICT = 0, 0


class Error(C.Structure):
    _fields_ = [("code", C.c_int), ("sys_errno", C.c_int32), ("offset", C.c_uint64), ("line", C.c_uint32), ("column", C.c_uint32),
                ("gqlstatus", C.c_char * 8), ("message", C.c_char * 224)]


class Cell(C.Union):
    _fields_ = [("b", C.c_bool), ("i", C.c_int64), ("f", C.c_double), ("s", C.POINTER(C.c_char)), ("id", C.c_uint64)]


class Value(C.Structure):
    _fields_ = [("type", C.c_uint8), ("reserved", C.c_uint8 * 3), ("size", C.c_uint32), ("cell", Cell)]


class Options(C.Structure):
    _fields_ = [("durability", C.c_int), ("sync_interval_ms", C.c_uint32), ("sync_batch_commits", C.c_uint32), ("threads", C.c_uint32),
                ("batch_rows", C.c_uint32), ("shards", C.c_uint32), ("spill_bytes_max", C.c_uint64),
                ("query_memory_bytes_max", C.c_uint64), ("create", C.c_bool), ("must_create", C.c_bool), ("read_only", C.c_bool),
                ("no_background", C.c_bool), ("memory_bytes_max", C.c_uint64), ("budget", C.c_uint64 * 7),
                ("checkpoint_log_bytes", C.c_uint64), ("retain_commits", C.c_uint64), ("retain_manifests", C.c_uint32),
                ("stripe_zstd", C.c_bool), ("compaction_bytes_per_second", C.c_uint64),
                ("plan_cache_bytes_max", C.c_uint64)]


class Database:
    def __init__(self, library, path, threads, create=False):
        self.lib = C.CDLL(library)
        self.error, self.workers = Error(), threads
        self.db, self.session = C.c_void_p(), C.c_void_p()
        options = Options(durability=STRICT, threads=threads, create=create, query_memory_bytes_max=6 << 30)
        self.check(self.lib.wg_open(os.fsencode(path), C.byref(options), C.byref(self.db), C.byref(self.error)), path)
        self.check(self.lib.wg_session_open(self.db, C.byref(self.session), C.byref(self.error)), path)
        self.lib.wg_result_row_count.restype = C.c_uint64

    def check(self, code, what):
        if code != OK:
            raise RuntimeError(f"{what}: {self.error.message.decode()}")

    def close(self):
        self.lib.wg_session_close(self.session)
        self.check(self.lib.wg_close(self.db, C.byref(self.error)), "close")

    def prepare(self, text, **parameters):
        return Statement(self, text, parameters)

    def run(self, text):
        statement = self.prepare(text)
        rows = statement.rows()
        statement.close()
        return rows

    def threads(self, count):
        """0: as many as the database has."""
        count = count or self.workers
        self.check(self.lib.wg_session_set_parallelism(self.session, count, 0, C.byref(self.error)), "threads")

    def checkpoint(self):
        info = C.create_string_buffer(1024)
        self.check(self.lib.wg_checkpoint(self.db, info, C.byref(self.error)), "checkpoint")


class Statement:
    def __init__(self, db, text, parameters):
        self.db, self.text, self.stmt = db, text, C.c_void_p()
        data = text.encode()
        db.check(db.lib.wg_prepare(db.session, data, C.c_size_t(len(data)), C.byref(self.stmt), C.byref(db.error)), text)
        for name, value in parameters.items():
            db.check(db.lib.wg_bind_int(self.stmt, name.encode(), C.c_int64(value), C.byref(db.error)), text)

    def close(self):
        self.db.lib.wg_stmt_finish(self.stmt)

    def execute(self):
        result = C.c_void_p()
        self.db.check(self.db.lib.wg_execute(self.stmt, C.byref(result), C.byref(self.db.error)), self.text)
        return result

    def seconds(self, times=1):
        """The time of one execution, its result freed."""
        free, execute = self.db.lib.wg_result_free, self.db.lib.wg_execute
        stmt, error, result = self.stmt, C.byref(self.db.error), C.c_void_p()
        out = C.byref(result)
        begin = time.perf_counter()
        for _ in range(times):
            if execute(stmt, out, error) != OK:
                raise RuntimeError(f"{self.text}: {self.db.error.message.decode()}")
            free(result)
        return (time.perf_counter() - begin) / times

    def rows(self):
        db, result, value = self.db, self.execute(), Value()
        columns, count = db.lib.wg_result_column_count(result), db.lib.wg_result_row_count(result)
        rows = []
        for r in range(count):
            row = []
            for c in range(columns):
                db.check(db.lib.wg_result_cell(result, C.c_uint64(r), c, C.byref(value), C.byref(db.error)), self.text)
                row.append(cell(value))
            rows.append(tuple(row))
        db.lib.wg_result_free(result)
        return rows


def cell(value):
    kinds = {0: lambda v: None, 1: lambda v: v.cell.b, 2: lambda v: v.cell.i, 3: lambda v: v.cell.f,
             4: lambda v: v.cell.s[: v.size].decode(), 6: lambda v: v.cell.i}
    return kinds[value.type](value)
