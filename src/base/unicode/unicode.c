/* Case mapping and normal forms. See unicode.h.
 *
 * Normalising: text becomes an array of codes, each decomposed fully; runs of combining characters are brought into the order of their classes,
 * stably, by counting where they are long, so that hostile runs cost no more than others; then pairs are composed where the form asks for it. Hangul syllables
 * are computed, all else is found by bisection in the tables. Text of ASCII alone has one form and skips all of it. */
#include "base/unicode/unicode_internal.h"

enum {
    HANGUL_SYLLABLE = 0xac00,
    HANGUL_LEAD = 0x1100,
    HANGUL_VOWEL = 0x1161,
    HANGUL_TAIL = 0x11a7,
    LEADS = 19,
    VOWELS = 21,
    TAILS = 28
};

const char *wg_unicode_version(void) { return wgi_unicode_version; }

/* ---- UTF-8 */

static uint32_t take_code(wg_slice s, size_t *at) {
    const uint8_t *p = s.data + *at;
    const size_t left = s.size - *at;
    const size_t bytes = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (bytes > left) { /* not well-formed: the caller's mistake, but nothing is read behind the text */
        *at = s.size;
        return 0xfffd;
    }
    *at += bytes;
    if (bytes == 1) return p[0];
    if (bytes == 2) return (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
    if (bytes == 3) return (p[0] & 0x0fu) << 12 | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
    return (p[0] & 0x07u) << 18 | (p[1] & 0x3fu) << 12 | (p[2] & 0x3fu) << 6 | (p[3] & 0x3fu);
}

static bool put_code(wg_buf *out, uint32_t c) {
    uint8_t b[4];
    if (c < 0x80) return wg_buf_append_u8(out, (uint8_t)c);
    if (c < 0x800) {
        b[0] = (uint8_t)(0xc0 | c >> 6);
        b[1] = (uint8_t)(0x80 | (c & 0x3f));
        return wg_buf_append(out, b, 2);
    }
    if (c < 0x10000) {
        b[0] = (uint8_t)(0xe0 | c >> 12);
        b[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        b[2] = (uint8_t)(0x80 | (c & 0x3f));
        return wg_buf_append(out, b, 3);
    }
    b[0] = (uint8_t)(0xf0 | c >> 18);
    b[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    b[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    b[3] = (uint8_t)(0x80 | (c & 0x3f));
    return wg_buf_append(out, b, 4);
}

static size_t ascii_prefix(wg_slice s) {
    size_t i = 0;
    while (i < s.size && s.data[i] < 0x80) i++;
    return i;
}

/* ---- case */

static uint32_t map_simple(const wgi_case_range *ranges, uint32_t count, uint32_t c) {
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (ranges[middle].last < c) low = middle + 1;
        else high = middle;
    }
    const wgi_case_range *r = &ranges[low];
    if (low == count || c < r->first || (c - r->first) % r->step != 0) return c;
    return (uint32_t)((int64_t)c + r->difference);
}

static const wgi_case_many *map_many(const wgi_case_many *table, uint32_t count, uint32_t c) {
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table[middle].code < c) low = middle + 1;
        else high = middle;
    }
    return low < count && table[low].code == c ? &table[low] : NULL;
}

static bool is_cased(uint32_t c) {
    return map_simple(wgi_upper, wgi_upper_count, c) != c || map_simple(wgi_lower, wgi_lower_count, c) != c ||
           map_many(wgi_upper_many, wgi_upper_many_count, c) != NULL ||
           map_many(wgi_lower_many, wgi_lower_many_count, c) != NULL;
}

static uint8_t class_of(uint32_t c);

/* Characters that words may have inside without being letters: marks, apostrophes, points. */
static bool is_ignored(uint32_t c) {
    return class_of(c) != 0 || c == '\'' || c == '.' || c == ':' || c == 0xad || c == 0xb7 || c == 0x2019;
}

/* A sigma at `at` of `bytes` bytes ends a word: a cased letter stands before it, and none behind. */
static bool ends_word(wg_slice s, size_t at, bool cased_before) {
    size_t next = at;
    while (cased_before && next < s.size) {
        const uint32_t c = take_code(s, &next);
        if (is_ignored(c)) continue;
        return !is_cased(c);
    }
    return cased_before;
}

static bool put_many(wg_buf *out, const wgi_case_many *many) {
    bool ok = true;
    for (int i = 0; i < 3 && ok; i++) ok = many->to[i] == 0 || put_code(out, many->to[i]);
    return ok;
}

bool wg_unicode_change_case(wg_slice s, bool upper, wg_buf *out) {
    bool ok = wg_buf_reserve(out, s.size);
    bool cased = false; /* the last letter that was not ignored */
    for (size_t at = 0; ok && at < s.size;) {
        const uint32_t c = take_code(s, &at);
        if (c < 0x80) {
            const bool change = upper ? c >= 'a' && c <= 'z' : c >= 'A' && c <= 'Z';
            ok = wg_buf_append_u8(out, (uint8_t)(change ? c ^ 0x20 : c));
        } else if (!upper && c == 0x3a3) {
            ok = put_code(out, ends_word(s, at, cased) ? 0x3c2 : 0x3c3);
        } else {
            const wgi_case_many *many = upper ? map_many(wgi_upper_many, wgi_upper_many_count, c)
                                              : map_many(wgi_lower_many, wgi_lower_many_count, c);
            if (many != NULL) ok = put_many(out, many);
            else
                ok = put_code(out, upper ? map_simple(wgi_upper, wgi_upper_count, c)
                                         : map_simple(wgi_lower, wgi_lower_count, c));
        }
        if (!upper && !is_ignored(c)) cased = is_cased(c);
    }
    return ok;
}

/* ---- decomposition */

static uint8_t class_of(uint32_t c) {
    uint32_t low = 0, high = wgi_class_count;
    if (c < 0x300) return 0;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (wgi_classes[middle].last < c) low = middle + 1;
        else high = middle;
    }
    return low < wgi_class_count && c >= wgi_classes[low].first ? wgi_classes[low].combining : 0;
}

