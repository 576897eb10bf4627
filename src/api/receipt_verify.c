/* Verification of receipts, level by level: see worldgraph.h and docs/receipt.md.
 *
 * A check that fails fills the report and ends the verification (`failed`); a call that fails ends it with its code. Damage that is found while the
 * workspace is read is such a check: the log is then not the one that the receipt names. What comes first is checked first, so the place
 * that is named is the first wrong one: the receipt itself, the rows, log and stripes, the statement and parameters, the plan, the
 * rows of the replay. */
#include "api/api_internal.h"

#include <stdio.h>

#include "format/json/json.h"

typedef struct verifier {
    const wg_receipt_request *request;
    wg_receipt_report *report;
    wg_arena *arena;
    wg_receipt receipt;
    bool failed;
    bool rows_wrong; /* the replay has still to say which row */
} verifier;

static void fail(verifier *v, const char *place, const char *reason) {
    if (v->failed) return;
    v->failed = true;
    (void)snprintf(v->report->place, sizeof v->report->place, "%s", place);
    (void)snprintf(v->report->reason, sizeof v->report->reason, "%s", reason);
}

static bool same(const wg_sha256 *a, const wg_sha256 *b) { return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0; }

/* ---- the receipt by itself */

static wg_code read_receipt(verifier *v, wg_error *err) {
    const wg_receipt_request *q = v->request;
    wg_error local = {0};
    char place[WG_RECEIPT_PLACE_SIZE];
    const wg_slice text = wg_slice_of(q->receipt, q->receipt_size);
    const wg_code code = wg_receipt_read(text, v->arena, &v->receipt, place, &local);
    if (code == WG_E_CORRUPT) {
        v->report->offset = local.offset;
        fail(v, place, local.message);
        return WG_OK;
    }
    if (code != WG_OK) {
        if (err != NULL) *err = local;
        return code;
    }
    wg_sha256 id;
    WG_TRY(wg_receipt_core_id(&v->receipt, &id, err));
    memcpy(v->report->core_id, id.bytes, sizeof id.bytes);
    v->report->snapshot = v->receipt.snapshot;
    v->report->row_count = v->receipt.row_count;
    return WG_OK;
}

/* ---- V0: delivered rows */

typedef struct delivered {
    wg_receipt_rows rows;
    wg_buf header;
    size_t offset;
} delivered;

static wg_code hash_delivered(verifier *v, delivered *d, wg_error *err) {
    const wg_slice text = wg_slice_of(v->request->rows, v->request->rows_size);
    wg_slice piece;
    bool found = true;
    WG_TRY(wg_receipt_rows_next(text, &d->offset, &d->header, &piece, &found, err));
    WG_TRY(wg_receipt_rows_header(&d->rows, piece, err));
    for (;;) {
        WG_TRY(wg_receipt_rows_next(text, &d->offset, &d->header, &piece, &found, err));
        if (!found) return WG_OK;
        WG_TRY(wg_receipt_rows_add(&d->rows, piece, err));
    }
}

static void name_chunk(verifier *v, const wg_receipt_rows *rows) {
    const uint32_t count = (uint32_t)(rows->chunks.size / sizeof(wg_sha256));
    for (uint32_t i = 0; v->receipt.has_merkle && i < count && i < v->receipt.chunk_count; i++) {
        if (memcmp(rows->chunks.data + i * sizeof(wg_sha256), v->receipt.chunks[i].bytes, sizeof(wg_sha256)) == 0)
            continue;
        v->report->chunk = i;
        return;
    }
}

static void compare_delivered(verifier *v, const delivered *d, const wg_sha256 *hash) {
    char reason[160];
    if (same(hash, &v->receipt.result_hash) && d->rows.row_count == v->receipt.row_count) return;
    name_chunk(v, &d->rows);
    if (d->rows.row_count != v->receipt.row_count) {
        v->report->row = wg_min_u64(d->rows.row_count, v->receipt.row_count);
        (void)snprintf(reason, sizeof reason, "there are %llu rows, the receipt is of %llu",
                       (unsigned long long)d->rows.row_count, (unsigned long long)v->receipt.row_count);
    } else if (v->report->chunk != UINT64_MAX) {
        (void)snprintf(
            reason, sizeof reason, "a row of %llu to %llu is not the one that was hashed",
            (unsigned long long)(v->report->chunk * WG_RECEIPT_CHUNK_ROWS),
            (unsigned long long)wg_min_u64((v->report->chunk + 1) * WG_RECEIPT_CHUNK_ROWS, v->receipt.row_count) - 1);
    } else {
        (void)snprintf(
            reason, sizeof reason, "columns, types or rows are not those that were hashed%s",
            v->receipt.has_merkle ? "" : "; a receipt with a Merkle root says which chunk, a replay which row");
    }
    fail(v, "rows", reason);
}

