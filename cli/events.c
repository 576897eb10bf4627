/* cli/events: worldgraph events append|tail|range|types|verify|hash: the event log of a run. */
#include "agents.h"

#include <inttypes.h>
#include <string.h>

static cli_exit append(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    wg_value payload = {.type = WG_TYPE_NULL};
    wg_result *holder = NULL;
    uint64_t sequence = 0;
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (r->word_count == 3) rc = agents_value(r, r->words[2], &payload, &holder);
    if (rc == CLI_OK && wg_eventlog_append(run, r->words[1], &payload, &sequence, &err) != WG_OK) rc = cli_fail(&err);
    if (rc == CLI_OK)
        cli_out_printf(&cli_stdout,
                       agents_has(r, AGENTS_JSON) ? "{\"sequence\":%" PRIu64 "}\n" : "event %" PRIu64 "\n", sequence);
    if (holder != NULL) wg_result_free(holder);
    wg_run_close(run);
    return rc;
}

/* ---- events as lines */

typedef struct printing {
    const agents_request *request;
    cli_buf line;
    uint64_t printed;
    uint64_t next; /* sequence behind the last one */
    cli_exit rc;
} printing;

static bool print_event(void *ctx, const wg_event_item *e) {
    printing *p = ctx;
    cli_buf *line = &p->line;
    cli_buf_clear(line);
    cli_buf_printf(line, "{\"sequence\":%" PRIu64 ",\"time\":", e->sequence);
    agents_add_time(line, e->time_us);
    cli_buf_add_str(line, ",\"type\":");
    agents_add_string(line, e->type, e->type_size);
    cli_buf_add_str(line, ",\"payload\":");
    p->rc = agents_add_json(line, &e->payload);
    cli_buf_printf(line, ",\"version\":%" PRIu64 "}\n", e->version);
    if (p->rc == CLI_OK) cli_out_write(&cli_stdout, line->data, line->size);
    p->printed++;
    p->next = e->sequence + 1;
    return p->rc == CLI_OK && !cli_interrupted();
}

static bool place(const agents_request *r, const char *text, uint64_t *out) {
    const cli_args args = {.command = r->command};
    return text == NULL || cli_args_number(&args, "--from", text, 0, UINT64_MAX, out);
}

static cli_exit range_of(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    printing p = {.request = r, .rc = CLI_OK};
    wg_event_range range = {
        .type = r->type, .reverse = agents_has(r, AGENTS_REVERSE), .limit = r->limit, .at = r->at};
    if (!place(r, r->from, &range.from) || !place(r, r->to, &range.to)) return CLI_USAGE;
    const cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (wg_eventlog_range(run, &range, print_event, &p, &err) != WG_OK) p.rc = cli_fail(&err);
    cli_buf_free(&p.line);
    wg_run_close(run);
    return p.rc;
}

/* ---- tail */

/* Where the last `wanted` events of the type begin. */
typedef struct counting {
    uint64_t first;
} counting;

static bool count_back(void *ctx, const wg_event_item *e) {
    ((counting *)ctx)->first = e->sequence;
    return true;
}

static cli_exit follow(wg_run *run, const agents_request *r, printing *p) {
    wg_error err = {0};
    enum { LOOK_MS = 200 };
    while (p->rc == CLI_OK && !cli_interrupted()) {
        uint64_t length = 0;
        p->rc = cli_out_flush(&cli_stdout);
        if (wg_refresh(r->db, NULL, &err) != WG_OK || wg_eventlog_wait(run, p->next, LOOK_MS, &length, &err) != WG_OK)
            return cli_fail(&err);
        const wg_event_range range = {.from = p->next, .type = r->type};
        if (length > p->next && wg_eventlog_range(run, &range, print_event, p, &err) != WG_OK) return cli_fail(&err);
        if (length > p->next) p->next = length;
    }
    return p->rc;
}

