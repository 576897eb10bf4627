/* The goals of our engine as ratios within one run, and whether they were met.
 *
 * A goal compares one figure of ours with one of a floor, of the operating system or of our own. Both were measured in
 * the same rounds. The gate is met when the ratio of the best rounds meets it, or the median of the rounds' ratios. */
#include <math.h>
#include <stdio.h>

#include "kv_run.h"

typedef struct kv_side {
    const char *work;
    unsigned threads;
    kv_metric metric;
    const char *engine; /* NULL: ours */
} kv_side;

typedef struct kv_goal {
    const char *id, *text;
    kv_side ours, peer; /* peer.work NULL: the figure itself is judged */
    double scale;       /* 0 counts as 1 */
    bool inverse;       /* ratio = peer / ours, and more is better */
    kv_side more, less; /* the peer's figure is the peer's less (more - less); more.work NULL: it is the peer's */
    double gate, moonshot;
} kv_goal;

#define OURS(id, count, kind)      .ours = {id, count, kind, NULL}
#define PEER(id, count, kind, who) .peer = {id, count, kind, who}

static const kv_goal goals[] = {
    {"M1", "get_dep p50 / floor_mem", OURS("get_dep", 1, KV_P50), PEER("get_dep", 1, KV_P50, "floor_mem"),
     .gate = 1.4, .moonshot = 1.2},
    {"M2", "get_x16 per key / floor_mem", OURS("get_x16", 1, KV_P50), PEER("get_x16", 1, KV_P50, "floor_mem"),
     .gate = 2.5, .moonshot = 1.5},
    {"M3", "put_rand p50 / floor_seq", OURS("put_rand", 1, KV_P50), PEER("put_rand", 1, KV_P50, "floor_seq"),
     .gate = 1.6, .moonshot = 1.25},
    {"M4", "put_hot / floor_seq", OURS("put_hot", 1, KV_NS), PEER("put_hot", 1, KV_NS, "floor_seq"), .gate = 6,
     .moonshot = 3},
    {"M5", "serializable rmw p50 / floor_seq", OURS("rmw", 1, KV_P50), PEER("rmw", 1, KV_P50, "floor_seq"),
     .gate = 2.0, .moonshot = 1.4},
    {"M6", "scan100 p50 / floor_mem", OURS("scan100", 1, KV_P50), PEER("scan100", 1, KV_P50, "floor_mem"),
     .gate = 3.5, .moonshot = 2.0},
    {"M7", "get of disjoint keys: 2 * cpu of 1 thread / cpu of 2", OURS("get_disjoint", 2, KV_CPU),
     PEER("get_disjoint", 1, KV_CPU, NULL), .scale = 2, .inverse = true, .gate = 1.85, .moonshot = 1.95},
    {"M7", "put of disjoint keys: 2 * cpu of 1 thread / cpu of 2", OURS("put_disjoint", 2, KV_CPU),
     PEER("put_disjoint", 1, KV_CPU, NULL), .scale = 2, .inverse = true, .gate = 1.85, .moonshot = 1.95},
    {"B1", "chained put_hot / write(128 B)", OURS("put_hot_chained", 1, KV_NS),
     PEER("put_hot_buffered", 1, KV_NS, "raw"), .gate = 0.5, .moonshot = 0.25},
    {"B2", "chained put_rand p50 / floor_seq", OURS("put_rand_chained", 1, KV_P50),
     PEER("put_rand_chained", 1, KV_P50, "floor_seq"), .gate = 1.6, .moonshot = 1.2},
    {"B3", "chained event / floor_seq", OURS("event_chained", 1, KV_NS), PEER("event_chained", 1, KV_NS, "floor_seq"),
     .gate = 1.5, .moonshot = 0.75},
    {"B4", "buffered put_rand p50 / own in memory", OURS("put_rand_buffered", 1, KV_P50),
     PEER("put_rand", 1, KV_P50, NULL), .gate = 1.6, .moonshot = 1.2},
    {"B5", "put_hot that outlives kill -9 / floor_seq", OURS("put_hot_killsafe", 1, KV_NS),
     PEER("put_hot_killsafe", 1, KV_NS, "floor_seq"), .gate = 3, .moonshot = 1.5},
    {"S1", "strict put p50 / RAW p50", OURS("put_strict", 1, KV_P50), PEER("put_strict", 1, KV_P50, "raw"),
     .gate = 1.05, .moonshot = 0.90},
    {"S2", "strict put p99 / RAW p99", OURS("put_strict", 1, KV_P99), PEER("put_strict", 1, KV_P99, "raw"),
     .gate = 1.3, .moonshot = 1.05},
    {"S3", "8 blocked writers / RAW p50", OURS("put_strict", 8, KV_NS), PEER("put_strict", 1, KV_P50, "raw"),
     .gate = 0.30, .moonshot = 0.18},
    {"S4", "32 blocked writers / RAW p50", OURS("put_strict", 32, KV_NS), PEER("put_strict", 1, KV_P50, "raw"),
     .gate = 0.12, .moonshot = 0.07},
    {"S5", "durable puts with tickets / serial strict puts, a second", OURS("put_strict_tickets", 1, KV_NS),
     PEER("put_strict", 1, KV_NS, NULL), .inverse = true, .gate = 60, .moonshot = 130},
    {"S6", "strict put p50 / the same less a chain value (floor_seq's)", OURS("put_strict_chained", 1, KV_P50),
     PEER("put_strict_chained", 1, KV_P50, NULL), .more = {"event_chained", 1, KV_P50, "floor_seq"},
     .less = {"event_buffered", 1, KV_P50, "floor_seq"}, .gate = 1.03, .moonshot = 1.01},
    {"D1", "put_hot of the public interface / of the engine", OURS("put_hot", 1, KV_NS),
     PEER("put_hot", 1, KV_NS, "worldgraph_engine"), .gate = 1.5, .moonshot = 1.2},
    {"D2", "allocator calls a put", OURS("put_rand", 1, KV_ALLOCATIONS), .gate = 0, .moonshot = 0},
    {"D2", "allocator calls a get", OURS("get_rand", 1, KV_ALLOCATIONS), .gate = 0, .moonshot = 0},
    {"D2", "page faults in 1,000 puts", OURS("put_rand", 1, KV_FAULTS), .scale = 1000, .gate = 5, .moonshot = 1},
    {"D2", "page faults in 1,000 gets", OURS("get_rand", 1, KV_FAULTS), .scale = 1000, .gate = 5, .moonshot = 1},
    {"R1", "replay and verify a record / floor_seq", OURS("replay", 1, KV_P50),
     PEER("replay", 1, KV_P50, "floor_seq"), .gate = 1.6, .moonshot = 1.1},
};

