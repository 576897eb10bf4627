/* Notes: one walk over the tree of a statement, after it was planned, so that names which it makes itself are known.
 *
 *   01N01  a spelling of old           CREATE INDEX ON :L(p), DROP INDEX ON :L(p)
 *   01N50  01N51  01N52                a label, relationship type, property that is nowhere; where labels are declared that is an error
 *   03N90  a product of two patterns   MATCH (a), (b): nothing ties them, and no condition is on one of them
 *   03N91  a pattern without an end    -[*]-> and -[]->+ outside of shortest paths
 *   03W01  = NULL                      a comparison with the word NULL, a pattern with {p: null}: never true
 *
 * A property is looked at where its owner is a variable of a pattern; values of other kinds have names of their own. Deterministic: text and
 * catalog decide. The walk is as deep as the tree, whose height the parser bounds. Failure: WG_E_NOMEM. */
#include "query/notes.h"

#include "query/prepared.h"

enum { NOTES_MAX = 32, VARIABLES_MAX = 256 };

typedef struct walker {
    const wg_prepared *q;
    const wg_catalog *catalog;
    wg_view view;
    wg_arena *arena;
    wg_slice variables[VARIABLES_MAX]; /* of patterns */
    uint32_t variable_count;
    wg_query_note notes[NOTES_MAX];
    uint32_t count;
    bool nomem;
} walker;

static void say(walker *w, const char *status, uint32_t start, const char *before, wg_slice name, const char *after) {
    wg_buf text;
    wg_buf_init(&text, NULL);
    const bool ok = wg_buf_append_str(&text, before) && wg_buf_append(&text, name.data, wg_min_size(name.size, 64)) &&
                    wg_buf_append_str(&text, after) && wg_buf_append_u8(&text, 0);
    const char *message = ok ? wg_arena_strdup(w->arena, wg_slice_str((const char *)text.data)) : NULL;
    wg_buf_deinit(&text);
    w->nomem |= message == NULL;
    for (uint32_t i = 0; i < w->count && message != NULL; i++)
        if (strcmp(w->notes[i].message, message) == 0) return;
    if (message == NULL || w->count == NOTES_MAX) return;
    w->notes[w->count++] = (wg_query_note){.status = status, .message = message, .offset = start};
}

static bool is_kind(const wg_ast *a, wg_ast_kind kind) { return a != NULL && a->kind == kind; }

/* ---- names */

static void note_variable(walker *w, const wg_ast *a) {
    if (a->text.size != 0 && w->variable_count < VARIABLES_MAX) w->variables[w->variable_count++] = a->text;
}

static bool same_text(wg_slice a, wg_slice b) { return a.size == b.size && memcmp(a.data, b.data, a.size) == 0; }

static bool is_variable(const walker *w, wg_slice name) {
    for (uint32_t i = 0; i < w->variable_count; i++)
        if (same_text(w->variables[i], name)) return true;
    return false;
}

static void look_at_name(walker *w, const wg_ast *name, bool is_edge) {
    if (wg_catalog_label(w->catalog, w->view, name->text, is_edge) != NULL) return;
    if (is_edge) say(w, "01N51", name->start, "no relationship has the type '", name->text, "': is it spelt right?");
    else say(w, "01N50", name->start, "no node has the label '", name->text, "': is it spelt right?");
}

static void look_at_labels(walker *w, const wg_ast *a, bool is_edge) {
    if (a == NULL) return;
    if (a->kind == WG_AST_NAME) look_at_name(w, a, is_edge);
    for (uint32_t i = 0; a->kind == WG_AST_LABEL_EXPR && i < a->child_count; i++)
        look_at_labels(w, a->child[i], is_edge);
}

static void look_at_property(walker *w, const wg_ast *a, wg_slice key) {
    if (wg_catalog_key(w->catalog, key) == WG_NO_KEY)
        say(w, "01N52", a->start, "nothing has a property '", key, "': is it spelt right?");
}

/* ---- patterns */

static void look_at_element(walker *w, const wg_ast *a, bool ends_elsewhere) {
    const bool is_edge = a->kind == WG_AST_EDGE;
    for (uint32_t i = 1; i < a->child_count; i++) look_at_labels(w, a->child[i], is_edge);
    const wg_ast *map = a->child_count > 0 ? a->child[0] : NULL;
    for (uint32_t i = 0; is_kind(map, WG_AST_MAP) && i < map->child_count; i++) {
        const wg_ast *entry = map->child[i];
        look_at_property(w, entry, entry->text);
        if (is_kind(entry->child[0], WG_AST_NULL))
            say(w, "03W01", entry->start, "a property that equals NULL is never found: use WHERE ... ", entry->text,
                " IS NULL");
    }
    const bool endless = a->kind != WG_AST_NODE && (a->flags & WG_AST_VARIABLE_LENGTH) != 0 && a->j < 0;
    if (endless && !ends_elsewhere)
        say(w, "03N91", a->start, "this pattern may be of any length: give it a greatest one, as in *..10",
            (wg_slice){0}, "");
}

