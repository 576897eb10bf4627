/* Tests of what happens beside the appends: hashing, the prepared segment, back-pressure, the figures, and want of memory. */
#include "io/wal_store/wal_test_kit.h"

#define PREPARED "/wal/" WAL_PREPARE_NAME

static size_t size_spread(uint64_t n) { return n % 9 == 0 ? 20000 : (size_t)(n * 571 % 3000); }

static bool exists(fixture *f, const char *path) {
    wg_file_info info;
    return f->p->ops->stat(f->p, path, &info, NULL) == WG_OK;
}

/* Goal: appends leave hashing to others, within a bounded queue, and every value is that of the definition whoever computes it. */
static void test_wal_chain_is_computed_beside_appends(void **state) {
    fixture *f = *state;
    static wg_account account;
    wg_account_init(&account, NULL, 0);
    f->options.account = &account;
    f->options.segment_bytes = 4 << 20;
    replayed r = {.size_of = size_spread};
    open_log(f, &r);
    f->wal->prepare_failed_at = 1; /* segment 1 is small */
    append_sized(f, 9000, true);   /* rotates, to a segment of 4 MiB */
    const uint64_t at_start = wg_account_bytes(&account);
    wg_sha256 expected;
    assert_true(wg_wal_chain_at(f->wal, 1, &expected));
    wg_sha256_state *sha = wg_sha256_begin();
    uint64_t lag_max = 0;
    static uint8_t bytes[300000];
    for (uint64_t n = 2; n <= 3000; n++) {
        wg_wal_metrics m;
        const size_t size = n % 300 == 0 ? sizeof bytes : size_200(n);
        payload_make(n, size, bytes);
        const wg_slice whole = wg_slice_of(bytes, size);
        wgi_wal_chain_next(sha, &expected, n, &whole, 1, &expected);
        append_sized(f, size, false);
        wg_wal_metrics_get(f->wal, &m);
        lag_max = wg_max_u64(lag_max, m.chain_lag);
        assert_true(m.chain_lag <= WAL_CHAIN_QUEUE_BYTES / 200);
        if (n % 250 != 0 || (n > 500 && n < 3000))
            continue; /* in between the appends alone keep the queue within its bound */
        wg_sha256 got;
        assert_true(wg_wal_chain_at(f->wal, n, &got));
        assert_memory_equal(got.bytes, expected.bytes, 32);
        wg_wal_metrics_get(f->wal, &m);
        assert_int_equal(m.chain_lag, 0);
    }
    assert_true(lag_max > 200);
    /* the frame of the largest commit, and room for values: no payload is kept beyond the queue */
    assert_true(wg_account_bytes(&account) < at_start + 2 * sizeof bytes + 3 * WAL_CHAIN_BLOCK * 32);
    append_sized(f, 10, true);
    wg_wal_metrics m;
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.chain_lag, 0); /* the leader of the sync has hashed */
    wg_sha256_end(sha, NULL);
    close_log(f);
    f->options.account = NULL;
}

/* Real time is waited for, and never for long where the machine has nothing else to do. */
static uint64_t give_up_at(void) {
    return wg_platform_real()->ops->now_ns(wg_platform_real()) + UINT64_C(300000000000);
}

static void assert_in_time(uint64_t give_up) {
    assert_true(wg_platform_real()->ops->now_ns(wg_platform_real()) < give_up);
    wg_thread_yield();
}

/* Goal: with BUFFERED the background thread hashes while nobody syncs, waits or asks. */
static void test_wal_thread_hashes_beside_appends(void **state) {
    fixture *f = *state;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 3600000;
    f->options.sync_batch_commits = 1 << 30;
    f->options.segment_bytes = 4 << 20; /* a rotation would hash too */
    f->options.unsynced_bytes_max = UINT64_C(1) << 40;
    replayed r = {.size_of = size_200};
    wg_wal_metrics m;
    open_log(f, &r);
    while (f->wal->number < 2) append_sized(f, 200, false);
    /* More than half a queue, from where on the thread is wanted, and less than one, from where on appends would hash. */
    enum { COMMITS = 4000 };
    _Static_assert(COMMITS * 200 > WAL_CHAIN_QUEUE_BYTES_BUFFERED / 2, "the thread is wanted");
    _Static_assert(COMMITS * 216 < WAL_CHAIN_QUEUE_BYTES_BUFFERED, "the queue is never full");
    uint64_t lag_max = 0;
    for (int i = 0; i < COMMITS; i++) {
        append_sized(f, 200, false);
        wg_wal_metrics_get(f->wal, &m);
        lag_max = wg_max_u64(lag_max, m.chain_lag);
    }
    assert_true(lag_max > 100);
    const uint64_t give_up = give_up_at();
    while (wgi_wal_chain_wanted(f->wal)) assert_in_time(give_up);
    wg_wal_metrics_get(f->wal, &m);
    assert_true(m.chain_lag < COMMITS);
    assert_int_equal(m.syncs, 0);
}

