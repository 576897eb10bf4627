/* cli/runs: worldgraph runs create|list|show|complete|fail|...: runs as things: their states, forks, differences, merging, replay. */
#include "agents.h"

#include <inttypes.h>
#include <string.h>

static void add_info(cli_buf *line, const wg_run_info *info) {
    cli_buf_add_str(line, "{\"name\":");
    agents_add_string(line, info->name, strlen(info->name));
    cli_buf_add_str(line, ",\"id\":\"");
    for (int i = 0; i < 16; i++)
        cli_buf_printf(line, i == 4 || i == 6 || i == 8 || i == 10 ? "-%02x" : "%02x", info->id[i]);
    cli_buf_printf(line, "\",\"status\":\"%s\"", wg_run_status_name(info->status));
    if (info->parent != NULL) {
        cli_buf_add_str(line, ",\"parent\":");
        agents_add_string(line, info->parent, strlen(info->parent));
    }
    if (info->forked_of != NULL) {
        cli_buf_add_str(line, ",\"forkedOf\":");
        agents_add_string(line, info->forked_of, strlen(info->forked_of));
        cli_buf_printf(line, ",\"forkVersion\":%" PRIu64, info->fork_version);
    }
    if (info->error != NULL) {
        cli_buf_add_str(line, ",\"error\":");
        agents_add_string(line, info->error, strlen(info->error));
    }
    cli_buf_add_str(line, ",\"tags\":[");
    for (uint32_t i = 0; i < info->tag_count; i++) {
        if (i != 0) cli_buf_add(line, ",", 1);
        agents_add_string(line, info->tags[i], strlen(info->tags[i]));
    }
    cli_buf_add_str(line, "],\"metadata\":");
    (void)agents_add_json(line, &info->metadata);
    cli_buf_printf(line, ",\"version\":%" PRIu64 ",\"events\":%" PRIu64 ",\"created\":", info->version, info->events);
    agents_add_time(line, info->created_us);
    cli_buf_add_str(line, ",\"updated\":");
    agents_add_time(line, info->updated_us);
    cli_buf_add_str(line, ",\"ended\":");
    agents_add_time(line, info->ended_us);
    cli_buf_add_str(line, "}\n");
}

static bool print_info(void *ctx, const wg_run_info *info) {
    const agents_request *r = ctx;
    cli_buf line = {0};
    if (agents_has(r, AGENTS_JSON)) {
        add_info(&line, info);
    } else {
        cli_add_escaped(&line, info->name, strlen(info->name), CLI_ESCAPE_TABLE);
        cli_buf_printf(&line, "\t%s\tversion %" PRIu64 "\t%" PRIu64 " events", wg_run_status_name(info->status),
                       info->version, info->events);
        for (uint32_t i = 0; i < info->tag_count; i++) {
            cli_buf_add_str(&line, i == 0 ? "\t#" : " #");
            cli_add_escaped(&line, info->tags[i], strlen(info->tags[i]), CLI_ESCAPE_TABLE);
        }
        cli_buf_add(&line, "\n", 1);
    }
    cli_out_write(&cli_stdout, line.data, line.size);
    cli_buf_free(&line);
    return !cli_interrupted();
}

static bool status_of(const char *text, wg_run_status *out) {
    for (int s = WG_RUN_ACTIVE; s <= WG_RUN_ARCHIVED; s++) {
        if (strcmp(text, wg_run_status_name((wg_run_status)s)) != 0) continue;
        *out = (wg_run_status)s;
        return true;
    }
    return false;
}

static cli_exit list(agents_request *r) {
    wg_error err = {0};
    wg_run_status status = WG_RUN_ACTIVE;
    wg_run_filter f = {.prefix = r->word_count > 1 ? r->words[1] : NULL,
                       .parent = r->parent,
                       .tag = r->tag_count > 0 ? r->tags[0] : NULL};
    if (r->status != NULL && !status_of(r->status, &status))
        return cli_usage(r->command,
                         "there is no status \"%s\": active, paused, completed, failed, cancelled, archived",
                         r->status);
    if (r->status != NULL) f.status_mask = UINT32_C(1) << status;
    return wg_run_list(r->session, &f, print_info, r, &err) == WG_OK ? CLI_OK : cli_fail(&err);
}