static const wgi_decomposition *decomposition_in(const wgi_decomposition *table, uint32_t count, uint32_t c) {
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (table[middle].code < c) low = middle + 1;
        else high = middle;
    }
    return low < count && table[low].code == c ? &table[low] : NULL;
}

/* A code and its combining class in the upper byte. */
static bool put_item(wg_buf *codes, uint32_t c) {
    const uint32_t item = c | (uint32_t)class_of(c) << 24;
    return wg_buf_append(codes, &item, sizeof item);
}

static bool put_decomposed(wg_buf *codes, uint32_t c, bool compat) {
    if (c < 0x80) return put_item(codes, c);
    if (c >= HANGUL_SYLLABLE && c < HANGUL_SYLLABLE + LEADS * VOWELS * TAILS) {
        const uint32_t i = c - HANGUL_SYLLABLE;
        return put_item(codes, HANGUL_LEAD + i / (VOWELS * TAILS)) &&
               put_item(codes, HANGUL_VOWEL + i % (VOWELS * TAILS) / TAILS) &&
               (i % TAILS == 0 || put_item(codes, HANGUL_TAIL + i % TAILS));
    }
    const uint32_t *pool = wgi_compat_pool;
    const wgi_decomposition *d = compat ? decomposition_in(wgi_compat, wgi_compat_count, c) : NULL;
    if (d == NULL) {
        pool = wgi_canonical_pool;
        d = decomposition_in(wgi_canonical, wgi_canonical_count, c);
    }
    if (d == NULL) return put_item(codes, c);
    bool ok = true;
    for (uint32_t i = 0; i < d->length && ok; i++) ok = put_item(codes, pool[d->at + i]);
    return ok;
}

/* ---- order of combining characters */

enum { SHORT_RUN = 32 };

static void sort_short(uint32_t *run, size_t n) {
    for (size_t i = 1; i < n; i++) {
        const uint32_t item = run[i];
        size_t k = i;
        for (; k > 0 && run[k - 1] >> 24 > item >> 24; k--) run[k] = run[k - 1];
        run[k] = item;
    }
}

static bool sort_long(uint32_t *run, size_t n, wg_account *account) {
    size_t starts[257] = {0};
    uint32_t *copy = wg_alloc(account, n * sizeof *copy);
    if (copy == NULL) return false;
    memcpy(copy, run, n * sizeof *run);
    for (size_t i = 0; i < n; i++) starts[(run[i] >> 24) + 1]++;
    for (size_t i = 1; i < 257; i++) starts[i] += starts[i - 1];
    for (size_t i = 0; i < n; i++) run[starts[copy[i] >> 24]++] = copy[i];
    wg_free(copy);
    return true;
}