static const size_t mixed_sizes[] = {3000, 60000, 10, 0, 150000, 2047, 2048, 20000, 200, 9000};
static size_t size_mixed(uint64_t n) { return mixed_sizes[n % 10]; }

/* Holds chain_lock until it is told to let go, so that the hashing stands still. */
typedef struct holder {
    wg_wal *wal;
    wg_signal changed;
    _Atomic bool held;
    _Atomic bool let_go;
    wg_thread thread;
} holder;

static void wait_for(holder *h, _Atomic bool *flag) {
    for (;;) {
        const uint32_t seen = wg_signal_count(&h->changed);
        if (atomic_load(flag)) break;
        wg_signal_wait(&h->changed, seen);
    }
}

static void hold(void *arg) {
    holder *h = arg;
    wg_mutex_lock(&h->wal->chain_lock);
    atomic_store(&h->held, true);
    wg_signal_raise(&h->changed, UINT32_MAX);
    wait_for(h, &h->let_go);
    wg_mutex_unlock(&h->wal->chain_lock);
}

static void hold_begin(holder *h, wg_wal *wal) {
    memset(h, 0, sizeof *h);
    h->wal = wal;
    wg_signal_init(&h->changed);
    assert_int_equal(wg_thread_start(&h->thread, hold, h, NULL), WG_OK);
    wait_for(h, &h->held);
}

static void hold_end(holder *h) {
    atomic_store(&h->let_go, true);
    wg_signal_raise(&h->changed, UINT32_MAX);
    wg_thread_join(&h->thread);
    wg_signal_deinit(&h->changed);
}

/* As after a checkpoint at each segment; gives how many headers do not state the chain. */
static uint64_t scan_from_each_segment(fixture *f, const wg_sha256 *expected, uint64_t last) {
    uint64_t unstated = 0;
    for (size_t i = 1; i < f->wal->notes.count; i++) {
        const wal_note note = f->wal->notes.items[i];
        wg_wal_options from = f->options;
        wg_wal_recovery found;
        wal_header header;
        uint8_t head[WAL_HEADER_BYTES];
        char path[WAL_PATH_BYTES];
        wg_file *file;
        size_t n = 0;
        assert_int_equal(wgi_wal_path("/wal", note.number, path, NULL), WG_OK);
        assert_int_equal(f->p->ops->open(f->p, path, WG_OPEN_READ, &file, NULL), WG_OK);
        assert_int_equal(f->p->ops->read_at(f->p, file, 0, head, sizeof head, &n, NULL), WG_OK);
        f->p->ops->close(f->p, file);
        assert_int_equal(wgi_wal_header_decode(head, n, uuid_a, &header), WAL_HEADER_VALID);
        if (!wgi_wal_header_states_chain(&header)) unstated++;
        else assert_memory_equal(header.chain.bytes, expected[header.first_logseq - 1].bytes, 32);
        from.first_segment = note.number;
        from.after = note.first_begin - 1;
        from.chain = expected[from.after];
        assert_int_equal(wg_wal_scan_from(f->p, "/wal", &from, NULL, NULL, &found, NULL), WG_OK);
        assert_memory_equal(found.chain.bytes, expected[last].bytes, 32);
    }
    return unstated;
}

/* Goal: what is read back for the chain gives the values of the definition, over segments and frames and between copied commits,
 * asked for at any moment; a log whose headers leave the value out replays with all of them. */
