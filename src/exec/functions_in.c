/* exec: `x IN list` over a batch where the list is the same for all rows: one of many texts, or of many integers, is looked up in a table that is
 * made once for the batch. What the table does not answer (values of other types that may be equal all the same) is compared one by one. */
#include "exec/exec_functions.h"

enum { LIST_LEAST = 16, ROWS_LEAST = 4, CHECK_ITEMS = 65536 };

typedef struct members {
    const wg_value *items;
    uint32_t count;
    uint32_t *slots; /* index + 1, 0 empty; a power of two */
    uint32_t mask;
    wg_type type; /* of all items but nulls: STRING or INT */
    bool unknown; /* a null is among them */
} members;

static bool is_member(const members *m, const wg_value *v) {
    for (uint64_t at = wg_value_hash(v) & m->mask; m->slots[at] != 0; at = (at + 1) & m->mask)
        if (wg_value_equal(v, &m->items[m->slots[at] - 1]) == 1) return true;
    return false;
}

/* *out false: the items have several types, or ones that are compared in other ways. */
static wg_code make_members(wgi_call *call, const wg_value *list, members *m, bool *out, wg_error *err) {
    *m = (members){.items = list->as.list, .count = list->size, .type = WG_TYPE_NULL};
    *out = false;
    for (uint32_t i = 0; i < m->count; i++) {
        const wg_type type = (wg_type)m->items[i].type;
        if (type == WG_TYPE_NULL) m->unknown = true;
        else if (m->type == WG_TYPE_NULL && (type == WG_TYPE_STRING || type == WG_TYPE_INT)) m->type = type;
        else if (type != m->type) return WG_OK;
    }
    uint32_t size = 2 * LIST_LEAST;
    while (size / 2 < m->count) size *= 2;
    m->mask = size - 1;
    m->slots = wg_arena_alloc_zero(&call->eval->arena, size * sizeof *m->slots);
    if (m->slots == NULL) return wg_error_nomem(err, size * sizeof *m->slots);
    for (uint32_t i = 0; i < m->count; i++) {
        if (i % CHECK_ITEMS == 0) WG_TRY(wgi_check(call->eval->context, err));
        if (m->items[i].type == WG_TYPE_NULL || is_member(m, &m->items[i])) continue;
        uint64_t at = wg_value_hash(&m->items[i]) & m->mask;
        while (m->slots[at] != 0) at = (at + 1) & m->mask;
        m->slots[at] = i + 1;
    }
    *out = m->type != WG_TYPE_NULL;
    return WG_OK;
}

wg_code wgi_kernel_in(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                      wg_error *err) {
    members m;
    wgi_builder b;
    bool fits;
    if (args[1].kind != WG_VECTOR_CONST || in->row_count < ROWS_LEAST) return WG_OK;
    const wg_value list = wg_vector_value(&args[1], 0);
    if (list.type != WG_TYPE_LIST || list.size < LIST_LEAST || list.size > UINT32_MAX / 4) return WG_OK;
    WG_TRY(make_members(call, &list, &m, &fits, err));
    if (!fits) return WG_OK;
    if (!wgi_builder_init(&b, &call->eval->arena, WG_TYPE_BOOL, wgi_extent(in)))
        return wg_error_nomem(err, in->row_count);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        const wg_value pair[2] = {wg_vector_value(&args[0], row), list};
        wg_value cell = wg_value_null();
        if (pair[0].type == (uint8_t)m.type) {
            const bool found = is_member(&m, &pair[0]);
            if (found || !m.unknown) cell = wg_value_bool(found);
        } else if (pair[0].type != WG_TYPE_NULL) {
            WG_TRY(wgi_fn_in(call, pair, 2, &cell, err));
        }
        WG_TRY(wgi_builder_set(&b, row, &cell, call->offset, err));
    }
    *out = b.vector;
    *out_done = true;
    return WG_OK;
}
