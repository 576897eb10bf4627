/* What plans are made from beside text and catalog: statistics, asked for, rounded, and noted.
 *
 * A plan is a function of text, types of parameters and snapshot, and the snapshot enters by the catalog (whose epoch the engine counts) and
 * through this file alone. Numbers keep four significant bits: counts below 16 are exact, larger ones are off by a sixteenth at most, and a label that
 * grows by one row a commit changes a plan's facts eight times while it doubles. Fresh plans see the rounded numbers too: whether a plan was
 * kept or made anew cannot be told from it.
 *
 * Values of parameters are not looked at, since then each value would have a plan of its own: an unknown value is taken to be as frequent as
 * the average one, an unknown bound to keep a third. */
#include "engine/statistics.h"
#include "query/binder/binder.h"

enum { FACTS_MAX = 512, KEPT_BITS = 3, MANTISSA_BITS = 52, LOOKED_BACK = 32 };

double wgi_rounded(double number) {
    const uint64_t half = UINT64_C(1) << (MANTISSA_BITS - KEPT_BITS - 1);
    if (!(number > 0)) return 0;
    const uint64_t bits = (wg_bits_of_f64(number) + half) & ~(2 * half - 1);
    return wg_f64_of_bits(bits);
}

/* ---- parameters */

uint64_t wgi_param_shape(const wg_value *value) {
    if (value->type != WG_TYPE_LIST) return value->type;
    uint64_t elements = 0;
    for (uint32_t i = 0; i < value->size; i++) elements |= UINT64_C(1) << (value->as.list[i].type & 31);
    uint64_t bits = 0;
    while (bits < 32 && (UINT64_C(1) << bits) < value->size) bits++;
    if (value->size == 0) bits = 63;
    return value->type | bits << 8 | elements << 16;
}

uint32_t wgi_list_size(const wg_value *list) {
    uint64_t size = list->size > 0 ? 1 : 0;
    while (size < list->size) size *= 2;
    return (uint32_t)(size < UINT32_MAX ? size : UINT32_MAX);
}

/* ---- answers */

/* Of a value that is only known to have some type. */
static double unknown_share(const wg_property_statistics *s, wg_compare_op op, const wg_value *value) {
    const double present = 1.0 - s->null_share;
    const double one = present / (s->distinct > 1 ? s->distinct : 1);
    if (op == WG_CMP_NOT_NULL) return present;
    if (value->type == WG_TYPE_NULL) return 0;
    if (op == WG_CMP_EQ) return s->distinct > 0 ? one : 0.1 * present;
    if (op != WG_CMP_IN) return present / 3;
    if (value->type != WG_TYPE_LIST) return 0.1;
    const double all = one * wgi_list_size(value);
    return all < present ? all : present;
}

static wg_code look_share(const wg_txn *txn, wg_arena *arena, const wgi_fact *f, double *out, wg_error *err) {
    wg_property_statistics s;
    WG_TRY(wg_property_statistics_get(txn, f->label, f->key, arena, &s, err));
    out[0] = f->is_unknown ? unknown_share(&s, f->op, &f->value) : wg_property_statistics_share(&s, f->op, &f->value);
    return WG_OK;
}

static wg_code look_edges(const wg_txn *txn, wg_arena *arena, const wgi_fact *f, double *out, wg_error *err) {
    wg_edge_statistics s;
    WG_TRY(wg_edge_statistics_get(txn, f->label, arena, &s, err));
    const wgi_label_set *from = &f->ends[0], *to = &f->ends[1];
    out[WGI_EDGES] = s.edges;
    out[WGI_OUT_NODES] = s.out.nodes;
    out[WGI_IN_NODES] = s.in.nodes;
    out[WGI_OUT_SQUARES] = s.out.sum_squares;
    out[WGI_IN_SQUARES] = s.in.sum_squares;
    out[WGI_PAIRS] = wg_edge_statistics_share(&s, from->labels, from->count, to->labels, to->count);
    out[WGI_FROM] = wg_edge_statistics_share(&s, from->labels, from->count, NULL, 0);
    out[WGI_TO] = wg_edge_statistics_share(&s, NULL, 0, to->labels, to->count);
    return WG_OK;
}