static void test_wal_chain_is_read_back(void **state) {
    fixture *f = *state;
    enum { COMMITS = 300 };
    static wg_sha256 expected[COMMITS + 1];
    static uint8_t bytes[150000];
    static holder holding;
    uint64_t held_at = 0;
    wg_sha256 got;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 3600000;
    f->options.sync_batch_commits = 1 << 30;
    f->options.segment_bytes = 65536;
    replayed r = {.size_of = size_mixed};
    wg_sha256_state *sha = wg_sha256_begin();
    open_log(f, &r);
    for (uint64_t n = 1; n <= COMMITS; n++) {
        const size_t size = payload_make(n, size_mixed(n), bytes);
        const wg_slice whole = wg_slice_of(bytes, size);
        wgi_wal_chain_next(sha, &expected[n - 1], n, &whole, 1, &expected[n]);
        /* From a commit on that fits, so that the queue is not empty when the next segment begins. */
        const bool fits = size < 300 && f->wal->offset + 1000 < f->wal->segment_bytes;
        if (n >= 50 && held_at == 0 && fits) {
            hold_begin(&holding, f->wal);
            held_at = n;
        }
        if (held_at != 0 && n == held_at + 10) hold_end(&holding);
        append_sized(f, size, false);
        if (n % 37 != 0 || (held_at != 0 && n < held_at + 10)) continue;
        assert_true(wg_wal_chain_at(f->wal, n, &got));
        assert_memory_equal(got.bytes, expected[n].bytes, 32);
    }
    const uint64_t give_up = give_up_at();
    wg_wal_metrics m;
    do {
        wg_wal_metrics_get(f->wal, &m);
        assert_in_time(give_up);
    } while (m.chain_lag > 12); /* nobody asks: the second thread comes that near by itself */
    assert_int_equal(wg_wal_wait(f->wal, COMMITS, NULL), WG_OK);
    for (uint64_t n = 1; n <= COMMITS; n++) {
        assert_true(wg_wal_chain_at(f->wal, n, &got));
        assert_memory_equal(got.bytes, expected[n].bytes, 32);
    }
    const uint64_t unstated = scan_from_each_segment(f, expected, COMMITS);
    assert_true(unstated > 0);
    close_log(f);
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, COMMITS);
    assert_memory_equal(f->recovery.chain.bytes, expected[COMMITS].bytes, 32);
    close_log(f);
    wg_sha256_end(sha, NULL);
}

/* Goal: a log that cannot be read back is poisoned and says no chain value that it does not know; one whose segment cannot be opened
 * just now is asked again. */
