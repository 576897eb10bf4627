/* format/json: one JSON text (RFC 8259) as a value. Parsing is jansson's; limits, types and order are ours. */
#ifndef WG_FORMAT_JSON_H
#define WG_FORMAT_JSON_H

#include "base/column/column.h"

#define WG_JSON_TEXT_BYTES_MAX (UINT32_C(64) << 20)
enum { WG_JSON_DEPTH_MAX = 128 }; /* arrays and objects inside one another */

/* Reads one JSON value, any kind, with white space around it. null NULL, true and false BOOL, numbers without fraction
 * and exponent INT, other numbers FLOAT, strings STRING, arrays LIST, objects MAP sorted by key bytes. Everything is
 * copied into the arena. Values deeper than WG_VALUE_DEPTH_MAX can be read but not stored: see wg_value_check.
 * Errors: WG_E_VALUE not JSON, duplicate keys, integers outside int64, reals outside double, with line, column and
 *         offset | WG_E_LIMIT longer or deeper than the limits | WG_E_NOMEM. */
wg_code wg_json_read(wg_slice text, wg_arena *arena, wg_value *out, wg_error *err);

#endif
