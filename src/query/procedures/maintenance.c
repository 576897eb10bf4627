/* query/procedures: db.stats, and the procedures that keep the store in shape: db.checkpoint, db.compact, db.expire, db.backup. */
#include "query/procedures/procedures.h"

/* ---- db.stats */

typedef struct stats_rows {
    const wg_procedure_call *call;
    wg_code code;
    wg_error *err;
} stats_rows;

static bool add_stat(void *ctx, const wg_stat *stat) {
    stats_rows *s = ctx;
    const wg_value cells[] = {
        wg_value_str(wg_slice_str(stat->name)),
        stat->label_value != NULL ? wg_value_str(wg_slice_str(stat->label_value)) : wg_value_null(),
        wg_value_float(stat->value)};
    s->code = wg_procedure_add_row(s->call, cells, s->err);
    return s->code == WG_OK;
}

static wg_code stats(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    stats_rows s = {.call = call, .err = err};
    const wg_code code = wg_engine_stats(call->engine, add_stat, &s, err);
    return s.code != WG_OK ? s.code : code;
}

/* ---- maintenance */

static wg_value count_value(uint64_t n) { return wg_value_int(n > INT64_MAX ? INT64_MAX : (int64_t)n); }

static bool go_on(void *ctx, uint64_t done, uint64_t total) {
    (void)done;
    (void)total;
    const wg_cancel *cancel = ctx;
    return cancel == NULL || !atomic_load_explicit(&cancel->cancelled, memory_order_relaxed);
}

static wg_code checkpoint(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    wg_checkpoint_info info = {0};
    WG_TRY(wg_engine_checkpoint(call->engine, &info, err));
    const wg_value cells[] = {count_value(info.logseq), count_value(info.stripes_written),
                              count_value(info.bytes_written), count_value(info.log_bytes_freed)};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code compact(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    wg_compact_info info = {0};
    const wg_compact_options options = {.everything = call->args[0].type == WG_TYPE_BOOL && call->args[0].as.b};
    WG_TRY(wg_engine_compact(call->engine, &options, go_on, call->cancel, &info, err));
    const wg_value cells[] = {count_value(info.jobs),           count_value(info.bytes_read),
                              count_value(info.bytes_written),  count_value(info.rows_dropped),
                              count_value(info.stripes_before), count_value(info.stripes_after)};
    return wg_procedure_add_row(call, cells, err);
}

static wg_code expire(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    if (call->args[0].as.i < 0)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "db.expire() takes a logseq, which is not negative");
    WG_TRY(wg_engine_expire(call->engine, wg_u64_of_i64(call->args[0].as.i), err));
    const wg_value cell = count_value(wg_engine_horizon(call->engine));
    return wg_procedure_add_row(call, &cell, err);
}

static wg_code backup(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    char path[4096];
    wg_backup_info info = {0};
    const wg_value *to = &call->args[0];
    if (to->size == 0 || to->size >= sizeof path || memchr(to->as.s, 0, to->size) != NULL)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "db.backup() takes the path of a directory");
    memcpy(path, to->as.s, to->size);
    path[to->size] = '\0';
    WG_TRY(wg_engine_backup(call->engine, path, go_on, call->cancel, &info, err));
    const wg_value cells[] = {count_value(info.logseq), count_value(info.files_copied), count_value(info.files_kept),
                              count_value(info.bytes_copied), count_value(info.bytes_kept)};
    return wg_procedure_add_row(call, cells, err);
}

#define INT_FIELD(field) \
    { .name = field, .type = WG_TYPE_INT }

wg_code wg_procedures_register_maintenance(wg_procedures *procedures, wg_error *err) {
    static const wg_procedure_field stat[] = {{.name = "name", .type = WG_TYPE_STRING},
                                              {.name = "label", .type = WG_TYPE_STRING},
                                              {.name = "value", .type = WG_TYPE_FLOAT}};
    static const wg_procedure_field checkpointed[] = {INT_FIELD("logseq"), INT_FIELD("stripesWritten"),
                                                      INT_FIELD("bytesWritten"), INT_FIELD("logBytesFreed")};
    static const wg_procedure_field everything[] = {{.name = "everything", .type = WG_TYPE_BOOL}};
    static const wg_procedure_field compacted[] = {INT_FIELD("jobs"),          INT_FIELD("bytesRead"),
                                                   INT_FIELD("bytesWritten"),  INT_FIELD("rowsDropped"),
                                                   INT_FIELD("stripesBefore"), INT_FIELD("stripesAfter")};
    static const wg_procedure_field logseq[] = {{.name = "logseq", .type = WG_TYPE_INT, .not_null = true}};
    static const wg_procedure_field horizon[] = {INT_FIELD("horizon")};
    static const wg_procedure_field path[] = {{.name = "path", .type = WG_TYPE_STRING, .not_null = true}};
    static const wg_procedure_field backed[] = {INT_FIELD("logseq"), INT_FIELD("filesCopied"), INT_FIELD("filesKept"),
                                                INT_FIELD("bytesCopied"), INT_FIELD("bytesKept")};
    const wg_procedure_kind maintain = WG_PROCEDURE_MAINTENANCE;
    const wg_procedure all[] = {
        {"db.stats", "measurements of the engine, now", WG_PROCEDURE_READ, NULL, 0, stat, 3, stats, NULL},
        {"db.checkpoint", "write what changed into stripes, cut the log", maintain, NULL, 0, checkpointed, 4,
         checkpoint, NULL},
        {"db.compact", "merge stripes: those that are due, or all", maintain, everything, 1, compacted, 6, compact,
         NULL},
        {"db.expire", "give up the snapshots before a logseq", maintain, logseq, 1, horizon, 1, expire, NULL},
        {"db.backup", "copy the store to a directory", maintain, path, 1, backed, 5, backup, NULL},
    };
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) WG_TRY(wg_procedure_register(procedures, &all[i], err));
    return WG_OK;
}
