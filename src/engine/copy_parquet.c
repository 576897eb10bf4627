/* Parquet files: each row group is a task that any thread of the pool decodes, fits to the columns and packs, ahead of its turn; when its
 * turn has come its rows go to the writer. So the order is that of the file, and so is the error, whoever decoded what.
 *
 * A thread takes tasks in their order and holds at most AHEAD_MAX batches that wait for their turn: memory is bounded, and the thread
 * with the earliest task never waits. A row group that is larger is decoded as it is written.
 *
 * Failure modes: those of reading and decoding, which end the load behind the rows before them. */
#include "base/text/text.h"
#include "engine/copy.h"

enum { AHEAD_MAX = 64, AHEAD_BYTES = 16 << 20, VALID_BYTES = WG_BATCH_ROWS_MAX / 8 + 16 };

/* One column chunk that is being read. */
typedef struct chunk {
    wg_parquet_reader *reader;
    uint8_t *bytes;
    wg_vector vector; /* what the reader gave last */
    uint32_t rows;    /* in it */
    uint32_t used;    /* of them taken */
    uint8_t *valid;
    void *converted;
} chunk;

typedef struct job {
    wgi_copier *c;
    wg_object *object;
    const wg_parquet_metadata *meta;
    uint32_t ahead_max;    /* batches that a thread may hold */
    _Atomic uint32_t next; /* task to begin with */
    wg_mutex mutex;        /* rank POOL: guards turn, stopped */
    wg_cond changed;
    uint32_t turn;
    bool stopped;
    wg_code code; /* of who stopped it */
    wg_error error;
} job;

typedef struct task {
    job *job;
    uint32_t group;
    bool has_turn;
    wg_arena arena;
    chunk *chunks;
    wg_vector *vectors;
    uint64_t *at;
    uint64_t row;       /* of the group: first that is not read */
    uint64_t row_bytes; /* of a row, about */
    wgi_copy_rows *ahead[AHEAD_MAX];
    uint32_t ahead_count; /* made */
    uint32_t waiting;     /* filled */
} task;

/* ---- turns */

/* False when the load has ended. */
static bool turn_take(task *t, bool wait) {
    job *j = t->job;
    wg_mutex_lock(&j->mutex);
    while (wait && !j->stopped && j->turn != t->group) wg_cond_wait(&j->changed, &j->mutex);
    const bool goes_on = !j->stopped;
    t->has_turn = goes_on && j->turn == t->group; /* behind an error nothing is written any more */
    wg_mutex_unlock(&j->mutex);
    return goes_on;
}

static void turn_pass(task *t, wg_code code, const wg_error *error) {
    job *j = t->job;
    wg_mutex_lock(&j->mutex);
    j->turn++;
    if (code != WG_OK && !j->stopped) {
        j->stopped = true;
        j->code = code;
        j->error = *error;
    }
    wg_cond_broadcast(&j->changed);
    wg_mutex_unlock(&j->mutex);
}

/* ---- one row group */

static wg_code read_object(void *ctx, uint64_t offset, void *data, size_t size, wg_error *err) {
    return wg_object_read(ctx, offset, data, size, err);
}

static wg_code chunk_open(task *t, uint32_t i, wg_error *err) {
    const job *j = t->job;
    const wgi_copy_column *column = &j->c->columns[i];
    const wg_parquet_row_group *group = &j->meta->row_groups[t->group];
    const wg_parquet_chunk *at = wg_parquet_chunk_of(j->meta, group, column->in_file);
    chunk *c = &t->chunks[i];
    c->valid = wg_arena_alloc(&t->arena, VALID_BYTES);
    c->converted = wg_arena_alloc(&t->arena, WG_BATCH_ROWS_MAX * sizeof(wg_value));
    if (c->valid == NULL || c->converted == NULL) return wg_error_nomem(err, VALID_BYTES);
    wg_parquet_source source = {.column = &j->meta->columns[column->in_file],
                                .chunk = at,
                                .row_count = group->row_count,
                                .exact_times = column->type == WG_TYPE_ANY};
    WG_TRY(wg_parquet_reader_alloc(j->c->account, &c->reader, err));
    if (source.column->node != NULL || wgi_heap_cap(j->c->txn->engine) != 0) { /* a few pages at a time */
        source.read = read_object;
        source.ctx = j->object;
        source.columns = j->meta->columns;
        source.chunks = group->chunks;
        return wg_parquet_reader_open(c->reader, &source, err);
    }
    c->bytes = wg_alloc(j->c->account, at->compressed_bytes + 64);
    if (c->bytes == NULL) return wg_error_nomem(err, at->compressed_bytes);
    WG_TRY(wg_object_read(j->object, at->offset, c->bytes, at->compressed_bytes, err));
    source.bytes = wg_slice_of(c->bytes, at->compressed_bytes);
    return wg_parquet_reader_open(c->reader, &source, err);
}

