/* The oracle of the determinism tests: what the queries answer, from the history alone. Sums of floats are exact in integers of 2^-20, rounded once. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/determinism/kit.h"

typedef struct oracle {
    const kit_history *h;
    kit_state s;
    uint64_t at;
    wg_buf *out;
} oracle;

static void put(oracle *o, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void put(oracle *o, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    const int size = vsnprintf(text, sizeof text, format, args);
    va_end(args);
    assert_true(size >= 0 && (size_t)size < sizeof text);
    assert_true(wg_buf_append(o->out, text, (size_t)size));
}

static void put_float(oracle *o, double v) {
    const wg_value value = wg_value_float(v);
    assert_true(wg_value_print_json(o->out, &value));
}

static double f_of(const kit_record *r) { return (double)r->f_scaled / 1048576.0; }
static double exact_sum(wg_i128 scaled) {
    return (double)scaled / 1048576.0;
} /* one rounding, then an exact division */

static void nodes_of_a(oracle *o) {
    put(o, "n.key,n.k,n.f\n");
    for (uint32_t i = 0; i < o->h->node_count; i++) {
        const kit_record *r = &o->s.nodes[i];
        if (!r->alive || (r->labels & 1) == 0) continue;
        put(o, "[%u,%lld,", i, (long long)r->k);
        put_float(o, f_of(r));
        put(o, "]\n");
    }
}

static void filtered(oracle *o) {
    put(o, "n.key\n");
    for (uint32_t i = 0; i < o->h->node_count; i++)
        if (o->s.nodes[i].alive && o->s.nodes[i].k > 50) put(o, "[%u]\n", i);
}

static void totals(oracle *o) {
    uint64_t count = 0;
    int64_t k = 0;
    wg_i128 f = 0;
    for (uint32_t i = 0; i < o->h->node_count; i++) {
        if (!o->s.nodes[i].alive) continue;
        count++;
        k += o->s.nodes[i].k;
        f += o->s.nodes[i].f_scaled;
    }
    put(o, "n,k,f\n[%llu,%lld,", (unsigned long long)count, (long long)k);
    put_float(o, exact_sum(f));
    put(o, "]\n");
}

static void grouped(oracle *o) {
    put(o, "g,n,f,low,high\n");
    for (int64_t g = 0; g < 5; g++) {
        uint64_t count = 0;
        wg_i128 f = 0;
        int64_t low = INT64_MAX;
        int64_t high = INT64_MIN;
        for (uint32_t i = 0; i < o->h->node_count; i++) {
            const kit_record *r = &o->s.nodes[i];
            if (!r->alive || r->k % 5 != g) continue;
            count++;
            f += r->f_scaled;
            if (r->k < low) low = r->k;
            if (r->f_scaled > high) high = r->f_scaled;
        }
        if (count == 0) continue;
        put(o, "[%lld,%llu,", (long long)g, (unsigned long long)count);
        put_float(o, exact_sum(f));
        put(o, ",%lld,", (long long)low);
        put_float(o, (double)high / 1048576.0);
        put(o, "]\n");
    }
}

static void edges_of_r(oracle *o) {
    put(o, "a.key,r.key,r.w,b.key\n");
    for (uint32_t i = 0; i < o->h->edge_count; i++) {
        const kit_record *r = &o->s.edges[i];
        if (r->alive && r->labels == 0) put(o, "[%u,%u,%lld,%u]\n", r->from, i, (long long)r->k, r->to);
    }
}

static void two_hops(oracle *o) {
    put(o, "a.key,c.key,n\n");
    for (uint32_t a = 0; a < o->h->node_count; a++)
        for (uint32_t c = 0; c < o->h->node_count; c++) {
            uint32_t n = 0;
            for (uint32_t x = 0; x < o->h->edge_count; x++)
                for (uint32_t y = 0; y < o->h->edge_count; y++) {
                    const kit_record *first = &o->s.edges[x];
                    const kit_record *second = &o->s.edges[y];
                    n += x != y && first->alive && second->alive && first->from == a && first->to == second->from &&
                         second->to == c;
                }
            if (n > 0) put(o, "[%u,%u,%u]\n", a, c, n);
        }
}