static bool order_marks(uint32_t *items, size_t count, wg_account *account) {
    for (size_t i = 0; i < count; i++) {
        size_t end = i;
        while (end < count && items[end] >> 24 != 0) end++;
        if (end - i > SHORT_RUN && !sort_long(items + i, end - i, account)) return false;
        if (end - i > 1 && end - i <= SHORT_RUN) sort_short(items + i, end - i);
        if (end > i) i = end; /* the one behind a run is no mark */
    }
    return true;
}

/* ---- composition */

/* 0: the two make no one character. */
static uint32_t composed(uint32_t a, uint32_t b) {
    if (a >= HANGUL_LEAD && a < HANGUL_LEAD + LEADS && b >= HANGUL_VOWEL && b < HANGUL_VOWEL + VOWELS)
        return HANGUL_SYLLABLE + ((a - HANGUL_LEAD) * VOWELS + (b - HANGUL_VOWEL)) * TAILS;
    const bool open = a >= HANGUL_SYLLABLE && a < HANGUL_SYLLABLE + LEADS * VOWELS * TAILS;
    if (open && (a - HANGUL_SYLLABLE) % TAILS == 0 && b > HANGUL_TAIL && b < HANGUL_TAIL + TAILS)
        return a + (b - HANGUL_TAIL);
    uint32_t low = 0, high = wgi_composition_count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        const wgi_composition *p = &wgi_compositions[middle];
        if (p->first < a || (p->first == a && p->second < b)) low = middle + 1;
        else high = middle;
    }
    const wgi_composition *p = &wgi_compositions[low];
    return low < wgi_composition_count && p->first == a && p->second == b ? p->to : 0;
}

/* In place; gives the new count. A character joins the last starter unless one of its class, or a starter, stands between. */
static size_t compose(uint32_t *items, size_t count) {
    size_t to = 0, starter = SIZE_MAX;
    uint32_t last = 0; /* class of the item before; 0 with items between: blocked */
    for (size_t i = 0; i < count; i++) {
        const uint32_t kind = items[i] >> 24;
        const bool next = starter != SIZE_MAX && to == starter + 1;
        if (starter != SIZE_MAX && (next || (last != 0 && last < kind))) {
            const uint32_t one = composed(items[starter] & 0xffffff, items[i] & 0xffffff);
            if (one != 0) {
                items[starter] = one;
                continue;
            }
        }
        if (kind == 0) starter = to;
        last = kind;
        items[to++] = items[i];
    }
    return to;
}

/* ---- normal forms */

bool wg_unicode_form_of(wg_slice name, wg_unicode_form *out) {
    static const char *const names[] = {"NFC", "NFD", "NFKC", "NFKD"};
    for (uint32_t i = 0; i < 4; i++) {
        bool same = strlen(names[i]) == name.size;
        for (size_t k = 0; same && k < name.size; k++) same = (name.data[k] & 0xdf) == (uint8_t)names[i][k];
        if (!same) continue;
        *out = (wg_unicode_form)i;
        return true;
    }
    return false;
}

bool wg_unicode_normalize(wg_slice s, wg_unicode_form form, wg_buf *out) {
    if (ascii_prefix(s) == s.size) return s.size == 0 || wg_buf_append(out, s.data, s.size);
    const bool compat = form == WG_UNICODE_NFKC || form == WG_UNICODE_NFKD;
    wg_buf codes;
    wg_buf_init(&codes, out->account);
    bool ok = true;
    for (size_t at = 0; ok && at < s.size;) ok = put_decomposed(&codes, take_code(s, &at), compat);
    uint32_t *items = (uint32_t *)(void *)codes.data;
    size_t count = codes.size / sizeof *items;
    ok = ok && order_marks(items, count, out->account);
    if (ok && (form == WG_UNICODE_NFC || form == WG_UNICODE_NFKC)) count = compose(items, count);
    for (size_t i = 0; i < count && ok; i++) ok = put_code(out, items[i] & 0xffffff);
    wg_buf_deinit(&codes);
    return ok;
}
