/* api/demo_season: wg_demo_write_season: a seeded season of player tracking as Parquet files.
 *
 *   dir/players.csv             name,team,position,shirt; five squads of 19
 *   dir/<date>/<game>.parquet   four games a matchday, a matchday a week
 *
 * Each game has its own generator, seeded from (seed, game), so a game's bytes do not depend on the games before it.
 * Twenty-two players are sampled ten times a second; each is pulled to the place of his position and pushed at random.
 * The arithmetic is +, -, *, / and sqrt alone, which IEEE 754 defines to the bit, so equal arguments give equal files on
 * every machine; positions are rounded to centimetres.
 *
 * Memory is bounded by one row group. A file is written under a temporary name and renamed when it is whole and synced:
 * a failure or a cancel leaves complete files and no half ones. */
#include "base/column/column.h"
#include "base/text/text.h"
#include "format/parquet/parquet.h"
#include "io/platform/platform.h"

#include <math.h>
#include <stdio.h>

enum {
    TEAM_COUNT = 5,
    SQUAD = 19,
    PLAYERS = TEAM_COUNT * SQUAD,
    SIDE = 11,
    ON_PITCH = 2 * SIDE,
    GAMES_MIN = 12,
    GAMES_A_DAY = 4,
    ROWS_A_GAME_MAX = 1188000, /* 90 minutes at 10 Hz with 22 players */
    ROW_GROUP_ROWS = 32768,
    TICK_US = 100000,
    COLUMNS = 7,
    PATH_BYTES = 4096,
    NAME_BYTES = 32
};

static const char *const teams[TEAM_COUNT] = {"Foundry", "Harbour", "Lantern", "Orchard", "Quarry"};
/* Every pair of teams, so that each meets each. */
static const uint8_t pairs[10][2] = {{0, 1}, {2, 3}, {4, 0}, {1, 2}, {3, 4}, {0, 2}, {1, 3}, {2, 4}, {3, 0}, {4, 1}};

static const char *const first_names[10] = {"Ada",  "Bela", "Cleo", "Dana", "Edda",
                                            "Finn", "Gil",  "Hana", "Ivo",  "Juno"};
static const char *const last_names[10] = {"Ashby",   "Brook",  "Carver", "Dale",   "Easton",
                                           "Fenwick", "Garner", "Holt",   "Ingram", "Jarvis"};

typedef struct athlete {
    uint32_t player; /* in the list of players */
    double home_x, home_y;
    double x, y, vx, vy;
} athlete;

typedef struct season {
    wg_platform *platform;
    const char *dir;
    uint64_t rows;
    uint64_t seed;
    uint64_t games;
    uint64_t rows_done;
    wg_progress_fn progress;
    void *ctx;
    char names[PLAYERS][NAME_BYTES];
} season;

typedef struct file_sink {
    wg_platform *platform;
    wg_file *file;
    uint64_t offset;
} file_sink;

typedef struct game {
    wg_rng rng;
    athlete athletes[ON_PITCH];
    int64_t start_us;
    uint64_t rows;
    wg_column columns[COLUMNS];
} game;

static const char *position_of(uint32_t in_squad) {
    if (in_squad == 0 || in_squad == SQUAD - 1) return "goalkeeper";
    if (in_squad <= 6) return "defender";
    return in_squad <= 12 ? "midfielder" : "forward";
}

static double home_x_of(uint32_t in_squad) {
    if (in_squad == 0 || in_squad == SQUAD - 1) return 6.0;
    if (in_squad <= 6) return 28.0;
    return in_squad <= 12 ? 48.0 : 68.0;
}

static wg_str str_of(const char *text) { return (wg_str){text, strlen(text)}; }

static wg_code join(char out[PATH_BYTES], const char *dir, const char *name, const char *suffix, wg_error *err) {
    const int size = snprintf(out, PATH_BYTES, "%s/%s%s", dir, name, suffix);
    if (size < 0 || size >= PATH_BYTES)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%.80s...: a path of %d bytes, at most %d", dir, size,
                            PATH_BYTES - 1);
    return WG_OK;
}