typedef struct kv_verdict {
    double best, median, judged; /* `judged` is the kinder of the two */
    bool measured, passed, moonshot;
    unsigned rounds;
} kv_verdict;

static const kv_result *result_of(const kv_side *side, const kv_settings *settings, const kv_results *results) {
    const int work = kv_work_find(side->work, side->threads);
    const int engine = kv_driver_find(side->engine == NULL ? settings->ours : side->engine);
    if (work < 0 || engine < 0) return NULL;
    const kv_result *result = &results->of[work][engine];
    return result->round_count == 0 ? NULL : result;
}

/* What a step costs in a round, by the difference of two works. */
static double extra_of(const kv_result *more, const kv_result *less, const kv_goal *goal, unsigned round) {
    if (more == NULL || less == NULL || round >= more->round_count || round >= less->round_count) return 0;
    const double ns = kv_round_metric(&more->rounds[round], goal->more.metric) -
                      kv_round_metric(&less->rounds[round], goal->less.metric);
    return ns > 0 ? ns : 0;
}

/* The best rounds and the median of ratios. Allocations and faults count after warming up: the last round stands for both. */
static void judge_ratio(const kv_goal *goal, const kv_result *ours, const kv_result *peer, const kv_result *more,
                        const kv_result *less, kv_verdict *out) {
    const double scale = goal->scale > 0 ? goal->scale : 1;
    double mine[KV_ROUNDS_MAX], theirs[KV_ROUNDS_MAX], ratios[KV_ROUNDS_MAX];
    for (unsigned i = 0; i < out->rounds; i++) {
        mine[i] = kv_round_metric(&ours->rounds[i], goal->ours.metric);
        theirs[i] = peer == NULL ? 1 : kv_round_metric(&peer->rounds[i], goal->peer.metric);
        theirs[i] -= extra_of(more, less, goal, i);
        ratios[i] = scale * (goal->inverse ? theirs[i] / mine[i] : mine[i] / theirs[i]);
    }
    const double a = kv_least(mine, out->rounds), b = kv_least(theirs, out->rounds);
    out->best = peer == NULL ? ratios[out->rounds - 1] : scale * (goal->inverse ? b / a : a / b);
    out->median = peer == NULL ? ratios[out->rounds - 1] : kv_median(ratios, out->rounds);
    const bool best_is_kinder = goal->inverse ? out->best > out->median : out->best < out->median;
    out->judged = best_is_kinder ? out->best : out->median;
}