/* ---- one run, by its name in the second word */

static cli_exit open_named(agents_request *r, const char *name, wg_run **out) {
    r->run = name;
    return agents_open_run(r, out);
}

static cli_exit show_open(const agents_request *r, wg_run *run) {
    wg_error err = {0};
    wg_run_info info;
    cli_buf line = {0};
    (void)r;
    if (wg_run_get_info(run, &info, &err) != WG_OK) return cli_fail(&err);
    add_info(&line, &info);
    cli_out_write(&cli_stdout, line.data, line.size);
    cli_buf_free(&line);
    return CLI_OK;
}

static cli_exit show(agents_request *r) {
    wg_run *run = NULL;
    cli_exit rc = open_named(r, r->words[1], &run);
    if (rc != CLI_OK) return rc;
    rc = show_open(r, run);
    wg_run_close(run);
    return rc;
}

static cli_exit options_of(agents_request *r, wg_run_options *out, wg_value *metadata, wg_result **holder) {
    *out = (wg_run_options){.parent = r->parent, .tags = r->tags, .tag_count = r->tag_count};
    if (r->metadata == NULL) return CLI_OK;
    const cli_exit rc = agents_value(r, r->metadata, metadata, holder);
    out->metadata = metadata;
    return rc;
}

static cli_exit create(agents_request *r) {
    wg_error err = {0};
    wg_run_options o;
    wg_value metadata;
    wg_result *holder = NULL;
    wg_run *run = NULL;
    cli_exit rc = options_of(r, &o, &metadata, &holder);
    if (rc == CLI_OK && wg_run_create(r->session, r->words[1], &o, &run, &err) != WG_OK) rc = cli_fail(&err);
    if (rc == CLI_OK) rc = show_open(r, run);
    wg_run_close(run);
    if (holder != NULL) wg_result_free(holder);
    return rc;
}

static cli_exit fork_run(agents_request *r) {
    wg_error err = {0};
    wg_run_options o;
    wg_value metadata;
    wg_result *holder = NULL;
    wg_run *from = NULL;
    wg_run *run = NULL;
    cli_exit rc = open_named(r, r->words[1], &from);
    if (rc != CLI_OK) return rc;
    rc = options_of(r, &o, &metadata, &holder);
    if (rc == CLI_OK && wg_run_fork(from, r->words[2], r->version, &o, &run, &err) != WG_OK) rc = cli_fail(&err);
    if (rc == CLI_OK) rc = show_open(r, run);
    wg_run_close(run);
    wg_run_close(from);
    if (holder != NULL) wg_result_free(holder);
    return rc;
}

static cli_exit delete_run(agents_request *r) {
    wg_error err = {0};
    return wg_run_delete(r->session, r->words[1], &err) == WG_OK ? CLI_OK : cli_fail(&err);
}

static cli_exit set_status(agents_request *r) {
    static const struct {
        const char *action;
        wg_run_status status;
    } all[] = {{"complete", WG_RUN_COMPLETED}, {"fail", WG_RUN_FAILED},      {"pause", WG_RUN_PAUSED},
               {"resume", WG_RUN_ACTIVE},      {"cancel", WG_RUN_CANCELLED}, {"archive", WG_RUN_ARCHIVED}};
    wg_error err = {0};
    wg_run *run = NULL;
    cli_exit rc = open_named(r, r->words[1], &run);
    if (rc != CLI_OK) return rc;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        if (strcmp(all[i].action, r->action) == 0 && wg_run_set_status(run, all[i].status, r->message, &err) != WG_OK)
            rc = cli_fail(&err);
    wg_run_close(run);
    return rc;
}

/* ---- two runs */