/* Nodes that 1 to 3 edges lead to from node 0. Distinct edges need not be asked for: a shortest walk has them. */
static void reachable(oracle *o) {
    bool seen[4][KIT_NODES] = {{0}};
    bool any[KIT_NODES] = {0};
    seen[0][0] = true;
    for (uint32_t d = 0; d < 3; d++)
        for (uint32_t i = 0; i < o->h->edge_count; i++)
            if (o->s.edges[i].alive && seen[d][o->s.edges[i].from]) {
                seen[d + 1][o->s.edges[i].to] = true;
                any[o->s.edges[i].to] = true;
            }
    put(o, "b.key\n");
    for (uint32_t i = 1; i < o->h->node_count; i++)
        if (any[i]) put(o, "[%u]\n", i);
}

/* ---- the record plane */

typedef struct line {
    uint64_t logseq;
    uint32_t depth;
    uint32_t is_edge;
    uint32_t key;
    char text[120];
} line;

static int compare_lines(const void *a, const void *b) {
    const line *x = a;
    const line *y = b;
    if (x->depth != y->depth) return x->depth < y->depth ? -1 : 1;
    if (x->logseq != y->logseq) return x->logseq < y->logseq ? -1 : 1;
    if (x->is_edge != y->is_edge) return x->is_edge < y->is_edge ? -1 : 1;
    return x->key < y->key ? -1 : x->key > y->key;
}

static void put_lines(oracle *o, line *lines, uint32_t count) {
    qsort(lines, count, sizeof *lines, compare_lines);
    for (uint32_t i = 0; i < count; i++) put(o, "%s\n", lines[i].text);
}

/* Labels in the order of their numbers: that in which the history first used them, whatever the letters. */
static const char *node_label(const oracle *o, uint8_t labels) {
    if (labels != 3) return labels == 0 ? "" : labels == 1 ? "A" : "B";
    for (uint32_t i = 0; i < o->h->event_count; i++) {
        const kit_event *e = &o->h->events[i];
        if (!e->is_edge && e->record.labels != 0) return e->record.labels == 2 ? "B:A" : "A:B";
    }
    return "A:B";
}

static const char *label_of(const oracle *o, const kit_event *e, const kit_record *r) {
    return e->is_edge ? (r->labels == 0 ? "R" : "S") : node_label(o, r->labels);
}

static void changes(oracle *o) {
    static line lines[KIT_EVENTS];
    uint32_t count = 0;
    put(o, "logseq,kind,id,label,op\n");
    for (uint32_t i = 0; i < o->h->event_count; i++) {
        const kit_event *e = &o->h->events[i];
        if (e->logseq > o->at) continue;
        kit_record before = {0};
        for (uint32_t k = 0; k < i; k++)
            if (o->h->events[k].is_edge == e->is_edge && o->h->events[k].key == e->key)
                before = o->h->events[k].record;
        line *l = &lines[count++];
        *l = (line){.logseq = e->logseq, .is_edge = e->is_edge, .key = e->key};
        const char *op = !e->record.alive ? "deleted" : before.alive ? "updated" : "created";
        (void)snprintf(l->text, sizeof l->text, "[%llu,\"%s\",%u,\"%s\",\"%s\"]", (unsigned long long)e->logseq,
                       e->is_edge ? "edge" : "node", e->key, label_of(o, e, e->record.alive ? &e->record : &before),
                       op);
    }
    put_lines(o, lines, count);
}