static void look_at_path(walker *w, const wg_ast *path) {
    const bool ends = path->op != WG_AST_PATH_ALL && path->op != WG_AST_PATH_MODE;
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *a = path->child[i];
        if (a == NULL) continue;
        if (a->kind == WG_AST_NODE || a->kind == WG_AST_EDGE || a->kind == WG_AST_GROUP) look_at_element(w, a, ends);
        if (is_kind(a, WG_AST_GROUP) && a->child_count > 1 && a->child[1] != NULL) look_at_path(w, a->child[1]);
    }
}

static bool mentions(const wg_ast *a, wg_slice name) {
    if (a == NULL) return false;
    if (a->kind == WG_AST_VARIABLE && same_text(a->text, name)) return true;
    for (uint32_t i = 0; i < a->child_count; i++)
        if (mentions(a->child[i], name)) return true;
    return false;
}

/* Some element has a condition of its own, or its variable is in `where` or was there before. */
static bool is_bounded(const walker *w, const wg_ast *path, const wg_ast *where, uint32_t known) {
    for (uint32_t i = 0; i < path->child_count; i++) {
        const wg_ast *a = path->child[i];
        if (a == NULL || (a->kind != WG_AST_NODE && a->kind != WG_AST_EDGE)) continue;
        if (a->child_count > 0 && a->child[0] != NULL) return true;
        for (uint32_t k = 1; k < a->child_count; k++)
            if (is_kind(a->child[k], WG_AST_WHERE)) return true;
        if (a->text.size == 0) continue;
        if (mentions(where, a->text)) return true;
        for (uint32_t v = 0; v < known; v++)
            if (same_text(w->variables[v], a->text)) return true;
    }
    return false;
}

static bool share(const wg_ast *a, const wg_ast *b) {
    for (uint32_t i = 0; i < a->child_count; i++)
        for (uint32_t k = 0; k < b->child_count; k++)
            if (a->child[i] != NULL && b->child[k] != NULL && a->child[i]->text.size != 0 &&
                same_text(a->child[i]->text, b->child[k]->text))
                return true;
    return false;
}

static void look_for_product(walker *w, const wg_ast *pattern, const wg_ast *where, uint32_t known) {
    const wg_ast *free_one = NULL;
    for (uint32_t i = 0; i < pattern->child_count; i++) {
        const wg_ast *path = pattern->child[i];
        if (!is_kind(path, WG_AST_PATH) || is_bounded(w, path, where, known)) continue;
        bool tied = false;
        for (uint32_t k = 0; k < pattern->child_count && !tied; k++)
            tied = k != i && is_kind(pattern->child[k], WG_AST_PATH) && share(path, pattern->child[k]);
        if (tied) continue;
        if (free_one != NULL) {
            say(w, "03N90", path->start,
                "nothing ties this pattern to the one before it: the answer has every pair of their rows",
                (wg_slice){0}, "");
            return;
        }
        free_one = path;
    }
}

static void note_variables(walker *w, const wg_ast *a) {
    if (a == NULL) return;
    if (a->kind == WG_AST_NODE || (a->kind == WG_AST_EDGE && (a->flags & WG_AST_VARIABLE_LENGTH) == 0))
        note_variable(w, a);
    for (uint32_t i = 0; i < a->child_count; i++) note_variables(w, a->child[i]);
}

/* ---- the walk */

static void walk(walker *w, const wg_ast *a);

static void walk_children(walker *w, const wg_ast *a, uint32_t from) {
    for (uint32_t i = from; i < a->child_count; i++)
        if (a->child[i] != NULL) walk(w, a->child[i]);
}

static void look_at_match(walker *w, const wg_ast *a) {
    const wg_ast *pattern = a->child[0], *where = a->child_count > 1 ? a->child[1] : NULL;
    const uint32_t known = w->variable_count;
    note_variables(w, pattern);
    for (uint32_t i = 0; i < pattern->child_count; i++)
        if (is_kind(pattern->child[i], WG_AST_PATH)) look_at_path(w, pattern->child[i]);
    if (is_kind(pattern, WG_AST_PATTERN)) look_for_product(w, pattern, where, known);
}

