/* A whole check of one stripe, for verify: every byte between header and footer is in a checked block or zero, every block decodes, every
 * cell agrees with what the footer says of its column.
 *
 * Reads as any reader does: through the governor. What was checked before is checked again. */
#include "io/stripe/stripe_internal.h"

typedef struct stripe_checker {
    const wg_stripe *stripe;
    uint64_t position; /* bytes before it are accounted for */
} stripe_checker;

static wg_code check_zeros(stripe_checker *k, uint64_t end, wg_error *err) {
    for (; k->position < end; k->position++)
        if (k->stripe->map[k->position] != 0)
            return wg_error_set(err, WG_E_CORRUPT, k->position, "stripe '%.100s': a byte between blocks is not zero",
                                k->stripe->path);
    return WG_OK;
}

static wg_code check_value(const stripe_checker *k, const wg_arc1_column *c, const wg_value *v, wg_error *err) {
    wg_error inner = {0};
    if (c->type == WG_TYPE_NODE) return WG_OK;
    if ((c->type == WG_TYPE_ANY && wg_value_check(v, false, &inner) != WG_OK) || v->type == WG_TYPE_NULL)
        return wg_error_set(err, WG_E_CORRUPT, c->offset, "stripe '%.100s': column %u: %.100s", k->stripe->path,
                            c->id, inner.message);
    return WG_OK;
}

static bool below(const wg_value *a, const wg_value *b) {
    if (a->type == WG_TYPE_NODE) return a->as.id < b->as.id;
    return wg_value_order(a, b) < 0;
}

/* The cell lies in the zone, and a FLOAT column with NaN has none. */
static wg_code check_zone(const stripe_checker *k, const wg_fragment_column *column, const wg_value *v,
                          wg_error *err) {
    const bool nan = v->type == WG_TYPE_FLOAT && v->as.f != v->as.f;
    if (!column->has_zone || (!nan && !below(v, &column->min) && !below(&column->max, v))) return WG_OK;
    return wg_error_set(err, WG_E_CORRUPT, k->stripe->trailer.footer_offset,
                        "stripe '%.100s': column %u: a cell lies outside its zone map", k->stripe->path, column->id);
}

static wg_code check_cells(stripe_checker *k, const wg_fragment *fragment, uint32_t column, wg_error *err) {
    const wg_arc1_column *c = &stripe_fragment_of(fragment)->blocks[column].column;
    wg_fragment_scratch scratch = {.account = k->stripe->account};
    wg_code code = WG_OK;
    /* One cell stands for all: a few bytes may claim many such columns. */
    const bool one = c->encoding == WG_ENCODING_CONSTANT && c->null_count == 0;
    const uint32_t rows = one && fragment->head.row_count != 0 ? 1 : fragment->head.row_count;
    for (uint32_t first = 0; code == WG_OK && first < rows;) {
        const uint32_t left = rows - first;
        const uint32_t count = left < WG_BATCH_ROWS_MAX ? left : WG_BATCH_ROWS_MAX;
        wg_vector v;
        code = wg_fragment_read(fragment, column, first, count, &scratch, &v, err);
        for (uint32_t i = 0; code == WG_OK && i < count; i++) {
            if (!wg_vector_is_valid(&v, i)) continue;
            const wg_value cell = wg_vector_value(&v, i);
            code = check_value(k, c, &cell, err);
            if (code == WG_OK) code = check_zone(k, &fragment->columns[column], &cell, err);
        }
        first += count;
    }
    wg_fragment_scratch_deinit(&scratch);
    return code;
}

static wg_code check_fragment(stripe_checker *k, const stripe_fragment *f, wg_error *err) {
    for (uint32_t i = 0; i < f->fragment.column_count; i++) {
        const wg_arc1_column *c = &f->blocks[i].column;
        if (c->stored_bytes != 0) {
            WG_TRY(check_zeros(k, c->offset, err));
            k->position = c->offset + c->stored_bytes;
        }
        atomic_store(&f->blocks[i].checked, 0); /* so that the first read checks it again */
        WG_TRY(wgi_stripe_touch(&f->fragment, i, err));
        WG_TRY(wgi_parts_check(&f->fragment, i, err));
        WG_TRY(check_cells(k, &f->fragment, i, err));
    }
    return WG_OK;
}

wg_code wg_stripe_check(wg_stripe *stripe, wg_error *err) {
    stripe_checker k = {.stripe = stripe, .position = WG_ARC1_HEADER_BYTES};
    wg_code code = WG_OK;
    for (uint32_t i = 0; code == WG_OK && i < stripe->trailer.fragment_count; i++)
        code = check_fragment(&k, &stripe->fragments[i], err);
    if (code == WG_OK) code = check_zeros(&k, stripe->trailer.footer_offset, err);
    return code;
}