static void test_wal_failed_reading_back_is_no_answer(void **state) {
    fixture *f = *state;
    static uint8_t bytes[30000];
    const wg_slice part = wg_slice_of(bytes, sizeof bytes);
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 3600000;
    f->options.sync_batch_commits = 1 << 30;
    f->options.segment_bytes = 1 << 20;
    replayed r = {.size_of = NULL};
    wg_platform *sim = f->p;
    for (unsigned damage = 0; damage < 2; damage++) {
        wg_platform *fault;
        wg_sha256 got;
        uint64_t logseq = 0;
        assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
        f->p = fault;
        open_log(f, &r);
        assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
        wg_platform_fault_arm(fault, 1, WG_FAULT_EMFILE, false); /* the open */
        assert_false(wg_wal_chain_at(f->wal, logseq, &got));
        assert_false(atomic_load(&f->wal->poisoned));
        assert_true(wg_wal_chain_at(f->wal, logseq, &got));
        assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_OK);
        if (damage == 0) {
            wg_platform_fault_arm(fault, 1, WG_FAULT_EIO, false); /* the read */
        } else {
            const wal_position at = atomic_load(&f->wal->place);
            wg_file *file;
            char path[WAL_PATH_BYTES];
            assert_int_equal(wgi_wal_path("/wal", wal_position_segment(at), path, NULL), WG_OK);
            assert_int_equal(sim->ops->open(sim, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
            assert_int_equal(
                sim->ops->write_at(sim, file, wal_position_offset(at) - wal_frame_size(sizeof bytes), "bad", 3, NULL),
                WG_OK);
            sim->ops->close(sim, file);
        }
        assert_false(wg_wal_chain_at(f->wal, logseq, &got));
        assert_true(atomic_load(&f->wal->poisoned));
        assert_true(wg_wal_chain_at(f->wal, logseq - 1, &got));
        assert_int_equal(wg_wal_append(f->wal, &part, 1, &logseq, NULL), WG_E_IO);
        assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
        f->wal = NULL;
        wg_platform_fault_destroy(fault);
        f->p = sim;
        r.count = 0;
        if (damage == 1) break;
        open_log(f, &r);
        close_log(f);
        r.count = 0;
    }
}

/* Goal: STRICT commits that nobody waits for become durable when somebody asks for it once, waiting for them later is no work, and
 * what was never appended or can no longer be is refused. */
static void test_wal_sync_soon_needs_no_waiter(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    wg_wal_metrics m;
    f->options.segment_bytes = 1 << 20; /* never half full: no other file is synced below */
    open_log(f, &r);
    assert_int_equal(wg_wal_sync_soon(f->wal, 1, NULL), WG_E_MISUSE);
    assert_int_equal(wg_wal_sync_soon(f->wal, 0, NULL), WG_OK);
    assert_false(atomic_load(&f->wal->has_thread));
    for (uint64_t n = 1; n <= 500; n++) {
        append_sized(f, 200, false);
        assert_int_equal(wg_wal_sync_soon(f->wal, n, NULL), WG_OK);
        const uint64_t give_up = give_up_at();
        while (n % 100 == 0 && wg_wal_durable_logseq(f->wal) < n) assert_in_time(give_up);
    }
    wg_wal_metrics_get(f->wal, &m);
    const uint64_t syncs = m.syncs;
    for (uint64_t n = 1; n <= 500; n++) assert_int_equal(wg_wal_wait(f->wal, n, NULL), WG_OK);
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.syncs, syncs);
    append_sized(f, 200, false); /* nobody asks: it stays where it is */
    assert_int_equal(wg_wal_durable_logseq(f->wal), 500);
    const uint64_t give_up = give_up_at();
    assert_true(f->wal->number == 2);
    while (atomic_load(&f->wal->preparing)) assert_in_time(give_up); /* of the small first segment's successor */
    wg_platform_sim_fail_sync_at(f->p, 1);
    assert_int_equal(wg_wal_sync_soon(f->wal, 501, NULL), WG_OK);
    while (!atomic_load(&f->wal->poisoned)) assert_in_time(give_up);
    assert_int_equal(wg_wal_sync_soon(f->wal, 501, NULL), WG_E_IO);
    assert_int_equal(wg_wal_wait(f->wal, 501, NULL), WG_E_IO);
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
    f->wal = NULL;
}

/* Goal: STRICT appends that nobody waits for sync by themselves once too much is unsynced. */
static void test_wal_strict_appends_feel_back_pressure(void **state) {
    fixture *f = *state;
    f->options.unsynced_bytes_max = 20000;
    replayed r = {.size_of = size_200};
    wg_wal_metrics m;
    open_log(f, &r);
    for (size_t i = 0; i < 500; i++) {
        append_sized(f, 200, false);
        wg_wal_metrics_get(f->wal, &m);
        assert_true(m.unsynced_bytes <= 20000 + wal_frame_size(200) + WAL_HEADER_BYTES);
    }
    assert_true(m.waits > 0 && m.syncs == m.waits);
    close_log(f);
}

/* Goal: once a segment is half full the leaders of syncs make the next one, rotations take it, and close and open leave no trace
 * of one that was not taken. */
static void test_wal_next_segment_is_prepared(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_200};
    f->options.segment_bytes = 1 << 20;
    open_log(f, &r);
    wg_wal_metrics m;
    bool seen = false;
    uint64_t n = 0;
    while (f->wal->number < 2) append_sized(f, 200, false); /* leaves the small first segment */
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.segments_made, 1);
    while (f->wal->number < 4) {
        append_sized(f, 200, ++n % 50 == 0);
        seen |= exists(f, PREPARED);
        if (f->wal->offset < (1 << 19)) assert_false(exists(f, PREPARED));
    }
    assert_true(seen);
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.segments_made, 1);
    assert_int_equal(m.segments, 4);
    while (!exists(f, PREPARED)) append_sized(f, 200, true);
    const uint64_t last = wg_wal_last_logseq(f->wal);
    crash(f, WG_CRASH_ALL_SURVIVES);
    assert_true(exists(f, PREPARED));
    r.count = 0;
    open_log(f, &r);
    assert_int_equal(r.count, last);
    assert_false(exists(f, PREPARED));
    while (!exists(f, PREPARED)) append_sized(f, 200, true);
    close_log(f);
    assert_false(exists(f, PREPARED));
}