static void look_at_comparison(walker *w, const wg_ast *a) {
    const bool compares = a->op >= WG_OP_EQ && a->op <= WG_OP_GE;
    for (uint32_t i = 0; compares && i < a->child_count; i++)
        if (is_kind(a->child[i], WG_AST_NULL)) {
            say(w, "03W01", a->start, "a comparison with NULL is never true: use IS NULL or IS NOT NULL",
                (wg_slice){0}, "");
            return;
        }
}

static void walk(walker *w, const wg_ast *a) {
    switch ((int)a->kind) {
        case WG_AST_MATCH:
            look_at_match(w, a);
            break;
        case WG_AST_CREATE:
        case WG_AST_MERGE:
            note_variables(w, a);
            break;
        case WG_AST_SET_PROPERTY: /* makes the property */
            walk_children(w, a, 1);
            return;
        case WG_AST_BINARY:
            look_at_comparison(w, a);
            break;
        case WG_AST_PROPERTY:
            if (is_kind(a->child[0], WG_AST_VARIABLE) && is_variable(w, a->child[0]->text))
                look_at_property(w, a, a->text);
            break;
        case WG_AST_PATTERN_TEST:
        case WG_AST_PATTERN_COMPREHENSION:
            note_variables(w, a->child[0]);
            look_at_path(w, a->child[0]);
            break;
        default:
            break;
    }
    walk_children(w, a, 0);
}

/* `CREATE INDEX ON :L(p)` gives the tree of `CREATE INDEX FOR (n:L) ON (n.p)`: the text tells them apart. */
static bool has_word_for(wg_slice text) {
    for (size_t i = 0; i + 4 < text.size && text.data[i] != '('; i++)
        if ((text.data[i] | 0x20) == 'f' && (text.data[i + 1] | 0x20) == 'o' && (text.data[i + 2] | 0x20) == 'r' &&
            (text.data[i + 3] == ' ' || text.data[i + 3] == '(' || text.data[i + 3] == '\n'))
            return true;
    return false;
}

static void look_at_old_words(walker *w, const wg_ast *body) {
    const wg_slice text = wg_slice_of(w->q->text.data + body->start, body->end - body->start);
    if (body->kind == WG_AST_CREATE_INDEX && body->text.size == 0 && (body->flags & WG_AST_OF_EDGES) == 0 &&
        !has_word_for(text))
        say(w, "01N01", body->start, "this is an old spelling: write CREATE INDEX FOR (n:Label) ON (n.property)",
            (wg_slice){0}, "");
    if (body->kind == WG_AST_DROP_INDEX && body->text.size == 0)
        say(w, "01N01", body->start, "this is an old spelling: write DROP INDEX name, as SHOW INDEXES gives it",
            (wg_slice){0}, "");
}

static wg_code notes_out(const walker *w, wg_query_notes *out, wg_error *err) {
    wg_query_note *notes = wg_arena_alloc(w->arena, ((size_t)w->count + 1) * sizeof *notes);
    if (notes == NULL || w->nomem) return wg_error_nomem(err, w->count * sizeof *notes);
    for (uint32_t i = 0; i < w->count; i++) {
        uint32_t at = i; /* in the order of the text */
        for (; at > 0 && notes[at - 1].offset > w->notes[i].offset; at--) notes[at] = notes[at - 1];
        notes[at] = w->notes[i];
    }
    *out = (wg_query_notes){notes, w->count};
    return WG_OK;
}

wg_code wgi_notes_make(const wg_prepared *q, const wg_txn *txn, wg_arena *arena, wg_query_notes *out, wg_error *err) {
    walker w = {.q = q, .catalog = wg_txn_catalog(txn), .view = wg_txn_view(txn), .arena = arena};
    const wg_ast *body = q->statement->child[0];
    if (body->kind == WG_AST_QUERY || body->kind == WG_AST_COPY_TO) walk(&w, body);
    else look_at_old_words(&w, body);
    return notes_out(&w, out, err);
}

wg_code wgi_notes_copy(const wg_query_notes *from, wg_arena *arena, wg_query_notes *out, wg_error *err) {
    *out = (wg_query_notes){0};
    if (from->count == 0) return WG_OK;
    wg_query_note *notes = wg_arena_alloc(arena, from->count * sizeof *notes);
    if (notes == NULL) return wg_error_nomem(err, from->count * sizeof *notes);
    for (uint32_t i = 0; i < from->count; i++) {
        notes[i] = from->items[i];
        notes[i].message = wg_arena_strdup(arena, wg_slice_str(from->items[i].message));
        if (notes[i].message == NULL) return wg_error_nomem(err, 64);
    }
    *out = (wg_query_notes){notes, from->count};
    return WG_OK;
}
