/* base/unicode: case and normal forms of text, by the tables of one release of Unicode that is part of the program. */
#ifndef WG_BASE_UNICODE_H
#define WG_BASE_UNICODE_H

#include "base/core/core.h"
#include "base/memory/memory.h"

typedef enum wg_unicode_form { WG_UNICODE_NFC, WG_UNICODE_NFD, WG_UNICODE_NFKC, WG_UNICODE_NFKD } wg_unicode_form;

const char *wg_unicode_version(void); /* "14.0.0" */
/* Appends the text in upper or lower case: the full mappings that depend on no language, one character may become several; a capital sigma
 * that ends a word becomes the final one. `s` is well-formed UTF-8. False when out of memory. */
bool wg_unicode_change_case(wg_slice s, bool upper, wg_buf *out);
/* Appends the text in a normal form (Unicode Standard Annex 15). Time is linear in the text. False when out of memory. */
bool wg_unicode_normalize(wg_slice s, wg_unicode_form form, wg_buf *out);
/* "NFC", "NFKD", ... in any case; false: another word. */
bool wg_unicode_form_of(wg_slice name, wg_unicode_form *out);

#endif
