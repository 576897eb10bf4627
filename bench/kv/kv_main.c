/* kv_bench: our engine, the physical limits and its peers side by side, on the same operations, in the same minutes.
 * README.md explains the figures. Exit status: 0 measured, 1 a wrong answer, a failure, or with --gate a goal that was
 * missed, 2 a wrong argument. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "kv_run.h"

enum { ROUNDS = 5, KEYS = 1000000, KEYS_SMALL = 100000, OPERATIONS = 10000 };

static const char usage[] =
    "usage: kv_bench [options]\n"
    "  --json           one JSON object a line instead of tables\n"
    "  --quick          short slices: under a minute\n"
    "  --gate           exit with 1 when a gate of our engine is missed\n"
    "  --only NAME      workloads whose name contains NAME\n"
    "  --engines A,B    these engines alone\n"
    "  --ours NAME      the engine that the goals are about (worldgraph)\n"
    "  --rounds N       1 to 64 (5)\n"
    "  --keys N         keys of the large store (1000000)\n"
    "  --dir D          a folder on the disk to be measured (build/bench)\n"
    "  --no-fifo        do not run the strict phase under SCHED_FIFO\n"
    "  --count NAME     run --ops N operations of one workload on the first engine inside the function\n"
    "                   kv_count_operations, for callgrind --toggle-collect=kv_count_operations\n"
    "  --list           the workloads and engines\n";

static void refuse(const char *what, const char *value) {
    fprintf(stderr, "kv_bench: %s %s\n%s", what, value, usage);
    exit(2);
}

static uint64_t number(const char *option, const char *text, uint64_t least, uint64_t most) {
    char *end;
    errno = 0;
    const unsigned long long value = strtoull(text, &end, 10);
    if (errno != 0 || end == text || *end != '\0' || value < least || value > most) refuse(option, text);
    return value;
}

static void list(void) {
    for (unsigned i = 0; i < kv_work_count; i++) printf("%s, threads %u\n", kv_works[i].name, kv_works[i].threads);
    for (unsigned i = 0; kv_drivers[i] != NULL; i++)
        printf("engine %s%s%s\n", kv_drivers[i]->name, kv_drivers[i]->absent_why != NULL ? ": absent, " : "",
               kv_drivers[i]->absent_why != NULL ? kv_drivers[i]->absent_why : "");
    exit(0);
}

static bool take_switch(const char *option, kv_settings *settings) {
    if (strcmp(option, "--json") == 0) settings->json = true;
    else if (strcmp(option, "--quick") == 0) settings->quick = true;
    else if (strcmp(option, "--gate") == 0) settings->gate = true;
    else if (strcmp(option, "--no-fifo") == 0) settings->no_fifo = true;
    else if (strcmp(option, "--list") == 0) list();
    else return false;
    return true;
}

static void take_value(const char *option, const char *value, kv_settings *settings) {
    if (strcmp(option, "--only") == 0) settings->only = value;
    else if (strcmp(option, "--engines") == 0) settings->engines = value;
    else if (strcmp(option, "--ours") == 0) settings->ours = value;
    else if (strcmp(option, "--dir") == 0) settings->dir = value;
    else if (strcmp(option, "--count") == 0) settings->count = value;
    else if (strcmp(option, "--ops") == 0) settings->operations = number(option, value, 1, UINT64_C(1) << 40);
    else if (strcmp(option, "--rounds") == 0) settings->rounds = (unsigned)number(option, value, 1, KV_ROUNDS_MAX);
    else if (strcmp(option, "--keys") == 0) settings->keys = number(option, value, 1000, 100000000);
    else refuse("no option", option);
}

static void parse(int argc, char **argv, kv_settings *settings) {
    for (int i = 1; i < argc; i++) {
        if (take_switch(argv[i], settings)) continue;
        if (strcmp(argv[i], "--help") == 0) {
            fputs(usage, stdout);
            exit(0);
        }
        if (i + 1 == argc) refuse("no option, or it wants a value:", argv[i]);
        take_value(argv[i], argv[i + 1], settings);
        i++;
    }
    if (settings->keys_small > settings->keys) settings->keys_small = settings->keys;
    if (kv_driver_find(settings->ours) < 0) refuse("--ours: no engine", settings->ours);
}

/* Marks the engines of the list "a,b,c"; one that does not exist is a wrong argument. */
static void choose_listed(const char *names, kv_results *results) {
    char name[64];
    for (const char *at = names; *at != '\0';) {
        const size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", length < sizeof name ? (int)length : (int)sizeof name - 1, at);
        const int engine = kv_driver_find(name);
        if (engine < 0) refuse("--engines: no engine", name);
        results->chosen[engine] = true;
        at += length + (at[length] == ',');
    }
}

static void choose_engines(const kv_settings *settings, kv_results *results) {
    for (unsigned i = 0; i < kv_driver_count(); i++) {
        results->chosen[i] = settings->engines == NULL;
        if (kv_drivers[i]->absent_why != NULL)
            snprintf(results->absent[i], sizeof results->absent[i], "%s", kv_drivers[i]->absent_why);
    }
    if (settings->engines != NULL) choose_listed(settings->engines, results);
}

/* The folders of a run are removed by exit(), which no handler may call; so a thread waits for the signals. */
static void *wait_for_signal(void *signals) {
    int got;
    sigwait(signals, &got);
    exit(1);
}

static void end_on_signals(void) {
    static sigset_t signals;
    pthread_t waiter;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
    if (pthread_create(&waiter, NULL, wait_for_signal, &signals) == 0) pthread_detach(waiter);
}

int main(int argc, char **argv) {
    static kv_results results;
    kv_settings settings = {.rounds = ROUNDS,
                            .keys = KEYS,
                            .keys_small = KEYS_SMALL,
                            .operations = OPERATIONS,
                            .ours = "worldgraph",
                            .dir = "build/bench"};
    parse(argc, argv, &settings);
    choose_engines(&settings, &results);
    end_on_signals();
    signal(SIGPIPE, SIG_IGN);
    kv_folders_begin(settings.dir);
    if (settings.count != NULL) {
        kv_run_counted(&settings);
        return 0;
    }
    kv_clock_calibrate();
    results.instructions = kv_counters_begin();
    kv_run_all(&settings, &results);
    if (settings.json) kv_report_json(&settings, &results);
    else kv_report_table(&settings, &results);
    const unsigned failed = kv_goals_report(&settings, &results);
    return settings.gate && failed != 0 ? 1 : 0;
}