static void shift_bits(uint8_t *to, const uint8_t *from, uint32_t start, uint32_t count) {
    for (uint32_t i = 0; i < (count + 7) / 8; i++) to[i] = 0;
    for (uint32_t i = 0; i < count; i++)
        if (wg_bit_get(from, start + i)) wg_bit_set(to, i);
}

static wg_code check_utf8(const wgi_copy_column *column, const wg_vector *v, uint32_t rows, wg_error *err) {
    for (uint32_t i = 0; i < rows; i++) {
        if (!wg_vector_is_valid(v, i)) continue;
        if (!wg_utf8_valid(wg_slice_of_str(((const wg_str *)v->data)[wg_vector_cell(v, i)]), NULL))
            return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET,
                                "column %s is a STRING and holds bytes that are not UTF-8", column->name);
    }
    return WG_OK;
}

/* The type was found to fit when the file was opened. */
static wg_code convert(chunk *c, const wgi_copy_column *column, wg_vector *v, uint32_t rows, wg_error *err) {
    if (v->type == column->type && (v->type != WG_TYPE_ANY || v->kind == WG_VECTOR_FLAT)) return WG_OK;
    if (column->type == WG_TYPE_STRING) {
        WG_TRY(check_utf8(column, v, rows, err));
        v->type = WG_TYPE_STRING;
        return WG_OK;
    }
    if (column->type == WG_TYPE_ANY) {
        wg_value *to = c->converted;
        for (uint32_t i = 0; i < rows; i++) to[i] = wg_vector_value(v, i);
        v->valid = NULL;
    } else {
        double *to = c->converted;
        for (uint32_t i = 0; i < rows; i++) to[i] = (double)((const int64_t *)v->data)[wg_vector_cell(v, i)];
    }
    v->type = column->type;
    v->kind = WG_VECTOR_FLAT;
    v->data = c->converted;
    v->codes = NULL;
    return WG_OK;
}

static wg_code hand_out(task *t, uint32_t i, uint32_t rows, wg_error *err) {
    chunk *c = &t->chunks[i];
    wg_vector *out = &t->vectors[i];
    *out = c->vector;
    if (out->kind == WG_VECTOR_DICT) out->codes += c->used;
    else if (out->kind == WG_VECTOR_FLAT)
        out->data = (const uint8_t *)out->data + (size_t)c->used * wg_physical_bytes(wg_type_physical(out->type));
    if (out->valid != NULL && out->kind != WG_VECTOR_CONST && c->used > 0) {
        shift_bits(c->valid, out->valid, c->used, rows);
        out->valid = c->valid;
    }
    c->used += rows;
    return convert(c, &t->job->c->columns[i], out, rows, err);
}

/* The row of all files behind which the task is. */
static uint64_t row_of(const task *t) {
    return t->job->c->base + t->job->meta->row_groups[t->group].first_row + t->row;
}

/* The next rows that all columns have; 0 at the end. */
static wg_code rows_read(task *t, uint32_t *out_rows, wg_error *err) {
    const wgi_copier *c = t->job->c;
    const wg_parquet_row_group *group = &t->job->meta->row_groups[t->group];
    const uint64_t room = wg_min_u64(wgi_copy_room(c, row_of(t) + 1), 1 + c->batch_bytes / (t->row_bytes + 1));
    uint32_t rows = (uint32_t)wg_min_u64(wg_min_u64(WG_BATCH_ROWS_MAX, room), group->row_count - t->row);
    *out_rows = 0;
    for (uint32_t i = 0; i < c->column_count && rows != 0; i++) {
        chunk *k = &t->chunks[i];
        if (k->used == k->rows) {
            k->used = 0;
            WG_TRY(wg_parquet_reader_next(k->reader, WG_BATCH_ROWS_MAX, &k->vector, &k->rows, err));
            if (k->rows == 0)
                return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "column %s ends before its row group does",
                                    c->columns[i].name);
        }
        if (k->rows - k->used < rows) rows = k->rows - k->used;
    }
    for (uint32_t i = 0; i < c->column_count && rows != 0; i++) WG_TRY(hand_out(t, i, rows, err));
    for (uint32_t r = 0; r < rows; r++) t->at[r] = group->first_row + t->row + r + 1;
    t->row += rows;
    *out_rows = rows;
    return WG_OK;
}