static wg_code check_rows(verifier *v, wg_error *err) {
    delivered d = {0};
    wg_sha256 hash, root;
    wg_error local = {0};
    if (v->request->rows == NULL) return WG_OK;
    if (v->receipt.format < 2)
        return wg_error_set(
            err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
            "rows cannot be held against a receipt of format 1, which hashed typed cells: replay it (V2)");
    wg_buf_init(&d.header, NULL);
    wg_code code = wg_receipt_rows_begin(&d.rows, true, err);
    if (code == WG_OK) code = hash_delivered(v, &d, &local);
    if (code == WG_OK) code = wg_receipt_rows_end(&d.rows, &hash, &root, &local);
    if (code == WG_OK) compare_delivered(v, &d, &hash);
    if (code == WG_E_CORRUPT) {
        v->report->offset = local.offset;
        v->report->row = d.rows.row_count;
        fail(v, "rows", local.message);
        code = WG_OK;
    } else if (code != WG_OK && err != NULL && err->code == WG_OK) {
        *err = local;
    }
    wg_receipt_rows_deinit(&d.rows);
    wg_buf_deinit(&d.header);
    return code;
}

/* ---- V1: the log and the stripes */

/* What damaged bytes look like. Others keep the check from being made. */
static bool is_damage(wg_code code) { return code == WG_E_CORRUPT || code == WG_E_VERSION || code == WG_E_CHANGED; }

static void compare_chain(verifier *v, const wg_verify_chain *chain) {
    char reason[160];
    if (memcmp(chain->store, v->receipt.store, sizeof chain->store) != 0) {
        fail(v, "store", "the receipt is of another store than this workspace");
    } else if (!chain->found) {
        v->report->logseq = v->receipt.snapshot;
        (void)snprintf(reason, sizeof reason, "the log ends before commit %llu",
                       (unsigned long long)v->receipt.snapshot);
        fail(v, "log", reason);
    } else if (!same(&chain->value, &v->receipt.chain)) {
        v->report->logseq = v->receipt.snapshot;
        (void)snprintf(reason, sizeof reason, "the chain value at commit %llu is not the receipt's: another history",
                       (unsigned long long)v->receipt.snapshot);
        fail(v, "chain", reason);
    }
}

static wg_code check_log(verifier *v, wg_error *err) {
    wg_verify_chain chain = {.logseq = v->receipt.snapshot};
    wg_verify_report found;
    wg_error local = {0};
    const wg_code code = wg_engine_verify_chain(NULL, v->request->workspace, &chain, &found, &local);
    if (code == WG_OK) {
        compare_chain(v, &chain);
        return WG_OK;
    }
    if (is_damage(code)) {
        v->report->offset = local.offset;
        fail(v, "log", local.message);
        return WG_OK;
    }
    if (err != NULL) *err = local;
    return code;
}

/* ---- V2: the statement again */

static wg_code check_statement(verifier *v, wg_slice *out, wg_error *err) {
    const wg_receipt_request *q = v->request;
    *out = q->statement != NULL ? wg_slice_of(q->statement, q->statement_size) : v->receipt.statement;
    if (out->data == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "the receipt does not carry its statement: give it to the verification");
    wg_sha256 hash;
    wg_sha256_of(out, 1, &hash);
    if (v->receipt.format >= 2 && !same(&hash, &v->receipt.statement_hash))
        fail(v, "statement", "this is not the text that was run");
    return WG_OK;
}

static wg_code argument_value(wg_arena *arena, const char *json, wg_value *out, wg_error *err) {
    wg_error local = {0};
    const wg_code code = wg_json_read(wg_slice_str(json), arena, out, &local);
    if (code == WG_OK) return WG_OK;
    if (code != WG_E_VALUE) {
        if (err != NULL) *err = local;
        return code;
    }
    *out = wg_value_str(wg_slice_str(json));
    return WG_OK;
}

