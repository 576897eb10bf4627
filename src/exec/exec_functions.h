/* exec: what the table of functions, their row functions and the kernels share. */
#ifndef WG_EXEC_FUNCTIONS_H
#define WG_EXEC_FUNCTIONS_H

#include "exec/exec_internal.h"

typedef struct wgi_call {
    wgi_eval *eval;
    const wg_function *function;
    uint64_t offset; /* in the query text, for errors */
} wgi_call;

typedef enum wgi_op_code {
    WGI_OP_NONE,
    WGI_OP_EQ,
    WGI_OP_NE,
    WGI_OP_LT,
    WGI_OP_LE,
    WGI_OP_GT,
    WGI_OP_GE,
    WGI_OP_ADD,
    WGI_OP_SUB,
    WGI_OP_MUL,
    WGI_OP_DIV,
    WGI_OP_MOD,
    WGI_OP_AND,
    WGI_OP_OR,
    WGI_OP_XOR,
    WGI_OP_NOT
} wgi_op_code;

typedef wg_code (*wgi_row_fn)(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err);
/* Typed fast path for whole batches, at least one argument not CONST. Leaves *out_done false when it has none for these vectors. */
typedef wg_code (*wgi_vector_fn)(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out,
                                 bool *out_done, wg_error *err);
typedef wg_code (*wgi_type_fn)(const wg_function *function, const wg_type *args, uint32_t arg_count, wg_type *out,
                               wg_error *err);

struct wg_function {
    const char *name;
    uint8_t arg_min;
    uint8_t arg_max; /* UINT8_MAX: any number */
    bool strict;     /* a null argument gives null without a call */
    wgi_op_code op;
    const char *args; /* a letter an argument, the last one repeats: see functions.c */
    wg_type result;   /* when `type` is NULL */
    wgi_type_fn type;
    wgi_row_fn row;
    wgi_vector_fn vector;
    double (*math)(double); /* of wgi_fn_math */
};

wg_code wgi_kernel_compare(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                           wg_error *err);
wg_code wgi_kernel_arith(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err);
wg_code wgi_kernel_logic(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err);
wg_code wgi_kernel_in(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                      wg_error *err); /* functions_in.c */
wg_code wgi_kernel_is_null(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                           wg_error *err);
wg_code wgi_kernel_string_match(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out,
                                bool *out_done, wg_error *err);
wg_code wgi_kernel_regex(wgi_call *call, const wg_vector *args, const wg_batch *in, wg_vector *out, bool *out_done,
                         wg_error *err);

/* openCypher ordering of two values: 1 decided (*out_cmp), 0 unordered (NaN: every comparison is false), -1 null. */
int wgi_compare_values(const wg_value *a, const wg_value *b, int *out_cmp);
bool wgi_compare_holds(wgi_op_code op, int cmp);

#define WGI_ROW_FN(name) \
    wg_code name(wgi_call *call, const wg_value *args, uint32_t arg_count, wg_value *out, wg_error *err)
