/* Values between the caller's form (wg_value) and the form that state keeps: a type and bytes.
 *
 * Scalars are stored as they are; lists, maps and the temporal types as the canonical bytes of docs/format/value.md without their type byte.
 * Stored bytes were checked when they were written or recovered; what cannot be decoded nevertheless is WG_E_CORRUPT, never trusted. */
#include "primitives/agent/agent.h"

#include "base/column/column.h"
#include "base/text/text.h"

static const uint64_t canonical_nan = UINT64_C(0x7ff8000000000000);

static wg_code refuse_type(wg_type type, wg_error *err) {
    return wg_error_set(err, WG_E_TYPE, WG_NO_OFFSET,
                        "a value of type %s cannot be kept in a run: store its id or its properties",
                        wg_type_name(type));
}

static wg_code encode_composite(wg_agent_run *run, const wg_value *value, wg_state_value *out, wg_error *err) {
    WG_TRY(wg_value_check(value, false, err));
    run->scratch.size = 0;
    if (!wg_value_encode(&run->scratch, value)) return wg_error_nomem(err, 64);
    out->bytes = wg_slice_of(run->scratch.data + 1, run->scratch.size - 1);
    return WG_OK;
}

static wg_code encode_text(const wg_value *value, wg_state_value *out, wg_error *err) {
    out->bytes = wg_value_slice(value);
    if (value->type == WG_TYPE_BYTES || wg_utf8_valid(out->bytes, NULL)) return WG_OK;
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a STRING that is not UTF-8: store it as BYTES");
}

wg_code wg_agent_encode(wg_agent_run *run, const wg_value *value, uint8_t small[8], wg_state_value *out,
                        wg_error *err) {
    *out = (wg_state_value){.type = value->type};
    switch ((wg_type)value->type) {
        case WG_TYPE_NULL:
            break;
        case WG_TYPE_BOOL:
            small[0] = value->as.b ? 1 : 0;
            out->bytes = wg_slice_of(small, 1);
            break;
        case WG_TYPE_INT:
            wg_store_u64le(small, value->as.id);
            out->bytes = wg_slice_of(small, 8);
            break;
        case WG_TYPE_FLOAT: /* every NaN is the same one */
            wg_store_u64le(small, value->as.f != value->as.f ? canonical_nan : value->as.id);
            out->bytes = wg_slice_of(small, 8);
            break;
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            WG_TRY(encode_text(value, out, err));
            break;
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
        case WG_TYPE_LIST:
        case WG_TYPE_MAP:
            WG_TRY(encode_composite(run, value, out, err));
            break;
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
        case WG_TYPE_PATH:
        case WG_TYPE_ANY:
        default:
            return refuse_type((wg_type)value->type, err);
    }
    if (out->bytes.size <= WG_STATE_VALUE_BYTES_MAX) return WG_OK;
    return wg_error_set(err, WG_E_LIMIT, WG_NO_OFFSET, "a value of %zu bytes: at most %d", out->bytes.size,
                        (int)WG_STATE_VALUE_BYTES_MAX);
}

static wg_code damaged(wg_error *err) {
    return wg_error_set(err, WG_E_CORRUPT, WG_NO_OFFSET, "a stored value does not fit its type");
}

/* The decoder wants the type byte in front. */
static wg_code decode_composite(wg_arena *arena, uint8_t type, wg_slice bytes, wg_value *out, wg_error *err) {
    uint8_t *whole = wg_arena_alloc(arena, bytes.size + 1);
    if (whole == NULL) return wg_error_nomem(err, bytes.size + 1);
    whole[0] = type;
    if (bytes.size != 0) memcpy(whole + 1, bytes.data, bytes.size);
    wg_slice rest = wg_slice_of(whole, bytes.size + 1);
    WG_TRY(wg_value_decode(&rest, arena, out, err));
    return rest.size == 0 ? WG_OK : damaged(err);
}

wg_code wg_agent_decode(wg_arena *arena, uint8_t type, wg_slice bytes, wg_value *out, wg_error *err) {
    wg_value v = {.type = type};
    switch ((wg_type)type) {
        case WG_TYPE_NULL:
            if (bytes.size != 0) return damaged(err);
            break;
        case WG_TYPE_BOOL:
            if (bytes.size != 1 || bytes.data[0] > 1) return damaged(err);
            v.as.b = bytes.data[0] == 1;
            break;
        case WG_TYPE_INT:
        case WG_TYPE_FLOAT:
            if (bytes.size != 8) return damaged(err);
            v.as.id = wg_load_u64le(bytes.data);
            break;
        case WG_TYPE_STRING:
        case WG_TYPE_BYTES:
            if (bytes.size > UINT32_MAX) return damaged(err);
            v.size = (uint32_t)bytes.size;
            v.as.s = bytes.size == 0 ? "" : (const char *)bytes.data;
            break;
        case WG_TYPE_DATE:
        case WG_TYPE_LOCAL_TIME:
        case WG_TYPE_TIME:
        case WG_TYPE_LOCAL_DATETIME:
        case WG_TYPE_DATETIME:
        case WG_TYPE_DURATION:
        case WG_TYPE_POINT:
        case WG_TYPE_LIST:
        case WG_TYPE_MAP:
            return decode_composite(arena, type, bytes, out, err);
        case WG_TYPE_NODE:
        case WG_TYPE_EDGE:
        case WG_TYPE_PATH:
        case WG_TYPE_ANY:
        default:
            return damaged(err);
    }
    *out = v;
    return WG_OK;
}

wg_code wg_agent_key_refuse(const void *key, size_t size, wg_error *err) {
    if (key == NULL || size == 0 || size > WG_KEY_BYTES_MAX)
        return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "a key of %zu bytes: 1 to %d", size,
                            (int)WG_KEY_BYTES_MAX);
    return wg_error_set(err, WG_E_VALUE, WG_NO_OFFSET, "keys that begin with the bytes 00 'wg.sys' 00 are reserved");
}
