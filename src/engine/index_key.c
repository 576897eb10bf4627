/* Keys of indexes: bytes that order as values do.
 *
 * The top three bits of a property's first byte are its class; values of different classes are never equal and never compare. A number
 * is its double in order (sign flipped) without its three lowest bits; where these, or the rest of an integer that no double
 * is equal to, say more, bytes follow that tell such numbers apart, but bounds leave them out. Text is escaped (0 as 1 1, 1 as 1 2)
 * and ends with 0. Days and seconds are shifted integers. Everything else is its hash: found when equal, and looked at whenever
 * a range of its class is asked for.
 *
 * Keys are cut at WGI_INDEX_KEY_BYTES, which keeps their order up to equality. So an index gives candidates, of which none is missing. */
#include "engine/engine_internal.h"

enum { CLASS_NUMBER = 1, CLASS_TEXT = 2, CLASS_BOOL = 3, CLASS_DATE = 4, CLASS_DATETIME = 5, CLASS_OTHER = 7 };

static void put(wgi_index_key *key, const uint8_t *bytes, size_t size) {
    const size_t room = WGI_INDEX_KEY_BYTES - key->size;
    const size_t taken = size < room ? size : room;
    if (taken != 0) memcpy(key->bytes + key->size, bytes, taken);
    key->size += (uint32_t)taken;
}

/* A class and 61 bits. */
static void put_word(wgi_index_key *key, uint32_t class, uint64_t word) {
    uint8_t bytes[8];
    const uint64_t packed = (uint64_t) class << 61 | (word & (UINT64_MAX >> 3));
    for (uint32_t i = 0; i < 8; i++) bytes[i] = (uint8_t)(packed >> (56 - 8 * i));
    put(key, bytes, sizeof bytes);
}

static void put_number(wgi_index_key *key, const wg_value *v, bool exact) {
    const double d = v->type == WG_TYPE_INT ? (double)v->as.i : v->as.f;
    const uint64_t nan = UINT64_C(0x7ff8) << 48; /* they are all one, as both zeros are */
    const uint64_t raw = d != d ? nan : d == 0 ? 0 : wg_bits_of_f64(d);
    const uint64_t ordered = raw >> 63 != 0 ? ~raw : raw | UINT64_C(1) << 63;
    put_word(key, CLASS_NUMBER, ordered >> 3);
    if (!exact) return;
    const bool inside = d >= -0x1p63 && d < 0x1p63;
    if (v->type == WG_TYPE_INT && (!inside || (int64_t)d != v->as.i)) {
        const uint64_t low = wg_u64_of_i64(v->as.i);
        const uint8_t rest[3] = {0xff, (uint8_t)(low >> 8), (uint8_t)low};
        put(key, rest, sizeof rest);
    } else if ((raw & 7) != 0) {
        const uint8_t rest = (uint8_t)(raw & 7);
        put(key, &rest, 1);
    }
}

static void put_text(wgi_index_key *key, wg_slice text, bool whole) {
    const uint8_t class = CLASS_TEXT << 5, end = 0;
    put(key, &class, 1);
    for (size_t i = 0; i < text.size && key->size < WGI_INDEX_KEY_BYTES; i++) {
        const uint8_t escaped[2] = {1, (uint8_t)(text.data[i] + 1)};
        if (text.data[i] > 1) put(key, &text.data[i], 1);
        else put(key, escaped, 2);
    }
    if (whole) put(key, &end, 1);
}

/* Shifted into 61 bits; what lies outside of them goes to the ends, where order is kept up to equality. */
static uint64_t shifted(int64_t n) {
    const int64_t most = (INT64_C(1) << 59) - 1;
    const int64_t kept = n > most ? most : n < -most ? -most : n;
    return wg_u64_of_i64(kept + (INT64_C(1) << 59));
}

static uint32_t class_of(const wg_value *v) {
    if (v->type == WG_TYPE_INT || v->type == WG_TYPE_FLOAT) return CLASS_NUMBER;
    if (v->type == WG_TYPE_STRING) return CLASS_TEXT;
    if (v->type == WG_TYPE_BOOL) return CLASS_BOOL;
    if (v->type == WG_TYPE_DATE) return CLASS_DATE;
    return v->type == WG_TYPE_LOCAL_DATETIME ? CLASS_DATETIME : CLASS_OTHER;
}

