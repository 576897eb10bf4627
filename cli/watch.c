/* cli/watch: Ctrl-C and progress while a statement runs.
 *
 * The signal handler only sets a flag and calls wg_session_cancel, which is made for signal handlers. A cancel that comes
 * just before the statement starts would be lost, so a watching thread repeats it while the flag is up; the same thread
 * draws the bar. It wakes ten times a second and is stopped before the answer is printed, so nobody else writes to the
 * terminal meanwhile. Lock: `watch.mutex`, alone. */
#include "cli.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { WATCH_TICK_MS = 100, PROGRESS_AFTER_MS = 1000, BAR_CELLS = 24, INTERRUPTS_MAX = 3 };

/* Lock-free on every platform we build for: used in the handler. */
static _Atomic(wg_session *) running;
static _Atomic int interrupted; /* also read by the watching thread */
static bool progress_shown;

typedef struct watch {
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    wg_session *session;
    bool stop;
    bool started;
} watch;

static void on_interrupt(int signal_number) {
    (void)signal_number;
    const int saved = errno; /* of the call that was interrupted */
    const int count = atomic_fetch_add(&interrupted, 1) + 1;
    wg_session *session = atomic_load(&running);
    if (session != NULL) wg_session_cancel(session);
    if (count >= INTERRUPTS_MAX) cli_signals_default(); /* the next one ends the process, whatever it does */
    errno = saved;
}

void cli_signals_default(void) {
    struct sigaction action = {0};
    action.sa_handler = SIG_DFL;
    (void)sigaction(SIGINT, &action, NULL);
}

void cli_signals_init(void) {
    struct sigaction action = {0};
    action.sa_handler = on_interrupt; /* without SA_RESTART: a read at the prompt must return */
    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGINT, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool cli_interrupted(void) { return atomic_load(&interrupted) != 0; }

void cli_interrupt_clear(void) {
    atomic_store(&interrupted, 0);
    cli_signals_init();
}

uint64_t cli_now_ms(void) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static void draw(const char *what, uint64_t done, uint64_t total, const char *unit) {
    if (!cli_term()->err_tty) return;
    progress_shown = true;
    if (total == 0) {
        fprintf(stderr, "\r\033[K%s: %" PRIu64 " %s", what, done, unit);
        fflush(stderr);
        return;
    }
    const double part = done >= total ? 1.0 : (double)done / (double)total;
    const int cells = (int)(part * BAR_CELLS);
    char bar[BAR_CELLS + 1];
    for (int i = 0; i < BAR_CELLS; i++) bar[i] = i < cells ? '#' : '.';
    bar[BAR_CELLS] = '\0';
    fprintf(stderr, "\r\033[K%s: [%s] %3d%%  %" PRIu64 " of %" PRIu64 " %s", what, bar, (int)(part * 100.0), done,
            total, unit);
    fflush(stderr);
}

void cli_progress_draw(const char *what, uint64_t done, uint64_t total) { draw(what, done, total, "rows"); }

void cli_progress_bytes(const char *what, uint64_t done, uint64_t total) {
    if (total == 0) draw(what, done >> 20, 0, "MiB");
    else draw(what, done >> 20, (total >> 20) + ((total & 0xfffff) != 0), "MiB");
}

void cli_progress_clear(void) {
    if (!progress_shown) return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress_shown = false;
}

static void *watch_body(void *arg) {
    watch *w = arg;
    const uint64_t started = cli_now_ms();
    pthread_mutex_lock(&w->mutex);
    while (!w->stop) {
        struct timespec until;
        (void)clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WATCH_TICK_MS * 1000000L;
        if (until.tv_nsec >= 1000000000L) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000L;
        }
        (void)pthread_cond_timedwait(&w->wake, &w->mutex, &until);
        if (w->stop) break;
        if (cli_interrupted()) wg_session_cancel(w->session);
        if (!cli_term()->err_tty || cli_now_ms() - started < PROGRESS_AFTER_MS) continue;
        uint64_t done = 0;
        uint64_t total = 0;
        wg_session_progress(w->session, &done, &total);
        cli_progress_draw("running", done, total);
    }
    pthread_mutex_unlock(&w->mutex);
    return NULL;
}

static void watch_start(watch *w, wg_session *session) {
    w->session = session;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_cond_init(&w->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    pthread_mutex_init(&w->mutex, NULL);
    /* The watcher never takes the signal: the handler then always interrupts the main thread. */
    sigset_t block;
    sigset_t before;
    sigemptyset(&block);
    sigaddset(&block, SIGINT);
    pthread_sigmask(SIG_BLOCK, &block, &before);
    w->started = pthread_create(&w->thread, NULL, watch_body, w) == 0; /* else no bar; Ctrl-C still works */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void watch_stop(watch *w) {
    pthread_mutex_lock(&w->mutex);
    w->stop = true;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->mutex);
    if (w->started) pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->wake);
    pthread_mutex_destroy(&w->mutex);
    cli_progress_clear();
}

wg_code cli_watch_execute(wg_session *session, wg_stmt *stmt, wg_result **out, wg_error *err) {
    watch w = {0};
    atomic_store(&running, session);
    watch_start(&w, session);
    const wg_code code = wg_execute(stmt, out, err);
    watch_stop(&w);
    atomic_store(&running, (wg_session *)NULL);
    return code;
}
