/* Indexes and constraints made and dropped: checks, names, and what their mutations do to the catalog.
 *
 * All of them share one set of names. A rule is seen from its logseq on and until the one that drops it, as labels are; a label that goes
 * takes its rules with it. A name that is not given is made from kind, label and properties, so that it is the same in
 * every store that ran the same statements. */
#include "base/text/text.h"
#include "engine/engine_internal.h"

/* ---- applying */

wg_code wgi_apply_create_rule(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    const uint32_t count = wg_catalog_rule_count(a->engine->catalog);
    if (m->number != count) return wgi_misfit(err, "index or constraint out of order", m->number);
    const wg_label *label = wg_catalog_label_at(a->engine->catalog, m->rule.label);
    if (label == NULL || label->def.kind == WG_LABEL_VIRTUAL)
        return wgi_misfit(err, "index or constraint of label", m->rule.label);
    uint32_t number = 0;
    WG_TRY(wg_rule_def_check(&m->rule, err));
    WG_TRY(wgi_note(a, WGI_UNDO_RULES, count, 0, 0, err));
    WG_TRY(wg_catalog_add_rule(a->engine->catalog, &m->rule, a->begin, &number, err));
    return wgi_index_create(a->engine, wg_catalog_rule_at(a->engine->catalog, number), err);
}

wg_code wgi_apply_drop_rule(void *ctx, const wg_mutation *m, wg_error *err) {
    wgi_apply *a = ctx;
    const wg_rule *rule = wg_catalog_rule_at(a->engine->catalog, m->number);
    if (rule == NULL || atomic_load_explicit(&rule->end, memory_order_relaxed) != WG_LOGSEQ_NEVER ||
        wg_rule_is_index(rule->def.kind) != (m->kind == WG_MUTATION_DROP_INDEX))
        return wgi_misfit(err, "unknown or dropped index or constraint", m->number);
    WG_TRY(wgi_note(a, WGI_UNDO_RULE_END, m->number, 0, 0, err));
    wg_catalog_end_rule(a->engine->catalog, m->number, a->begin);
    wgi_index_forget(wgi_index_of(a->engine, m->number));
    return WG_OK;
}

/* ---- names */

static const char *word_of(const wg_rule *rule) { return wg_rule_is_index(rule->def.kind) ? "index" : "constraint"; }

static bool name_begin(const wg_txn *txn, const wg_rule_def *def, wg_buf *out) {
    static const char *const words[WG_RULE_KIND_COUNT] = {"index", "hash", "unique", "key", "not_null", "type"};
    const wg_catalog *catalog = txn->engine->catalog;
    bool ok = wg_buf_printf(out, "%s_%s", words[def->kind], wg_catalog_label_at(catalog, def->label)->def.name);
    for (uint32_t i = 0; i < def->key_count && ok; i++)
        ok = wg_buf_printf(out, "_%s", wgi_key_name(txn, def->keys[i]));
    return ok;
}

/* The made name is free: a number follows the second one. Parts too long for a name give their place to the rule's number. */
static wg_code make_name(const wg_txn *txn, const wg_rule_def *def, wg_buf *out, wg_error *err) {
    const wg_catalog *catalog = txn->engine->catalog;
    out->size = 0;
    bool ok = name_begin(txn, def, out);
    if (ok && out->size > WG_NAME_BYTES_MAX - 12) {
        out->size = 0;
        ok = wg_buf_printf(out, "rule_%u", wg_catalog_rule_count(catalog));
    }
    const size_t stem = out->size;
    for (uint32_t n = 2; ok && wg_catalog_rule(catalog, wgi_txn_newest(txn), wg_buf_slice(out)) != NULL; n++) {
        out->size = stem;
        ok = wg_buf_printf(out, "_%u", n);
    }
    return ok && wg_buf_append_u8(out, 0) ? WG_OK : wg_error_nomem(err, out->size);
}

/* ---- create */

static const wg_rule *equal_rule(const wg_txn *txn, const wg_rule_def *def) {
    uint32_t position = 0;
    for (;;) {
        const wg_rule *rule = wg_catalog_next_rule(txn->engine->catalog, wgi_txn_newest(txn), def->label, &position);
        if (rule == NULL) return NULL;
        wg_rule_def like = *def;
        like.kind = rule->def.kind;
        const bool unique = rule->def.kind == WG_RULE_UNIQUE || rule->def.kind == WG_RULE_KEY;
        /* A constraint stands for the hash index that it owns, and KEY and UNIQUE for each other. */
        const bool same_kind =
            rule->def.kind == def->kind ||
            (unique && (def->kind == WG_RULE_HASH_INDEX || def->kind == WG_RULE_UNIQUE || def->kind == WG_RULE_KEY));
        if (same_kind && wg_rule_def_equal(&rule->def, &like)) return rule;
    }
}

static wg_code check_label(const wg_txn *txn, const wg_rule_def *def, wg_error *err) {
    const wg_label *label = wg_catalog_label_at(txn->engine->catalog, def->label);
    if (label == NULL || !wg_label_is_visible(label, wgi_txn_newest(txn)))
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no label with number %u", def->label);
    if (label->def.kind == WG_LABEL_VIRTUAL)
        return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                            "label %s is virtual: its rows live in files, whose own statistics are used instead of "
                            "an index, and which nothing here could keep to a constraint",
                            label->def.name);
    for (uint32_t i = 0; i < def->key_count; i++) {
        bool found = label->def.kind == WG_LABEL_OPEN;
        if (def->keys[i] >= wg_catalog_key_count(txn->engine->catalog))
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "unknown property key %u", def->keys[i]);
        for (uint32_t c = 0; c < label->def.column_count; c++) {
            if (label->column_keys[c] != def->keys[i]) continue;
            found = true;
            if (label->def.columns[c].source == WG_COLUMN_COMPUTED)
                return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET,
                                    "%s.%s is computed when it is read: name the columns that it is computed from",
                                    label->def.name, label->def.columns[c].name);
        }
        if (!found)
            return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "label %s has no property %s", label->def.name,
                                wgi_key_name(txn, def->keys[i]));
    }
    return WG_OK;
}

