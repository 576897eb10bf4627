/* tests/sim: put before the first line of product sources by the compiler (-include): every atomic operation with an order is a switch
 * point, a pause of the processor lets others run, and planted bugs are chosen while the program runs. */
#ifndef WG_TESTS_SIM_SWITCH_POINTS_H
#define WG_TESTS_SIM_SWITCH_POINTS_H
#pragma GCC system_header

#include <stdatomic.h>

void sim_point(void);
void sim_point_ordered(int order); /* relaxed: none */
void sim_yield(void);
extern int sim_canary; /* the planted bug that is in force; 0: none */
#define WG_CANARY sim_canary

#define __builtin_ia32_pause() sim_yield()
/* A call and no condition, so that coverage sees the same branches as in the product. */
#define SIM_ORDERED(order)     sim_point_ordered((int)(order))

#undef atomic_load
#undef atomic_store
#undef atomic_exchange
#undef atomic_fetch_add
#undef atomic_fetch_sub
#undef atomic_fetch_or
#undef atomic_fetch_and
#undef atomic_compare_exchange_strong
#undef atomic_compare_exchange_weak
/* Loads are points only when they are sequentially consistent: acquire loads stand in inner loops of scans. */
#define atomic_load(p)         (sim_point(), atomic_load_explicit(p, memory_order_seq_cst))
#define atomic_store(p, v)     atomic_store_explicit(p, v, memory_order_seq_cst)
#define atomic_exchange(p, v)  (sim_point(), atomic_exchange_explicit(p, v, memory_order_seq_cst))
#define atomic_fetch_add(p, v) atomic_fetch_add_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_sub(p, v) atomic_fetch_sub_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_or(p, v)  atomic_fetch_or_explicit(p, v, memory_order_seq_cst)
#define atomic_fetch_and(p, v) atomic_fetch_and_explicit(p, v, memory_order_seq_cst)
#define atomic_compare_exchange_strong(p, e, d) \
    (sim_point(), atomic_compare_exchange_strong_explicit(p, e, d, memory_order_seq_cst, memory_order_seq_cst))
#define atomic_compare_exchange_weak(p, e, d) \
    (sim_point(), atomic_compare_exchange_strong_explicit(p, e, d, memory_order_seq_cst, memory_order_seq_cst))

/* For the exhaustive test every load with an order is a point, too. */
#ifdef SIM_LOADS
#undef atomic_load_explicit
#ifdef __clang__
#define atomic_load_explicit(p, order) (SIM_ORDERED(order), __c11_atomic_load(p, order))
#else
#define atomic_load_explicit(p, order)                \
    __extension__({                                   \
        __auto_type sim_q_ = (p);                     \
        __typeof__((void)0, *sim_q_) sim_loaded_;     \
        SIM_ORDERED(order);                           \
        __atomic_load(sim_q_, &sim_loaded_, (order)); \
        sim_loaded_;                                  \
    })
#endif
#endif

#undef atomic_store_explicit
#undef atomic_fetch_add_explicit
#undef atomic_fetch_sub_explicit
#undef atomic_fetch_or_explicit
#undef atomic_fetch_and_explicit
#undef atomic_flag_test_and_set_explicit
#ifdef __clang__
#define atomic_store_explicit(p, v, order)     (SIM_ORDERED(order), __c11_atomic_store(p, v, order))
#define atomic_fetch_add_explicit(p, v, order) (SIM_ORDERED(order), __c11_atomic_fetch_add(p, v, order))
#define atomic_fetch_sub_explicit(p, v, order) (SIM_ORDERED(order), __c11_atomic_fetch_sub(p, v, order))
#define atomic_fetch_or_explicit(p, v, order)  (SIM_ORDERED(order), __c11_atomic_fetch_or(p, v, order))
#define atomic_fetch_and_explicit(p, v, order) (SIM_ORDERED(order), __c11_atomic_fetch_and(p, v, order))
#define atomic_flag_test_and_set_explicit(f, order) \
    (SIM_ORDERED(order), __c11_atomic_exchange(&(f)->_Value, 1, order))
#else
#define atomic_store_explicit(p, v, order)         \
    __extension__({                                \
        __auto_type sim_p_ = (p);                  \
        __typeof__((void)0, *sim_p_) sim_v_ = (v); \
        SIM_ORDERED(order);                        \
        __atomic_store(sim_p_, &sim_v_, (order));  \
    })
#define atomic_fetch_add_explicit(p, v, order)      (SIM_ORDERED(order), __atomic_fetch_add((p), (v), (order)))
#define atomic_fetch_sub_explicit(p, v, order)      (SIM_ORDERED(order), __atomic_fetch_sub((p), (v), (order)))
#define atomic_fetch_or_explicit(p, v, order)       (SIM_ORDERED(order), __atomic_fetch_or((p), (v), (order)))
#define atomic_fetch_and_explicit(p, v, order)      (SIM_ORDERED(order), __atomic_fetch_and((p), (v), (order)))
#define atomic_flag_test_and_set_explicit(f, order) (SIM_ORDERED(order), __atomic_test_and_set((f), (order)))
#endif

#endif
