/* virtual_probe: the floor of the benchmark of virtual labels in plain C: what it costs to read and decompress the pages of one DOUBLE column
 * and to add its values up, without an engine. It uses the project's reader of footers only to know where the pages are.
 *
 * Reads lines of its input, each the name of a column and a number of runs: column <tab> runs. One line comes back:
 * {"ns":[..],"sum":..,"rows":..}. Files come from the arguments. Only PLAIN pages without nulls count; anything else is an error. */
#include "bench.h"
#include "format/parquet/parquet.h"
#include "format/thrift/thrift.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct probe_file {
    int fd;
    wg_parquet_metadata metadata;
} probe_file;

typedef struct probe {
    probe_file *files;
    int count;
    uint8_t *chunk;
    size_t chunk_bytes;
    uint8_t *page;
    size_t page_bytes;
    wg_codec_state codec;
    double sum;
    uint64_t rows;
} probe;

static void fail(const char *what) {
    fprintf(stderr, "virtual_probe: %s\n", what);
    exit(1);
}

static void file_open(probe_file *f, const char *path, wg_arena *arena) {
    struct stat info;
    uint8_t tail[8];
    uint32_t bytes = 0;
    wg_error error = {0};
    f->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (f->fd < 0 || fstat(f->fd, &info) != 0) fail(path);
    const uint64_t size = (uint64_t)info.st_size;
    if (pread(f->fd, tail, sizeof tail, info.st_size - 8) != 8) fail(path);
    if (wg_parquet_tail(wg_slice_of(tail, 8), size, &bytes, &error) != WG_OK) fail(error.message);
    uint8_t *footer = wg_arena_alloc(arena, bytes);
    if (footer == NULL || pread(f->fd, footer, bytes, info.st_size - 8 - (off_t)bytes) != (ssize_t)bytes) fail(path);
    if (wg_parquet_metadata_decode(wg_slice_of(footer, bytes), size, arena, &f->metadata, &error) != WG_OK)
        fail(error.message);
}

static uint8_t *grow(uint8_t *old, size_t *have, size_t want) {
    if (*have >= want) return old;
    free(old);
    *have = want;
    uint8_t *data = aligned_alloc(64, (want + 63) / 64 * 64);
    if (data == NULL) fail("out of memory");
    return data;
}

enum { PAGE_DATA = 0, PAGE_DICTIONARY = 2, ENCODING_PLAIN = 0 };

typedef struct page_header {
    int32_t type;
    int32_t uncompressed_bytes;
    int32_t compressed_bytes;
    int32_t value_count;
    int32_t encoding;
    size_t header_bytes;
} page_header;

static void data_header_read(wg_thrift_reader *r, page_header *h) {
    wg_thrift_field f;
    for (wg_thrift_struct_begin(r); wg_thrift_field_next(r, &f);) {
        if (f.id == 1) wg_thrift_read_i32(r, f.type, &h->value_count);
        else if (f.id == 2) wg_thrift_read_i32(r, f.type, &h->encoding);
        else wg_thrift_skip(r, f.type);
    }
}

static void header_read(wg_slice bytes, page_header *h) {
    wg_thrift_reader r;
    wg_thrift_field f;
    wg_error error = {0};
    *h = (page_header){.type = -1};
    wg_thrift_reader_init(&r, bytes, 0, &error);
    for (wg_thrift_struct_begin(&r); wg_thrift_field_next(&r, &f);) {
        if (f.id == 1) wg_thrift_read_i32(&r, f.type, &h->type);
        else if (f.id == 2) wg_thrift_read_i32(&r, f.type, &h->uncompressed_bytes);
        else if (f.id == 3) wg_thrift_read_i32(&r, f.type, &h->compressed_bytes);
        else if (f.id == 5) data_header_read(&r, h);
        else wg_thrift_skip(&r, f.type);
    }
    if (r.code != WG_OK || h->compressed_bytes < 0 || h->uncompressed_bytes < 0 || h->value_count < 0)
        fail("a page header");
    h->header_bytes = wg_thrift_reader_bytes(&r);
}

