/* Every schedule of two threads with four operations each and one preemption, and many with two, over the protocols that have no lock: slots and
 * segments of agents' state, their lanes, epochs (threads: they are simulated; see scheduler.h).
 *
 * The sources that lockfree.txt names are compiled with a switch point at every atomic operation that orders, loads included, and slots are
 * copied word by word. A schedule is given by who begins and by the points at which the running thread loses its place, as in iterative
 * context bounding (Musuvathi and Qadeer, PLDI 2007): all sets of at most one point are gone through, and a random part of those of two; with
 * WG_SIM_ALL=1 all of those, too, which takes an hour. What the operations said must be what some order of
 * them, which keeps to the order of those that did not overlap, gives on a plain map: linearizability (Herlihy and Wing, 1990).
 */
#include "worldgraph/state/state_kit.h"

#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/core/test_seed.h"
#include "tests/sim/scheduler.h"

extern int sim_canary;

enum { OPS = 4, PAIRS = 3000, PAIRS_SMALL = 100, SHORT_BYTES = 60, LONG_BYTES = 200 };

typedef enum op_kind { PUT, PUT_LONG, GET, SCAN, CAS, DELETE, UPDATE, DRAIN } op_kind;

typedef struct op {
    op_kind kind;
    const char *key;
} op;

typedef struct threads_do {
    const char *name;
    bool there;     /* the keys are put before */
    uint32_t scans; /* so many before, for which that must be: then their rows are read where they were found */
    op ops[2][OPS];
} threads_do;

typedef struct done {
    op_kind kind;
    const char *key;
    uint64_t from, to; /* moments at which it began and ended */
    wg_code code;
    uint64_t expected;
    uint64_t version;      /* of its commit */
    uint64_t seen_version; /* 0: absent */
    uint64_t seen, value;  /* what it read, what it wrote */
} done;

typedef struct world {
    state_kit kit;
    const threads_do *program;
    wg_state_session *sessions[2];
    done log[2][OPS];
    uint64_t moments;
} world;

typedef struct worker {
    world *w;
    uint32_t number;
} worker;

/* ---- the operations */

static uint64_t number_in(const wg_state_cell *cell) {
    return cell->version == 0 || cell->bytes.size < 8 ? 0 : wg_load_u64le(cell->bytes.data);
}

static wg_state_value value_of(uint64_t number, size_t size, uint8_t bytes[LONG_BYTES]) {
    memset(bytes, (int)(number & 0xff), size);
    wg_store_u64le(bytes, number);
    return (wg_state_value){.type = WG_TYPE_BYTES, .bytes = wg_slice_of(bytes, size)};
}

/* A long value is torn when its bytes are not those of its number. */
static void look_at_bytes(const wg_state_cell *cell) {
    for (size_t i = 8; cell->version != 0 && i < cell->bytes.size; i++)
        if (cell->bytes.data[i] != cell->bytes.data[0]) sim_fail("a value has bytes of two");
}

static void read_into(world *w, uint32_t thread, done *d) {
    wg_state_cell cell = {0};
    wg_error err = {0};
    const wg_state_key key = kit_key(w->kit.run, d->key);
    d->code = wg_state_get(w->sessions[thread], w->kit.run, &key, WG_LOGSEQ_NEVER, 0, &cell, &err);
    d->seen_version = cell.version;
    d->seen = number_in(&cell);
    look_at_bytes(&cell);
    wg_state_cell_deinit(&cell);
}

/* The same by a scan that meets this key alone. */
static void scan_into(world *w, uint32_t thread, done *d) {
    wg_state_scan *scan = NULL;
    wg_state_row row = {0};
    wg_error err = {0};
    uint32_t count = 0;
    const wg_state_range range = {.prefix = wg_slice_str(d->key)};
    d->code = wg_state_scan_open(w->sessions[thread], w->kit.run, &range, WG_LOGSEQ_NEVER, 0, &scan, &err);
    if (d->code == WG_OK) d->code = wg_state_scan_next(scan, &row, 1, &count, &err);
    const wg_state_cell cell = {.version = count == 0 ? 0 : row.version, .bytes = row.value};
    d->seen_version = cell.version;
    d->seen = number_in(&cell);
    look_at_bytes(&cell);
    if (scan != NULL) wg_state_scan_close(scan);
}

static void write_into(world *w, uint32_t thread, done *d, uint64_t expected, size_t size) {
    uint8_t bytes[LONG_BYTES];
    wg_error err = {0};
    const wg_state_key key = kit_key(w->kit.run, d->key);
    const wg_state_value v = value_of(d->value, size, bytes);
    d->expected = expected;
    d->code = wg_state_put(w->sessions[thread], w->kit.run, &key, &v, expected, 0, &d->version, &err);
}