static wg_code check_new(const wg_txn *txn, const wg_rule_def *def, const wg_rule **out_old, wg_error *err) {
    WG_TRY(check_label(txn, def, err));
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_rule *named =
        def->name == NULL ? NULL : wg_catalog_rule(catalog, wgi_txn_newest(txn), wg_slice_str(def->name));
    *out_old = named != NULL ? named : equal_rule(txn, def);
    if (named != NULL)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "there is already %s %s named %s",
                            wg_rule_is_index(named->def.kind) ? "an" : "a", word_of(named), named->def.name);
    if (*out_old != NULL)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "%s %s (%s) already does that", word_of(*out_old),
                            (*out_old)->def.name, wg_rule_kind_name((*out_old)->def.kind));
    return WG_OK;
}

static wg_code make_rule(wg_txn *txn, wg_rule_def *def, wg_error *err) {
    wg_buf name;
    wg_buf_init(&name, &txn->engine->account);
    wg_code code = def->name != NULL ? WG_OK : make_name(txn, def, &name, err);
    if (code == WG_OK && def->name == NULL) def->name = (const char *)name.data;
    if (code == WG_OK) code = wg_rule_def_check(def, err);
    const wg_mutation m = {
        .kind = wg_rule_is_index(def->kind) ? WG_MUTATION_CREATE_INDEX : WG_MUTATION_CREATE_CONSTRAINT,
        .number = wg_catalog_rule_count(txn->engine->catalog),
        .rule = *def};
    if (code == WG_OK) code = wgi_txn_do(txn, &m, err);
    wg_buf_deinit(&name);
    return code;
}

wg_code wg_txn_create_rule(wg_txn *txn, const wg_rule_def *def, bool if_not_exists, bool *out_created,
                           wg_error *err) {
    const wg_rule *old = NULL;
    wg_rule_def made = *def;
    wg_error why = {0};
    WG_TRY(wgi_txn_write_begin(txn, err));
    const wg_code code = check_new(txn, def, &old, &why);
    if (code == WG_E_EXISTS && if_not_exists) {
        *out_created = false;
        return WG_OK;
    }
    if (code != WG_OK) {
        if (err != NULL) *err = why;
        return code;
    }
    wg_txn_mark mark;
    wg_txn_mark_set(txn, &mark);
    WG_TRY(make_rule(txn, &made, err));
    const wg_rule *rule = wg_catalog_rule_at(txn->engine->catalog, wg_catalog_rule_count(txn->engine->catalog) - 1);
    /* An index is built here and not when somebody first asks, who would not know why he waits. */
    const wg_code checked = !wg_rule_is_index(rule->def.kind)
                                ? wgi_check_rows_unique(txn, rule, err)
                                : wgi_index_freshen(wgi_index_of(txn->engine, rule->number), err);
    if (checked != WG_OK) {
        wg_txn_rollback_to(txn, &mark);
        return checked;
    }
    *out_created = true;
    return WG_OK;
}

/* ---- drop */

static wg_code drop(wg_txn *txn, const wg_rule *rule, wg_error *err) {
    const wg_mutation m = {
        .kind = wg_rule_is_index(rule->def.kind) ? WG_MUTATION_DROP_INDEX : WG_MUTATION_DROP_CONSTRAINT,
        .number = rule->number};
    return wgi_txn_do(txn, &m, err);
}

wg_code wg_txn_drop_rule(wg_txn *txn, wg_slice name, bool is_index, bool if_exists, bool *out_dropped,
                         wg_error *err) {
    WG_TRY(wgi_txn_write_begin(txn, err));
    const wg_catalog *catalog = txn->engine->catalog;
    const wg_rule *rule = wg_catalog_rule(catalog, wgi_txn_newest(txn), name);
    if (rule != NULL && wg_rule_is_index(rule->def.kind) != is_index) {
        if (is_index && wg_rule_has_index(rule->def.kind))
            return wg_error_set(err, WG_E_CONSTRAINT, WG_NO_OFFSET,
                                "index %s belongs to the constraint of the same name: DROP CONSTRAINT drops both",
                                rule->def.name);
        return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s is %s: use DROP %s", rule->def.name,
                            is_index ? "a constraint" : "an index", is_index ? "CONSTRAINT" : "INDEX");
    }
    *out_dropped = rule != NULL;
    if (rule != NULL) return drop(txn, rule, err);
    if (if_exists) return WG_OK;
    const char *near = wg_catalog_suggest_rule(catalog, wgi_txn_newest(txn), name, is_index);
    return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "no %s %.*s%s%s%s", is_index ? "index" : "constraint",
                        (int)wg_min_size(name.size, 100), (const char *)name.data,
                        near != NULL ? "; did you mean " : "", near != NULL ? near : "", near != NULL ? "?" : "");
}

wg_code wgi_drop_rules_of(wg_txn *txn, uint32_t label, wg_error *err) {
    uint32_t position = 0;
    for (;;) {
        const wg_rule *rule = wg_catalog_next_rule(txn->engine->catalog, wgi_txn_newest(txn), label, &position);
        if (rule == NULL) return WG_OK;
        WG_TRY(drop(txn, rule, err));
    }
}
