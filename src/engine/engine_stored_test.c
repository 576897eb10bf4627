/* Stripes whose checksums are right and whose content is not: definitions, tables, histories, chain values, rows, directories, keys and
 * adjacency that contradict the manifest, the format or each other. Opening refuses what it reads, verification finds the rest, and
 * nothing ever reads outside of what is there. */
#include "engine/test_workspace.h"

typedef enum change {
    DROP_COLUMN,   /* column `id` goes */
    RETYPE,        /* column `id` becomes one of type `value`, all zeros or empty */
    NULL_CELL,     /* its first cell is absent */
    SET_CELL,      /* its first cell is `value` */
    ADD_CELLS,     /* to its cells `value` is added */
    SET_BYTES,     /* its first cell is `bytes` */
    CUT_BYTES,     /* its first cell loses `value` bytes at its end */
    PATCH_BYTES,   /* byte `value` of its first cell becomes bytes[0] */
    APPEND_BYTES,  /* its first cell has `bytes` behind it */
    SAME_CELLS,    /* all its cells are its last */
    SET_ATTRIBUTE, /* attribute `id` is `value` */
    ADD_ATTRIBUTE,
    SET_KIND,
    SET_OWNER,
    ADD_SLOT,
    NO_ROWS, /* the fragment is empty */
    LEAVE_OUT
} change;

enum { ANY = 1000000 };

typedef struct edit {
    const char *name;
    uint32_t kind;
    uint32_t number; /* the slot of a TABLE or CATALOG, the owner of others; ANY */
    change change;
    uint32_t id;
    uint64_t value;
    const char *bytes;
    size_t size;
    const char *text; /* in the message; NULL: any */
} edit;

static uint32_t edited;

static void *fresh(wg_arena *arena, const void *from, size_t size) {
    void *copy = wg_arena_copy(arena, from, size);
    assert_non_null(copy);
    return copy;
}

/* Bytes of the first cell. */
static void set_bytes(wg_stripe_column *c, wg_slice bytes, uint32_t rows, wg_arena *arena) {
    wg_str *cells = fresh(arena, c->vector.data, rows * sizeof *cells);
    cells[0] = wg_str_of_slice(wg_slice_of(fresh(arena, bytes.data, bytes.size), bytes.size));
    c->vector.data = cells;
}

static void change_bytes(const edit *e, wg_stripe_column *c, uint32_t rows, wg_arena *arena) {
    const wg_slice old = wg_slice_of_str(((const wg_str *)c->vector.data)[0]);
    wg_buf out = {0};
    assert_true(wg_buf_append(&out, old.data, old.size));
    switch ((int)e->change) {
        case SET_BYTES:
            out.size = 0;
            assert_true(wg_buf_append(&out, e->bytes, e->size));
            break;
        case CUT_BYTES:
            assert_true(e->value <= out.size);
            out.size -= e->value;
            break;
        case PATCH_BYTES:
            assert_true(e->value < out.size);
            out.data[e->value] = (uint8_t)e->bytes[0];
            break;
        default:
            assert_true(wg_buf_append(&out, e->bytes, e->size));
    }
    set_bytes(c, wg_buf_slice(&out), rows, arena);
    wg_buf_deinit(&out);
}

static void change_cell(const edit *e, wg_stripe_column *c, uint32_t rows, wg_arena *arena) {
    if (e->change == NULL_CELL) {
        uint8_t *valid = wg_arena_alloc_zero(arena, wg_bit_bytes(rows) + 8);
        assert_non_null(valid);
        for (uint32_t r = 1; r < rows; r++) wg_bit_set(valid, r);
        c->vector.valid = valid;
        return;
    }
    uint64_t *cells = fresh(arena, c->vector.data, rows * sizeof *cells);
    if (e->change == SET_CELL) cells[0] = e->value;
    for (uint32_t r = 0; r < rows && e->change == ADD_CELLS; r++) cells[r] += e->value;
    for (uint32_t r = 0; r < rows && e->change == SAME_CELLS; r++) cells[r] = cells[rows - 1];
    c->vector.data = cells;
}