static void update_into(world *w, uint32_t thread, done *d) {
    uint8_t bytes[LONG_BYTES];
    wg_state_txn *txn = NULL;
    wg_state_cell cell = {0};
    wg_error err = {0};
    const wg_state_key key = kit_key(w->kit.run, d->key);
    d->code = wg_state_begin(w->sessions[thread], w->kit.run, WG_STATE_SERIALIZABLE, 0, &txn, &err);
    if (d->code == WG_OK) d->code = wg_state_txn_get(txn, &key, &cell, &err);
    d->seen_version = cell.version;
    d->seen = number_in(&cell);
    wg_state_cell_deinit(&cell);
    const wg_state_value v = value_of(d->value, SHORT_BYTES, bytes);
    if (d->code == WG_OK) d->code = wg_state_txn_put(txn, &key, &v, WG_VERSION_ANY, &err);
    if (d->code == WG_OK) d->code = wg_state_commit(txn, &d->version, NULL, &err);
    else if (txn != NULL) wg_state_abort(txn);
}

static void run_op(world *w, uint32_t thread, uint32_t i) {
    done *d = &w->log[thread][i];
    const op *o = &w->program->ops[thread][i];
    wg_error err = {0};
    *d = (done){.kind = o->kind, .key = o->key, .value = 1 + thread * OPS + i, .from = ++w->moments};
    const wg_state_key key = kit_key(w->kit.run, o->key);
    uint64_t expected = 0; /* what this thread saw last of the key */
    for (uint32_t k = 0; k < i; k++)
        if (strcmp(w->log[thread][k].key, o->key) == 0)
            expected = w->log[thread][k].version != 0 ? w->log[thread][k].version : w->log[thread][k].seen_version;
    switch (o->kind) {
        case PUT:
            write_into(w, thread, d, WG_VERSION_ANY, SHORT_BYTES);
            break;
        case PUT_LONG:
            write_into(w, thread, d, WG_VERSION_ANY, LONG_BYTES);
            break;
        case CAS:
            write_into(w, thread, d, expected, SHORT_BYTES);
            break;
        case GET:
            read_into(w, thread, d);
            break;
        case SCAN:
            scan_into(w, thread, d);
            break;
        case UPDATE:
            update_into(w, thread, d);
            break;
        case DELETE:
            d->code = wg_state_delete(w->sessions[thread], w->kit.run, &key, WG_VERSION_ANY, 0, &d->version, &err);
            break;
        case DRAIN:
            kit_drain(&w->kit);
            break;
    }
    d->to = ++w->moments;
}

static void work(void *arg) {
    const worker *me = arg;
    for (uint32_t i = 0; i < OPS; i++) run_op(me->w, me->number, i);
}

/* ---- is there an order that explains it? */

typedef struct cell {
    uint64_t version, value;
} cell;

typedef struct order {
    const world *w;
    uint32_t next[2];
    cell cells[2]; /* of "a" and "b"; version 0: absent */
    uint64_t clock;
} order;

static bool is_overlapped(const world *w, const done *d) {
    for (uint32_t t = 0; t < 2; t++)
        for (uint32_t i = 0; i < OPS; i++) {
            const done *other = &w->log[t][i];
            if (other != d && other->from < d->to && d->from < other->to) return true;
        }
    return false;
}

/* Takes one operation; false when it said something else than the map would. */
static bool explains(order *o, const done *d) {
    cell *c = &o->cells[d->key[0] - 'a'];
    const bool sees = d->seen_version == c->version && (c->version == 0 || d->seen == c->value);
    if (d->kind == DRAIN) return true;
    if (d->kind == GET || d->kind == SCAN) return d->code == WG_OK && sees;
    if (d->code == WG_E_CONFLICT && d->kind == CAS) return d->expected != c->version;
    if (d->code == WG_E_CONFLICT && d->kind == UPDATE) return is_overlapped(o->w, d);
    if (d->code != WG_OK) return false;
    if (d->kind == DELETE && d->version == 0) return c->version == 0;
    if (d->kind == CAS && d->expected != c->version) return false;
    if (d->kind == UPDATE && !sees) return false;
    if (d->kind == DELETE && c->version == 0) return false;
    if (d->version != ++o->clock) return false;
    *c = d->kind == DELETE ? (cell){0} : (cell){.version = d->version, .value = d->value};
    return true;
}