static wg_code task_open(task *t, wg_error *err) {
    const uint32_t count = t->job->c->column_count;
    t->chunks = wg_arena_alloc_zero(&t->arena, ((size_t)count + 1) * sizeof *t->chunks);
    t->vectors = wg_arena_alloc_zero(&t->arena, ((size_t)count + 1) * sizeof *t->vectors);
    t->at = wg_arena_alloc(&t->arena, WG_BATCH_ROWS_MAX * sizeof *t->at);
    if (t->chunks == NULL || t->vectors == NULL || t->at == NULL)
        return wg_error_nomem(err, count * sizeof *t->chunks);
    const wg_parquet_row_group *group = &t->job->meta->row_groups[t->group];
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < count; i++) {
        WG_TRY(chunk_open(t, i, err));
        const uint32_t in_file = t->job->c->columns[i].in_file;
        bytes += wg_parquet_chunk_of(t->job->meta, group, in_file)->uncompressed_bytes;
    }
    t->row_bytes = bytes / (group->row_count + 1);
    return WG_OK;
}

static void task_close(task *t) {
    for (uint32_t i = 0; t->chunks != NULL && i < t->job->c->column_count; i++) {
        wg_parquet_reader_destroy(t->chunks[i].reader);
        wg_free(t->chunks[i].bytes);
    }
    t->chunks = NULL;
    wg_arena_reset(&t->arena);
}

static wg_code write_waiting(task *t, wg_error *err) {
    wg_code code = WG_OK;
    for (uint32_t i = 0; i < t->waiting && code == WG_OK; i++) code = wgi_copy_rows_write(t->ahead[i], err);
    for (uint32_t i = 0; i < t->waiting; i++) wgi_copy_rows_clear(t->ahead[i]);
    t->waiting = 0;
    return code;
}

/* Room for one batch more; false when the load has ended. */
static bool room_make(task *t, wg_code *code, wg_error *err) {
    if (!t->has_turn && !turn_take(t, t->waiting == t->job->ahead_max)) return false;
    if (t->has_turn) *code = write_waiting(t, err);
    return true;
}

static wg_code batch_take(task *t, uint32_t rows, wg_error *err) {
    if (t->waiting == t->ahead_count) {
        WG_TRY(wgi_copy_rows_create(t->job->c, &t->ahead[t->ahead_count], err));
        t->ahead_count++;
    }
    wgi_copy_rows *to = t->ahead[t->waiting];
    to->last = row_of(t);
    to->last_at = t->at[rows - 1];
    WG_TRY(wgi_copy_rows_fill(to, t->vectors, rows, t->at, err));
    t->waiting++;
    t->row_bytes = to->packed.size / rows;
    return WG_OK;
}

/* Errors of the file get its name. */
static wg_code group_run(task *t, wg_error *err) {
    const uint64_t skipped = t->job->c->options->skip_rows;
    if (row_of(t) + t->job->meta->row_groups[t->group].row_count <= skipped) return WG_OK;
    wg_code code = task_open(t, err);
    uint32_t rows = 1;
    while (code == WG_OK && rows != 0) {
        if (!room_make(t, &code, err)) return WG_OK;
        if (code != WG_OK) return code;
        code = rows_read(t, &rows, err);
        if (code == WG_OK && rows != 0 && row_of(t) > skipped) code = batch_take(t, rows, err);
    }
    if (code != WG_OK) code = wg_error_fold_offset(err, wg_error_prefix(err, code, "%s", t->job->c->path));
    return code;
}

static void group_do(task *t) {
    wg_error late = {0};
    wg_error early = {0};
    t->row = 0;
    t->has_turn = false;
    const wg_code read = group_run(t, &late);
    task_close(t);
    if (!t->has_turn && !turn_take(t, true)) return;
    /* What was read before the error is written first, and may fail first. */
    const wg_code written = write_waiting(t, &early);
    turn_pass(t, written != WG_OK ? written : read, written != WG_OK ? &early : &late);
}

