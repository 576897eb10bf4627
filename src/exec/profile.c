/* exec: counters of a run, a line an operator, and their table. Lines are found by the plan node's address, once for each operator of a
 * worker. Workers add to them when they pass a batch on. */
#include "exec/profile.h"

#include "exec/exec_internal.h"

struct wg_profile {
    wg_account *account;
    wg_platform *platform;
    wg_arena arena;
    wg_mutex mutex; /* scans of lines, and the arena */
    wg_profile_line *lines;
    uint32_t count;
    uint32_t capacity;
    uint32_t leading; /* the leading thread's line, and since when */
    uint64_t mark;
};

static wg_code add_lines(wg_profile *p, const wg_plan *plan, uint32_t depth, wg_error *err) {
    if (depth > 10000) return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a plan of more than 10000 levels");
    if (p->count == p->capacity) {
        const uint32_t capacity = p->capacity == 0 ? 16 : p->capacity * 2;
        wg_profile_line *lines = wg_arena_alloc_zero(&p->arena, capacity * sizeof *lines);
        if (lines == NULL) return wg_error_nomem(err, capacity * sizeof *lines);
        if (p->count > 0) memcpy(lines, p->lines, p->count * sizeof *lines);
        p->lines = lines;
        p->capacity = capacity;
    }
    wg_profile_line *line = &p->lines[p->count++];
    line->plan = plan;
    line->depth = depth;
    line->scan_text = "";
    for (uint32_t i = 0; plan->pattern != NULL && i < plan->pattern->vertex_count; i++)
        if (plan->pattern->vertices[i].rows != NULL)
            WG_TRY(add_lines(p, plan->pattern->vertices[i].rows, depth + 1, err));
    for (uint32_t i = 0; plan->pattern != NULL && i < plan->pattern->set_count; i++)
        WG_TRY(add_lines(p, plan->pattern->sets[i].rows, depth + 1, err));
    for (int i = 0; i < 2; i++)
        if (plan->children[i] != NULL) WG_TRY(add_lines(p, plan->children[i], depth + 1, err));
    return WG_OK;
}

wg_code wg_profile_create(const wg_plan *plan, wg_platform *platform, wg_account *account, wg_profile **out,
                          wg_error *err) {
    wg_profile *p = wg_alloc_zero(account, sizeof *p);
    if (p == NULL) return wg_error_nomem(err, sizeof *p);
    p->account = account;
    p->platform = platform;
    p->leading = WG_PROFILE_NO_LINE;
    wg_arena_init(&p->arena, account);
    wg_mutex_init(&p->mutex, WG_RANK_POOL + 2);
    const wg_code code = add_lines(p, plan, 0, err);
    if (code == WG_OK) *out = p;
    else wg_profile_destroy(p);
    return code;
}

void wg_profile_destroy(wg_profile *profile) {
    if (profile == NULL) return;
    wg_mutex_deinit(&profile->mutex);
    wg_arena_deinit(&profile->arena);
    wg_free(profile);
}

uint32_t wg_profile_count(const wg_profile *profile) { return profile->count; }
const wg_profile_line *wg_profile_at(const wg_profile *profile, uint32_t line) { return &profile->lines[line]; }

/* ---- counting */

uint32_t wgi_profile_line(const wg_profile *profile, const wg_plan *plan) {
    for (uint32_t i = 0; profile != NULL && plan != NULL && i < profile->count; i++)
        if (profile->lines[i].plan == plan) return i;
    return WG_PROFILE_NO_LINE;
}

uint64_t wgi_profile_now(const wg_profile *profile) { return profile->platform->ops->now_ns(profile->platform); }

void wgi_profile_rows(wg_profile *profile, uint32_t line, uint64_t rows, uint64_t batches) {
    if (profile == NULL || line == WG_PROFILE_NO_LINE) return;
    atomic_fetch_add_explicit(&profile->lines[line].rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&profile->lines[line].batches, batches, memory_order_relaxed);
}

void wgi_profile_time(wg_profile *profile, uint32_t line, uint64_t ns) {
    if (line != WG_PROFILE_NO_LINE) atomic_fetch_add_explicit(&profile->lines[line].ns, ns, memory_order_relaxed);
}

void wgi_profile_memory(wg_profile *profile, uint32_t line, uint64_t bytes) {
    if (profile == NULL || line == WG_PROFILE_NO_LINE) return;
    _Atomic uint64_t *at = &profile->lines[line].memory_bytes;
    uint64_t seen = atomic_load_explicit(at, memory_order_relaxed);
    while (seen < bytes &&
           !atomic_compare_exchange_weak_explicit(at, &seen, bytes, memory_order_relaxed, memory_order_relaxed)) {}
}

void wgi_profile_spilled(wg_profile *profile, uint32_t line, uint64_t bytes) {
    if (profile != NULL && line != WG_PROFILE_NO_LINE)
        atomic_fetch_add_explicit(&profile->lines[line].spilled_bytes, bytes, memory_order_relaxed);
}

