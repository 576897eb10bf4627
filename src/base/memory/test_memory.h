/* For tests only: how memory is taken. */
#ifndef WG_BASE_TEST_MEMORY_H
#define WG_BASE_TEST_MEMORY_H

#include "base/memory/memory.h"

/* From now on arenas and buffers take no more than they are asked for, so that nearly every request of theirs is an allocation, which can be made
 * to fail. Threads: any. */
void wg_memory_take_exactly(bool exactly);

#endif