/* Four lanes, so that the additions overlap. */
static double add(const uint8_t *bytes, size_t count) {
    double lanes[4] = {0};
    double v[4];
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        memcpy(v, bytes + i * 8, sizeof v);
        for (int k = 0; k < 4; k++) lanes[k] += v[k];
    }
    for (; i < count; i++) {
        memcpy(v, bytes + i * 8, 8);
        lanes[0] += v[0];
    }
    return lanes[0] + lanes[1] + lanes[2] + lanes[3];
}

static void page_add(probe *p, const wg_parquet_column *column, wg_codec codec, const page_header *h,
                     const uint8_t *body) {
    const uint8_t *values = body;
    if (h->type == PAGE_DICTIONARY) return;
    if (h->type != PAGE_DATA || h->encoding != ENCODING_PLAIN) fail("a page that is not v1 and plain");
    if (codec != WG_CODEC_UNCOMPRESSED) {
        const size_t size = (size_t)h->uncompressed_bytes;
        p->page = grow(p->page, &p->page_bytes, size);
        if (wg_codec_decompress_with(&p->codec, codec, wg_slice_of(body, (size_t)h->compressed_bytes), p->page, size,
                                     NULL) != WG_OK)
            fail("a page does not decompress");
        values = p->page;
    }
    if (column->max_def > 0) values += 4 + wg_load_u32le(values);
    p->sum += add(values, (size_t)h->value_count);
    p->rows += (uint64_t)h->value_count;
}

static void chunk_add(probe *p, const probe_file *f, uint32_t group, uint32_t column) {
    const wg_parquet_chunk *chunk = &f->metadata.row_groups[group].chunks[column];
    page_header h;
    p->chunk = grow(p->chunk, &p->chunk_bytes, chunk->compressed_bytes);
    if (pread(f->fd, p->chunk, chunk->compressed_bytes, (off_t)chunk->offset) != (ssize_t)chunk->compressed_bytes)
        fail("a short read");
    for (size_t at = 0; at < chunk->compressed_bytes; at += h.header_bytes + (size_t)h.compressed_bytes) {
        const wg_slice rest = wg_slice_of(p->chunk + at, chunk->compressed_bytes - at);
        header_read(rest, &h);
        page_add(p, &f->metadata.columns[column], chunk->codec, &h, p->chunk + at + h.header_bytes);
    }
}

static void run(probe *p, const char *name) {
    p->sum = 0;
    p->rows = 0;
    for (int i = 0; i < p->count; i++) {
        const wg_parquet_metadata *m = &p->files[i].metadata;
        for (uint32_t c = 0; c < m->column_count; c++) {
            if (strcmp(m->columns[c].name, name) != 0) continue;
            for (uint32_t g = 0; g < m->row_group_count; g++) chunk_add(p, &p->files[i], g, c);
        }
    }
}

int main(int argc, char **argv) {
    static char line[4096];
    probe p = {.count = argc - 1};
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    p.files = calloc((size_t)argc, sizeof *p.files);
    if (p.files == NULL) fail("out of memory");
    for (int i = 0; i < p.count; i++) file_open(&p.files[i], argv[i + 1], &arena);
    while (fgets(line, sizeof line, stdin) != NULL) {
        char *tab = strchr(line, '\t');
        if (tab == NULL) fail("not 'column tab runs'");
        *tab = '\0';
        const unsigned long runs = strtoul(tab + 1, NULL, 10);
        printf("{\"ns\":[");
        for (unsigned long i = 0; i < runs; i++) {
            const uint64_t begin = bench_now_ns();
            run(&p, line);
            printf("%s%" PRIu64, i == 0 ? "" : ",", bench_now_ns() - begin);
        }
        printf("],\"sum\":%.17g,\"rows\":%" PRIu64 "}\n", p.sum, p.rows);
        fflush(stdout);
    }
    for (int i = 0; i < p.count; i++) close(p.files[i].fd);
    wg_codec_state_deinit(&p.codec);
    wg_arena_deinit(&arena);
    free(p.files);
    free(p.chunk);
    free(p.page);
    return 0;
}