void wgi_profile_scan(wg_profile *profile, uint32_t line, const wg_scan *scan) {
    if (profile == NULL || line == WG_PROFILE_NO_LINE) return;
    wg_buf text;
    wg_buf_init(&text, profile->account);
    const bool ok = wg_scan_describe(scan, &text);
    wg_mutex_lock(&profile->mutex);
    wg_scan_stats(scan, &profile->lines[line].scan);
    const char *copy = ok ? wg_arena_strdup(&profile->arena, wg_buf_slice(&text)) : NULL;
    if (copy != NULL) profile->lines[line].scan_text = copy; /* without memory the text is missing */
    wg_mutex_unlock(&profile->mutex);
    wg_buf_deinit(&text);
}

uint32_t wgi_profile_lead(wg_profile *profile, uint32_t line) {
    const uint64_t now = wgi_profile_now(profile);
    const uint32_t before = profile->leading;
    wgi_profile_time(profile, before, now - profile->mark);
    profile->leading = line;
    profile->mark = now;
    return before;
}

/* ---- the table */

const char *const wg_profile_column_names[WG_PROFILE_COLUMNS] = {
    "operator",     "detail",        "estimate",     "rows",       "batches", "time_us",
    "memory_bytes", "spilled_bytes", "rows_scanned", "bytes_read", "pruning"};
const wg_type wg_profile_column_types[WG_PROFILE_COLUMNS] = {
    WG_TYPE_STRING, WG_TYPE_STRING, WG_TYPE_INT, WG_TYPE_INT, WG_TYPE_INT,   WG_TYPE_INT,
    WG_TYPE_INT,    WG_TYPE_INT,    WG_TYPE_INT, WG_TYPE_INT, WG_TYPE_STRING};

static uint64_t rows_of(const wg_profile *p, uint32_t line) {
    const wg_plan *plan = p->lines[line].plan;
    if (plan->op != WG_PLAN_UNION) return atomic_load_explicit(&p->lines[line].rows, memory_order_relaxed);
    uint64_t rows = 0; /* branches go on without a stop */
    for (int i = 0; i < 2; i++) rows += rows_of(p, wgi_profile_line(p, plan->children[i]));
    return rows;
}

static wg_code text_cell(wg_arena *arena, const wg_buf *text, wg_value *out, wg_error *err) {
    const uint8_t *copy = text->size > 0 ? wg_arena_copy(arena, text->data, text->size) : (const uint8_t *)"";
    if (copy == NULL) return wg_error_nomem(err, text->size);
    *out = wg_value_str(wg_slice_of(copy, text->size));
    return WG_OK;
}

static wg_code fill_row(const wg_profile *p, uint32_t line, const wg_txn *txn, wg_arena *arena, wg_value *cells,
                        wg_error *err) {
    const wg_profile_line *l = &p->lines[line];
    wg_buf name, detail;
    wg_buf_init(&name, arena->account);
    wg_buf_init(&detail, arena->account);
    bool ok = true;
    for (uint32_t i = 0; i < l->depth && ok; i++) ok = wg_buf_append_str(&name, "  ");
    ok = ok && wgi_plan_print_parts(l->plan, txn, &name, &detail);
    wg_code code = ok ? text_cell(arena, &name, &cells[0], err) : wg_error_nomem(err, 64);
    if (code == WG_OK) code = text_cell(arena, &detail, &cells[1], err);
    wg_buf_deinit(&name);
    wg_buf_deinit(&detail);
    const double estimate = l->plan->row_estimate;
    cells[2] = wg_value_int(estimate < 9e18 ? (int64_t)(estimate + 0.5) : INT64_MAX);
    cells[3] = wg_value_int((int64_t)rows_of(p, line));
    cells[4] = wg_value_int((int64_t)atomic_load_explicit(&l->batches, memory_order_relaxed));
    cells[5] = wg_value_int((int64_t)(atomic_load_explicit(&l->ns, memory_order_relaxed) / 1000));
    cells[6] = wg_value_int((int64_t)atomic_load_explicit(&l->memory_bytes, memory_order_relaxed));
    cells[7] = wg_value_int((int64_t)atomic_load_explicit(&l->spilled_bytes, memory_order_relaxed));
    cells[8] = wg_value_int((int64_t)l->scan.rows_scanned);
    cells[9] = wg_value_int((int64_t)l->scan.bytes_read);
    cells[10] = wg_value_str(wg_slice_str(l->scan_text));
    return code;
}

wg_code wg_profile_cells(const wg_profile *profile, const wg_txn *txn, wg_arena *arena, wg_value **out,
                         wg_error *err) {
    const size_t bytes = (size_t)profile->count * WG_PROFILE_COLUMNS * sizeof(wg_value);
    wg_value *cells = wg_arena_alloc(arena, bytes);
    if (cells == NULL) return wg_error_nomem(err, bytes);
    for (uint32_t i = 0; i < profile->count; i++)
        WG_TRY(fill_row(profile, i, txn, arena, &cells[(size_t)i * WG_PROFILE_COLUMNS], err));
    /* pruning texts live with the profile */
    for (uint32_t i = 0; i < profile->count; i++) {
        wg_value *cell = &cells[(size_t)i * WG_PROFILE_COLUMNS + WG_PROFILE_COLUMNS - 1];
        const wg_value borrowed = *cell;
        if (!wg_value_copy(arena, &borrowed, cell)) return wg_error_nomem(err, 64);
    }
    *out = cells;
    return WG_OK;
}
