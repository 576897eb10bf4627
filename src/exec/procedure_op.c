/* Procedures: calling one, checking what goes in and comes out, and the operator that joins every row of its input with the rows
 * that the procedure gives for it. The rows of one call are held in memory, charged to the query. A procedure without results lets
 * its input through after it has been called for each row. */
#include "exec/exec_internal.h"
#include "exec/procedure.h"

bool wg_procedure_field_takes(const wg_procedure_field *field, wg_type type) {
    if (type == WG_TYPE_NULL || type == WG_TYPE_ANY) return true;
    if (field->type == WG_TYPE_ANY) return !field->number || type == WG_TYPE_INT || type == WG_TYPE_FLOAT;
    return field->type == type || (field->type == WG_TYPE_FLOAT && type == WG_TYPE_INT);
}

const char *wg_procedure_field_type_name(const wg_procedure_field *field) {
    return field->number ? "NUMBER" : wg_type_name(field->type);
}

wg_code wg_procedure_argument(const wg_procedure *procedure, uint32_t param, uint64_t offset, wg_value *value,
                              wg_error *err) {
    WG_ASSERT(param < procedure->param_count);
    const wg_procedure_field *field = &procedure->params[param];
    if (value->type == WG_TYPE_NULL && field->not_null)
        return wg_error_set(err, WG_E_TYPE, offset, "%s(): argument %u (%s) may not be null", procedure->name,
                            param + 1, field->name);
    if (!wg_procedure_field_takes(field, (wg_type)value->type))
        return wg_error_set(err, WG_E_TYPE, offset, "%s(): argument %u (%s) must be %s, this is %s", procedure->name,
                            param + 1, field->name, wg_procedure_field_type_name(field),
                            wg_type_name((wg_type)value->type));
    if (field->type == WG_TYPE_FLOAT && value->type == WG_TYPE_INT) *value = wg_value_float((double)value->as.i);
    return WG_OK;
}

wg_code wg_procedure_add_row(const wg_procedure_call *call, const wg_value *cells, wg_error *err) {
    wg_rows *rows = call->rows;
    const wg_procedure *p = call->procedure;
    WG_ASSERT(rows->column_count == p->result_count);
    if (rows->row_count == UINT32_MAX)
        return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "%s() gives more than %u rows", p->name, UINT32_MAX);
    for (uint32_t i = 0; i < p->result_count; i++)
        if (cells[i].type == WG_TYPE_ANY || !wg_procedure_field_takes(&p->results[i], (wg_type)cells[i].type))
            return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET, "%s() gave %s for its result '%s', which is %s",
                                p->name, wg_type_name((wg_type)cells[i].type), p->results[i].name,
                                wg_procedure_field_type_name(&p->results[i]));
    for (uint32_t i = 0; i < p->result_count; i++)
        if (!wg_column_append_value(&rows->columns[i], &cells[i])) return wg_error_nomem(err, 16);
    rows->row_count++;
    return WG_OK;
}

wg_code wg_procedure_run(const wg_procedure *procedure, const wg_procedure_call *call, wg_account *account,
                         wg_rows **out, wg_error *err) {
    wg_type types[WG_PROCEDURE_FIELDS_MAX];
    wg_procedure_call one = *call;
    WG_ASSERT(procedure->result_count <= WG_PROCEDURE_FIELDS_MAX);
    for (uint32_t i = 0; i < procedure->result_count; i++) types[i] = procedure->results[i].type;
    WG_TRY(wgi_rows_create(types, procedure->result_count, account, &one.rows, err));
    one.procedure = procedure;
    const wg_code code = procedure->fn(procedure->ctx, &one, err);
    if (code == WG_OK) *out = one.rows;
    else wg_rows_destroy(one.rows);
    return code;
}

/* ---- the operator */

typedef struct procedure_op {
    wgi_op op;
    wgi_row_fanout fanout;
} procedure_op;

static wg_code call_for_row(wgi_op *op, const wg_vector *args, uint32_t row, wg_rows **out, wg_error *err) {
    const wg_plan *plan = op->plan;
    const wg_exec_context *context = op->eval.context;
    wg_value values[WG_PROCEDURE_FIELDS_MAX];
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        values[i] = wg_vector_value(&args[i], row);
        WG_TRY(wg_procedure_argument(plan->procedure, i, plan->exprs[i]->text_start, &values[i], err));
    }
    const wg_procedure_call call = {.engine = wg_txn_engine(context->txn),
                                    .txn = context->txn,
                                    .cancel = context->cancel,
                                    .args = values,
                                    .context = context};
    return wg_procedure_run(plan->procedure, &call, context->account, out, err);
}

static wg_code push_row(procedure_op *p, const wg_batch *batch, uint32_t row, const wg_rows *found, wg_error *err) {
    const wg_plan *plan = p->op.plan;
    if (plan->procedure->result_count == 0) return WG_OK;
    const wgi_picked_rows picked = {found, plan->yields, plan->yield_count};
    return wgi_push_for_row(&p->op, &p->fanout, batch, row, &picked, err);
}

static wg_code procedure_push(wgi_op *op, const wg_batch *batch, wg_error *err) {
    procedure_op *p = (procedure_op *)op;
    const wg_plan *plan = op->plan;
    const wg_exec_context *context = op->eval.context;
    wg_arena_reset(&op->eval.arena);
    wg_vector *args = wg_arena_alloc(&op->eval.arena, (plan->expr_count + (size_t)1) * sizeof *args);
    if (args == NULL) return wg_error_nomem(err, plan->expr_count * sizeof *args);
    for (uint32_t i = 0; i < plan->expr_count && batch->row_count > 0; i++)
        WG_TRY(wgi_eval_vector(&op->eval, plan->exprs[i], batch, &args[i], err));
    for (uint32_t i = 0; i < batch->row_count && !wgi_op_stopped(op); i++) {
        const uint32_t row = wg_batch_row(batch, i);
        WG_TRY(wgi_check(context, err));
        if (plan->procedure->kind == WG_PROCEDURE_MAINTENANCE) { /* it was called before this transaction began */
            WG_ASSERT(context->procedure_rows != NULL);
            WG_TRY(push_row(p, batch, row, context->procedure_rows, err));
            continue;
        }
        wg_rows *found;
        WG_TRY(call_for_row(op, args, row, &found, err));
        const wg_code code = push_row(p, batch, row, found, err);
        wg_rows_destroy(found);
        WG_TRY(code);
    }
    return plan->procedure->result_count == 0 && !wgi_op_stopped(op) ? wgi_push(op, batch, err) : WG_OK;
}

static void procedure_destroy(wgi_op *op) { wgi_row_fanout_deinit(&((procedure_op *)op)->fanout); }

wg_code wgi_op_procedure(const wg_plan *plan, wg_account *account, wgi_op **out, wg_error *err) {
    static const wgi_op_class class = {procedure_push, procedure_destroy};
    WG_TRY(wgi_op_alloc(&class, plan, sizeof(procedure_op), account, out, err));
    wgi_row_fanout_init(&((procedure_op *)*out)->fanout, account);
    return WG_OK;
}
