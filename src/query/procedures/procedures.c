/* query/procedures: the registry: a list in the order of names, whose entries are made whole before they are linked in, so that a
 * look-up needs no lock. */
#include "query/procedures/procedures.h"

#include "base/text/text.h"

typedef struct entry {
    wg_procedure procedure;
    struct entry *_Atomic next; /* release; pairs with the acquire of next_of */
} entry;

struct wg_procedures {
    wg_arena arena;
    struct entry *_Atomic first;
    _Atomic uint64_t count;
};

static entry *next_of(struct entry *const _Atomic *link) { return atomic_load_explicit(link, memory_order_acquire); }

wg_code wg_procedures_create(wg_account *account, wg_procedures **out, wg_error *err) {
    wg_procedures *p = wg_alloc_zero(account, sizeof *p);
    if (p == NULL) return wg_error_nomem(err, sizeof *p);
    wg_arena_init(&p->arena, account);
    wg_code code = wg_procedures_register_builtin(p, err);
    if (code == WG_OK) code = wg_procedures_register_maintenance(p, err);
    if (code == WG_OK) code = wg_procedures_register_agents(p, err);
    if (code == WG_OK) code = wg_procedures_register_algorithms(p, err);
    if (code == WG_OK) code = wg_procedures_register_records(p, err);
    if (code == WG_OK) code = wg_procedures_register_planning(p, err);
    if (code == WG_OK) code = wg_procedures_register_show(p, err);
    if (code == WG_OK) *out = p;
    else wg_procedures_destroy(p);
    return code;
}

void wg_procedures_destroy(wg_procedures *procedures) {
    if (procedures == NULL) return;
    wg_arena_deinit(&procedures->arena);
    wg_free(procedures);
}

/* ---- adding */

/* Words of letters, digits and '_', joined by dots: what the parser can read. */
static bool is_name(const char *name) {
    bool at_start = true;
    size_t size = 0;
    for (; name[size] != '\0'; size++) {
        const char c = name[size];
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        const bool digit = c >= '0' && c <= '9';
        if (c == '.' ? at_start : !(letter || (digit && !at_start))) return false;
        at_start = c == '.';
    }
    return size > 0 && size <= 200 && !at_start;
}

static wg_code check_fields(const wg_procedure *p, const wg_procedure_field *fields, uint32_t count, wg_error *err) {
    if (count > WG_PROCEDURE_FIELDS_MAX)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "%s(): more than %d parameters or results", p->name,
                            WG_PROCEDURE_FIELDS_MAX);
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i].name == NULL || fields[i].name[0] == '\0' || fields[i].type == WG_TYPE_NULL)
            return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "%s(): field %u has no name or no type", p->name,
                                i + 1);
        for (uint32_t k = 0; k < i; k++)
            if (strcmp(fields[i].name, fields[k].name) == 0)
                return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET, "%s(): '%s' is named twice", p->name,
                                    fields[i].name);
    }
    return WG_OK;
}

static wg_code check(const wg_procedure *p, wg_error *err) {
    if (p->name == NULL || !is_name(p->name) || p->fn == NULL)
        return wg_error_set(err, WG_E_MISUSE, WG_NO_OFFSET,
                            "a procedure needs a function and a name of words joined by dots");
    WG_TRY(check_fields(p, p->params, p->param_count, err));
    return check_fields(p, p->results, p->result_count, err);
}

static const wg_procedure_field *copy_fields(wg_arena *arena, const wg_procedure_field *fields, uint32_t count) {
    wg_procedure_field *copy = wg_arena_alloc_zero(arena, ((size_t)count + 1) * sizeof *copy);
    for (uint32_t i = 0; i < count && copy != NULL; i++) {
        copy[i] = fields[i];
        copy[i].name = wg_arena_strdup(arena, wg_slice_str(fields[i].name));
        if (copy[i].name == NULL) return NULL;
    }
    return copy;
}

