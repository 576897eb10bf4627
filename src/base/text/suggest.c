/* Nearest names, for error messages. See text.h. */
#include "base/text/text.h"

enum { WORD_BYTES_MAX = 64 };

static uint8_t lower_of(uint8_t c) { return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c; }

/* Optimal string alignment distance (Damerau 1964, without edits inside a swapped pair) in three rolling rows. */
static size_t edit_distance(wg_slice a, wg_slice b) {
    size_t rows[3][WORD_BYTES_MAX + 1];
    for (size_t j = 0; j <= b.size; j++) rows[0][j] = j;
    for (size_t i = 1; i <= a.size; i++) {
        size_t *row = rows[i % 3];
        const size_t *above = rows[(i - 1) % 3];
        const size_t *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b.size; j++) {
            const uint8_t x = lower_of(a.data[i - 1]);
            const uint8_t y = lower_of(b.data[j - 1]);
            size_t best = wg_min_size(wg_min_size(above[j], row[j - 1]) + 1, above[j - 1] + (x == y ? 0 : 1));
            const bool swapped = i > 1 && j > 1 && x == lower_of(b.data[j - 2]) && lower_of(a.data[i - 2]) == y;
            if (swapped) best = wg_min_size(best, two_above[j - 2] + 1);
            row[j] = best;
        }
    }
    return rows[a.size % 3][b.size];
}

static size_t common_prefix(wg_slice a, wg_slice b) {
    size_t n = 0;
    while (n < a.size && n < b.size && lower_of(a.data[n]) == lower_of(b.data[n])) n++;
    return n;
}

static bool can_be_near(wg_slice word) { return word.size >= 2 && word.size <= WORD_BYTES_MAX; }

void wg_suggestion_init(wg_suggestion *suggestion, wg_slice word) {
    *suggestion = (wg_suggestion){.word = word, .distance = word.size <= 4 ? 1 : 2};
}

void wg_suggestion_offer(wg_suggestion *suggestion, const char *name) {
    const wg_slice candidate = wg_slice_str(name);
    if (!can_be_near(suggestion->word) || !can_be_near(candidate)) return;
    const size_t distance = edit_distance(suggestion->word, candidate);
    if (distance > suggestion->distance) return;
    const size_t prefix = common_prefix(suggestion->word, candidate);
    if (suggestion->name != NULL && distance == suggestion->distance && prefix <= suggestion->prefix) return;
    suggestion->name = name;
    suggestion->distance = distance;
    suggestion->prefix = prefix;
}