/* Goal: whichever call fails while a prepared segment is made or taken, no commit fails for it unless the rotation's own attempt
 * fails too, and the log is whole. */
static void test_wal_prepared_segment_is_never_needed(void **state) {
    fixture *f = *state;
    wg_platform *sim = f->p;
    wg_platform *fault;
    assert_int_equal(wg_platform_fault_create(sim, &fault, NULL), WG_OK);
    for (unsigned kind = WG_FAULT_EIO; kind <= WG_FAULT_SHORT_WRITE; kind++) {
        for (uint64_t n = 1; n < 12; n++) {
            replayed r = {.size_of = size_200};
            f->p = fault;
            open_log(f, &r);
            while (f->wal->offset < f->wal->segment_bytes / 2) append_sized(f, 200, true);
            /* All that is left to fail in the leader's part is the preparation, when the sync and HEAD are through. */
            assert_int_equal(wg_wal_wait(f->wal, wg_wal_last_logseq(f->wal), NULL), WG_OK);
            if (f->wal->prepared != NULL) wgi_wal_prepare_end(f->wal);
            wg_platform_fault_arm(fault, n, (wg_fault_kind)kind, false);
            wgi_wal_prepare(f->wal, true);
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            const uint64_t number = f->wal->number;
            if (f->wal->prepared != NULL) wg_platform_fault_arm(fault, 1, (wg_fault_kind)kind, false);
            while (f->wal->number == number) {
                const bool taking = f->wal->offset + wal_frame_size(200) + WAL_FRAME_BYTES > f->wal->segment_bytes;
                wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
                /* Nothing is left in the stage, whose writing could fail first. */
                if (taking) assert_int_equal(wg_wal_wait(f->wal, wg_wal_last_logseq(f->wal), NULL), WG_OK);
                if (taking && f->wal->prepared != NULL)
                    wg_platform_fault_arm(fault, 1 + n % 2, (wg_fault_kind)kind, false);
                uint8_t bytes[200];
                uint64_t logseq = 0;
                payload_make(wg_wal_last_logseq(f->wal) + 1, 200, bytes);
                const wg_slice part = wg_slice_of(bytes, 200);
                (void)wg_wal_append(f->wal, &part, 1, &logseq, NULL);
                assert_false(atomic_load(&f->wal->poisoned));
            }
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            append_sized(f, 200, true);
            const uint64_t last = wg_wal_last_logseq(f->wal);
            close_log(f);
            f->p = sim;
            r.count = 0;
            open_log(f, &r);
            assert_int_equal(r.count, last);
            close_log(f);
        }
    }
    f->p = sim;
    wg_platform_fault_destroy(fault);
}

/* Goal: BUFFERED appends wait once too much is unsynced, whatever interval and batch say, and go on when it is not. */
static void test_wal_back_pressure_bounds_what_is_unsynced(void **state) {
    fixture *f = *state;
    f->options.durability = WG_BUFFERED;
    f->options.sync_interval_ms = 3600000;
    f->options.sync_batch_commits = 1 << 30;
    f->options.unsynced_bytes_max = 20000;
    replayed r = {.size_of = size_200};
    wg_wal_metrics m;
    open_log(f, &r);
    for (size_t i = 0; i < 2000; i++) {
        append_sized(f, 200, false);
        wg_wal_metrics_get(f->wal, &m);
        assert_true(m.unsynced_bytes <= 20000 + wal_frame_size(200) + WAL_HEADER_BYTES);
    }
    assert_true(m.syncs >= 2000 * 200 / 40000);
    assert_true(m.written_bytes > 2000 * 200);
    assert_int_equal(wg_wal_sync_histogram(f->wal)->count, m.syncs);
    /* A failed sync ends the waiting with the poison. */
    wg_platform_sim_fail_sync_at(f->p, 1);
    uint64_t logseq = 0;
    const wg_slice part = wg_slice_of("x", 1);
    wg_code code = WG_OK;
    for (size_t i = 0; i < 20000 && code == WG_OK; i++) code = wg_wal_append(f->wal, &part, 1, &logseq, NULL);
    assert_int_equal(code, WG_E_IO);
    assert_int_equal(wg_wal_close(f->wal, NULL), WG_E_IO);
    f->wal = NULL;
}

