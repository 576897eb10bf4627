/* What ALTER (alter.c), computed columns (computed.c) and constraints (rule_checks.c) share with the other files of the engine; the end of engine_internal.h. */
#ifndef WG_ENGINE_ALTER_INTERNAL_H
#define WG_ENGINE_ALTER_INTERNAL_H

/* A row goes to another table with these properties, as a new version. */
wg_code wgi_move_row(wgi_apply *a, wgi_table *from, uint64_t row, wgi_table *to, const wg_mutation *moved,
                     wg_error *err);
/* What a row has, as properties in the arena. */
wg_code wgi_row_properties(const wgi_table *table, uint64_t row, wg_arena *arena, wg_mutation *out, wg_error *err);
void wgi_note_computed(wg_engine *engine, const wg_label_def *def);            /* that some label has such a column */
wg_code wgi_apply_alter_label(void *ctx, const wg_mutation *m, wg_error *err); /* alter.c */

/* ---- computed columns (computed.c) */

/* The computed column of this key that the row has through one of its labels. False: none. */
bool wgi_computed_column(const wg_txn *txn, const wgi_table *table, uint32_t key, const wg_label **out_label,
                         uint32_t *out_column);
wg_code wgi_computed_cell(const wg_txn *txn, const wg_label *label, uint32_t column, const wg_row_reader *row,
                          wg_arena *arena, wg_value *out, wg_error *err);
wg_code wgi_computed_owned(const wg_txn *txn, const wgi_place *at, const wg_label *label, uint32_t column,
                           wg_arena *arena, wg_value *out, wg_error *err);

/* ALTER of a virtual label's path: another label of the same name takes its place (ddl.c). */
wg_code wgi_set_pattern(wg_txn *txn, const wg_label *label, const char *pattern, wg_error *err);

/* ---- constraints (rule_checks.c) */

/* Constraints NOT NULL and TYPE of the value that a row is about to have; others say nothing. */
wg_code wgi_check_value(const wg_txn *txn, const wg_rule *rule, const wg_value *value, wg_error *err);
/* Of UNIQUENESS and KEY (rule_checks.c), against the newest state: a row with these values may be written; `own` is its id, or UINT64_MAX. */
wg_code wgi_check_unique(const wg_txn *txn, const wg_rule *rule, const wg_value *values, uint64_t own, wg_error *err);
/* *out_outside: a null keeps the row out of the constraint. */
wg_code wgi_check_unique_nulls(const wg_txn *txn, const wg_rule *rule, const wg_value *values, bool *out_outside,
                               wg_error *err);
wg_code wgi_check_rows_unique(wg_txn *txn, const wg_rule *rule, wg_error *err); /* all rows of the label */
static inline bool wgi_rule_is_unique(const wg_rule *rule) {
    return rule->def.kind == WG_RULE_UNIQUE || rule->def.kind == WG_RULE_KEY;
}

#endif