static wg_code make_directory(wg_platform *platform, const char *path, wg_error *err) {
    wg_error made = {0};
    const wg_code code = platform->ops->make_directory(platform, path, &made);
    if (code == WG_E_EXISTS || code == WG_OK) return WG_OK;
    if (err != NULL) *err = made;
    return code;
}

/* ---- files: a temporary name until whole */

static wg_code append_bytes(void *ctx, wg_slice bytes, wg_error *err) {
    file_sink *sink = ctx;
    WG_TRY(sink->platform->ops->write_at(sink->platform, sink->file, sink->offset, bytes.data, bytes.size, err));
    sink->offset += bytes.size;
    return WG_OK;
}

static wg_code open_temporary(wg_platform *platform, const char *path, file_sink *out, wg_error *err) {
    /* What an interrupted run left behind. */
    wg_error gone = {0};
    const wg_code code = platform->ops->unlink(platform, path, &gone);
    if (code != WG_OK && code != WG_E_NOT_FOUND) {
        if (err != NULL) *err = gone;
        return code;
    }
    *out = (file_sink){.platform = platform};
    return platform->ops->open(platform, path, WG_OPEN_CREATE_NEW, &out->file, err);
}

/* Writes a whole file through `fill` and gives it its name. */
typedef wg_code (*fill_fn)(void *ctx, file_sink *sink, wg_error *err);

static wg_code write_file(const season *s, const char *dir, const char *name, fill_fn fill, void *ctx,
                          wg_error *err) {
    char path[PATH_BYTES];
    char temporary[PATH_BYTES];
    WG_TRY(join(path, dir, name, "", err));
    WG_TRY(join(temporary, dir, name, ".tmp", err));
    wg_platform *platform = s->platform;
    file_sink sink;
    WG_TRY(open_temporary(platform, temporary, &sink, err));
    wg_code code = fill(ctx, &sink, err);
    if (code == WG_OK) code = platform->ops->sync(platform, sink.file, err);
    platform->ops->close(platform, sink.file);
    if (code == WG_OK) code = platform->ops->rename(platform, temporary, path, err);
    if (code != WG_OK) {
        (void)platform->ops->unlink(platform, temporary, NULL);
        return code;
    }
    return platform->ops->sync_directory(platform, dir, err);
}

/* ---- one game */

/* A goalkeeper and ten others of a squad; the away side plays from right to left. */
static void choose_side(game *g, uint32_t side, uint32_t team) {
    uint32_t order[SQUAD - 2];
    for (uint32_t i = 0; i < SQUAD - 2; i++) order[i] = i + 1;
    for (uint32_t i = 0; i < SIDE - 1; i++) {
        const uint32_t k = i + (uint32_t)wg_rng_below(&g->rng, SQUAD - 2 - i);
        const uint32_t chosen = order[k];
        order[k] = order[i];
        order[i] = chosen;
    }
    const uint32_t keeper = wg_rng_below(&g->rng, 4) == 0 ? SQUAD - 1 : 0;
    for (uint32_t i = 0; i < SIDE; i++) {
        const uint32_t in_squad = i == 0 ? keeper : order[i - 1];
        athlete *a = &g->athletes[side * SIDE + i];
        *a = (athlete){.player = team * SQUAD + in_squad};
        a->home_x = side == 0 ? home_x_of(in_squad) : 105.0 - home_x_of(in_squad);
        a->home_y = i == 0 ? 34.0 : 4.0 + 60.0 * (double)i / (double)SIDE;
        a->x = a->home_x;
        a->y = a->home_y;
    }
}

static double clamp(double v, double low, double high) { return v < low ? low : v > high ? high : v; }

static double to_centi(double v) { return floor(v * 100.0 + 0.5) / 100.0; }

static double push(wg_rng *rng) { return (wg_rng_unit(rng) - 0.5) * 2.0; }

