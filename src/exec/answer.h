/* exec: where an answer lies that is larger than the memory of its query. docs/execution.md, "Memory and spilling", is the whole picture. */
#ifndef WG_EXEC_ANSWER_H
#define WG_EXEC_ANSWER_H

#include "base/memory/memory.h"
#include "exec/rows.h"
#include "io/platform/platform.h"

/* What a query wrote to temporary files because its memory was short (docs/execution.md). Threads: relaxed counters. */
typedef enum wg_spill_user {
    WG_SPILL_ROWS,
    WG_SPILL_SORT,
    WG_SPILL_AGGREGATE,
    WG_SPILL_JOIN,
    WG_SPILL_ANSWER
} wg_spill_user;
enum { WG_SPILL_USERS = 5 };
typedef struct wg_spill_counters {
    _Atomic uint64_t bytes[WG_SPILL_USERS]; /* written in all, by operator */
    _Atomic uint64_t bytes_now, files;      /* in files that are there; files made in all */
} wg_spill_counters;

typedef struct wg_answer_extent wg_answer_extent;
/* Memory of one answer. While it is open, blocks of `account` are charged to the query's account until that is half full; the others lie in mapped
 * temporary files, which no account counts. Nothing is given back before the end. Threads: one at a time builds; any number read what
 * is built. */
typedef struct wg_answer {
    wg_account account;
    wg_block_source source;
    wg_spill_counters spilled; /* of the whole query */
    uint64_t spill_bytes_max;  /* 0: no limit */
    wg_platform *platform;
    const char *directory;     /* NULL: it is not open */
    wg_answer_extent *extents; /* the newest first */
    wg_error error;            /* why the last block could not be had from a file */
} wg_answer;

/* `account`: the query's, which outlives the answer. It is not open. */
void wg_answer_init(wg_answer *answer, wg_account *account);
/* From here to the end of building files are made in `directory` ("": the system's), which is borrowed. */
void wg_answer_open(wg_answer *answer, wg_platform *platform, const char *directory, uint64_t spill_bytes_max);
void wg_answer_close(wg_answer *answer);
/* Whatever lies in it must be gone. */
void wg_answer_deinit(wg_answer *answer);
uint64_t wg_answer_file_bytes(const wg_answer *answer);
/* A failure of building: WG_E_NOMEM becomes the error of the file that could not be made, if that was why. */
wg_code wg_answer_error(const wg_answer *answer, wg_code code, wg_error *err);

#endif