/* The value of parameter i: as it was given, else as it is carried. */
static wg_code find_value(verifier *v, const char *name, wg_value *out, wg_error *err) {
    const wg_receipt_request *q = v->request;
    for (size_t i = 0; i < q->argument_count; i++)
        if (strcmp(q->arguments[i].name, name) == 0) return argument_value(v->arena, q->arguments[i].json, out, err);
    for (uint32_t i = 0; v->receipt.carries_params && i < v->receipt.param_count; i++) {
        wg_slice bytes = v->receipt.params[i].value;
        if (wg_slice_is(v->receipt.params[i].name, name)) return wg_value_decode(&bytes, v->arena, out, err);
    }
    return wg_error_set(err, WG_E_PARAMETER, WG_NO_OFFSET,
                        "parameter $%s has no value: the receipt does not carry it, so give it", name);
}

static wg_code check_value(verifier *v, uint32_t i, const char *name, const wg_value *value, wg_error *err) {
    char place[WG_RECEIPT_PLACE_SIZE];
    wg_sha256 hash;
    wg_buf bytes;
    if (v->receipt.format < 2) return WG_OK; /* the replay compares all of them at once */
    wg_buf_init(&bytes, NULL);
    const bool ok = wg_value_encode(&bytes, value);
    const wg_slice part = wg_buf_slice(&bytes);
    if (ok) wg_sha256_of(&part, 1, &hash);
    wg_buf_deinit(&bytes);
    if (!ok) return wg_error_nomem(err, 64);
    const bool known = i < v->receipt.param_count && wg_slice_is(v->receipt.params[i].name, name);
    if (known && same(&hash, &v->receipt.params[i].hash)) return WG_OK;
    (void)snprintf(place, sizeof place, "parameter %.64s", name);
    fail(v, place, known ? "its value is not the one that was bound" : "the receipt has no such parameter");
    return WG_OK;
}

/* What the statement took for the current time stands behind its parameters. */
static wg_code bind_clock(verifier *v, uint32_t at, wg_stmt *stmt, wg_error *err) {
    wg_value value;
    if (at >= v->receipt.param_count || !wg_slice_is(v->receipt.params[at].name, WGI_CLOCK_PARAM)) return WG_OK;
    WG_TRY(find_value(v, WGI_CLOCK_PARAM, &value, err));
    WG_TRY(check_value(v, at, WGI_CLOCK_PARAM, &value, err));
    const wg_value *parts = value.as.list;
    if (value.type != WG_TYPE_LIST || value.size != 2 || parts[0].type != WG_TYPE_INT ||
        parts[1].type != WG_TYPE_INT) {
        fail(v, "parameter " WGI_CLOCK_PARAM, "it is no list of two times in microseconds");
        return WG_OK;
    }
    return wg_bind_clock(stmt, parts[0].as.i, parts[1].as.i, err);
}

static wg_code bind_all(verifier *v, wg_stmt *stmt, wg_error *err) {
    const uint32_t count = wg_query_param_count(stmt->query);
    for (uint32_t i = 0; i < count && !v->failed; i++) {
        wg_value value;
        const char *name = wg_query_param_name(stmt->query, i);
        WG_TRY(find_value(v, name, &value, err));
        WG_TRY(check_value(v, i, name, &value, err));
        WG_TRY(wg_bind(stmt, name, &value, err));
    }
    return v->failed ? WG_OK : bind_clock(v, count, stmt, err);
}

/* The first delivered row that is not the replayed one. */
static wg_code name_row(verifier *v, const wg_result *result, wg_error *err) {
    const wg_slice text = wg_slice_of(v->request->rows, v->request->rows_size);
    wg_buf row, header;
    wg_slice piece;
    size_t offset = 0;
    bool found = true;
    uint64_t i = 0;
    wg_buf_init(&row, NULL);
    wg_buf_init(&header, NULL);
    wg_code code = wg_receipt_rows_next(text, &offset, &header, &piece, &found, err);
    for (; code == WG_OK && i < result->row_count; i++) {
        code = wg_receipt_rows_next(text, &offset, &header, &piece, &found, err);
        if (code == WG_OK && !wg_result_row_json(result, i, &row)) code = wg_error_nomem(err, 64);
        if (code != WG_OK || !found || !wg_slice_equal(piece, wg_buf_slice(&row))) break;
    }
    wg_buf_deinit(&row);
    wg_buf_deinit(&header);
    if (code == WG_E_CORRUPT) code = WG_OK;
    if (code == WG_OK) v->report->row = i;
    return code;
}