static void change_column(const edit *e, ws_fragment *f, wg_arena *arena) {
    wg_stripe_column *c = ws_column(f, e->id);
    if (c == NULL) { /* another part of the same kind */
        edited--;
        return;
    }
    const uint32_t rows = f->head.row_count;
    switch ((int)e->change) {
        case DROP_COLUMN:
            memmove(c, c + 1, (size_t)(f->columns + f->count - (c + 1)) * sizeof *c);
            f->count--;
            return;
        case RETYPE: {
            void *zeros = wg_arena_alloc_zero(arena, (size_t)rows * 16 + 16);
            assert_non_null(zeros);
            c->vector = (wg_vector){.type = (wg_type)e->value, .kind = WG_VECTOR_FLAT, .data = zeros};
            return;
        }
        case NULL_CELL:
        case SET_CELL:
        case ADD_CELLS:
        case SAME_CELLS:
            change_cell(e, c, rows, arena);
            return;
        default:
            change_bytes(e, c, rows, arena);
    }
}

static void apply_edit(void *ctx, ws_fragment *f, wg_arena *arena) {
    const edit *e = ctx;
    const bool by_slot = f->head.key.kind == WG_KIND_TABLE || f->head.key.kind == WG_KIND_CATALOG;
    const uint64_t number = by_slot ? f->head.key.slot : f->head.key.owner;
    if (f->head.key.kind != e->kind || (e->number != ANY && e->number != number)) return;
    if (f->head.row_count == 0) return;
    edited++;
    switch (e->change) {
        case SET_ATTRIBUTE:
            f->head.attributes[e->id] = e->value;
            return;
        case ADD_ATTRIBUTE:
            f->head.attributes[e->id] += e->value;
            return;
        case SET_KIND:
            f->head.key.kind = (uint32_t)e->value;
            return;
        case SET_OWNER:
            f->head.key.owner = (uint32_t)e->value;
            return;
        case ADD_SLOT:
            f->head.key.slot += e->value;
            return;
        case NO_ROWS:
            f->head.row_count = 0;
            return;
        case LEAVE_OUT:
            f->leave_out = true;
            return;
        case DROP_COLUMN:
        case RETYPE:
        case NULL_CELL:
        case SET_CELL:
        case ADD_CELLS:
        case SAME_CELLS:
        case SET_BYTES:
        case CUT_BYTES:
        case PATCH_BYTES:
        case APPEND_BYTES:
            change_column(e, f, arena);
            return;
    }
}

static void keep(void *ctx, ws_fragment *f, wg_arena *arena) { (void)ctx, (void)f, (void)arena; }

/* A copy of the workspace with the edit in it. */
static wg_platform *copy_with(const edit *e) {
    wg_platform *p = ws_copy();
    edit copy = *e;
    edited = 0;
    ws_rewrite(p, apply_edit, &copy);
    if (edited == 0) fail_msg("%s: no fragment to edit", e->name);
    return p;
}

static void expect_message(const edit *e, wg_code code, const wg_error *seen) {
    const bool typed = code == WG_E_CORRUPT || code == WG_E_VERSION;
    if (!typed || (e->text != NULL && strstr(seen->message, e->text) == NULL))
        fail_msg("%s: %s: %s (expected '%s')", e->name, wg_code_name(code), seen->message, e->text);
}

/* Numbers of tables and labels, by what they are. */
static uint32_t table_p, table_edge, table_labelled_twice, label_p, label_edge;

static void find_numbers(void) {
    wg_platform *p = ws_copy();
    wg_engine *e = ws_open(p);
    const uint32_t tables = atomic_load(&e->table_count);
    table_p = table_edge = table_labelled_twice = ANY;
    for (uint32_t t = tables; t-- > 0;) {
        const wgi_table *table = wgi_table_at(e, t);
        if (atomic_load(&table->dead) || !table->is_stored || table->live < 2) continue;
        const wgi_label_state *state = table->label_count > 0 ? wgi_label_state_at(e, table->labels[0]) : NULL;
        if (table->is_edge) {
            table_edge = t;
            label_edge = table->labels[0];
        } else if (table->label_count == 1 && state != NULL && state->key_index != NULL) {
            table_p = t;
            label_p = table->labels[0];
        } else if (table->label_count > 1) {
            table_labelled_twice = t;
        }
    }
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
    assert_true(table_p != ANY && table_edge != ANY && table_labelled_twice != ANY);
}