static wg_code insert(wg_procedures *procedures, const wg_procedure *procedure, wg_error *err) {
    struct entry *_Atomic *link = &procedures->first;
    entry *next = next_of(link);
    while (next != NULL && strcmp(next->procedure.name, procedure->name) < 0) {
        link = &next->next;
        next = next_of(link);
    }
    if (next != NULL && strcmp(next->procedure.name, procedure->name) == 0)
        return wg_error_set(err, WG_E_EXISTS, WG_NO_OFFSET, "there is a procedure %s() already", procedure->name);
    wg_arena *arena = &procedures->arena;
    entry *made = wg_arena_alloc_zero(arena, sizeof *made);
    if (made == NULL) return wg_error_nomem(err, sizeof *made);
    wg_procedure *p = &made->procedure;
    *p = *procedure;
    p->name = wg_arena_strdup(arena, wg_slice_str(procedure->name));
    p->help = wg_arena_strdup(arena, wg_slice_str(procedure->help != NULL ? procedure->help : ""));
    p->params = copy_fields(arena, procedure->params, procedure->param_count);
    p->results = copy_fields(arena, procedure->results, procedure->result_count);
    if (p->name == NULL || p->help == NULL || p->params == NULL || p->results == NULL) return wg_error_nomem(err, 64);
    atomic_store_explicit(&made->next, next, memory_order_relaxed);
    atomic_store_explicit(link, made, memory_order_release);
    atomic_fetch_add_explicit(&procedures->count, 1, memory_order_release); /* pairs with wg_procedures_count */
    return WG_OK;
}

wg_code wg_procedure_register(wg_procedures *procedures, const wg_procedure *procedure, wg_error *err) {
    WG_ASSERT(procedures != NULL);
    WG_TRY(check(procedure, err));
    return insert(procedures, procedure, err);
}

/* ---- looking up */

uint64_t wg_procedures_count(const wg_procedures *procedures) {
    return procedures == NULL ? 0 : atomic_load_explicit(&procedures->count, memory_order_acquire);
}

const wg_procedure *wg_procedure_find(const wg_procedures *procedures, wg_slice name) {
    if (procedures == NULL) return NULL;
    for (entry *e = next_of(&procedures->first); e != NULL; e = next_of(&e->next)) {
        const size_t size = strlen(e->procedure.name);
        if (size == name.size && memcmp(e->procedure.name, name.data, size) == 0) return &e->procedure;
    }
    return NULL;
}

const char *wg_procedure_suggest(const wg_procedures *procedures, wg_slice name) {
    wg_suggestion near;
    if (procedures == NULL) return NULL;
    wg_suggestion_init(&near, name);
    for (entry *e = next_of(&procedures->first); e != NULL; e = next_of(&e->next))
        wg_suggestion_offer(&near, e->procedure.name);
    return near.name;
}

void wg_procedures_each(const wg_procedures *procedures, bool (*fn)(void *arg, const wg_procedure *procedure),
                        void *arg) {
    for (entry *e = next_of(&procedures->first); e != NULL; e = next_of(&e->next))
        if (!fn(arg, &e->procedure)) return;
}

static bool print_fields(const wg_procedure_field *fields, uint32_t count, wg_buf *out) {
    bool ok = wg_buf_append_str(out, "(");
    for (uint32_t i = 0; i < count && ok; i++)
        ok = wg_buf_printf(out, "%s%s :: %s%s", i > 0 ? ", " : "", fields[i].name,
                           wg_procedure_field_type_name(&fields[i]), fields[i].not_null ? " NOT NULL" : "");
    return ok && wg_buf_append_str(out, ")");
}

bool wg_procedure_print(const wg_procedure *procedure, wg_buf *out) {
    return wg_buf_append_str(out, procedure->name) && print_fields(procedure->params, procedure->param_count, out) &&
           wg_buf_append_str(out, " :: ") && print_fields(procedure->results, procedure->result_count, out);
}
