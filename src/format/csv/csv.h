/* format/csv: RFC 4180 text, read record by record from pieces of any size, and written.
 *
 * Read:    fields are divided by the delimiter, records by LF, CRLF or CR. A field may stand in double quotes (or what `quote` says); then it
 *          may hold delimiters, line breaks and doubled quotes. A UTF-8 byte order mark at the start is skipped. A
 *          blank line is skipped, except where records have one field: there it is a record. All records have as many
 *          fields as the first. Text must be UTF-8.
 * Null:    without `null_text` an empty field without quotes; with it an unquoted field that equals it.
 * Errors:  carry line and column (Unicode scalars, from 1) and the byte offset; after one, the reader stays failed. */
#ifndef WG_FORMAT_CSV_H
#define WG_FORMAT_CSV_H

#include "base/column/column.h"

#define WG_CSV_RECORD_BYTES_MAX (UINT32_C(64) << 20)
enum { WG_CSV_COLUMNS_MAX = 65536 };

/* All zero means defaults. */
typedef struct wg_csv_options {
    char delimiter;  /* 0: ','. Any ASCII character but the quote, CR and LF */
    char quote;      /* 0: '"'. Any ASCII character but CR and LF */
    bool has_header; /* the first record names the columns and is no data */
    const char
        *null_text; /* NUL-terminated, borrowed as long as the reader lives; NULL: empty and unquoted is null */
} wg_csv_options;

typedef struct wg_csv_field {
    wg_str text;
    bool is_null;
    bool quoted;
} wg_csv_field;

/* Lives until the next call on the reader. */
typedef struct wg_csv_record {
    const wg_csv_field *fields;
    uint32_t field_count;
    uint64_t line; /* where the record starts, from 1 */
} wg_csv_record;

/* Errors: WG_E_MISUSE bad delimiter, quote or null text. */
wg_code wg_csv_options_check(const wg_csv_options *options, wg_error *err);

typedef struct wg_csv_reader wg_csv_reader;

/* Owns: the caller destroys *out. Errors: WG_E_MISUSE bad delimiter or null text | WG_E_NOMEM. */
wg_code wg_csv_reader_create(const wg_csv_options *options, wg_account *account, wg_csv_reader **out, wg_error *err);
void wg_csv_reader_destroy(wg_csv_reader *reader);

/* Hands over the next piece of the text, borrowed until wg_csv_next answers "not found". Only then may the next piece
 * or the end follow: otherwise WG_E_MISUSE. */
wg_code wg_csv_feed(wg_csv_reader *reader, wg_slice chunk, wg_error *err);
wg_code wg_csv_end(wg_csv_reader *reader, wg_error *err);
/* The next complete record. *out_found false: the reader needs another piece, or after wg_csv_end there is no more.
 * Errors: WG_E_CORRUPT broken quoting, another number of fields, not UTF-8 | WG_E_LIMIT | WG_E_NOMEM. */
wg_code wg_csv_next(wg_csv_reader *reader, wg_csv_record *out, bool *out_found, wg_error *err);
/* The header, once wg_csv_next has gone past it; lives as long as the reader. NULL before, and without has_header. */
const wg_csv_record *wg_csv_header(const wg_csv_reader *reader);

/* Appends one field and, from column 1 on, the delimiter before it. Quotes stand where reading would need them: around
 * the empty string, around text that equals `null_text`, and around delimiters, quotes and line breaks. False when out
 * of memory. A null in a table of one column without a header is a blank line, which readers may skip. */
bool wg_csv_write_field(wg_buf *out, const wg_csv_options *options, uint32_t column, wg_slice text, bool is_null);
bool wg_csv_write_end(wg_buf *out);

#endif