/* Goal: rewriting alone changes nothing: the same state opens, verifies and is read. */
static void test_stored_rewritten_is_the_same(void **state) {
    (void)state;
    wg_platform *p = ws_copy();
    wg_verify_report report;
    ws_rewrite(p, keep, NULL);
    MODEL_OK(wg_engine_verify(p, "/ws", &report, err));
    wg_engine *e = ws_open(p);
    ws_expect_same(e);
    MODEL_OK(wg_engine_close(e, err));
    wg_platform_sim_destroy(p);
}

static void open_refuses(const edit *e) {
    wg_platform *p = copy_with(e);
    const wg_engine_options o = ws_options(p);
    wg_engine *engine = NULL;
    wg_verify_report report;
    wg_error seen = {0};
    const wg_code code = wg_engine_open("/ws", &o, &engine, &seen);
    if (code == WG_OK) fail_msg("%s: it opens", e->name);
    expect_message(e, code, &seen);
    assert_null(engine);
    const wg_code verified = wg_engine_verify(p, "/ws", &report, NULL);
    if (verified != code) fail_msg("%s: refused (%s), but verified (%d)", e->name, seen.message, (int)verified);
    wg_platform_sim_destroy(p);
}

/* Goal: definitions and tables that are not what the format says are refused at opening, by what is wrong. */
static void test_stored_definitions_are_checked(void **state) {
    (void)state;
    static const char node_gone[] = "\x0b\x01\x07"; /* DELETE_NODE 7: no definition */
    enum { P = WG_COLUMN_PAYLOAD, L = WG_COLUMN_LOGSEQ, C = WG_KIND_CATALOG, T = WG_KIND_TABLE };
    const edit edits[] = {
        {"catalog without logseqs", C, ANY, DROP_COLUMN, L, 0, NULL, 0, "a column is missing"},
        {"catalog without payloads", C, ANY, DROP_COLUMN, P, 0, NULL, 0, "a column is missing"},
        {"logseqs of another type", C, ANY, RETYPE, L, WG_TYPE_INT, NULL, 0, "a column is missing"},
        {"payloads of another type", C, ANY, RETYPE, P, WG_TYPE_STRING, NULL, 0, "a column is missing"},
        {"an absent logseq", C, ANY, NULL_CELL, L, 0, NULL, 0, "nulls"},
        {"a definition at 0", C, ANY, SET_CELL, L, 0, NULL, 0, "a definition is damaged"},
        {"a definition of the future", C, ANY, SET_CELL, L, 1 << 20, NULL, 0, "a definition is damaged"},
        {"an absent definition", C, ANY, NULL_CELL, P, 0, NULL, 0, "a definition is damaged"},
        {"half a definition", C, ANY, CUT_BYTES, P, 1, NULL, 0, NULL},
        {"a definition and a byte", C, ANY, APPEND_BYTES, P, 0, "x", 1, "stored definition"},
        {"no definition at all", C, ANY, SET_BYTES, P, 0, node_gone, 3, "stored definition"},
        {"a definition twice over", C, 1, SET_BYTES, P, 0, "\x01\x03\x00\x01k", 5, NULL},
        {"a missing piece", C, ANY, ADD_SLOT, 0, 1, NULL, 0, "a piece is missing"},
        {"no first piece", C, 0, LEAVE_OUT, 0, 0, NULL, 0, "a piece is missing"},
        {"no catalog", C, ANY, LEAVE_OUT, 0, 0, NULL, 0, NULL},
        {"a table without rows", T, table_p, NO_ROWS, 0, 0, NULL, 0, "one row"},
        {"a table numbered too high", T, table_p, ADD_SLOT, 0, 70000, NULL, 0, "65,535"},
        {"a table without payload", T, table_p, DROP_COLUMN, P, 0, NULL, 0, "a column is missing"},
        {"a table with another payload", T, table_p, RETYPE, P, WG_TYPE_STRING, NULL, 0, "a column is missing"},
        {"a table with no payload", T, table_p, NULL_CELL, P, 0, NULL, 0, "no payload"},
        {"a table of two bytes", T, table_p, SET_BYTES, P, 0, "xx", 2, "another size"},
        {"a table of six bytes", T, table_p, SET_BYTES, P, 0, "xxxxxx", 6, "another size"},
        {"a table of too many labels", T, table_p, PATCH_BYTES, P, 3, "\x7f", 1, "another size"},
        {"a table of too many columns", T, table_p, PATCH_BYTES, P, 7, "\x7f", 1, "another size"},
        {"a table cut short", T, table_p, CUT_BYTES, P, 4, NULL, 0, "another size"},
        {"a column of no type", T, table_p, PATCH_BYTES, P, 16, "\x7f", 1, "a column is damaged"},
        {"a column of another type", T, table_p, PATCH_BYTES, P, 16, "\x03", 1, "does not fit its label"},
        {"two columns of one name", T, table_p, SET_BYTES, P, 0, "\0\0\0\0\2\0\0\0\1\0\0\0\2\0\0\0\1\0\0\0\2\0\0\0",
         24, "two columns"},
        {"a label that is not there", T, table_p, PATCH_BYTES, P, 10, "\x01", 1, "labels do not exist"},
        {"labels out of order", T, table_labelled_twice, PATCH_BYTES, P, 12, "\0", 1, "labels do not exist"},
        {"flags of the future", T, table_p, SET_ATTRIBUTE, 2, 4, NULL, 0, "counts are damaged"},
        {"more rows than ids", T, table_p, SET_ATTRIBUTE, 0, UINT64_C(1) << 48, NULL, 0, "counts are damaged"},
        {"more living than rows", T, table_p, SET_ATTRIBUTE, 1, 1 << 20, NULL, 0, "counts are damaged"},
        {"a node table called edges", T, table_p, SET_ATTRIBUTE, 2, 1, NULL, 0, "does not fit its label"},
        {"an edge table called nodes", T, table_edge, SET_ATTRIBUTE, 2, 0, NULL, 0, NULL},
        {"an edge table without a label", T, table_edge, SET_BYTES, P, 0, "\0\0\0\0\0\0\0\0", 8, "one label"},
        {"a table without its columns", T, table_p, SET_BYTES, P, 0, "\1\0\0\0\0\0\0\0\0\0\0\0", 12,
         "does not fit its label"},
        {"no table of an edge label", T, table_edge, LEAVE_OUT, 0, 0, NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) open_refuses(&edits[i]);
}

/* Goal: fragments of tables, labels, slots and kinds that there are not are refused at opening. */
static void test_stored_fragments_have_a_place(void **state) {
    (void)state;
    const edit edits[] = {
        {"rows of no table", WG_KIND_ROWS, table_p, SET_OWNER, 0, 60000, NULL, 0, "outside"},
        {"rows behind the last", WG_KIND_ROWS, table_p, ADD_SLOT, 0, 7, NULL, 0, "outside"},
        {"rows where there are none", WG_KIND_TABLE, table_p, SET_ATTRIBUTE, 0, 0, NULL, 0, NULL},
        {"rows of a table that is not there", WG_KIND_TABLE, table_labelled_twice, LEAVE_OUT, 0, 0, NULL, 0, NULL},
        {"a third directory", WG_KIND_DIRECTORY, 1, SET_OWNER, 0, 2, NULL, 0, "outside"},
        {"ids behind the last", WG_KIND_DIRECTORY, 0, ADD_SLOT, 0, 7, NULL, 0, "outside"},
        {"edge ids behind the last", WG_KIND_DIRECTORY, 1, ADD_SLOT, 0, 7, NULL, 0, "outside"},
        {"keys of no label", WG_KIND_KEYS, label_p, SET_OWNER, 0, 60000, NULL, 0, "outside"},
        {"keys of an edge label", WG_KIND_KEYS, label_p, SET_OWNER, 0, label_edge, NULL, 0, "outside"},
        {"adjacency of no label", WG_KIND_ADJACENCY, label_edge, SET_OWNER, 0, 60000, NULL, 0, "outside"},
        {"adjacency of a node label", WG_KIND_ADJACENCY, label_edge, SET_OWNER, 0, label_p, NULL, 0, "outside"},
        {"a kind of the future", WG_KIND_ADJACENCY, ANY, SET_KIND, 0, WG_KIND_EVENTS + 1, NULL, 0, "newer version"},
        {"rows without ids", WG_KIND_ROWS, table_p, DROP_COLUMN, WG_COLUMN_ID, 0, NULL, 0, NULL},
        {"a directory without addresses", WG_KIND_DIRECTORY, 0, DROP_COLUMN, WG_COLUMN_ADDRESS, 0, NULL, 0, NULL},
        {"keys without hashes", WG_KIND_KEYS, label_p, DROP_COLUMN, WG_COLUMN_HASH, 0, NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) open_refuses(&edits[i]);
}

/* Goal: what opening does not read, verification finds: counts, places, keys and adjacency that contradict each other. */
static void test_stored_contradictions_are_found(void **state) {
    (void)state;
    const edit edits[] = {
        {"one living row too many", WG_KIND_TABLE, table_p, ADD_ATTRIBUTE, 1, (uint64_t)-1, NULL, 0, "living rows"},
        {"a directory that points elsewhere", WG_KIND_DIRECTORY, 0, ADD_CELLS, WG_COLUMN_ADDRESS, 1, NULL, 0, NULL},
        {"edges that live elsewhere", WG_KIND_DIRECTORY, 1, ADD_CELLS, WG_COLUMN_ADDRESS, 1, NULL, 0, NULL},
        {"a key of another node", WG_KIND_KEYS, label_p, ADD_CELLS, WG_COLUMN_ID, 1, NULL, 0, NULL},
        {"a key hashed to elsewhere", WG_KIND_KEYS, label_p, ADD_CELLS, WG_COLUMN_HASH, 1, NULL, 0, NULL},
        {"one key of all", WG_KIND_ROWS, table_p, SAME_CELLS, 0, 0, NULL, 0, "another node"},
        {"no keys", WG_KIND_KEYS, label_p, NO_ROWS, 0, 0, NULL, 0, NULL},
        {"edges that leave elsewhere", WG_KIND_ROWS, table_edge, ADD_CELLS, WG_COLUMN_FROM, 1, NULL, 0,
         "not its end"},
        {"edges that arrive elsewhere", WG_KIND_ROWS, table_edge, ADD_CELLS, WG_COLUMN_TO, 1, NULL, 0, "not its end"},
    };
    uint32_t opened = 0;
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        wg_platform *p = ws_copy();
        edit copy = edits[i];
        wg_verify_report report;
        wg_error seen = {0};
        wg_engine *engine = NULL;
        const wg_engine_options o = ws_options(p);
        edited = 0;
        if (copy.change != DROP_COLUMN) ws_rewrite(p, apply_edit, &copy);
        assert_true(edited > 0);
        const wg_code code = wg_engine_verify(p, "/ws", &report, &seen);
        if (code == WG_OK) fail_msg("%s: not found", copy.name);
        expect_message(&copy, code, &seen);
        if (wg_engine_open("/ws", &o, &engine, NULL) == WG_OK) {
            opened++;
            MODEL_OK(wg_engine_close(engine, err));
        }
        wg_platform_sim_destroy(p);
    }
    assert_true(opened >= 4);
}

/* Goal: chain values that the stripes do not have, or not whole, are unknown: no snapshot gets a name from them. */
static void test_stored_chain_values_may_be_missing(void **state) {
    (void)state;
    const edit edits[] = {
        {"no chain", WG_KIND_CHAIN, ANY, LEAVE_OUT, 0, 0, NULL, 0, NULL},
        {"an empty chain", WG_KIND_CHAIN, ANY, NO_ROWS, 0, 0, NULL, 0, NULL},
        {"a chain without values", WG_KIND_CHAIN, ANY, DROP_COLUMN, WG_COLUMN_PAYLOAD, 0, NULL, 0, NULL},
        {"values of another type", WG_KIND_CHAIN, ANY, RETYPE, WG_COLUMN_PAYLOAD, WG_TYPE_STRING, NULL, 0, NULL},
        {"an absent value", WG_KIND_CHAIN, ANY, NULL_CELL, WG_COLUMN_PAYLOAD, 0, NULL, 0, NULL},
        {"a value of 31 bytes", WG_KIND_CHAIN, ANY, CUT_BYTES, WG_COLUMN_PAYLOAD, 1, NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        wg_platform *p = copy_with(&edits[i]);
        wg_engine *e = ws_open(p);
        wg_sha256 value;
        if (wg_engine_chain_at(e, 1, &value)) fail_msg("%s: commit 1 has a value", edits[i].name);
        assert_true(wg_engine_chain_at(e, ws_logseq, &value));    /* the log has it */
        const wg_code made = wg_engine_checkpoint(e, NULL, NULL); /* which stores the values of a piece again */
        if (made != WG_E_CORRUPT) fail_msg("%s: checkpoint: %s", edits[i].name, wg_code_name(made));
        MODEL_OK(wg_engine_close(e, err));
        wg_platform_sim_destroy(p);
    }
}

/* One more living row of P. */
static void add_one(wg_engine *e) {
    wg_txn *txn = NULL;
    wg_property k = {.value = wg_value_int(100000)};
    uint64_t id = 0;
    MODEL_OK(wg_txn_begin(e, WG_TXN_WRITE, 0, &txn, err));
    MODEL_OK(wg_txn_intern_key(txn, wg_slice_str("k"), &k.key, err));
    MODEL_OK(wg_txn_create_node(txn, &label_p, 1, &k, 1, &id, err));
    MODEL_OK(wg_txn_commit(txn, NULL, err));
}

/* Goal: a history that is missing or damaged makes statistics of old snapshots a guess and the next checkpoint of that table an error that
 * names it; what is committed stays readable. */
static void test_stored_history_may_be_missing(void **state) {
    (void)state;
    enum { H = WG_KIND_HISTORY };
    const edit edits[] = {
        {"no history", H, table_p, LEAVE_OUT, 0, 0, NULL, 0, NULL},
        {"an empty history", H, table_p, NO_ROWS, 0, 0, NULL, 0, NULL},
        {"a history without logseqs", H, table_p, DROP_COLUMN, WG_COLUMN_LOGSEQ, 0, NULL, 0, NULL},
        {"a history without counts", H, table_p, DROP_COLUMN, WG_COLUMN_PAYLOAD, 0, NULL, 0, NULL},
        {"logseqs of another type", H, table_p, RETYPE, WG_COLUMN_LOGSEQ, WG_TYPE_INT, NULL, 0, NULL},
        {"counts of another type", H, table_p, RETYPE, WG_COLUMN_PAYLOAD, WG_TYPE_NODE, NULL, 0, NULL},
        {"absent logseqs", H, table_p, NULL_CELL, WG_COLUMN_LOGSEQ, 0, NULL, 0, NULL},
        {"absent counts", H, table_p, NULL_CELL, WG_COLUMN_PAYLOAD, 0, NULL, 0, NULL},
    };
    for (size_t i = 0; i < sizeof edits / sizeof edits[0]; i++) {
        wg_platform *p = copy_with(&edits[i]);
        wg_engine *e = ws_open(p);
        const wgi_table *table = wgi_table_at(e, table_p);
        wg_error seen = {0};
        uint64_t live = 7;
        const uint32_t slot = wg_epoch_enter(e->epoch);
        const wg_code code =
            wgi_meta_live_at(e, table_p, table->history.base, atomic_load(&e->maintenance.stored), &live, &seen);
        wg_epoch_leave(e->epoch, slot);
        if (code != WG_E_CORRUPT) fail_msg("%s: %s", edits[i].name, wg_code_name(code));
        ws_expect_same(e);
        add_one(e);
        const wg_code made = wg_engine_checkpoint(e, NULL, NULL);
        if (made != WG_E_CORRUPT) fail_msg("%s: checkpoint: %s", edits[i].name, wg_code_name(made));
        MODEL_OK(wg_engine_close(e, err));
        e = ws_open(p);
        assert_int_equal(wg_engine_logseq(e), ws_logseq + 1);
        MODEL_OK(wg_engine_close(e, err));
        wg_platform_sim_destroy(p);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stored_rewritten_is_the_same),
        cmocka_unit_test(test_stored_definitions_are_checked),
        cmocka_unit_test(test_stored_fragments_have_a_place),
        cmocka_unit_test(test_stored_contradictions_are_found),
        cmocka_unit_test(test_stored_chain_values_may_be_missing),
        cmocka_unit_test(test_stored_history_may_be_missing),
    };
    ws_make();
    find_numbers();
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    ws_free();
    return failed;
}
