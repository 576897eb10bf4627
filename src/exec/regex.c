/* The operator =~: PCRE2 behind a cache of compiled patterns. ADR 0016 says why this library and these options.
 *
 * A pattern matches the whole text (anchored at both ends). Options are given one by one, so that nothing depends on how the library
 * was built: UTF-8, ends of lines as Unicode has them, no \C. Steps and memory of a match are limited, so hostile patterns end in WG_E_LIMIT.
 *
 * A pattern that has been asked for often is compiled to machine code where the machine allows it. That code counts steps in its own way and has a
 * stack of its own; when it gives up, the interpreter decides. So both give the same answers, and only a refusal may come earlier or later.
 *
 * The cache has CACHE_PATTERNS places, the one used least recently is given up. A constant pattern is found by comparing its bytes once a call. */
#include "exec/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "exec/exec_functions.h"

enum { CACHE_PATTERNS = 8, CHECK_ROWS = 64 };

typedef struct compiled {
    wg_slice pattern; /* owned */
    pcre2_code *code;
    uint64_t used; /* the cache's clock at the last use; 0: the place is free */
    uint64_t matches;
} compiled;

struct wgi_regex_cache {
    wg_account *account;
    pcre2_general_context *general;
    pcre2_compile_context *compiling;
    pcre2_match_context *matching;
    pcre2_match_data *data; /* of one pair: only whether it matches is asked */
    uint64_t clock;
    bool refused; /* the account, since the last call */
    compiled places[CACHE_PATTERNS];
};

/* ---- memory */

static void *take_memory(size_t bytes, void *ctx) {
    wgi_regex_cache *cache = ctx;
    void *p = wg_alloc(cache->account, bytes);
    cache->refused |= p == NULL;
    return p;
}

static void give_memory(void *p, void *ctx) {
    (void)ctx;
    if (p != NULL) wg_free(p);
}

static void forget(compiled *c) {
    pcre2_code_free(c->code);
    if (c->pattern.data != NULL) wg_free((void *)(uintptr_t)c->pattern.data);
    *c = (compiled){.used = 0};
}

void wgi_regex_cache_destroy(wgi_regex_cache *cache) {
    if (cache == NULL) return;
    for (size_t i = 0; i < CACHE_PATTERNS; i++) forget(&cache->places[i]);
    pcre2_match_data_free(cache->data);
    pcre2_match_context_free(cache->matching);
    pcre2_compile_context_free(cache->compiling);
    pcre2_general_context_free(cache->general);
    wg_free(cache);
}

wgi_regex_cache *wgi_regex_cache_create(wg_account *account) {
    wgi_regex_cache *cache = wg_alloc_zero(account, sizeof *cache);
    if (cache == NULL) return NULL;
    cache->account = account;
    cache->general = pcre2_general_context_create(take_memory, give_memory, cache);
    if (cache->general != NULL) {
        cache->compiling = pcre2_compile_context_create(cache->general);
        cache->matching = pcre2_match_context_create(cache->general);
        cache->data = pcre2_match_data_create(1, cache->general);
    }
    if (cache->compiling == NULL || cache->matching == NULL || cache->data == NULL) {
        wgi_regex_cache_destroy(cache);
        return NULL;
    }
    (void)pcre2_set_newline(cache->compiling, PCRE2_NEWLINE_ANY);
    (void)pcre2_set_bsr(cache->compiling, PCRE2_BSR_UNICODE);
    (void)pcre2_set_max_pattern_length(cache->compiling, WGI_REGEX_PATTERN_BYTES_MAX);
    (void)pcre2_set_parens_nest_limit(cache->compiling, 250);
    (void)pcre2_set_match_limit(cache->matching, WGI_REGEX_STEPS_MAX);
    (void)pcre2_set_depth_limit(cache->matching, WGI_REGEX_STEPS_MAX);
    (void)pcre2_set_heap_limit(cache->matching, WGI_REGEX_HEAP_BYTES_MAX >> 10);
    return cache;
}

/* ---- compiling */