/* Goal: STRICT never waits for bytes; the figures add up. */
static void test_wal_metrics_add_up(void **state) {
    fixture *f = *state;
    replayed r = {.size_of = size_spread};
    wg_wal_metrics m;
    open_log(f, &r);
    uint64_t payload = 0;
    for (uint64_t n = 1; n <= 40; n++) {
        append_sized(f, size_spread(n), n == 20);
        payload += size_spread(n);
    }
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.appends, 40);
    assert_int_equal(m.append_bytes, payload);
    assert_true(m.written_bytes > payload);
    assert_true(m.written_bytes < payload + 40 * 64 + f->wal->number * 256);
    assert_int_equal(m.last_logseq, 40);
    assert_int_equal(m.durable_logseq, 20);
    assert_int_equal(m.unsynced_commits, 20);
    assert_true(m.unsynced_bytes > 0);
    assert_int_equal(m.position, wal_position_of(f->wal->number, f->wal->offset));
    assert_true(m.durable_position < m.position);
    assert_int_equal(m.segments, f->wal->number);
    assert_int_equal(m.waits, 0);
    assert_int_equal(m.syncs, 1);
    assert_true(wg_histogram_quantile(wg_wal_sync_histogram(f->wal), 0.99) == m.sync_ns_max);
    assert_int_equal(wg_wal_wait(f->wal, 40, NULL), WG_OK);
    wg_wal_metrics_get(f->wal, &m);
    assert_int_equal(m.unsynced_bytes, 0);
    assert_int_equal(m.durable_position, m.position);
}

/* Goal: memory that is refused from any moment of an append on, and stays refused, fails that append alone: once there is memory the
 * log goes on, the commit has left nothing, and a crash in between is a torn tail. */
static void test_wal_want_of_memory_does_not_poison(void **state) {
    fixture *f = *state;
    static uint8_t big[60000];
    const wg_slice part = wg_slice_of(big, sizeof big);
    for (unsigned crashing = 0; crashing < 2; crashing++) {
        bool through = false;
        for (uint64_t n = 1; !through; n++) {
            replayed r = {.size_of = NULL};
            open_log(f, &r);
            const uint64_t before = r.count;
            append_sized(f, 3000, true);
            uint64_t logseq = 0;
            wg_error err = {0};
            wg_memory_fail_at(n, true);
            const wg_code code = wg_wal_append(f->wal, &part, 1, &logseq, &err);
            const wg_code again = code == WG_OK ? WG_OK : wg_wal_append(f->wal, &part, 1, &logseq, NULL);
            wg_memory_fail_at(0, false);
            through = code == WG_OK;
            uint64_t expected = before + 1;
            if (!through) {
                assert_int_equal(code, WG_E_NOMEM);
                assert_int_equal(again, WG_E_NOMEM);
                assert_int_equal(wg_wal_last_logseq(f->wal), expected);
                assert_false(atomic_load(&f->wal->poisoned));
            }
            if (crashing) {
                if (through) expected++;
                if (through) assert_int_equal(wg_wal_wait(f->wal, expected, NULL), WG_OK);
                crash(f, n % 2 == 0 ? WG_CRASH_ALL_SURVIVES : WG_CRASH_RANDOM_1);
            } else {
                if (n % 3 != 0) append_sized(f, 100, n % 3 == 1); /* else the close meets the rest */
                expected = wg_wal_last_logseq(f->wal);
                close_log(f);
            }
            wg_wal_recovery found;
            assert_int_equal(wg_wal_scan(f->p, "/wal", uuid_a, NULL, NULL, &found, NULL), WG_OK);
            assert_int_equal(found.last_logseq, expected);
            if (!crashing) assert_int_equal(found.torn_tail_bytes, 0);
        }
    }
}