static cli_exit open_two(agents_request *r, wg_run **a, wg_run **b) {
    cli_exit rc = open_named(r, r->words[1], a);
    if (rc != CLI_OK) return rc;
    rc = open_named(r, r->words[2], b);
    if (rc != CLI_OK) {
        wg_run_close(*a);
        *a = NULL;
    }
    return rc;
}

static bool print_difference(void *ctx, const wg_diff_item *item) {
    static const char marks[] = {'+', '-', '~'};
    const agents_request *r = ctx;
    cli_buf line = {0};
    if (agents_has(r, AGENTS_JSON)) {
        cli_buf_printf(&line, "{\"change\":\"%s\",\"key\":",
                       item->kind == WG_DIFF_ADDED     ? "added"
                       : item->kind == WG_DIFF_REMOVED ? "removed"
                                                       : "changed");
        agents_add_string(&line, item->key, item->key_size);
        cli_buf_add_str(&line, ",\"before\":");
        (void)agents_add_json(&line, &item->before);
        cli_buf_add_str(&line, ",\"after\":");
        (void)agents_add_json(&line, &item->after);
        cli_buf_add_str(&line, "}\n");
    } else {
        cli_buf_printf(&line, "%c ", marks[item->kind]);
        cli_add_escaped(&line, item->key, item->key_size, CLI_ESCAPE_TABLE);
        if (item->kind != WG_DIFF_ADDED) {
            cli_buf_add(&line, "\t", 1);
            cli_cell_text(&line, &item->before, CLI_ESCAPE_TABLE);
        }
        if (item->kind == WG_DIFF_CHANGED) cli_buf_add_str(&line, " ->");
        if (item->kind != WG_DIFF_REMOVED) {
            cli_buf_add(&line, "\t", 1);
            cli_cell_text(&line, &item->after, CLI_ESCAPE_TABLE);
        }
        cli_buf_add(&line, "\n", 1);
    }
    cli_out_write(&cli_stdout, line.data, line.size);
    cli_buf_free(&line);
    return !cli_interrupted();
}

static cli_exit diff(agents_request *r) {
    wg_error err = {0};
    wg_run *a = NULL;
    wg_run *b = NULL;
    wg_run_diff_report found;
    cli_exit rc = open_two(r, &a, &b);
    if (rc != CLI_OK) return rc;
    if (wg_run_diff(a, b, print_difference, r, &found, &err) != WG_OK) rc = cli_fail(&err);
    else if (!agents_has(r, AGENTS_JSON))
        cli_out_printf(&cli_stdout,
                       "%" PRIu64 " added, %" PRIu64 " removed, %" PRIu64 " changed; events: %" PRIu64
                       " in common, %" PRIu64 " only in %s, %" PRIu64 " only in %s\n",
                       found.added, found.removed, found.changed, found.events_common, found.events_only_a,
                       r->words[1], found.events_only_b, r->words[2]);
    wg_run_close(a);
    wg_run_close(b);
    return rc;
}

static bool policy_of(const char *text, wg_merge_policy *out) {
    static const char *const names[] = {"strict", "source", "target", "last"};
    for (int i = 0; i < 4; i++) {
        if (text != NULL && strcmp(text, names[i]) != 0) continue;
        *out = (wg_merge_policy)i;
        return true;
    }
    return false;
}

static cli_exit merge(agents_request *r) {
    wg_error err = {0};
    wg_run *source = NULL;
    wg_run *target = NULL;
    wg_merge_report found = {0};
    wg_merge_policy policy = WG_MERGE_STRICT;
    if (!policy_of(r->policy, &policy))
        return cli_usage(r->command, "there is no policy \"%s\": strict, source, target or last", r->policy);
    cli_exit rc = open_two(r, &source, &target);
    if (rc != CLI_OK) return rc;
    if (wg_run_merge(source, target, policy, &found, &err) != WG_OK) {
        rc = cli_fail(&err);
        if (err.code == WG_E_CONFLICT) cli_note("--policy source, target or last decides for all of them");
    } else {
        cli_out_printf(&cli_stdout,
                       agents_has(r, AGENTS_JSON)
                           ? "{\"applied\":%" PRIu64 ",\"deleted\":%" PRIu64 ",\"conflicts\":%" PRIu64
                             ",\"events\":%" PRIu64 ",\"version\":%" PRIu64 "}\n"
                           : "%" PRIu64 " written, %" PRIu64 " deleted, %" PRIu64 " conflicts decided, %" PRIu64
                             " events appended; version %" PRIu64 "\n",
                       found.applied, found.deleted, found.conflicts, found.events_appended, found.version);
    }
    wg_run_close(source);
    wg_run_close(target);
    return rc;
}

