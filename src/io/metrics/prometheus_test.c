/* Tests of the text for Prometheus, to the byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "io/metrics/metrics.h"

static void expect(const wg_metric *metrics, uint32_t count, const char *text) {
    wg_buf out = {0};
    assert_true(wg_metrics_prometheus(&out, metrics, count));
    assert_true(wg_buf_append_u8(&out, 0));
    assert_string_equal((const char *)out.data, text);
    wg_buf_deinit(&out);
}

static void test_prometheus_writes_help_and_type_once_a_name(void **state) {
    /* Goal: samples of one name share their head; labels, kinds and numbers look as the format says. */
    (void)state;
    const wg_metric metrics[] = {
        {.name = "wal_syncs_total", .help = "Syncs of the log", .kind = WG_METRIC_COUNTER, .value = 12},
        {.name = "cache_bytes",
         .help = "Bytes",
         .label = "class",
         .label_value = "L1CpuHot",
         .kind = WG_METRIC_GAUGE,
         .value = 0.5},
        {.name = "cache_bytes",
         .help = "Bytes",
         .label = "class",
         .label_value = "L1CpuWarm",
         .kind = WG_METRIC_GAUGE,
         .value = 1e300},
    };
    expect(metrics, 3,
           "# HELP worldgraph_wal_syncs_total Syncs of the log\n"
           "# TYPE worldgraph_wal_syncs_total counter\n"
           "worldgraph_wal_syncs_total 12\n"
           "# HELP worldgraph_cache_bytes Bytes\n"
           "# TYPE worldgraph_cache_bytes gauge\n"
           "worldgraph_cache_bytes{class=\"L1CpuHot\"} 0.5\n"
           "worldgraph_cache_bytes{class=\"L1CpuWarm\"} 1.0000000000000001e+300\n");
    expect(NULL, 0, "");
}

static void test_prometheus_shows_histograms_as_cumulative_powers_of_two(void **state) {
    /* Goal: buckets add up, end where everything is counted, and nanoseconds become seconds by the name alone. */
    (void)state;
    static wg_histogram h;
    static const uint64_t values[] = {0, 1, 2, 3, 5, 9};
    for (size_t i = 0; i < 6; i++) wg_histogram_add(&h, values[i]);
    const wg_metric plain = {.name = "group_size", .help = "x", .kind = WG_METRIC_HISTOGRAM, .histogram = &h};
    expect(&plain, 1,
           "# HELP worldgraph_group_size x\n# TYPE worldgraph_group_size histogram\n"
           "worldgraph_group_size_bucket{le=\"1\"} 2\n"
           "worldgraph_group_size_bucket{le=\"3\"} 4\n"
           "worldgraph_group_size_bucket{le=\"7\"} 5\n"
           "worldgraph_group_size_bucket{le=\"15\"} 6\n"
           "worldgraph_group_size_bucket{le=\"+Inf\"} 6\n"
           "worldgraph_group_size_sum 20\n"
           "worldgraph_group_size_count 6\n");
    static wg_histogram slow;
    wg_histogram_add(&slow, 1500);
    wg_histogram_add(&slow, UINT64_MAX / 4);
    const wg_metric seconds = {.name = "sync_seconds",
                               .help = "x",
                               .label = "disk",
                               .label_value = "a",
                               .kind = WG_METRIC_HISTOGRAM,
                               .histogram = &slow};
    wg_buf out = {0};
    assert_true(wg_metrics_prometheus(&out, &seconds, 1));
    assert_true(wg_buf_append_u8(&out, 0));
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "sync_seconds_bucket{disk=\"a\",le=\"1.023e-06\"} 0\n"));
    assert_non_null(strstr(text, "sync_seconds_bucket{disk=\"a\",le=\"2.047e-06\"} 1\n"));
    assert_non_null(strstr(text, "sync_seconds_bucket{disk=\"a\",le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "sync_seconds_count{disk=\"a\"} 2\n"));
    wg_buf_deinit(&out);
    static wg_histogram empty;
    const wg_metric none = {.name = "e", .help = "x", .kind = WG_METRIC_HISTOGRAM, .histogram = &empty};
    expect(&none, 1,
           "# HELP worldgraph_e x\n# TYPE worldgraph_e histogram\nworldgraph_e_bucket{le=\"+Inf\"} 0\n"
           "worldgraph_e_sum 0\nworldgraph_e_count 0\n");
}