static cli_exit tail_in(wg_run *run, const agents_request *r, printing *p) {
    wg_error err = {0};
    enum { TAIL = 10 };
    uint64_t length = 0;
    const uint64_t wanted = agents_has(r, AGENTS_LIMIT) ? r->limit : TAIL;
    if (wg_eventlog_length(run, &length, &err) != WG_OK) return cli_fail(&err);
    counting c = {.first = length};
    const wg_event_range back = {.type = r->type, .reverse = true, .limit = wanted};
    if (wanted != 0 && wg_eventlog_range(run, &back, count_back, &c, &err) != WG_OK) return cli_fail(&err);
    const wg_event_range range = {.from = c.first, .to = length, .type = r->type};
    if (c.first < length && wg_eventlog_range(run, &range, print_event, p, &err) != WG_OK) return cli_fail(&err);
    p->next = length;
    return p->rc == CLI_OK && agents_has(r, AGENTS_FOLLOW) ? follow(run, r, p) : p->rc;
}

static cli_exit tail(agents_request *r) {
    wg_run *run = NULL;
    printing p = {.request = r, .rc = CLI_OK};
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    rc = tail_in(run, r, &p);
    cli_buf_free(&p.line);
    wg_run_close(run);
    return rc;
}

/* ---- types, verify */

static bool print_type(void *ctx, const char *type, size_t type_size, uint64_t count) {
    const agents_request *r = ctx;
    cli_buf line = {0};
    if (agents_has(r, AGENTS_JSON)) {
        cli_buf_add_str(&line, "{\"type\":");
        agents_add_string(&line, type, type_size);
        cli_buf_printf(&line, ",\"count\":%" PRIu64 "}\n", count);
    } else {
        cli_add_escaped(&line, type, type_size, CLI_ESCAPE_TABLE);
        cli_buf_printf(&line, "\t%" PRIu64 "\n", count);
    }
    cli_out_write(&cli_stdout, line.data, line.size);
    cli_buf_free(&line);
    return true;
}

static cli_exit types(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (wg_eventlog_types(run, print_type, r, &err) != WG_OK) rc = cli_fail(&err);
    wg_run_close(run);
    return rc;
}

static cli_exit report(const agents_request *r, const wg_eventlog_report *found) {
    cli_buf head = {0};
    for (size_t i = 0; i < sizeof found->head; i++) cli_buf_printf(&head, "%02x", found->head[i]);
    if (agents_has(r, AGENTS_JSON))
        cli_out_printf(&cli_stdout, "{\"valid\":%s,\"length\":%" PRIu64 ",\"head\":\"%s\"}\n",
                       found->valid ? "true" : "false", found->length, cli_buf_text(&head));
    else if (found->valid)
        cli_out_printf(&cli_stdout, "%" PRIu64 " events, chain whole, head %s\n", found->length, cli_buf_text(&head));
    if (!found->valid)
        cli_complain("event %" PRIu64 " is the first that is wrong: %s", found->first_invalid, found->reason);
    cli_buf_free(&head);
    return found->valid ? CLI_OK : CLI_USAGE; /* 3: damage found */
}

static cli_exit verify(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    wg_eventlog_report found = {0};
    cli_exit rc = agents_open_run(r, &run);
    if (rc != CLI_OK) return rc;
    if (wg_eventlog_verify(run, &found, &err) != WG_OK) rc = cli_fail(&err);
    else rc = report(r, &found);
    wg_run_close(run);
    return rc;
}

cli_exit cli_events(cli_args *args) {
    enum { COMMON = AGENTS_BIT(AGENTS_RUN) | AGENTS_BIT(AGENTS_JSON), READ = COMMON | AGENTS_BIT(AGENTS_READ_ONLY) };
    static const agents_action actions[] = {
        {"append", "TYPE [PAYLOAD]", 1, 2, COMMON, true, append},
        {"tail", "", 0, 0, READ | AGENTS_BIT(AGENTS_LIMIT) | AGENTS_BIT(AGENTS_TYPE) | AGENTS_BIT(AGENTS_FOLLOW),
         false, tail},
        {"range", "", 0, 0,
         READ | AGENTS_BIT(AGENTS_FROM) | AGENTS_BIT(AGENTS_TO) | AGENTS_BIT(AGENTS_TYPE) | AGENTS_BIT(AGENTS_LIMIT) |
             AGENTS_BIT(AGENTS_REVERSE) | AGENTS_BIT(AGENTS_AT),
         false, range_of},
        {"types", "", 0, 0, READ, false, types},
        {"verify", "", 0, 0, READ, false, verify}};
    return agents_dispatch(args, actions, sizeof actions / sizeof actions[0]);
}