static void compare_rows(verifier *v, const wg_receipt *again) {
    const wg_receipt *r = &v->receipt;
    char reason[160];
    if (same(&again->result_hash, &r->result_hash) && again->row_count == r->row_count) {
        if (r->has_merkle && !same(&again->merkle_root, &r->merkle_root))
            fail(v, "merkle_root", "the rows are right, the root is not theirs");
        return;
    }
    for (uint32_t i = 0; r->has_merkle && i < r->chunk_count && i < again->chunk_count; i++)
        if (v->report->chunk == UINT64_MAX && !same(&r->chunks[i], &again->chunks[i])) v->report->chunk = i;
    (void)snprintf(reason, sizeof reason, "the replay gives %llu rows, not the %llu of the receipt, or other ones",
                   (unsigned long long)again->row_count, (unsigned long long)r->row_count);
    fail(v, "rows", reason);
}

static wg_code compare_replay(verifier *v, const wg_result *result, wg_error *err) {
    const wg_receipt_options options = {.merkle = v->receipt.has_merkle};
    const wg_receipt *r = &v->receipt;
    wg_receipt again;
    WG_TRY(wgi_receipt_of(result, &options, v->arena, &again, err));
    if (r->format == 1) WG_TRY(wgi_receipt_hash_rows_1(result, &again.result_hash, err));
    if (r->semantics != again.semantics) fail(v, "semantics", "this version answers by other rules");
    if (memcmp(again.store, r->store, sizeof r->store) != 0)
        fail(v, "store", "the receipt is of another store than this workspace");
    if (!same(&again.chain, &r->chain)) {
        v->report->logseq = r->snapshot;
        fail(v, "chain", "the chain value at the snapshot is not the receipt's: another history");
    }
    if (!same(&again.parameter_hash, &r->parameter_hash)) fail(v, "parameters", "they are not those that were bound");
    if (!same(&again.plan_hash, &r->plan_hash)) fail(v, "plan", "the statement has another plan here");
    compare_rows(v, &again);
    return WG_OK;
}

static wg_code sign_receipt(verifier *v, const wg_result *result, wg_error *err) {
    const wg_receipt_request *q = v->request;
    if (q->secret == NULL || v->failed || v->rows_wrong) return WG_OK;
    if (q->write == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "a secret without write: where does the receipt go?");
    wg_buf text;
    wg_buf_init(&text, NULL);
    wg_code code = wgi_receipt_sign(result, q->secret, v->arena, &v->receipt, err);
    if (code == WG_OK) code = wg_receipt_print(&v->receipt, &text, err);
    if (code == WG_OK && !q->write(q->write_ctx, text.data, text.size))
        code = wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the writer stopped");
    wg_buf_deinit(&text);
    return code;
}

static wg_code run_statement(verifier *v, wg_stmt *stmt, wg_error *err) {
    wg_result *result = NULL;
    if (wg_query_kind_of(stmt->query) != WG_QUERY_READ)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "the statement is no query: what it did is in the log (V1), it cannot be run again");
    WG_TRY(bind_all(v, stmt, err));
    if (v->failed) return WG_OK;
    WG_TRY(wg_execute(stmt, &result, err));
    wg_code code = compare_replay(v, result, err);
    if (code == WG_OK && (v->failed || v->rows_wrong) && v->request->rows != NULL) code = name_row(v, result, err);
    if (code == WG_OK) code = sign_receipt(v, result, err);
    wg_result_free(result);
    return code;
}

static wg_code replay_in(verifier *v, wg_session *session, wg_slice text, wg_error *err) {
    wg_execution execution = v->request->execution != NULL ? *v->request->execution : (wg_execution){0};
    wg_stmt *stmt = NULL;
    execution.optimizer = v->receipt.format < 2 || v->receipt.optimizer ? WG_OPTIMIZER_ON : WG_OPTIMIZER_OFF;
    WG_TRY(wg_session_set_execution(session, &execution, err));
    WG_TRY(wg_prepare(session, (const char *)text.data, text.size, &stmt, err));
    const wg_code code = run_statement(v, stmt, err);
    wg_stmt_finish(stmt);
    return code;
}

static wg_code replay_at(verifier *v, wg_db *db, wg_slice text, wg_error *err) {
    wg_session *session = NULL;
    wg_snapshot *snapshot = NULL;
    WG_TRY(wg_session_open(db, &session, err));
    wg_code code = WG_OK;
    if (v->receipt.snapshot > 0) code = wg_snapshot_acquire(db, v->receipt.snapshot, &snapshot, err);
    if (code == WG_OK) code = wg_session_use_snapshot(session, snapshot, err);
    if (code == WG_OK) code = replay_in(v, session, text, err);
    wg_session_close(session);
    wg_snapshot_release(snapshot);
    return code;
}

