/* What was measured, as a table for people or one JSON object a line. See README.md for the fields. */
#include <stdio.h>

#include "kv_run.h"

static double least(const kv_result *result, kv_metric metric) {
    double values[KV_ROUNDS_MAX];
    for (unsigned i = 0; i < result->round_count; i++) values[i] = kv_round_metric(&result->rounds[i], metric);
    return kv_least(values, result->round_count);
}

static const char *const mode_names[KV_MODES] = {"memory", "buffered", "killsafe", "strict"};

/* ---- JSON */

static void json_engine(unsigned engine, const kv_results *results) {
    const kv_driver *driver = kv_drivers[engine];
    printf("{\"name\":\"engine\",\"engine\":\"%s\",\"settings\":\"%s\",\"absent\":", driver->name, driver->settings);
    if (results->absent[engine][0] != '\0') printf("\"%s\"}\n", results->absent[engine]);
    else printf("null}\n");
}

static void json_result(const kv_work *work, const kv_driver *driver, const kv_result *result) {
    const kv_round *last = &result->rounds[result->round_count - 1];
    const double value = least(result, KV_NS);
    printf("{\"name\":\"%s\",\"engine\":\"%s\",\"threads\":%u,\"mode\":\"%s\",\"chained\":%s", work->name,
           driver->name, work->threads, mode_names[work->mode],
           work->chained || (driver->traits & KV_CHAINS_ALWAYS) != 0 ? "true" : "false");
    printf(",\"value\":%.6g,\"unit\":\"ns\",\"ops_per_s\":%.6g,\"p50\":%.6g,\"p99\":%.6g,\"p999\":%.6g,\"rounds\":%u",
           value, 1e9 / value, kv_histogram_at(result->histogram, 0.5), kv_histogram_at(result->histogram, 0.99),
           kv_histogram_at(result->histogram, 0.999), result->round_count);
    uint64_t operations = 0;
    for (unsigned i = 0; i < result->round_count; i++) operations += result->rounds[i].operations;
    printf(",\"operations\":%llu,\"batch\":%u", (unsigned long long)operations,
           (driver->traits & KV_NEAR) != 0 ? work->batch : 1);
    if (work->cpu) printf(",\"cpu_ns\":%.6g", least(result, KV_CPU));
    if (work->threads == 1 && work->shape != KV_REPLAY) {
        printf(",\"allocations_per_op\":%.4g,\"faults_per_1000\":%.4g", last->allocations, last->faults * 1000);
        if (last->instructions >= 0) printf(",\"instructions\":%.1f", least(result, KV_INSTRUCTIONS));
    }
    printf("}\n");
}

void kv_report_json(const kv_settings *settings, const kv_results *results) {
    (void)settings;
    for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++)
        if (results->chosen[engine]) json_engine(engine, results);
    for (unsigned work = 0; work < kv_work_count; work++)
        for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++)
            if (results->of[work][engine].round_count != 0)
                json_result(&kv_works[work], kv_drivers[engine], &results->of[work][engine]);
}

/* ---- a table */

static void print_cell(double ns) {
    if (ns < 9.95) printf(" %10.1f", ns);
    else if (ns < 1e6) printf(" %10.0f", ns);
    else printf(" %8.0fus", ns / 1e3);
}

static bool shows(const kv_results *results, unsigned engine) {
    return results->chosen[engine] && results->absent[engine][0] == '\0';
}

static void print_heads(const kv_results *results, const char *title) {
    printf("\n%s\n%-26s", title, "");
    for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++)
        if (shows(results, engine)) printf(" %10s", kv_drivers[engine]->name);
    printf("\n");
}

static void print_row(unsigned work, const kv_results *results, double (*figure)(const kv_result *)) {
    char name[64];
    bool any = false;
    for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++) any |= results->of[work][engine].round_count != 0;
    if (!any) return;
    const bool threads = kv_works[work].cpu || kv_works[work].mode == KV_STRICT;
    if (threads) snprintf(name, sizeof name, "%s, %u thr", kv_works[work].name, kv_works[work].threads);
    else snprintf(name, sizeof name, "%s", kv_works[work].name);
    printf("%-26s", name);
    for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++) {
        if (!shows(results, engine)) continue;
        const kv_result *result = &results->of[work][engine];
        if (result->round_count == 0) printf(" %10s", "-");
        else print_cell(figure(result));
    }
    printf("\n");
}

static double best_ns(const kv_result *result) { return least(result, KV_NS); }
static double best_p50(const kv_result *result) { return least(result, KV_P50); }
static double all_p99(const kv_result *result) { return kv_histogram_at(result->histogram, 0.99); }
static double all_p999(const kv_result *result) { return kv_histogram_at(result->histogram, 0.999); }

static void print_table(const kv_results *results, const char *title, double (*figure)(const kv_result *)) {
    print_heads(results, title);
    for (unsigned work = 0; work < kv_work_count; work++) print_row(work, results, figure);
}

void kv_report_table(const kv_settings *settings, const kv_results *results) {
    for (unsigned engine = 0; kv_drivers[engine] != NULL; engine++) {
        if (!results->chosen[engine]) continue;
        if (shows(results, engine)) printf("%-10s %s\n", kv_drivers[engine]->name, kv_drivers[engine]->settings);
        else printf("%-10s ABSENT: %s\n", kv_drivers[engine]->name, results->absent[engine]);
    }
    printf("%u rounds, %llu keys; nanoseconds an operation; -: the engine has no such operation; strict phase %s\n",
           settings->rounds, (unsigned long long)settings->keys, results->fifo ? "under SCHED_FIFO" : "as any other");
    print_table(results, "p50 of the best round", best_p50);
    print_table(results, "time that passed over operations of all threads, best round", best_ns);
    print_table(results, "p99 of all rounds", all_p99);
    print_table(results, "p99.9 of all rounds", all_p999);
    if (!results->instructions)
        printf("\nThis machine shows no instruction counter; see --count in bench/kv/README.md.\n");
}