static void put_plain(wgi_index_key *key, const wg_value *v, bool exact) {
    const uint32_t class = class_of(v);
    if (class == CLASS_NUMBER) put_number(key, v, exact);
    else if (class == CLASS_TEXT) put_text(key, wg_value_slice(v), exact);
    else put_word(key, class, class == CLASS_BOOL ? v->as.b : shifted(v->as.i)); /* nanoseconds are left out */
}

/* For equality. */
static void put_value(wgi_index_key *key, const wg_value *v) {
    if (class_of(v) == CLASS_OTHER) put_word(key, CLASS_OTHER, wg_value_hash(v) >> 3);
    else put_plain(key, v, true);
}

/* A bound may stand for its neighbours too. */
static void put_bound(wgi_index_key *key, const wg_value *v) { put_plain(key, v, false); }

uint64_t wgi_index_prefix(const wgi_index_key *key, uint8_t fill) {
    uint64_t prefix = 0;
    for (uint32_t i = 0; i < 8; i++) prefix = prefix << 8 | (i < key->size ? key->bytes[i] : fill);
    return prefix;
}

static void put_hash(wgi_index_key *key, uint64_t hash) {
    for (uint32_t i = 0; i < 8; i++) key->bytes[i] = (uint8_t)(hash >> (56 - 8 * i));
    key->size = 8;
}

bool wgi_index_key_of(const wg_rule_def *def, const wg_value *values, wgi_index_key *out) {
    out->size = 0;
    const bool range = def->kind == WG_RULE_RANGE_INDEX;
    const uint32_t needed = range ? 1 : def->key_count;
    for (uint32_t i = 0; i < needed; i++)
        if (values[i].type == WG_TYPE_NULL) return false;
    if (!range) {
        put_hash(out, wg_key_hash(values, def->key_count));
        return true;
    }
    for (uint32_t i = 0; i < def->key_count; i++) {
        const uint8_t null = 0;
        if (values[i].type == WG_TYPE_NULL) put(out, &null, 1);
        else put_value(out, &values[i]);
    }
    return true;
}

/* The first byte of every key of the class of `like`: top three bits equal. Of numbers and the like the other bits are data. */
static void put_class_end(wgi_index_key *key, const wg_value *like, bool high) {
    const uint8_t first = (uint8_t)(class_of(like) << 5 | (high ? 0x1f : 0));
    put(key, &first, 1);
}

bool wgi_index_bounds(const wg_rule_def *def, const wg_index_probe *probe, wgi_index_key *low, wgi_index_key *high) {
    low->size = 0;
    for (uint32_t i = 0; i < probe->equal_count; i++)
        if (probe->equal[i].type == WG_TYPE_NULL) return false;
    if (def->kind != WG_RULE_RANGE_INDEX) {
        WG_ASSERT(probe->equal_count == def->key_count);
        put_hash(low, wg_key_hash(probe->equal, probe->equal_count));
        *high = *low;
        return true;
    }
    for (uint32_t i = 0; i < probe->equal_count; i++) put_value(low, &probe->equal[i]);
    *high = *low;
    if (probe->start != NULL) {
        if (probe->start->type != WG_TYPE_STRING) return false;
        put_text(low, wg_value_slice(probe->start), false);
        *high = *low;
        return true;
    }
    if (probe->low == NULL && probe->high == NULL) return probe->equal_count > 0;
    for (uint32_t side = 0; side < 2; side++) {
        const wg_value *v = side == 0 ? probe->low : probe->high;
        const wg_value *other = side == 0 ? probe->high : probe->low;
        wgi_index_key *key = side == 0 ? low : high;
        if (v != NULL && v->type == WG_TYPE_NULL) return false;
        if (v != NULL && class_of(v) != CLASS_OTHER) put_bound(key, v);
        else put_class_end(key, v != NULL ? v : other, side == 1);
    }
    return probe->low == NULL || probe->high == NULL || class_of(probe->low) == class_of(probe->high);
}
