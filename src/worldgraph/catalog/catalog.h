/* worldgraph/catalog: the names and numbers of labels and properties, virtual labels and their partitions, all by logseq;
 * and the manifest's content.
 *
 * Everything is append-only: an entry has `begin` and `end` logseqs and is seen through the visibility rule like a row. One
 * writer; readers see entries by an acquire load of the counts. Strings and defs live as long as the catalog. */
#ifndef WG_WORLDGRAPH_CATALOG_H
#define WG_WORLDGRAPH_CATALOG_H

#include "base/digest/digest.h"
#include "io/platform/platform.h"
#include "mvcc/mvcc.h"
#include "worldgraph/schema/rule.h"
#include "worldgraph/schema/schema.h"

#define WG_NO_KEY   UINT32_MAX
#define WG_NO_LABEL UINT32_MAX

/* Shared flag of a running statement, and the moment at which it has to end; every long loop looks at them. */
typedef struct wg_cancel {
    wg_platform *platform; /* whose clock it is; set before the statement runs, constant while it does */
    uint64_t deadline_ns;  /* of its now_ns; 0: none */
    _Atomic bool cancelled;
    _Atomic uint64_t rows_done;
    _Atomic uint64_t rows_total;
} wg_cancel;
static inline wg_code wg_cancel_check(const wg_cancel *cancel, wg_error *err) {
    if (cancel == NULL) return WG_OK;
    if (atomic_load_explicit(&cancel->cancelled, memory_order_relaxed))
        return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "cancelled");
    if (cancel->deadline_ns == 0 || cancel->platform->ops->now_ns(cancel->platform) < cancel->deadline_ns)
        return WG_OK;
    return wg_error_set(err, WG_E_DEADLINE, WG_NO_OFFSET, "the deadline passed before the answer was complete");
}

typedef struct wg_label {
    uint32_t number;
    wg_label_def def;
    _Atomic uint64_t begin; /* relaxed, as `end`: a snapshot that covers them came from the commit behind them */
    _Atomic uint64_t end;
    const struct wg_label *older; /* what it was before ALTER; NULL: this is the first version */
    uint32_t column_keys[];       /* key number of each column of def */
} wg_label;

/* One file of a virtual label. */
typedef struct wg_partition {
    uint32_t number;
    uint32_t label;
    const char *path; /* absolute */
    _Atomic uint64_t begin;
    uint64_t file_bytes;
    wg_sha256 digest; /* of file size and footer bytes */
    uint64_t row_count;
    const wg_value *variables; /* values of the label's partition columns, in column order */
} wg_partition;

/* An index or a constraint. */
typedef struct wg_rule {
    uint32_t number;
    wg_rule_def def;
    _Atomic uint64_t begin;
    _Atomic uint64_t end;
} wg_rule;

typedef struct wg_catalog wg_catalog;
wg_code wg_catalog_create(wg_account *account, wg_catalog **out, wg_error *err);
void wg_catalog_destroy(wg_catalog *catalog);

/* Writer: whatever began or was altered as WG_LOGSEQ_OWN did so in commit `logseq`, which nobody sees yet. */
void wg_catalog_stamp(wg_catalog *catalog, uint64_t logseq);

/* ---- property keys */
uint32_t wg_catalog_key(const wg_catalog *catalog, wg_slice name); /* WG_NO_KEY */
const char *wg_catalog_key_name(const wg_catalog *catalog, uint32_t key);
uint32_t wg_catalog_key_count(const wg_catalog *catalog);
/* The commit that brought it; 0: unknown, before all snapshots. */
uint64_t wg_catalog_key_begin(const wg_catalog *catalog, uint32_t key);
wg_code wg_catalog_add_key(wg_catalog *catalog, wg_slice name, uint64_t begin, uint32_t *out,
                           wg_error *err);                          /* writer; EXISTS */
void wg_catalog_truncate_keys(wg_catalog *catalog, uint32_t count); /* rollback */

/* ---- labels */
const wg_label *wg_catalog_label(const wg_catalog *catalog, wg_view view, wg_slice name,
                                 bool is_edge); /* NULL: none */