static wg_code not_compiled(wgi_regex_cache *cache, int number, size_t at, wg_error *err) {
    char text[120] = "";
    if (cache->refused) return wg_error_nomem(err, WGI_REGEX_PATTERN_BYTES_MAX);
    (void)pcre2_get_error_message(number, (PCRE2_UCHAR *)text, sizeof text);
    if (number == PCRE2_ERROR_PATTERN_TOO_LARGE || number == PCRE2_ERROR_PATTERN_STRING_TOO_LONG ||
        number == PCRE2_ERROR_PATTERN_TOO_COMPLICATED || number == PCRE2_ERROR_PARENTHESES_NEST_TOO_DEEP ||
        number == PCRE2_ERROR_PARENTHESES_STACK_CHECK)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "=~: the pattern is too large: %s", text);
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "=~: wrong pattern, at its byte %zu: %s", at, text);
}

static wg_code compile(wgi_regex_cache *cache, wg_slice pattern, compiled *out, wg_error *err) {
    const uint32_t options = PCRE2_UTF | PCRE2_ANCHORED | PCRE2_ENDANCHORED | PCRE2_NEVER_BACKSLASH_C;
    int number = 0;
    size_t at = 0;
    cache->refused = false;
    uint8_t *copy = wg_alloc(cache->account, pattern.size + 1);
    if (copy == NULL) return wg_error_nomem(err, pattern.size + 1);
    if (pattern.size != 0) memcpy(copy, pattern.data, pattern.size);
    copy[pattern.size] = 0;
    pcre2_code *code = pcre2_compile(copy, pattern.size, options, &number, &at, cache->compiling);
    if (code == NULL) {
        wg_free(copy);
        return not_compiled(cache, number, at, err);
    }
    *out = (compiled){.pattern = wg_slice_of(copy, pattern.size), .code = code};
    return WG_OK;
}

static wg_code find(wgi_regex_cache *cache, wg_slice pattern, compiled **out, wg_error *err) {
    compiled *oldest = &cache->places[0];
    cache->clock++;
    for (size_t i = 0; i < CACHE_PATTERNS; i++) {
        compiled *c = &cache->places[i];
        if (c->used < oldest->used) oldest = c;
        if (c->used == 0 || !wg_slice_equal(c->pattern, pattern)) continue;
        c->used = cache->clock;
        *out = c;
        return WG_OK;
    }
    compiled made;
    WG_TRY(compile(cache, pattern, &made, err));
    forget(oldest);
    *oldest = made;
    oldest->used = cache->clock;
    *out = oldest;
    return WG_OK;
}

/* ---- matching */

static wg_code not_matched(wgi_regex_cache *cache, int number, wg_error *err) {
    char text[120] = "";
    if (cache->refused) return wg_error_nomem(err, WGI_REGEX_HEAP_BYTES_MAX);
    (void)pcre2_get_error_message(number, (PCRE2_UCHAR *)text, sizeof text);
    if (number == PCRE2_ERROR_MATCHLIMIT || number == PCRE2_ERROR_DEPTHLIMIT || number == PCRE2_ERROR_HEAPLIMIT ||
        number == PCRE2_ERROR_NOMEMORY)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET,
                            "=~: the pattern needs more than %d steps or %d MiB for one text; write it with fewer "
                            "repetitions inside repetitions",
                            (int)WGI_REGEX_STEPS_MAX, (int)(WGI_REGEX_HEAP_BYTES_MAX >> 20));
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "=~: %s", text);
}

static wg_code match(wgi_regex_cache *cache, compiled *c, wg_slice subject, bool *out, wg_error *err) {
    const uint8_t *text = subject.data != NULL ? subject.data : (const uint8_t *)"";
    cache->refused = false;
    if (++c->matches == WGI_REGEX_JIT_AFTER) (void)pcre2_jit_compile(c->code, PCRE2_JIT_COMPLETE);
    int found = pcre2_match(c->code, text, subject.size, 0, 0, cache->data, cache->matching);
    const bool again = found < 0 && found != PCRE2_ERROR_NOMATCH && c->matches >= WGI_REGEX_JIT_AFTER;
    if (again) {
        cache->refused = false;
        found = pcre2_match(c->code, text, subject.size, 0, PCRE2_NO_JIT, cache->data, cache->matching);
    }
    if (found < 0 && found != PCRE2_ERROR_NOMATCH) return not_matched(cache, found, err);
    *out = found >= 0;
    return WG_OK;
}