static void worker(void *arg, uint32_t number) {
    job *j = arg;
    (void)number;
    task *t = wg_alloc_zero(j->c->account, sizeof *t);
    if (t != NULL) {
        t->job = j;
        wg_arena_init(&t->arena, j->c->account);
    }
    for (;;) {
        const uint32_t group = atomic_fetch_add_explicit(&j->next, 1, memory_order_relaxed);
        if (group >= j->meta->row_group_count) break;
        if (t == NULL) { /* its turn must come and go all the same */
            task none = {.job = j, .group = group};
            wg_error failure = {0};
            if (turn_take(&none, true)) turn_pass(&none, wg_error_nomem(&failure, sizeof none), &failure);
            continue;
        }
        t->group = group;
        group_do(t);
    }
    for (uint32_t i = 0; t != NULL && i < t->ahead_count; i++) wgi_copy_rows_destroy(t->ahead[i]);
    if (t != NULL) wg_arena_deinit(&t->arena);
    wg_free(t);
}

/* ---- the file */

static bool type_fits(wg_type wanted, wg_type in_file) {
    if (wanted == in_file || wanted == WG_TYPE_ANY) return true;
    if (wanted == WG_TYPE_FLOAT) return in_file == WG_TYPE_INT;
    return wanted == WG_TYPE_STRING && in_file == WG_TYPE_BYTES; /* writers that do not say UTF-8; it is checked */
}

static wg_code columns_make(wgi_copier *c, const wg_parquet_metadata *meta, wg_error *err) {
    const wg_copy_options *o = c->options;
    const uint32_t count = o->column_count != 0 ? o->column_count : meta->column_count;
    wg_slice *names = wg_arena_alloc(&c->arena, ((size_t)count + 1) * sizeof *names);
    uint32_t *places = wg_arena_alloc(&c->arena, ((size_t)count + 1) * sizeof *places);
    if (names == NULL || places == NULL) return wg_error_nomem(err, count * sizeof *names);
    for (uint32_t i = 0; i < count; i++) {
        places[i] = o->column_count == 0 ? i : 0;
        if (o->column_count != 0) {
            while (places[i] < meta->column_count + meta->group_count &&
                   !wg_slice_is(o->columns[i], meta->columns[places[i]].name))
                places[i]++;
            if (places[i] == meta->column_count + meta->group_count)
                return wg_error_set(err, WG_E_NOT_FOUND, WG_NO_OFFSET, "%s has no column %.*s", c->path,
                                    (int)wg_min_size(o->columns[i].size, 80), (const char *)o->columns[i].data);
        }
        names[i] = wg_slice_str(meta->columns[places[i]].name);
    }
    WG_TRY(wgi_copy_map_columns(c, names, count, err));
    for (uint32_t i = 0; i < count; i++) {
        const wg_parquet_column *in_file = &meta->columns[places[i]];
        c->columns[i].in_file = places[i];
        if (in_file->type == WG_TYPE_NULL)
            return wg_error_set(err, WG_E_UNSUPPORTED, WG_NO_OFFSET, "%s: column %s (%s) cannot be read: %s", c->path,
                                in_file->name, in_file->physical_name, in_file->why_not);
        if (!type_fits(c->columns[i].type, in_file->type))
            return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "%s: column %s is %s (%s) where %s is needed", c->path,
                                in_file->name, wg_type_name(in_file->type), in_file->physical_name,
                                wg_type_name(c->columns[i].type));
    }
    return WG_OK;
}

wg_code wgi_copy_parquet(wgi_copier *c, wg_error *err) {
    wg_engine *e = c->txn->engine;
    job j = {.c = c};
    bool opened = false;
    WG_TRY(wg_object_acquire(e->objects, c->path, &j.object, &opened, err));
    j.meta = wg_object_metadata(j.object);
    wg_code code = columns_make(c, j.meta, err);
    if (code == WG_OK) {
        const uint32_t threads = c->options->threads == 0 ? 1 : c->options->threads;
        /* They count against the memory that rows may take before they are in stripes. */
        const uint64_t cap = wgi_heap_cap(e);
        j.ahead_max = cap == 0 ? AHEAD_MAX : (uint32_t)wg_min_u64(AHEAD_MAX, 1 + cap / AHEAD_BYTES);
        atomic_init(&j.next, 0);
        wg_mutex_init(&j.mutex, WG_RANK_POOL);
        wg_cond_init(&j.changed);
        wg_pool_run(c->options->pool, threads, worker, &j);
        wg_cond_deinit(&j.changed);
        wg_mutex_deinit(&j.mutex);
        code = j.code;
        if (code != WG_OK && err != NULL && err->code == WG_OK) *err = j.error;
        c->base += j.meta->row_count;
    }
    wg_object_release(e->objects, j.object);
    return code;
}