static bool meets(const kv_goal *goal, double ratio, double bound) {
    return goal->inverse ? ratio >= bound : ratio <= bound;
}

static kv_verdict judge(const kv_goal *goal, const kv_settings *settings, const kv_results *results) {
    kv_verdict out = {0};
    const kv_result *ours = result_of(&goal->ours, settings, results);
    const kv_result *peer = goal->peer.work == NULL ? NULL : result_of(&goal->peer, settings, results);
    if (ours == NULL || (peer == NULL && goal->peer.work != NULL)) return out;
    out.measured = true;
    out.rounds = ours->round_count;
    if (peer != NULL && peer->round_count < out.rounds) out.rounds = peer->round_count;
    const kv_result *more = goal->more.work == NULL ? NULL : result_of(&goal->more, settings, results);
    const kv_result *less = goal->less.work == NULL ? NULL : result_of(&goal->less, settings, results);
    if (goal->more.work != NULL && (more == NULL || less == NULL)) return (kv_verdict){0};
    judge_ratio(goal, ours, peer, more, less, &out);
    if (!isfinite(out.best) || !isfinite(out.median)) return (kv_verdict){0}; /* a side took no time at all */
    out.passed = meets(goal, out.judged, goal->gate);
    out.moonshot = meets(goal, out.judged, goal->moonshot);
    return out;
}

static void print_json(const kv_goal *goal, const kv_verdict *verdict, const kv_settings *settings,
                       const kv_results *results) {
    const char *peer = goal->peer.work == NULL     ? "none"
                       : goal->peer.engine == NULL ? settings->ours
                                                   : goal->peer.engine;
    printf("{\"name\":\"%s\",\"engine\":\"%s\",\"threads\":%u,\"id\":\"%s\",\"text\":\"%s\",\"peer\":\"%s\"",
           goal->ours.work, settings->ours, goal->ours.threads, goal->id, goal->text, peer);
    printf(",\"gate\":%.4g,\"moonshot\":%.4g,\"more_is_better\":%s", goal->gate, goal->moonshot,
           goal->inverse ? "true" : "false");
    if (!verdict->measured) {
        printf(",\"ratio\":null,\"passed\":null}\n");
        return;
    }
    const kv_result *ours = result_of(&goal->ours, settings, results);
    double ns[KV_ROUNDS_MAX];
    for (unsigned i = 0; i < ours->round_count; i++) ns[i] = kv_round_metric(&ours->rounds[i], goal->ours.metric);
    printf(",\"value\":%.6g,\"unit\":\"%s\",\"p50\":%.6g,\"p99\":%.6g,\"p999\":%.6g,\"rounds\":%u",
           kv_least(ns, ours->round_count),
           goal->ours.metric == KV_ALLOCATIONS || goal->ours.metric == KV_FAULTS ? "1" : "ns",
           kv_histogram_at(ours->histogram, 0.5), kv_histogram_at(ours->histogram, 0.99),
           kv_histogram_at(ours->histogram, 0.999), verdict->rounds);
    printf(",\"ratio\":%.4g,\"ratio_best\":%.4g,\"ratio_median\":%.4g,\"passed\":%s,\"moonshot_passed\":%s}\n",
           verdict->judged, verdict->best, verdict->median, verdict->passed ? "true" : "false",
           verdict->moonshot ? "true" : "false");
}

static void print_text(const kv_goal *goal, const kv_verdict *verdict) {
    const char *sign = goal->inverse ? ">=" : "<=";
    printf("%-3s %-58s %s %-6.4g", goal->id, goal->text, sign, goal->gate);
    if (verdict->measured)
        printf(" %8.3f %8.3f %8.3f  %s\n", verdict->judged, verdict->best, verdict->median,
               verdict->moonshot ? "passed, moonshot"
               : verdict->passed ? "passed"
                                 : "FAILED");
    else printf("        -        -        -  not measured\n");
}

unsigned kv_goals_report(const kv_settings *settings, const kv_results *results) {
    unsigned failed = 0;
    if (!settings->json)
        printf("\nGoals of %s\n%-3s %-58s %-9s %8s %8s %8s\n", settings->ours, "id", "ratio", "gate", "judged",
               "best", "median");
    for (unsigned i = 0; i < sizeof goals / sizeof goals[0]; i++) {
        const kv_verdict verdict = judge(&goals[i], settings, results);
        if (settings->json) print_json(&goals[i], &verdict, settings, results);
        else print_text(&goals[i], &verdict);
        failed += verdict.measured && !verdict.passed;
    }
    return failed;
}
