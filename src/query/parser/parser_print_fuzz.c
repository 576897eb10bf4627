/* Goal: the canonical text of every tree parses to an equal tree with the same canonical text. */
#include "query/parser/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    const wg_ast *tree = NULL, *again = NULL;
    if (wg_parse(wg_slice_of(data, size), &arena, &tree, NULL) == WG_OK) {
        wg_buf first, second;
        wg_buf_init(&first, NULL);
        wg_buf_init(&second, NULL);
        WG_ASSERT(wg_ast_print(tree, &first, NULL) == WG_OK);
        /* Parentheses that the printer adds may reach the nesting limit, and only that. */
        const wg_code code = wg_parse(wg_buf_slice(&first), &arena, &again, NULL);
        WG_ASSERT(code == WG_OK || code == WG_E_LIMIT);
        if (code == WG_OK) {
            WG_ASSERT(wg_ast_equal(tree, again));
            WG_ASSERT(wg_ast_print(again, &second, NULL) == WG_OK);
            WG_ASSERT(wg_slice_equal(wg_buf_slice(&first), wg_buf_slice(&second)));
        }
        wg_buf_deinit(&first);
        wg_buf_deinit(&second);
    }
    wg_arena_deinit(&arena);
    return 0;
}