WGI_ROW_FN(wgi_fn_format);
WGI_ROW_FN(wgi_fn_string_join);
WGI_ROW_FN(wgi_fn_compare);
WGI_ROW_FN(wgi_fn_arith);
WGI_ROW_FN(wgi_fn_pow);
WGI_ROW_FN(wgi_fn_neg);
WGI_ROW_FN(wgi_fn_pos);
WGI_ROW_FN(wgi_fn_logic);
WGI_ROW_FN(wgi_fn_in);
WGI_ROW_FN(wgi_fn_starts_with);
WGI_ROW_FN(wgi_fn_ends_with);
WGI_ROW_FN(wgi_fn_contains);
WGI_ROW_FN(wgi_fn_regex);
WGI_ROW_FN(wgi_fn_is_null);
WGI_ROW_FN(wgi_fn_is_not_null);
WGI_ROW_FN(wgi_fn_index);
WGI_ROW_FN(wgi_fn_slice);
WGI_ROW_FN(wgi_fn_coalesce);
WGI_ROW_FN(wgi_fn_id);
WGI_ROW_FN(wgi_fn_labels);
WGI_ROW_FN(wgi_fn_type);
WGI_ROW_FN(wgi_fn_deleted);
WGI_ROW_FN(wgi_fn_keys);
WGI_ROW_FN(wgi_fn_properties);
WGI_ROW_FN(wgi_fn_overlay);
WGI_ROW_FN(wgi_fn_start_node);
WGI_ROW_FN(wgi_fn_end_node);
WGI_ROW_FN(wgi_fn_path);
WGI_ROW_FN(wgi_fn_disjoint);
WGI_ROW_FN(wgi_fn_entry);
WGI_ROW_FN(wgi_fn_labelled);
WGI_ROW_FN(wgi_fn_flatten);
WGI_ROW_FN(wgi_fn_typed); /* functions_typed.c */
WGI_ROW_FN(wgi_fn_stride);
WGI_ROW_FN(wgi_fn_keeps);
WGI_ROW_FN(wgi_fn_path_key);
WGI_ROW_FN(wgi_fn_length);
WGI_ROW_FN(wgi_fn_nodes);
WGI_ROW_FN(wgi_fn_relationships);
WGI_ROW_FN(wgi_fn_size);
WGI_ROW_FN(wgi_fn_head);
WGI_ROW_FN(wgi_fn_last);
WGI_ROW_FN(wgi_fn_tail);
WGI_ROW_FN(wgi_fn_reverse);
WGI_ROW_FN(wgi_fn_range);
WGI_ROW_FN(wgi_fn_to_integer);
WGI_ROW_FN(wgi_fn_to_float);
WGI_ROW_FN(wgi_fn_to_string);
WGI_ROW_FN(wgi_fn_to_boolean);
WGI_ROW_FN(wgi_fn_to_upper);
WGI_ROW_FN(wgi_fn_to_lower);
WGI_ROW_FN(wgi_fn_trim);
WGI_ROW_FN(wgi_fn_ltrim);
WGI_ROW_FN(wgi_fn_rtrim);
WGI_ROW_FN(wgi_fn_substring);
WGI_ROW_FN(wgi_fn_left);
WGI_ROW_FN(wgi_fn_right);
WGI_ROW_FN(wgi_fn_replace);
WGI_ROW_FN(wgi_fn_split);
WGI_ROW_FN(wgi_fn_abs);
WGI_ROW_FN(wgi_fn_sign);
WGI_ROW_FN(wgi_fn_math);
WGI_ROW_FN(wgi_fn_atan2);
WGI_ROW_FN(wgi_fn_pi);
WGI_ROW_FN(wgi_fn_e);
WGI_ROW_FN(wgi_fn_percentile);
WGI_ROW_FN(wgi_fn_deviation);
WGI_ROW_FN(wgi_fn_instant);
WGI_ROW_FN(wgi_fn_clock);
WGI_ROW_FN(wgi_fn_duration);
WGI_ROW_FN(wgi_fn_truncate);
WGI_ROW_FN(wgi_fn_from_epoch);
WGI_ROW_FN(wgi_fn_between);
WGI_ROW_FN(wgi_fn_point);
WGI_ROW_FN(wgi_fn_distance);
WGI_ROW_FN(wgi_fn_within_bbox);
WGI_ROW_FN(wgi_fn_round);
WGI_ROW_FN(wgi_fn_is_nan);
WGI_ROW_FN(wgi_fn_similarity);
WGI_ROW_FN(wgi_fn_or_null);
WGI_ROW_FN(wgi_fn_to_list);
WGI_ROW_FN(wgi_fn_null_if);
WGI_ROW_FN(wgi_fn_is_empty);
WGI_ROW_FN(wgi_fn_element_id);
WGI_ROW_FN(wgi_fn_value_type);
WGI_ROW_FN(wgi_fn_coll_sort);
WGI_ROW_FN(wgi_fn_coll_distinct);
WGI_ROW_FN(wgi_fn_coll_best);
WGI_ROW_FN(wgi_fn_coll_index_of);
WGI_ROW_FN(wgi_fn_coll_insert);
WGI_ROW_FN(wgi_fn_coll_remove);
WGI_ROW_FN(wgi_fn_coll_flatten);
WGI_ROW_FN(wgi_fn_timestamp);
WGI_ROW_FN(wgi_fn_concat);
WGI_ROW_FN(wgi_fn_normalize);
/* year, month, day, hour, ... of a temporal value; null when it has no such part. */
wg_code wgi_temporal_part(wgi_eval *eval, const wg_value *v, const wg_expr *expr, wg_value *out, wg_error *err);
/* x, latitude, crs, ... of a point; null when it has no such part. */
wg_value wgi_point_part(const wg_value *v, wg_slice name);
/* "point({x: 1.0, y: 2.0, crs: 'cartesian'})" */
wg_code wgi_point_text(wgi_call *call, const wg_value *v, wg_value *out, wg_error *err);

#endif
