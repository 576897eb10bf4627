/* Power fails at every call of a run of manifest commits and expiries; 16 patterns of what survives.
 *
 * After each crash: the epoch read is the last acknowledged one or the one under way, byte-equal; cleaning changes
 * nothing that is read, and cleaning twice changes no byte; twenty further commits and a second crash keep all of that.
 * Recovery (read, clean and expire) is crashed at each of its calls too. */
#include "crash_kit.h"

#include "io/manifest_txn/manifest_txn.h"

enum { COMMITS = 12, FURTHER = 20, PAYLOAD_MAX = 6000 };

typedef struct oracle {
    uint64_t acked;     /* epoch; 0: none */
    uint64_t attempted; /* the same, or the next one */
} oracle;

static char finding[300];

static bool found(const char *format, uint64_t a, uint64_t b) {
    snprintf(finding, sizeof finding, "%s: %llu, %llu", format, (unsigned long long)a, (unsigned long long)b);
    return false;
}

static size_t size_of(uint64_t epoch) { return (size_t)(epoch * 977 % PAYLOAD_MAX); }

static wg_code commit_one(wg_platform *p, uint64_t epoch) {
    static uint8_t bytes[PAYLOAD_MAX];
    payload_fill(epoch, 0, bytes, size_of(epoch));
    return wg_manifest_commit(p, "/db", epoch, wg_slice_of(bytes, size_of(epoch)), NULL);
}

static void run_commits(wg_platform *p, uint64_t from, uint64_t count, oracle *o) {
    for (uint64_t epoch = from; epoch < from + count; epoch++) {
        o->attempted = epoch;
        if (commit_one(p, epoch) != WG_OK) return;
        o->acked = epoch;
        uint64_t removed = 0; /* with 1 only the manifest that counts is left */
        if (epoch % 3 == 0 && wg_manifest_expire(p, "/db", 1 + (uint32_t)(epoch / 3 % 2), &removed, NULL) != WG_OK)
            return;
    }
}