static bool is_explained(order o) {
    if (o.next[0] == OPS && o.next[1] == OPS) return true;
    for (uint32_t t = 0; t < 2; t++) {
        if (o.next[t] == OPS) continue;
        const done *d = &o.w->log[t][o.next[t]];
        const uint32_t other = o.next[1 - t];
        if (other < OPS && o.w->log[1 - t][other].to < d->from) continue; /* that one was over before */
        order after = o;
        after.next[t]++;
        if (explains(&after, d) && is_explained(after)) return true;
    }
    return false;
}

static void print_log(const world *w) {
    static const char *const names[] = {"put", "put long", "get", "scan", "cas", "delete", "update", "drain"};
    for (uint32_t t = 0; t < 2; t++)
        for (uint32_t i = 0; i < OPS; i++) {
            const done *d = &w->log[t][i];
            printf("  thread %u [%llu, %llu] %s %s: %s, saw %llu of version %llu, wrote %llu as version %llu\n", t,
                   (unsigned long long)d->from, (unsigned long long)d->to, names[d->kind], d->key,
                   wg_code_name(d->code), (unsigned long long)d->seen, (unsigned long long)d->seen_version,
                   (unsigned long long)d->value, (unsigned long long)d->version);
        }
}

/* ---- schedules */

static void open_world(world *w, const threads_do *program) {
    *w = (world){.program = program};
    kit_open(&w->kit, true, NULL);
    for (uint32_t t = 0; t < 2; t++)
        assert_int_equal(wg_state_session_open(w->kit.state, &w->sessions[t], NULL), WG_OK);
    if (program->there) {
        kit_put(w->kit.session, w->kit.run, "a", "12345678");
        kit_put(w->kit.session, w->kit.run, "b", "12345678");
    }
    for (uint32_t i = 0; i < program->scans; i++) {
        done unused = {.key = i % 2 == 0 ? "a" : "b"};
        scan_into(w, 0, &unused);
        assert_int_equal(unused.seen_version, 1 + i % 2);
    }
}

static void close_world(world *w) {
    for (uint32_t t = 0; t < 2; t++) wg_state_session_close(w->sessions[t]);
    kit_close(&w->kit);
}

static order begin_order(const world *w) {
    order o = {.w = w};
    if (!w->program->there) return o;
    const uint64_t number = wg_load_u64le((const uint8_t *)"12345678");
    for (uint32_t i = 0; i < 2; i++) o.cells[i] = (cell){.version = i + 1, .value = number};
    o.clock = 2;
    return o;
}

/* One schedule; the number of its points, 0 when it is wrong. */
static uint64_t one(const threads_do *program, uint32_t first, const uint64_t *falls, uint32_t count) {
    static world w;
    static const uint64_t none = 0;
    const sim_plan plan = {
        .name = program->name, .seed = 1, .falls = count == 0 ? &none : falls, .fall_count = count};
    sim_report report;
    wg_thread threads[2];
    worker workers[2] = {{&w, first}, {&w, 1 - first}};
    sim_begin(&plan);
    open_world(&w, program);
    sim_explore(true);
    for (uint32_t t = 0; t < 2; t++) assert_int_equal(wg_thread_start(&threads[t], work, &workers[t], NULL), WG_OK);
    for (uint32_t t = 0; t < 2; t++) wg_thread_join(&threads[t]);
    sim_explore(false);
    if (!sim_failed() && is_explained(begin_order(&w))) {
        close_world(&w);
        sim_end(&report);
        return report.steps;
    }
    sim_abandon(&report);
    print_log(&w);
    sim_print_trace();
    printf("'%s', thread %u first, preempted at %llu and %llu: %s\n", program->name, first,
           (unsigned long long)(count > 0 ? falls[0] : 0), (unsigned long long)(count > 1 ? falls[1] : 0),
           report.failed ? report.message : "no order explains it");
    return 0;
}

static const threads_do programs[] = {
    {"puts and gets of one key",
     true,
     0,
     {{{PUT, "a"}, {GET, "a"}, {PUT, "a"}, {GET, "a"}}, {{GET, "a"}, {PUT, "a"}, {GET, "a"}, {GET, "a"}}}},
    {"keys that come and go",
     false,
     0,
     {{{PUT, "a"}, {DELETE, "a"}, {PUT, "b"}, {GET, "a"}}, {{PUT, "a"}, {GET, "b"}, {DELETE, "a"}, {GET, "a"}}}},
    {"compare and set",
     false,
     0,
     {{{CAS, "a"}, {CAS, "a"}, {GET, "a"}, {CAS, "a"}}, {{GET, "a"}, {CAS, "a"}, {GET, "a"}, {CAS, "a"}}}},
    {"updates of one key",
     true,
     0,
     {{{UPDATE, "a"}, {UPDATE, "a"}, {GET, "a"}, {PUT, "b"}},
      {{UPDATE, "a"}, {PUT, "a"}, {UPDATE, "a"}, {GET, "b"}}}},
    {"long values",
     true,
     0,
     {{{PUT_LONG, "a"}, {GET, "a"}, {PUT, "a"}, {GET, "b"}}, {{GET, "a"}, {PUT_LONG, "a"}, {GET, "a"}, {PUT, "b"}}}},
    {"scans of one key",
     true,
     6,
     {{{SCAN, "a"}, {SCAN, "a"}, {PUT, "b"}, {SCAN, "a"}}, {{PUT, "a"}, {PUT, "a"}, {SCAN, "b"}, {PUT, "a"}}}},
    {"cuts beside commits",
     true,
     0,
     {{{PUT, "a"}, {PUT, "b"}, {UPDATE, "a"}, {GET, "b"}}, {{DRAIN, "a"}, {GET, "b"}, {DRAIN, "a"}, {GET, "a"}}}},
};
enum { PROGRAMS = sizeof programs / sizeof programs[0] };