static cli_exit replay(agents_request *r) {
    wg_error err = {0};
    wg_run *run = NULL;
    wg_replay_report found = {0};
    cli_buf digest = {0};
    cli_exit rc = open_named(r, r->words[1], &run);
    if (rc != CLI_OK) return rc;
    if (wg_run_replay(run, r->at, &found, &err) != WG_OK) rc = cli_fail(&err);
    for (size_t i = 0; i < sizeof found.digest; i++) cli_buf_printf(&digest, "%02x", found.digest[i]);
    if (rc == CLI_OK)
        cli_out_printf(&cli_stdout,
                       agents_has(r, AGENTS_JSON)
                           ? "{\"logseq\":%" PRIu64 ",\"version\":%" PRIu64 ",\"commits\":%" PRIu64
                             ",\"keys\":%" PRIu64 ",\"events\":%" PRIu64 ",\"equal\":%s,\"digest\":\"%s\"}\n"
                           : "log %" PRIu64 ", version %" PRIu64 ": %" PRIu64 " commits applied, %" PRIu64
                             " keys, %" PRIu64 " events; equal: %s\n%s\n",
                       found.logseq, found.version, found.commits, found.keys, found.events,
                       found.equal ? "true" : "false", cli_buf_text(&digest));
    if (rc == CLI_OK && !found.equal) rc = CLI_USAGE; /* 3: damage found */
    cli_buf_free(&digest);
    wg_run_close(run);
    return rc;
}

cli_exit cli_runs(cli_args *args) {
    enum {
        JSON = AGENTS_BIT(AGENTS_JSON),
        READ = JSON | AGENTS_BIT(AGENTS_READ_ONLY),
        MAKE = JSON | AGENTS_BIT(AGENTS_PARENT) | AGENTS_BIT(AGENTS_TAG) | AGENTS_BIT(AGENTS_METADATA)
    };
    static const agents_action actions[] = {
        {"create", "NAME", 1, 1, MAKE, true, create},
        {"list", "[PREFIX]", 0, 1,
         READ | AGENTS_BIT(AGENTS_TAG) | AGENTS_BIT(AGENTS_PARENT) | AGENTS_BIT(AGENTS_STATUS), false, list},
        {"show", "NAME", 1, 1, READ, false, show},
        {"complete", "NAME", 1, 1, JSON, true, set_status},
        {"fail", "NAME", 1, 1, JSON | AGENTS_BIT(AGENTS_MESSAGE), true, set_status},
        {"pause", "NAME", 1, 1, JSON, true, set_status},
        {"resume", "NAME", 1, 1, JSON, true, set_status},
        {"cancel", "NAME", 1, 1, JSON, true, set_status},
        {"archive", "NAME", 1, 1, JSON, true, set_status},
        {"delete", "NAME", 1, 1, JSON, true, delete_run},
        {"fork", "NAME NEW", 2, 2, MAKE | AGENTS_BIT(AGENTS_VERSION), true, fork_run},
        {"diff", "A B", 2, 2, READ, false, diff},
        {"merge", "SOURCE TARGET", 2, 2, JSON | AGENTS_BIT(AGENTS_POLICY), true, merge},
        {"replay", "NAME", 1, 1, READ | AGENTS_BIT(AGENTS_AT), false, replay}};
    return agents_dispatch(args, actions, sizeof actions / sizeof actions[0]);
}