static wg_platform *workspace(void) {
    wg_platform *sim;
    assert_int_equal(wg_platform_sim_create(totals.seed, &sim, NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db", NULL), WG_OK);
    assert_int_equal(sim->ops->make_directory(sim, "/db/manifest", NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/", NULL), WG_OK);
    assert_int_equal(sim->ops->sync_directory(sim, "/db", NULL), WG_OK);
    return sim;
}

static bool read_checked(wg_platform *p, const oracle *o, uint64_t *out_epoch) {
    wg_buf payload;
    wg_buf_init(&payload, NULL);
    uint64_t epoch = 0;
    wg_error err = {0};
    totals.recoveries++;
    const wg_code code = wg_manifest_read(p, "/db", &epoch, &payload, &err);
    bool ok = true;
    if (code == WG_E_NOT_FOUND) ok = o->acked == 0 || found("acknowledged epoch gone", o->acked, 0);
    else if (code != WG_OK) ok = found(err.message, o->acked, o->attempted);
    else if (epoch != o->acked && epoch != o->attempted) ok = found("epoch read, acknowledged", epoch, o->acked);
    else if (payload.size != size_of(epoch) || !payload_equal(epoch, 0, wg_buf_slice(&payload)))
        ok = found("content differs", epoch, payload.size);
    wg_buf_deinit(&payload);
    *out_epoch = epoch;
    return ok;
}

/* Recovery as the engine does it. */
static bool recover(wg_platform *p, const oracle *o, uint64_t *out_epoch) {
    uint64_t again = 0;
    if (!read_checked(p, o, out_epoch)) return false;
    if (wg_manifest_clean(p, "/db", NULL) != WG_OK) return found("clean failed", 0, 0);
    uint64_t removed = 0;
    const wg_code expired = wg_manifest_expire(p, "/db", 2, &removed, NULL);
    if (expired != WG_OK && expired != WG_E_NOT_FOUND) return found("expire failed", 0, 0);
    if (!read_checked(p, o, &again)) return false;
    return again == *out_epoch || found("cleaning changed the epoch", *out_epoch, again);
}

static bool verify_again(wg_platform *sim, uint64_t epoch, wg_rng *rng) {
    wg_platform *after;
    uint64_t last = 0;
    oracle o = {.acked = epoch, .attempted = epoch};
    run_commits(sim, epoch + 1, 1 + wg_rng_below(rng, FURTHER), &o);
    const wg_crash_pattern pattern = (wg_crash_pattern)wg_rng_below(rng, WG_CRASH_PATTERN_COUNT);
    assert_int_equal(wg_platform_sim_reboot(sim, pattern, wg_rng_next(rng), &after, NULL), WG_OK);
    const bool ok = recover(after, &o, &last);
    wg_platform_sim_destroy(after);
    return ok;
}

/* Takes the platform. */
static bool verify(wg_platform *sim, const oracle *o, wg_rng *rng) {
    uint64_t first = 0;
    uint64_t second = 0;
    wg_buf dump;
    wg_buf_init(&dump, NULL);
    bool ok = recover(sim, o, &first) && wg_platform_sim_dump(sim, &dump) && recover(sim, o, &second);
    if (ok && !dumps_equal(sim, &dump)) ok = found("recovered twice: the bytes differ", first, second);
    wg_buf_deinit(&dump);
    ok = ok && verify_again(sim, first, rng);
    wg_platform_sim_destroy(sim);
    return ok;
}

/* Crashes inside the recovery of a disk, at each call until it runs through. */
static bool verify_crashed_recovery(const wg_platform *disk, const oracle *o, wg_rng *rng) {
    for (uint64_t call = 1; call < 80; call++) {
        wg_platform *sim;
        wg_platform *after;
        uint64_t epoch;
        assert_int_equal(wg_platform_sim_reboot(disk, WG_CRASH_NONE_SURVIVES, 1, &sim, NULL), WG_OK);
        wg_platform_sim_crash_at(sim, call);
        const oracle any = *o;
        (void)recover(sim, &any, &epoch);
        const bool through = !wg_platform_sim_crashed(sim);
        const wg_crash_pattern pattern = (wg_crash_pattern)wg_rng_below(rng, WG_CRASH_PATTERN_COUNT);
        assert_int_equal(wg_platform_sim_reboot(sim, pattern, wg_rng_next(rng), &after, NULL), WG_OK);
        wg_platform_sim_destroy(sim);
        if (!verify(after, o, rng)) return false;
        if (through) return true;
    }
    return true;
}

static bool crash_everywhere(void) {
    wg_rng rng;
    wg_rng_init(&rng, totals.seed);
    for (uint64_t n = crash_first();; n += totals.stride) {
        oracle o = {0};
        wg_platform *sim = workspace();
        wg_platform_sim_crash_at(sim, n);
        run_commits(sim, 1, COMMITS, &o);
        const bool through = !wg_platform_sim_crashed(sim);
        bool ok = true;
        totals.crash_points++;
        for (unsigned i = 0; ok && i < WG_CRASH_PATTERN_COUNT; i++) {
            wg_platform *disk;
            const uint64_t seed = wg_rng_next(&rng);
            assert_int_equal(wg_platform_sim_reboot(sim, (wg_crash_pattern)i, seed, &disk, NULL), WG_OK);
            ok = verify_crashed_recovery(disk, &o, &rng);
            if (ok) ok = verify(disk, &o, &rng);
            else wg_platform_sim_destroy(disk);
            if (!ok) {
                print_message("crash at call %llu, pattern %u: %s\n", (unsigned long long)n, i, finding);
                break;
            }
        }
        wg_platform_sim_destroy(sim);
        if (!ok) return false;
        if (through) return true;
    }
}

/* Goal: old or new epoch, whole, after a crash at any call, of the commits and of the recovery. */
static void test_crash_manifest_is_old_or_new(void **state) {
    (void)state;
    if (!crash_everywhere()) fail_msg("WG_SEED=%llu: %s", (unsigned long long)totals.seed, finding);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_crash_manifest_is_old_or_new),
    };
    totals_arguments(argc, argv);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    totals_print();
    return failed;
}