wg_code wgi_regex_match(wgi_regex_cache *cache, wg_slice pattern, wg_slice subject, bool *out, wg_error *err) {
    compiled *c;
    WG_TRY(find(cache, pattern, &c, err));
    return match(cache, c, subject, out, err);
}

/* ---- the operator */

/* Places the error at the operator. */
static wg_code placed(const wgi_call *call, wg_code code, wg_error *err) {
    if (code != WG_OK && err != NULL && err->offset == WG_NO_OFFSET) err->offset = call->offset;
    return code;
}

static wg_code regex_row(wgi_call *call, wg_slice subject, wg_slice pattern, bool *out, wg_error *err) {
    wgi_eval *eval = call->eval;
    if (eval->regexes == NULL) eval->regexes = wgi_regex_cache_create(eval->context->account);
    if (eval->regexes == NULL) return wg_error_nomem(err, sizeof(wgi_regex_cache));
    return placed(call, wgi_regex_match(eval->regexes, pattern, subject, out, err), err);
}

WGI_ROW_FN(wgi_fn_regex) {
    (void)arg_count;
    bool matches = false;
    *out = wg_value_null(); /* as for STARTS WITH: something else than strings */
    if (args[0].type != WG_TYPE_STRING || args[1].type != WG_TYPE_STRING) return WG_OK;
    WG_TRY(regex_row(call, wg_value_slice(&args[0]), wg_value_slice(&args[1]), &matches, err));
    *out = wg_value_bool(matches);
    return WG_OK;
}

/* Whether each entry of the subject's dictionary has been matched, and how it went: bit 1 and bit 0. */
static uint8_t *memo_of(wgi_call *call, const wg_vector *subject, const wg_vector *pattern) {
    if (subject->kind != WG_VECTOR_DICT || pattern->kind != WG_VECTOR_CONST) return NULL;
    return wg_arena_alloc_zero(&call->eval->arena, subject->dict_size + 1u);
}

static wg_code cell_matches(wgi_call *call, const wg_vector *args, uint32_t row, uint8_t *memo, bool *out,
                            wg_error *err) {
    const uint32_t cell = wg_vector_cell(&args[0], row);
    if (memo != NULL && memo[cell] != 0) {
        *out = (memo[cell] & 1) != 0;
        return WG_OK;
    }
    const wg_str subject = ((const wg_str *)args[0].data)[cell];
    const wg_str pattern = ((const wg_str *)args[1].data)[wg_vector_cell(&args[1], row)];
    WG_TRY(regex_row(call, wg_slice_of_str(subject), wg_slice_of_str(pattern), out, err));
    if (memo != NULL) memo[cell] = (uint8_t)(2 | (*out ? 1 : 0));
    return WG_OK;
}

wg_code wgi_kernel_regex(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err) {
    if (args[0].type != WG_TYPE_STRING || args[1].type != WG_TYPE_STRING) return WG_OK;
    wgi_builder b;
    if (!wgi_builder_init(&b, &call->eval->arena, WG_TYPE_BOOL, wgi_extent(in)))
        return wg_error_nomem(err, in->row_count);
    uint8_t *memo = memo_of(call, &args[0], &args[1]);
    for (uint32_t i = 0; i < in->row_count; i++) {
        const uint32_t row = wg_batch_row(in, i);
        bool matches = false;
        wg_value cell = wg_value_null();
        if (i % CHECK_ROWS == 0) WG_TRY(wgi_check(call->eval->context, err)); /* a match may take long */
        if (wg_vector_is_valid(&args[0], row) && wg_vector_is_valid(&args[1], row)) {
            WG_TRY(cell_matches(call, args, row, memo, &matches, err));
            cell = wg_value_bool(matches);
        }
        WG_TRY(wgi_builder_set(&b, row, &cell, call->offset, err));
    }
    *out = b.vector;
    *out_done = true;
    return WG_OK;
}