/* A disk that gives recovery everything to do: leftovers of a trim below, a torn tail, segments behind it that no sync covered. */
static wg_platform *busy_disk(fixture *f, uint64_t *out_last) {
    wg_platform *disk;
    replayed r = {.size_of = NULL};
    open_log(f, &r);
    for (uint64_t n = 1; n <= 12; n++) append_sized(f, 3000, true);
    f->options.after = 9;
    f->options.first_segment = wg_wal_keep_from(f->wal, 9);
    assert_true(wg_wal_chain_at(f->wal, 9, &f->options.chain));
    for (uint64_t n = 13; n <= 22; n++) append_sized(f, 3000, false);
    *out_last = 12;
    assert_int_equal(wg_platform_sim_reboot(f->p, WG_CRASH_ALL_SURVIVES, 5, &disk, NULL), WG_OK);
    char path[WAL_PATH_BYTES]; /* commit 15 is torn: what follows it is no part of the log */
    for (size_t i = 0; i < f->wal->notes.count; i++) {
        const wal_note *note = &f->wal->notes.items[i];
        if (note->first_begin != 15) continue;
        wg_file *file;
        assert_int_equal(wgi_wal_path("/wal", note->number, path, NULL), WG_OK);
        assert_int_equal(disk->ops->open(disk, path, WG_OPEN_WRITE, &file, NULL), WG_OK);
        assert_int_equal(disk->ops->write_at(disk, file, 500, "torn", 4, NULL), WG_OK);
        disk->ops->close(disk, file);
        *out_last = 14;
    }
    assert_int_equal(*out_last, 14);
    return disk;
}

/* Goal: whichever call or allocation of a recovery fails, the error is typed, nothing leaks, and the next open recovers the same. */
static void test_wal_recovery_every_failure(void **state) {
    fixture *f = *state;
    uint64_t last = 0;
    wg_platform *disk = busy_disk(f, &last);
    for (unsigned kind = 0; kind < 2; kind++) {
        bool through = false;
        for (uint64_t n = 1; !through; n++) {
            wg_platform *copy;
            wg_platform *fault;
            wg_wal *wal = NULL;
            wg_error err = {0};
            assert_int_equal(wg_platform_sim_reboot(disk, WG_CRASH_ALL_SURVIVES, 5, &copy, NULL), WG_OK);
            assert_int_equal(wg_platform_fault_create(copy, &fault, NULL), WG_OK);
            const uint64_t calls = wg_memory_calls();
            if (kind == 0) wg_platform_fault_arm(fault, n, WG_FAULT_EIO, false);
            else wg_memory_fail_at(n, false);
            const wg_code code = wg_wal_open(fault, "/wal", &f->options, NULL, NULL, &wal, NULL, &err);
            through = kind == 0 ? wg_platform_fault_calls(fault) < n : wg_memory_calls() - calls < n;
            wg_memory_fail_at(0, false);
            wg_platform_fault_arm(fault, 0, WG_FAULT_EIO, false);
            assert_true(code == WG_OK || code == (kind == 0 ? WG_E_IO : WG_E_NOMEM));
            if (code == WG_OK) assert_int_equal(wg_wal_close(wal, NULL), WG_OK);
            assert_int_equal(wg_wal_open(copy, "/wal", &f->options, NULL, NULL, &wal, NULL, NULL), WG_OK);
            assert_int_equal(wg_wal_last_logseq(wal), last);
            assert_int_equal(wg_wal_close(wal, NULL), WG_OK);
            wg_platform_fault_destroy(fault);
            wg_platform_sim_destroy(copy);
        }
    }
    wg_platform_sim_destroy(disk);
}

int main(void) {
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(test_wal_chain_is_computed_beside_appends),
        T(test_wal_chain_is_read_back),
        T(test_wal_failed_reading_back_is_no_answer),
        T(test_wal_sync_soon_needs_no_waiter),
        T(test_wal_strict_appends_feel_back_pressure),
        T(test_wal_next_segment_is_prepared),
        T(test_wal_prepared_segment_is_never_needed),
        T(test_wal_back_pressure_bounds_what_is_unsynced),
        T(test_wal_thread_hashes_beside_appends),
        T(test_wal_recovery_every_failure),
        T(test_wal_metrics_add_up),
        T(test_wal_want_of_memory_does_not_poison),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
