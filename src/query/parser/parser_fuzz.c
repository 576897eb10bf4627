/* Goal: no text makes the parser crash, leak, or return success and an error together; a tree spans bytes of its text. */
#include "query/parser/parser.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_ranges(const wg_ast *a, size_t size) {
    if (a == NULL) return;
    WG_ASSERT(a->start <= a->end);
    WG_ASSERT(a->end <= size);
    for (uint32_t i = 0; i < a->child_count; i++) check_ranges(a->child[i], size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    wg_arena arena;
    wg_arena_init(&arena, NULL);
    wg_error err = {0};
    const wg_ast *tree = NULL;
    const wg_slice text = wg_slice_of(data, size);
    const wg_code code = wg_parse(text, &arena, &tree, &err);
    WG_ASSERT((code == WG_OK) == (tree != NULL));
    WG_ASSERT(code == err.code);
    if (code == WG_E_SYNTAX) WG_ASSERT(err.offset <= size);
    if (code == WG_E_SYNTAX) WG_ASSERT(err.line >= 1);
    check_ranges(tree, size);
    size_t end = 0;
    const wg_split split = wg_parser_split(text, &end);
    WG_ASSERT(end <= size);
    WG_ASSERT(WG_IMPLIES(split == WG_SPLIT_COMPLETE, end > 0 && data[end - 1] == ';'));
    wg_arena_deinit(&arena);
    return 0;
}