/* A tenth of a second. Velocities forget a twentieth, so that speeds stay about 2 m/s with rare sprints over 8. */
static void move_athlete(game *g, athlete *a) {
    a->vx = a->vx * 0.95 + push(&g->rng) + (a->home_x - a->x) * 0.01;
    a->vy = a->vy * 0.95 + push(&g->rng) + (a->home_y - a->y) * 0.01;
    const double speed = sqrt(a->vx * a->vx + a->vy * a->vy);
    if (speed > 9.9) {
        a->vx = a->vx * 9.9 / speed;
        a->vy = a->vy * 9.9 / speed;
    }
    a->x = clamp(a->x + a->vx * 0.1, 0.0, 105.0);
    a->y = clamp(a->y + a->vy * 0.1, 0.0, 68.0);
}

/* NULL for most frames. */
static const char *next_event(game *g) {
    if (wg_rng_below(&g->rng, 128) != 0) return NULL;
    const uint64_t kind = wg_rng_below(&g->rng, 100);
    if (kind < 62) return "pass";
    if (kind < 76) return "dribble";
    if (kind < 89) return "tackle";
    if (kind < 96) return "shot";
    return kind < 98 ? "foul" : "goal";
}

static bool append_row(season *s, game *g, uint64_t row) {
    athlete *a = &g->athletes[row % ON_PITCH];
    move_athlete(g, a);
    const char *event = next_event(g);
    bool ok = wg_column_append_i64(&g->columns[0], g->start_us + (int64_t)(row / ON_PITCH) * TICK_US);
    ok = ok && wg_column_append_str(&g->columns[1], str_of(s->names[a->player]));
    ok = ok && wg_column_append_str(&g->columns[2], str_of(teams[a->player / SQUAD]));
    ok = ok && wg_column_append_f64(&g->columns[3], to_centi(a->x));
    ok = ok && wg_column_append_f64(&g->columns[4], to_centi(a->y));
    ok = ok && wg_column_append_f64(&g->columns[5], to_centi(sqrt(a->vx * a->vx + a->vy * a->vy)));
    return ok && (event == NULL ? wg_column_append_null(&g->columns[6])
                                : wg_column_append_str(&g->columns[6], str_of(event)));
}

static wg_code append_batch(season *s, game *g, wg_parquet_writer *writer, uint64_t first, uint32_t rows,
                            wg_error *err) {
    for (uint32_t c = 0; c < COLUMNS; c++) wg_column_clear(&g->columns[c]);
    for (uint32_t i = 0; i < rows; i++) {
        if (!append_row(s, g, first + i)) return wg_error_nomem(err, rows);
    }
    wg_vector vectors[COLUMNS];
    for (uint32_t c = 0; c < COLUMNS; c++) vectors[c] = wg_column_view(&g->columns[c]);
    const wg_batch batch = {.row_count = rows, .column_count = COLUMNS, .columns = vectors};
    WG_TRY(wg_parquet_writer_append(writer, &batch, err));
    s->rows_done += rows;
    if (s->progress != NULL && !s->progress(s->ctx, s->rows_done, s->rows))
        return wg_error_set(err, WG_E_CANCELLED, WG_NO_OFFSET, "the season was cancelled after %llu of %llu rows",
                            (unsigned long long)s->rows_done, (unsigned long long)s->rows);
    return WG_OK;
}

typedef struct game_file {
    season *season;
    game *game;
} game_file;

static const wg_parquet_writer_column file_columns[COLUMNS] = {
    {"ts", WG_TYPE_LOCAL_DATETIME, false}, {"player", WG_TYPE_STRING, false}, {"team", WG_TYPE_STRING, false},
    {"x", WG_TYPE_FLOAT, false},           {"y", WG_TYPE_FLOAT, false},       {"speed", WG_TYPE_FLOAT, false},
    {"event", WG_TYPE_STRING, true}};

static wg_code fill_game(void *ctx, file_sink *sink, wg_error *err) {
    const game_file *f = ctx;
    wg_parquet_writer *writer = NULL;
    WG_TRY(wg_parquet_writer_create(file_columns, COLUMNS, WG_CODEC_ZSTD, ROW_GROUP_ROWS, append_bytes, sink, NULL,
                                    &writer, err));
    wg_code code = WG_OK;
    for (uint64_t row = 0; row < f->game->rows && code == WG_OK; row += WG_BATCH_ROWS_MAX) {
        const uint64_t rows = wg_min_u64(f->game->rows - row, WG_BATCH_ROWS_MAX);
        code = append_batch(f->season, f->game, writer, row, (uint32_t)rows, err);
    }
    if (code == WG_OK) code = wg_parquet_writer_finish(writer, err);
    wg_parquet_writer_destroy(writer);
    return code;
}