static wg_code look(const wg_txn *txn, wg_arena *arena, const wgi_fact *f, double *out, wg_error *err) {
    memset(out, 0, WGI_FACT_NUMBERS * sizeof *out);
    switch (f->kind) {
        case WGI_FACT_ROWS:
            out[0] = (double)wg_txn_label_row_estimate(txn, f->label);
            break;
        case WGI_FACT_TYPE:
            out[0] = (double)wg_txn_node_property_type(txn, f->ends[0].labels, f->ends[0].count, f->key);
            return WG_OK; /* a name, not a number */
        case WGI_FACT_SHARE:
            WG_TRY(look_share(txn, arena, f, out, err));
            break;
        case WGI_FACT_EDGES:
            WG_TRY(look_edges(txn, arena, f, out, err));
            break;
    }
    for (uint32_t i = 0; i < WGI_FACT_NUMBERS; i++) out[i] = wgi_rounded(out[i]);
    return WG_OK;
}

/* ---- notes */

static bool same_labels(const wgi_label_set *a, const wgi_label_set *b) {
    return a->count == b->count && (a->count == 0 || memcmp(a->labels, b->labels, a->count * sizeof *a->labels) == 0);
}

/* Simple questions come again and again. */
static bool is_noted(const wgi_facts *facts, const wgi_fact *fact) {
    uint32_t looked = 0;
    if (fact->kind != WGI_FACT_ROWS && fact->kind != WGI_FACT_TYPE) return false;
    for (const wgi_fact *f = facts->first; f != NULL && looked < LOOKED_BACK; f = f->next, looked++)
        if (f->kind == fact->kind && f->label == fact->label && f->key == fact->key &&
            same_labels(&f->ends[0], &fact->ends[0]))
            return true;
    return false;
}

static bool copy_labels(wg_arena *arena, wgi_label_set *set) {
    if (set->count == 0) return true;
    const uint32_t *copy = wg_arena_copy(arena, set->labels, set->count * sizeof *set->labels);
    set->labels = copy;
    return copy != NULL;
}

static void note(const wgi_binder *b, const wgi_fact *fact) {
    wgi_facts *facts = b->facts;
    if (facts == NULL || facts->lost || is_noted(facts, fact)) return;
    wgi_fact *copy = facts->count < FACTS_MAX ? wg_arena_copy(b->arena, fact, sizeof *fact) : NULL;
    const bool ok = copy != NULL && copy_labels(b->arena, &copy->ends[0]) && copy_labels(b->arena, &copy->ends[1]) &&
                    (fact->is_unknown || wg_value_copy(b->arena, &fact->value, &copy->value));
    if (!ok) {
        facts->lost = true;
        return;
    }
    /* Of a value that may not be looked at no pointer is kept. */
    if (fact->is_unknown) copy->value.as.list = NULL;
    copy->next = facts->first;
    facts->first = copy;
    facts->count++;
}

double wgi_label_rows(const wgi_binder *b, uint32_t label) {
    wgi_fact f = {.kind = WGI_FACT_ROWS, .label = label};
    f.numbers[0] = wgi_rounded((double)wg_txn_label_row_estimate(b->txn, label));
    note(b, &f);
    return f.numbers[0];
}

wg_type wgi_node_property_type(const wgi_binder *b, const uint32_t *labels, uint32_t count, uint32_t key) {
    wgi_fact f = {.kind = WGI_FACT_TYPE, .key = key, .ends = {{labels, count}}};
    const wg_type type = wg_txn_node_property_type(b->txn, labels, count, key);
    f.numbers[0] = (double)type;
    note(b, &f);
    return type;
}

wg_code wgi_ask(wgi_binder *b, wgi_fact *fact) {
    WG_TRY(look(b->txn, b->arena, fact, fact->numbers, b->err));
    note(b, fact);
    return WG_OK;
}

bool wgi_facts_hold(const wgi_facts *facts, const wg_txn *txn) {
    bool same = !facts->lost;
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    for (const wgi_fact *f = facts->first; f != NULL && same; f = f->next) {
        double now[WGI_FACT_NUMBERS];
        wg_error ignored = {0};
        same = look(txn, &arena, f, now, &ignored) == WG_OK && memcmp(now, f->numbers, sizeof now) == 0;
        wg_arena_reset(&arena);
    }
    wg_arena_deinit(&arena);
    return same;
}