typedef struct search {
    const threads_do *program;
    uint32_t first;
    uint64_t length, schedules;
} search;

static bool none_and_one(search *s) {
    uint64_t at = 1;
    s->length = one(s->program, s->first, NULL, 0);
    s->schedules = 1;
    for (; s->length != 0 && at <= s->length; at++, s->schedules++)
        if (one(s->program, s->first, &at, 1) == 0) return false;
    return s->length != 0;
}

static bool all_pairs(search *s) {
    uint64_t falls[2] = {1};
    for (; falls[0] <= s->length; falls[0]++) {
        const uint64_t longer = one(s->program, s->first, falls, 1);
        for (falls[1] = falls[0] + 1; falls[1] <= longer; falls[1]++, s->schedules++)
            if (one(s->program, s->first, falls, 2) == 0) return false;
    }
    return true;
}

static bool some_pairs(search *s, wg_rng *rng, uint32_t count) {
    for (uint32_t i = 0; i < count; i++, s->schedules++) {
        const uint64_t falls[2] = {1 + wg_rng_below(rng, s->length), 1 + wg_rng_below(rng, s->length)};
        if (one(s->program, s->first, falls, 2) == 0) return false;
    }
    return true;
}

/* Prints and gives false when some schedule is wrong. */
static bool go_through(const threads_do *program, wg_rng *rng, bool whole) {
    uint64_t schedules = 0, points = 0;
    bool right = true;
    for (uint32_t first = 0; first < 2 && right; first++) {
        search s = {.program = program, .first = first};
        right =
            none_and_one(&s) && (whole ? all_pairs(&s) : some_pairs(&s, rng, wg_test_small() ? PAIRS_SMALL : PAIRS));
        schedules += s.schedules;
        points = wg_max_u64(points, s.length);
    }
    printf("%s: %llu schedules of %llu points\n", program->name, (unsigned long long)schedules,
           (unsigned long long)points);
    fflush(stdout);
    return right;
}

/* Goal: whatever two threads' operations say under any schedule with at most one preemption, and many with two, some order of them explains it. */
static void test_every_schedule_is_linearizable(void **state) {
    (void)state;
    wg_rng rng;
    wg_rng_init(&rng, wg_test_seed(4711));
    for (uint32_t p = 0; p < PROGRAMS; p++)
        if (!go_through(&programs[p], &rng, getenv("WG_SIM_ALL") != NULL)) fail_msg("'%s' fails", programs[p].name);
}

/* Goal: the search can find what it is for: with a step of the protocol left out some schedule is wrong. */
static void test_planted_bugs_are_found(void **state) {
    (void)state;
    static const int bugs[] = {13, 14};
    for (size_t i = 0; i < sizeof bugs / sizeof bugs[0]; i++) {
        int status = 0;
        fflush(stdout);
        const pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            wg_rng rng;
            bool right = true;
            wg_rng_init(&rng, wg_test_seed(4712));
            sim_canary = bugs[i];
            for (uint32_t p = 0; p < PROGRAMS && right; p++) right = go_through(&programs[p], &rng, false);
            fflush(stdout);
            _exit(right ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        if (!WIFEXITED(status) || WEXITSTATUS(status) != 1) fail_msg("planted bug %d was not found", bugs[i]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_planted_bugs_are_found),
                                       cmocka_unit_test(test_every_schedule_is_linearizable)};
#ifdef __SANITIZE_THREAD__
    puts("skipped: one thread runs at a time here, so ThreadSanitizer has nothing to see");
    return 77;
#endif
    mallopt(M_MMAP_THRESHOLD, 1 << 30);
    mallopt(M_TRIM_THRESHOLD, 1 << 30);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