static wg_code write_game(season *s, uint64_t index, wg_error *err) {
    const int64_t day = wg_days_from_civil(2024, 8, 10) + 7 * (int64_t)(index / GAMES_A_DAY);
    char date[24];
    char name[48];
    char dir[PATH_BYTES];
    (void)wg_format_date(day, date);
    (void)snprintf(name, sizeof name, "g%05llu.parquet", (unsigned long long)index + 1);
    WG_TRY(join(dir, s->dir, date, "", err));
    WG_TRY(make_directory(s->platform, dir, err));

    game g = {.rows = s->rows / s->games + (index < s->rows % s->games ? 1 : 0)};
    g.start_us = (day * 86400 + (13 + 2 * (int64_t)(index % GAMES_A_DAY)) * 3600) * 1000000;
    wg_rng_init(&g.rng, s->seed * 0x9e3779b97f4a7c15u + index + 1);
    choose_side(&g, 0, pairs[index % 10][0]);
    choose_side(&g, 1, pairs[index % 10][1]);
    for (uint32_t c = 0; c < COLUMNS; c++) wg_column_init(&g.columns[c], file_columns[c].type, NULL, NULL);
    game_file f = {.season = s, .game = &g};
    const wg_code code = write_file(s, dir, name, fill_game, &f, err);
    for (uint32_t c = 0; c < COLUMNS; c++) wg_column_deinit(&g.columns[c]);
    return code;
}

/* ---- the season */

static wg_code fill_players(void *ctx, file_sink *sink, wg_error *err) {
    const season *s = ctx;
    wg_buf text;
    wg_buf_init(&text, NULL);
    bool ok = wg_buf_append_str(&text, "name,team,position,shirt\n");
    for (uint32_t i = 0; i < PLAYERS && ok; i++)
        ok = wg_buf_printf(&text, "%s,%s,%s,%u\n", s->names[i], teams[i / SQUAD], position_of(i % SQUAD),
                           (unsigned)(i % SQUAD) + 1);
    const wg_code code = ok ? append_bytes(sink, wg_buf_slice(&text), err) : wg_error_nomem(err, text.size);
    wg_buf_deinit(&text);
    return code;
}

/* At least twelve games over three days, unless there are too few rows for that; more when a game would be longer than 90
 * minutes. */
static uint64_t game_count(uint64_t rows) {
    const uint64_t full = (rows + ON_PITCH - 1) / ON_PITCH;
    const uint64_t least = wg_min_u64(full, GAMES_MIN);
    return wg_max_u64(least, rows / ROWS_A_GAME_MAX + (rows % ROWS_A_GAME_MAX != 0 ? 1 : 0));
}

wg_code wg_demo_write_season(const char *dir, uint64_t rows, uint64_t seed, wg_progress_fn progress, void *ctx,
                             wg_error *err) {
    wg_error_clear(err);
    if (dir == NULL || dir[0] == '\0' || rows == 0 || rows > UINT64_MAX / 2)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "wg_demo_write_season: %s",
                            dir == NULL || dir[0] == '\0' ? "no directory" : "rows must be from 1 to 2^63");
    season s = {.platform = wg_platform_real(),
                .dir = dir,
                .rows = rows,
                .seed = seed,
                .games = game_count(rows),
                .progress = progress,
                .ctx = ctx};
    for (uint32_t i = 0; i < PLAYERS; i++)
        (void)snprintf(s.names[i], NAME_BYTES, "%s %s", first_names[i % 10], last_names[i / 10]);
    WG_TRY(make_directory(s.platform, dir, err));
    WG_TRY(write_file(&s, dir, "players.csv", fill_players, &s, err));
    for (uint64_t i = 0; i < s.games; i++) WG_TRY(write_game(&s, i, err));
    return WG_OK;
}
