/* Any bytes as one thrift struct: skipping must end, stay inside, and never take more bytes than there are. */
#include "format/thrift/thrift.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(wg_thrift_reader *r, uint32_t depth) {
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        int32_t i32 = 0;
        int64_t i64 = 0;
        bool b = false;
        wg_slice s = {0};
        uint32_t count = 0;
        if (f.id == 1) wg_thrift_read_i32(r, f.type, &i32);
        else if (f.id == 2) wg_thrift_read_i64(r, f.type, &i64);
        else if (f.id == 3) wg_thrift_read_binary(r, f.type, &s);
        else if (f.id == 4) wg_thrift_read_bool(r, f.type, &b);
        else if (f.id == 5 && depth < 8 && f.type == WG_THRIFT_STRUCT) walk(r, depth + 1);
        else if (f.id == 6 && depth < 8 && wg_thrift_read_list(r, f.type, WG_THRIFT_STRUCT, &count))
            for (uint32_t i = 0; i < count && r->code == WG_OK; i++) walk(r, depth + 1);
        else wg_thrift_skip(r, f.type);
        if (s.size != 0) WG_ASSERT(s.data + s.size <= r->pos);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_error err = {0};
    wg_thrift_reader r;
    wg_thrift_reader_init(&r, wg_slice_of(data, size), 0, &err);
    wg_thrift_skip(&r, WG_THRIFT_STRUCT);
    WG_ASSERT(wg_thrift_reader_bytes(&r) <= size);
    WG_ASSERT((r.code == WG_OK) == (err.code == WG_OK));
    WG_ASSERT(WG_IMPLIES(r.code == WG_OK, r.depth == 0));
    err = (wg_error){0};
    wg_thrift_reader_init(&r, wg_slice_of(data, size), 0, &err);
    walk(&r, 0);
    WG_ASSERT(wg_thrift_reader_bytes(&r) <= size);
    return 0;
}