static void records(oracle *o) {
    static line lines[KIT_EVENTS];
    uint32_t count = 0;
    put(o, "logseq,kind,id,label,source,target\n");
    for (uint32_t i = 0; i < o->h->event_count; i++) {
        const kit_event *e = &o->h->events[i];
        const uint64_t newest = e->is_edge ? o->s.edge_logseq[e->key] : o->s.node_logseq[e->key];
        if (e->logseq > o->at || e->logseq != newest || !e->record.alive) continue;
        line *l = &lines[count++];
        *l = (line){.logseq = e->logseq, .is_edge = e->is_edge, .key = e->key};
        const char *label = label_of(o, e, &e->record);
        if (e->is_edge)
            (void)snprintf(l->text, sizeof l->text, "[%llu,\"edge\",%u,\"%s\",%u,%u]", (unsigned long long)e->logseq,
                           e->key, label, e->record.from, e->record.to);
        else
            (void)snprintf(l->text, sizeof l->text, "[%llu,\"node\",%u,\"%s\",null,null]",
                           (unsigned long long)e->logseq, e->key, label);
    }
    put_lines(o, lines, count);
}

static void walk(oracle *o, bool out, bool in) {
    line lines[KIT_EDGES];
    uint32_t count = 0;
    uint32_t depth_of[KIT_NODES];
    bool done[KIT_EDGES] = {0};
    for (uint32_t i = 0; i < KIT_NODES; i++) depth_of[i] = i == 0 ? 0 : UINT32_MAX;
    for (uint32_t d = 0; d < 3; d++) {
        uint32_t next[KIT_NODES];
        memcpy(next, depth_of, sizeof next);
        for (uint32_t i = 0; i < o->h->edge_count; i++) {
            const kit_record *r = &o->s.edges[i];
            const bool forward = out && depth_of[r->from] == d;
            if (!r->alive || done[i] || (!forward && !(in && depth_of[r->to] == d))) continue;
            const uint32_t far = forward ? r->to : r->from;
            done[i] = true;
            if (next[far] == UINT32_MAX) next[far] = d + 1;
            line *l = &lines[count++];
            *l = (line){.depth = d + 1, .logseq = o->s.edge_logseq[i], .is_edge = 1, .key = i};
            (void)snprintf(l->text, sizeof l->text, "[%u,%u,%u,%llu]", d + 1, i, far,
                           (unsigned long long)o->s.edge_logseq[i]);
        }
        memcpy(depth_of, next, sizeof next);
    }
    put(o, "depth,edge,node,logseq\n");
    put_lines(o, lines, count);
}

static void ids(oracle *o) {
    put(o, "id(n),n.key\n");
    for (uint32_t i = 0; i < o->h->node_count; i++)
        if (o->s.nodes[i].alive) put(o, "[%u,%u]\n", i, i);
}

static const char *const texts[KIT_QUERIES] = {
    "MATCH (n:A) RETURN n.key, n.k, n.f ORDER BY n.key",
    "MATCH (n) WHERE n.k > 50 RETURN n.key ORDER BY n.key",
    "MATCH (n) RETURN count(*) AS n, sum(n.k) AS k, sum(n.f) AS f",
    "MATCH (n) RETURN n.k % 5 AS g, count(*) AS n, sum(n.f) AS f, min(n.k) AS low, max(n.f) AS high ORDER BY g",
    "MATCH (a)-[r:R]->(b) RETURN a.key, r.key, r.w, b.key ORDER BY r.key",
    "MATCH (a)-->()-->(c) RETURN a.key, c.key, count(*) AS n ORDER BY a.key, c.key",
    "MATCH (a {key: 0})-[*1..3]->(b) WHERE b.key <> 0 RETURN DISTINCT b.key ORDER BY b.key",
    "MATCH (n) RETURN id(n), n.key ORDER BY id(n)",
    "CALL db.changes(0, null)",
    "CALL db.records(0, null)",
    "CALL db.walk(0, 3, null, 'out')",
    "CALL db.walk(0, 3, null, 'both')"};

const char *kit_query(uint32_t number) { return texts[number]; }

void kit_oracle(const kit_history *h, uint32_t number, uint64_t at, wg_buf *out) {
    static void (*const answers[])(oracle * o) = {nodes_of_a, filtered,  totals, grouped, edges_of_r,
                                                  two_hops,   reachable, ids,    changes, records};
    oracle o = {.h = h, .at = at == 0 ? h->last : at, .out = out};
    kit_state_at(h, o.at, &o.s);
    if (number < 10) answers[number](&o);
    else walk(&o, true, number == 11);
}