static void test_prometheus_escapes_text_and_names_odd_numbers(void **state) {
    /* Goal: no help or label breaks a line; infinities and NaN have their names. */
    (void)state;
    const double zero = 0;
    const wg_metric metrics[] = {
        {.name = "a",
         .help = "x\\\n\"y",
         .label = "l",
         .label_value = "q\"\\\n",
         .kind = WG_METRIC_GAUGE,
         .value = -3},
        {.name = "b", .help = "", .kind = WG_METRIC_GAUGE, .value = 1 / zero},
        {.name = "c", .help = "", .kind = WG_METRIC_GAUGE, .value = -1 / zero},
        {.name = "d", .help = "", .kind = WG_METRIC_GAUGE, .value = zero / zero},
    };
    expect(metrics, 4,
           "# HELP worldgraph_a x\\\\\\n\"y\n# TYPE worldgraph_a gauge\nworldgraph_a{l=\"q\\\"\\\\\\n\"} -3\n"
           "# HELP worldgraph_b \n# TYPE worldgraph_b gauge\nworldgraph_b +Inf\n"
           "# HELP worldgraph_c \n# TYPE worldgraph_c gauge\nworldgraph_c -Inf\n"
           "# HELP worldgraph_d \n# TYPE worldgraph_d gauge\nworldgraph_d NaN\n");
}

static void test_prometheus_writes_all_or_nothing(void **state) {
    /* Goal: out of memory at any allocation leaves the buffer's content as it was. */
    (void)state;
    static wg_histogram h;
    for (uint64_t i = 0; i < 40; i++) wg_histogram_add(&h, UINT64_C(1) << i);
    const wg_metric metrics[] = {
        {.name = "first_total",
         .help = "a \"help\"\n\\",
         .label = "l",
         .label_value = "\"v\"\n\\",
         .kind = WG_METRIC_COUNTER,
         .value = 1},
        {.name = "h_seconds",
         .help = "x",
         .label = "l",
         .label_value = "v",
         .kind = WG_METRIC_HISTOGRAM,
         .histogram = &h},
    };
    wg_buf whole = {0};
    assert_true(wg_metrics_prometheus(&whole, metrics, 2));
    assert_true(whole.size > 2000);
    for (size_t room = 0; room <= whole.size + 64; room++) { /* every append is once the one that has no room left */
        wg_account account;
        wg_account_init(&account, NULL, 0);
        wg_buf out = {.account = &account};
        assert_true(room == 0 || wg_buf_reserve(&out, room));
        const bool fits = out.capacity > whole.size; /* numbers are printed with their NUL */
        account.bytes_max = wg_account_bytes(&account) + 1;
        const bool ok = wg_metrics_prometheus(&out, metrics, 2);
        assert_true(WG_IMPLIES(fits, ok) && WG_IMPLIES(!ok, out.size == 0));
        wg_buf_deinit(&out);
        if (ok) break;
    }
    wg_buf_deinit(&whole);
    uint64_t failures = 0;
    for (uint64_t n = 1;; n++, failures++) {
        wg_buf out = {0};
        assert_true(wg_buf_append_str(&out, "kept"));
        wg_memory_fail_at(n, true);
        const bool ok = wg_metrics_prometheus(&out, metrics, 2);
        wg_memory_fail_at(0, false);
        if (!ok) assert_int_equal(out.size, 4);
        wg_buf_deinit(&out);
        if (ok) break;
    }
    assert_true(failures > 3);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_prometheus_writes_help_and_type_once_a_name),
        cmocka_unit_test(test_prometheus_shows_histograms_as_cumulative_powers_of_two),
        cmocka_unit_test(test_prometheus_escapes_text_and_names_odd_numbers),
        cmocka_unit_test(test_prometheus_writes_all_or_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
