/* Goal: a registry finds what was registered, in the order of names, and refuses what could not be called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "query/procedures/procedures.h"

static wg_code nothing(void *ctx, const wg_procedure_call *call, wg_error *err) {
    (void)ctx;
    (void)call;
    (void)err;
    return WG_OK;
}

static int set_up(void **state) {
    wg_procedures *procedures = NULL;
    assert_int_equal(wg_procedures_create(NULL, &procedures, NULL), WG_OK);
    *state = procedures;
    return 0;
}

static int tear_down(void **state) {
    wg_procedures_destroy(*state);
    return 0;
}

static wg_code add(wg_procedures *procedures, const char *name) {
    const wg_procedure p = {.name = name, .fn = nothing};
    return wg_procedure_register(procedures, &p, NULL);
}

/* Goal: names are matched exactly, near ones are suggested, what was found stays where it is. */
static void test_registry_finds_by_exact_name(void **state) {
    wg_procedures *procedures = *state;
    assert_int_equal(add(procedures, "my.search"), WG_OK);
    const wg_procedure *found = wg_procedure_find(procedures, wg_slice_str("my.search"));
    assert_non_null(found);
    assert_null(wg_procedure_find(procedures, wg_slice_str("My.search")));
    assert_null(wg_procedure_find(procedures, wg_slice_str("my.searc")));
    assert_string_equal(wg_procedure_suggest(procedures, wg_slice_str("my.saerch")), "my.search");
    assert_null(wg_procedure_suggest(procedures, wg_slice_str("something.else")));
    for (int i = 0; i < 50; i++) {
        char name[32];
        snprintf(name, sizeof name, "p.n%d", i * 37 % 50);
        assert_int_equal(add(procedures, name), WG_OK);
    }
    assert_ptr_equal(wg_procedure_find(procedures, wg_slice_str("my.search")), found);
    assert_null(wg_procedure_find(NULL, wg_slice_str("my.search")));
}

static bool is_next(void *arg, const wg_procedure *procedure) {
    const char **last = arg;
    assert_true(*last == NULL || strcmp(*last, procedure->name) < 0);
    *last = procedure->name;
    return true;
}

/* Goal: a listing is in the order of names, whatever the order of registration. */
static void test_registry_lists_by_name(void **state) {
    const char *last = NULL;
    static const char *const names[] = {"z", "a.b", "m", "db.aaa", "a"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_int_equal(add(*state, names[i]), WG_OK);
    wg_procedures_each(*state, is_next, &last);
    assert_string_equal(last, "z");
}

/* Goal: bad names, taken ones, and fields that could not be told apart are refused. */
static void test_registry_refuses_bad_procedures(void **state) {
    static const wg_procedure_field twice[] = {{.name = "a", .type = WG_TYPE_INT},
                                               {.name = "a", .type = WG_TYPE_INT}};
    static const wg_procedure_field typeless[] = {{.name = "a"}};
    static const char *const names[] = {"", ".", "a.", "a..b", "1a", "a b", "a'"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) assert_int_equal(add(*state, names[i]), WG_E_MISUSE);
    assert_int_equal(add(*state, "db.labels"), WG_E_EXISTS);
    wg_procedure p = {.name = "ok", .params = twice, .param_count = 2};
    assert_int_equal(wg_procedure_register(*state, &p, NULL), WG_E_MISUSE);
    p.fn = nothing;
    assert_int_equal(wg_procedure_register(*state, &p, NULL), WG_E_MISUSE);
    p.param_count = WG_PROCEDURE_FIELDS_MAX + 1;
    assert_int_equal(wg_procedure_register(*state, &p, NULL), WG_E_MISUSE);
    p.params = typeless;
    p.param_count = 1;
    assert_int_equal(wg_procedure_register(*state, &p, NULL), WG_E_MISUSE);
    p.params = twice;
    assert_int_equal(wg_procedure_register(*state, &p, NULL), WG_OK);
}

/* Goal: an allocation that fails leaves the registry as it was. */
static void test_registry_survives_failing_allocations(void **state) {
    static const wg_procedure_field fields[] = {{.name = "a", .type = WG_TYPE_INT},
                                                {.name = "b", .type = WG_TYPE_ANY}};
    const wg_procedure p = {
        .name = "p.q", .params = fields, .param_count = 2, .results = fields, .result_count = 2, .fn = nothing};
    wg_procedures *made = NULL;
    for (uint64_t n = 1; made == NULL; n++) {
        wg_memory_fail_at(n, false);
        const wg_code code = wg_procedures_create(NULL, &made, NULL);
        wg_memory_fail_at(0, false);
        assert_true(code == WG_OK || code == WG_E_NOMEM);
    }
    wg_procedures_destroy(made);
    wg_memory_fail_at(1, true);
    wg_code code = WG_OK;
    char name[32];
    for (int i = 0; i < 1000 && code == WG_OK; i++) { /* until the arena needs another block */
        wg_procedure one = p;
        snprintf(name, sizeof name, "p.n%d", i);
        one.name = name;
        code = wg_procedure_register(*state, &one, NULL);
    }
    wg_memory_fail_at(0, false);
    assert_int_equal(code, WG_E_NOMEM);
    assert_null(wg_procedure_find(*state, wg_slice_str(name)));
    assert_int_equal(add(*state, name), WG_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_registry_finds_by_exact_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registry_lists_by_name, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registry_refuses_bad_procedures, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registry_survives_failing_allocations, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