static wg_code check_replay(verifier *v, wg_error *err) {
    wg_slice text;
    wg_db *db = NULL;
    WG_TRY(check_statement(v, &text, err));
    if (v->failed) return WG_OK;
    const wg_options options = {.read_only = true,
                                .threads = v->request->execution != NULL ? v->request->execution->threads : 0};
    WG_TRY(wg_open(v->request->workspace, &options, &db, err));
    wg_error local = {0};
    wg_code code = replay_at(v, db, text, &local);
    if (is_damage(code)) {
        v->report->offset = local.offset;
        fail(v, "log", local.message);
        code = WG_OK;
    } else if (code != WG_OK && err != NULL) {
        *err = local;
    }
    const wg_code closed = wg_close(db, code == WG_OK ? err : NULL);
    return code == WG_OK ? closed : code;
}

/* ---- V3: who else says so */

static bool is_trusted(const wg_receipt_request *q, const wg_sign_public *key) {
    if (q->trusted == NULL) return true;
    for (size_t i = 0; i < q->trusted_count; i++)
        if (memcmp(q->trusted + i * sizeof key->bytes, key->bytes, sizeof key->bytes) == 0) return true;
    return false;
}

/* Signatures were checked with the receipt. One executor counts once. */
static void count_signers(verifier *v) {
    const wg_receipt *r = &v->receipt;
    for (uint32_t i = 0; i < r->signature_count; i++) {
        bool counted = !is_trusted(v->request, &r->signatures[i].executor);
        for (uint32_t k = 0; k < i && !counted; k++)
            counted = memcmp(&r->signatures[k].executor, &r->signatures[i].executor, sizeof(wg_sign_public)) == 0;
        v->report->signers += !counted;
    }
    if (v->request->level != WG_RECEIPT_V3) return;
    char reason[160];
    const uint32_t wanted = v->request->signers_min != 0 ? v->request->signers_min : 1;
    (void)snprintf(reason, sizeof reason, "%u executors%s have signed the receipt, %u are asked for",
                   v->report->signers, v->request->trusted != NULL ? " of those that are trusted" : "", wanted);
    if (v->report->signers < wanted) fail(v, "signatures", reason);
}

/* ---- all */

static wg_code check_request(const wg_receipt_request *q, wg_error *err) {
    if ((unsigned)q->level > WG_RECEIPT_V3)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "there is no level V%u", (unsigned)q->level);
    if (q->receipt == NULL) return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "there is no receipt to verify");
    if (q->level == WG_RECEIPT_V0 && q->rows == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "V0 compares the delivered rows: give them");
    if ((q->level == WG_RECEIPT_V1 || q->level == WG_RECEIPT_V2) && q->workspace == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "V1 and V2 read the workspace: name it");
    return WG_OK;
}

static wg_code verify_all(verifier *v, wg_error *err) {
    const wg_receipt_request *q = v->request;
    WG_TRY(read_receipt(v, err));
    if (v->failed) return WG_OK;
    count_signers(v);
    if (!v->failed && q->rows != NULL) WG_TRY(check_rows(v, err));
    /* Wrong rows are held against a replay, which says which one it is. */
    v->rows_wrong = v->failed && q->level == WG_RECEIPT_V2 && strcmp(v->report->place, "rows") == 0;
    if (v->rows_wrong) v->failed = false;
    if (v->failed) return WG_OK;
    if (q->workspace != NULL) WG_TRY(check_log(v, err));
    if (q->level == WG_RECEIPT_V2 && !v->failed) WG_TRY(check_replay(v, err));
    v->failed |= v->rows_wrong;
    return WG_OK;
}

static wg_receipt_report empty_report(void) {
    return (wg_receipt_report){.row = UINT64_MAX, .chunk = UINT64_MAX, .logseq = UINT64_MAX, .offset = WG_NO_OFFSET};
}

wg_code wg_receipt_verify(const wg_receipt_request *request, wg_receipt_report *out, wg_error *err) {
    if (request == NULL || out == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_receipt_verify: request or out is NULL");
    WG_TRY(check_request(request, err));
    wg_receipt_report report = empty_report();
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    verifier v = {.request = request, .report = &report, .arena = &arena};
    const wg_code code = verify_all(&v, err);
    wg_arena_deinit(&arena);
    if (code != WG_OK) return code;
    report.ok = !v.failed;
    *out = report;
    return WG_OK;
}