/* The newest version of a label, for writers; NULL: none. */
const wg_label *wg_catalog_label_at(const wg_catalog *catalog, uint32_t number);
/* The version that the view sees; when it sees none, because the label was made later or dropped before, the newest one. NULL: no such number. */
const wg_label *wg_catalog_label_seen(const wg_catalog *catalog, uint32_t number, wg_view view);
uint32_t wg_catalog_label_count(const wg_catalog *catalog); /* numbers given out, dropped ones too */
bool wg_label_is_visible(const wg_label *label, wg_view view);
wg_code wg_catalog_add_label(wg_catalog *catalog, const wg_label_def *def, uint64_t begin, uint32_t *out,
                             wg_error *err);
void wg_catalog_end_label(wg_catalog *catalog, uint32_t number, uint64_t end); /* NEVER undoes */
void wg_catalog_truncate_labels(wg_catalog *catalog, uint32_t count);
/* ALTER: `def` is the label's from `begin` on. */
wg_code wg_catalog_alter_label(wg_catalog *catalog, uint32_t number, const wg_label_def *def, uint64_t begin,
                               wg_error *err);
/* Rollback of the newest ALTER of all, which was of this label. */
void wg_catalog_unalter_label(wg_catalog *catalog, uint32_t number);
/* The visible name nearest to a misspelt one (wg_suggestion), or NULL: for "did you mean". */
const char *wg_catalog_suggest_label(const wg_catalog *catalog, wg_view view, wg_slice name, bool is_edge);

/* ---- partitions */
uint32_t wg_catalog_partition_count(const wg_catalog *catalog);
const wg_partition *wg_catalog_partition(const wg_catalog *catalog, uint32_t number); /* NULL: none */
const wg_partition *wg_catalog_partition_of(const wg_catalog *catalog, uint32_t label, wg_slice path);
wg_code wg_catalog_add_partition(wg_catalog *catalog, const wg_partition *partition, uint32_t *out, wg_error *err);
void wg_catalog_truncate_partitions(wg_catalog *catalog, uint32_t count);

/* ---- indexes and constraints: one set of names */
const wg_rule *wg_catalog_rule(const wg_catalog *catalog, wg_view view, wg_slice name); /* NULL: none */
const wg_rule *wg_catalog_rule_at(const wg_catalog *catalog, uint32_t number);          /* NULL: none */
uint32_t wg_catalog_rule_count(const wg_catalog *catalog); /* numbers given out, dropped ones too */
bool wg_rule_is_visible(const wg_rule *rule, wg_view view);
/* The next rule of a label that the view sees, from number *position on, which it moves behind it; NULL at the end. */
const wg_rule *wg_catalog_next_rule(const wg_catalog *catalog, wg_view view, uint32_t label, uint32_t *position);
wg_code wg_catalog_add_rule(wg_catalog *catalog, const wg_rule_def *def, uint64_t begin, uint32_t *out,
                            wg_error *err);
void wg_catalog_end_rule(wg_catalog *catalog, uint32_t number, uint64_t end); /* NEVER undoes */
void wg_catalog_truncate_rules(wg_catalog *catalog, uint32_t count);
/* The visible name nearest to a misspelt one, of indexes or of constraints; NULL: none. */
const char *wg_catalog_suggest_rule(const wg_catalog *catalog, wg_view view, wg_slice name, bool is_index);

/* ---- partition patterns: `{name}` stands for a non-empty run of characters within one path segment; `*` likewise without a name;
 * key=value directories below a pattern that ends in '/' are inferred. */
enum { WG_PATTERN_SEGMENTS_MAX = 32, WG_PATTERN_FILES_MAX = 100000 };
/* Syntax: names valid and unique, no "..", something to match. WG_E_BIND with the offset in the pattern. */
wg_code wg_pattern_check(wg_slice pattern, wg_error *err);
/* Names of the variables in order, in the arena. */
wg_code wg_pattern_variables(wg_slice pattern, wg_arena *arena, const char ***out, uint32_t *out_count,
                             wg_error *err);
/* Matches one path segment of the pattern with a name; captures fill values[] from *captured on. The caller refuses captured
 * values that are not harmless, so that a file is never left out in silence. */
bool wg_pattern_match_segment(wg_slice pattern_segment, wg_slice name, wg_slice *values, uint32_t *captured);

/* Only [A-Za-z0-9_.=-], not empty, neither "." nor "..". */
bool wg_pattern_value_is_harmless(wg_slice value);

#endif
