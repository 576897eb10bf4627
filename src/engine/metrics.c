#include "engine/engine_internal.h"
wg_code wg_engine_metrics(wg_engine *engine, wg_metric_fn fn, void *ctx, wg_error *err) { (void)engine; (void)fn; (void)ctx; (void)err; return WG_OK; }
