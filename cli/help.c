/* cli/help: what each command does, with examples that run as they stand. docs/worldgraph.1 says the same at length. */
#include "cli.h"

#include <string.h>

static const char program_help[] =
    "worldgraph: an embedded world-graph database: a typed graph joined in openCypher with Parquet files in place.\n"
    "\n"
    "  worldgraph ws init DIR            make a workspace\n"
    "  worldgraph query WS \"TEXT\"        run statements and print the answers\n"
    "  worldgraph shell WS               type statements, with history and editing\n"
    "  worldgraph demo [DIR]             see it work on a season of football\n"
    "  worldgraph verify WS              check every byte of a workspace\n"
    "  worldgraph verify-receipt FILE    check what the receipt of an answer says\n"
    "  worldgraph receipt-key FILE       make a key that signs receipts\n"
    "  worldgraph checkpoint WS          write what changed into stripes and cut the log\n"
    "  worldgraph compact WS             merge stripes, give up old snapshots\n"
    "  worldgraph backup WS DEST         copy a workspace, or what is new of it\n"
    "  worldgraph restore FROM TO        make a workspace from a backup\n"
    "  worldgraph stats WS               measurements: memory, log, stripes\n"
    "  worldgraph dump FILE              show what a file of a workspace holds\n"
    "  worldgraph kv ACTION WS ...       key-values of a run: get put delete incr scan history\n"
    "  worldgraph events ACTION WS ...   the event log of a run: append tail range types verify\n"
    "  worldgraph runs ACTION WS ...     runs: create list show fork diff merge replay complete ...\n"
    "  worldgraph version                print the version\n"
    "\n"
    "Each command has --help. Exit codes: 0 done, 1 the query failed, 2 the system failed (files, memory, a missing "
    "or\n"
    "locked workspace), 3 wrong arguments or damaged data.\n"
    "\n"
    "  worldgraph ws init my-ws\n"
    "  worldgraph query my-ws \"CREATE (:Player {name: 'Ada', level: 3})\"\n"
    "  worldgraph query my-ws 'MATCH (p:Player) WHERE p.level > $least RETURN p.name' --param least=2 --json\n"
    "\n"
    "Environment: NO_COLOR switches colour off; HOME is where the shell keeps .worldgraph_history.\n";

static const char ws_help[] =
    "worldgraph ws init DIR\n"
    "\n"
    "Makes the directory DIR a workspace: one directory that holds one graph. Its parent must exist. Fails with "
    "exit\n"
    "code 1 when DIR is a workspace already.\n"
    "\n"
    "  worldgraph ws init my-ws\n";

static const char query_help[] =
    "worldgraph query WS \"TEXT\" [options]\n"
    "worldgraph query WS --file FILE [options]       FILE may be - for standard input\n"
    "\n"
    "Runs the statements of TEXT, separated by ';', one after the other, each a transaction of its own unless BEGIN "
    "and\n"
    "COMMIT say otherwise. Stops at the first error; what was committed before stays.\n"
    "\n"
    "  --table                 an aligned table (the default)\n"
    "  --csv                   RFC 4180 with a header; an absent value is empty, an empty string is \"\"\n"
    "  --json                  one object a statement: {\"columns\":[..],\"types\":[..],\"rows\":[[..],..]}\n"
    "  --arrow                 an Arrow IPC stream; not to a terminal\n"
    "  --param NAME=VALUE      a value for $NAME: JSON where it is JSON, else a string; may be repeated\n"
    "  --file FILE             read the statements from FILE\n"
    "  --at-snapshot WHEN      read an earlier state: a log number or oz://snapshot/...\n"
    "  --receipt FILE          write the receipt of each statement to FILE (- for standard output), one a line; "
    "with\n"
    "                          --carry it holds statement and parameters, with --merkle single rows can be shown, "
    "with\n"
    "                          --sign KEY it is signed (worldgraph receipt-key)\n"
    "  --stats                 say what was read and written, on standard error\n"
    "  --timeout TIME          end a statement that runs longer than TIME, such as 500ms, 30s or 5m\n"
    "  --json-errors           an error is one JSON object on standard error: code, gqlstatus, message, line, "
    "column\n"
    "  --read-only             read beside a process that writes; takes no lock, changes nothing\n"
    "  --memory BYTES          cap of the whole database, such as 64M or 1G\n"
    "  --speed-lane LANE       any, prefer (bring what is scanned into memory first) or only (refuse what does not "
    "fit)\n"
    "  --threads N             worker threads; --morsel N rows a piece of work, 1 to 2048; --shards N queues of "
    "work, "
    "1 to\n"
    "                          65536; --isa best|scalar|avx2|avx512|neon vector instructions: none changes an "
    "answer\n"
    "  --optimizer on|off      off: plans follow the text; only the order of rows without ORDER BY may differ\n"
    "\n"
    "  worldgraph query my-ws \"CREATE (:Player {name: 'Ada'}); MATCH (p:Player) RETURN p.name\"\n"
    "  worldgraph query my-ws 'UNWIND $names AS n CREATE (:Player {name: n})' --param 'names=[\"Bo\",\"Cy\"]'\n"
    "  worldgraph query my-ws 'MATCH (p:Player) RETURN p.name AS name' --csv > players.csv\n"
    "  worldgraph query my-ws 'MATCH (p:Player) RETURN count(*)' --at-snapshot 1\n"
    "  worldgraph query my-ws \"COPY Player TO 'players.parquet'\"\n"
    "\n"
    "Ctrl-C cancels the statement that runs: exit code 1, nothing of it is kept.\n";

static const char shell_help[] =
    "worldgraph shell WS [--read-only] [--memory BYTES] [--timeout TIME]\n"
    "\n"
    "Reads statements that end with ';' and prints their answers. On a terminal: editing, history (kept in\n"
    "~/.worldgraph_history), Ctrl-C clears the line or cancels what runs, Ctrl-D quits. From a pipe: no prompt, and "
    "the\n"
    "first error ends it with its exit code. :help lists the commands :schema :labels :stats :timing :timeout :mode\n"
    ":quit.\n"
    "\n"
    "  --read-only             read beside a process that writes; takes no lock, changes nothing\n"
    "  --memory BYTES          cap of the whole database, such as 64M or 1G\n"
    "  --timeout TIME          end a statement that runs longer than TIME, such as 500ms, 30s or 5m\n"
    "\n"
    "  worldgraph shell my-ws\n"
    "  echo 'MATCH (n) RETURN count(*);' | worldgraph shell my-ws\n";

static const char demo_help[] =
    "worldgraph demo [DIR] [--rows N] [--seed S] [--keep]\n"
    "\n"
    "Writes a seeded season of player tracking as Parquet files, makes a workspace beside it, joins the two and "
    "shows the\n"
    "answers with plan, time and receipt; then reopens the workspace and shows that the answer is the same to the "
    "byte.\n"
    "\n"
    "  DIR        where to put season/ and ws/; made when missing, must be empty, and is kept. Without DIR a "
    "directory\n"
    "             worldgraph-demo-* is made here and removed at the end\n"
    "  --keep     keep that directory too\n"
    "  --rows N   frames in all (default 1000000)\n"
    "  --seed S   another season (default 1); equal arguments give equal bytes\n"
    "\n"
    "  worldgraph demo\n"
    "  worldgraph demo my-demo --rows 5000000 && worldgraph shell my-demo/ws\n";

static const char verify_help[] =
    "worldgraph verify WS [--json]\n"
    "\n"
    "Reads every byte of log, manifest and stripes without changing anything and checks checksums, hash chain and "
    "order. Exit\n"
    "code 0 when sound, 3 when damaged (the message names file and offset), 2 when WS is missing or open elsewhere.\n"
    "\n"
    "  worldgraph verify my-ws\n";

static const char verify_receipt_help[] =
    "worldgraph verify-receipt RECEIPT --level V0|V1|V2|V3 [options]\n"
    "\n"
    "Checks a receipt of `query --receipt`. Exit code 0 when it holds; 3 when it does not, with the first wrong "
    "place.\n"
    "\n"
    "  V0  the rows of --rows are those that were hashed\n"
    "  V1  log and stripes of --workspace are sound, and its history up to the snapshot is the receipt's\n"
    "  V2  the statement, run again at the snapshot, gives the same receipt\n"
    "  V3  it is signed by enough executors: --signers N (default 1), --trust PUBLIC (may be repeated; any if not "
    "given)\n"
    "\n"
    "  --rows FILE             the answer as `query --json` wrote it; V2 says then which row is wrong\n"
    "  --workspace PATH        not open elsewhere\n"
    "  --query TEXT | --file FILE, --param NAME=VALUE   the statement, when the receipt does not carry it\n"
    "  --line N                which line of a file of several receipts, and of its rows (default 1)\n"
    "  --threads, --shards, --morsel, --isa             of the replay, as in query\n"
    "  --sign KEY              with V2: print the receipt with our signature added\n"
    "  --prove-row N           print a proof that row N (from 0) of --rows is in the answer; needs a receipt with "
    "--merkle\n"
    "  --proof FILE            check such a proof; no other input is needed\n"
    "  --json                  the report as JSON\n"
    "\n"
    "  worldgraph query my-ws 'MATCH (p:Player) RETURN p.name' --json --receipt r.json --carry > rows.json\n"
    "  worldgraph verify-receipt r.json --level V0 --rows rows.json\n"
    "  worldgraph verify-receipt r.json --level V2 --workspace my-ws --threads 2\n";

static const char receipt_key_help[] =
    "worldgraph receipt-key FILE\n"
    "\n"
    "Makes an Ed25519 key in FILE, readable for its owner alone, or reads the one that is there, and prints its "
    "public "
    "half,\n"
    "which names an executor in receipts.\n"
    "\n"
    "  worldgraph receipt-key my.key\n";

static const char kv_help[] =
    "worldgraph kv get WS KEY [--at LOGSEQ] [--raw]\n"
    "worldgraph kv put WS KEY VALUE [--ttl TIME] [--if-version N]     with --raw VALUE is a file, - standard input\n"
    "worldgraph kv delete WS KEY\n"
    "worldgraph kv incr WS KEY [BY]\n"
    "worldgraph kv scan WS [PREFIX] [--from KEY] [--limit N] [--reverse] [--keys] [--at LOGSEQ]\n"
    "worldgraph kv history WS KEY [--limit N]\n"
    "\n"
    "Key-values of a run. VALUE is JSON where it is JSON, else a string. Each command is a transaction of its own.\n"
    "\n"
    "  --run NAME        the run; without it \"default\", which is made when first used\n"
    "  --json            one object a line, with version and time\n"
    "  --ttl TIME        the value expires: 500ms, 30s, 5m, 2h, 7d\n"
    "  --if-version N    only when the key has this version; 0: only when there is no such key. Else exit code 1\n"
    "  --raw             bytes as they are, in and out\n"
    "  --at LOGSEQ       as that commit of the log left it\n"
    "  --read-only       read beside a process that writes (done by itself when one has the workspace)\n"
    "\n"
    "  worldgraph ws init my-ws\n"
    "  worldgraph kv put my-ws plan/step '{\"n\": 1, \"tool\": \"search\"}'\n"
    "  worldgraph kv get my-ws plan/step\n"
    "  worldgraph kv incr my-ws plan/tries\n"
    "  worldgraph kv scan my-ws plan/ --json\n";

static const char events_help[] =
    "worldgraph events append WS TYPE [PAYLOAD]\n"
    "worldgraph events tail WS [--limit N] [--type TYPE] [--follow]\n"
    "worldgraph events range WS [--from N] [--to N] [--type TYPE] [--limit N] [--reverse] [--at LOGSEQ]\n"
    "worldgraph events types WS\n"
    "worldgraph events verify WS\n"
    "\n"
    "The event log of a run: events are numbered from 0 and never change. Each is chained to the one before by "
    "SHA-256; "
    "verify\n"
    "computes the chain anew and names the first event that is wrong (exit code 3). Events are printed as JSON, one "
    "a "
    "line.\n"
    "\n"
    "  --run NAME        the run; without it \"default\"\n"
    "  --follow          go on with what is appended, also by another process, until Ctrl-C\n"
    "  --read-only       read beside a process that writes (done by itself when one has the workspace)\n"
    "\n"
    "  worldgraph events append my-ws tool_call '{\"tool\": \"search\", \"query\": \"weather\"}'\n"
    "  worldgraph events tail my-ws --limit 5\n"
    "  worldgraph events verify my-ws\n";

static const char runs_help[] =
    "worldgraph runs create WS NAME [--parent NAME] [--tag TAG].. [--metadata JSON]\n"
    "worldgraph runs list WS [PREFIX] [--tag TAG] [--parent NAME] [--status STATUS]\n"
    "worldgraph runs show|complete|pause|resume|cancel|archive|delete WS NAME\n"
    "worldgraph runs fail WS NAME [--message TEXT]\n"
    "worldgraph runs fork WS NAME NEW [--version N]\n"
    "worldgraph runs diff WS A B\n"
    "worldgraph runs merge WS SOURCE TARGET [--policy strict|source|target|last]\n"
    "worldgraph runs replay WS NAME [--at LOGSEQ]\n"
    "\n"
    "A run is what one agent does in one go: its key-values, its events, a clock of its own. A fork begins as its "
    "run was "
    "and\n"
    "goes its own way, whatever the size at no cost; merge brings what it changed back. replay applies the log anew "
    "to "
    "an\n"
    "empty state and compares (exit code 3 when it differs).\n"
    "\n"
    "  --json            one object a line\n"
    "\n"
    "  worldgraph runs create my-ws trip --tag demo\n"
    "  worldgraph kv put my-ws city '\"Oslo\"' --run trip\n"
    "  worldgraph runs fork my-ws trip what-if\n"
    "  worldgraph kv put my-ws city '\"Rome\"' --run what-if\n"
    "  worldgraph runs diff my-ws trip what-if\n"
    "  worldgraph runs merge my-ws what-if trip\n";

static const char checkpoint_help[] =
    "worldgraph checkpoint WS [--json]\n"
    "\n"
    "Writes everything that changed since the last checkpoint into stripes and removes the log before it, so that "
    "the "
    "next\n"
    "open is quick. A process that has the workspace open does this by itself; there it is CALL db.checkpoint().\n"
    "\n"
    "  worldgraph checkpoint my-ws\n";

static const char compact_help[] =
    "worldgraph compact WS [--all] [--expire N | --expire-all] [--progress] [--json]\n"
    "\n"
    "Merges the stripes that are due. No snapshot that can still be read changes.\n"
    "\n"
    "  --all          merge all of them\n"
    "  --expire N     first give up the snapshots before commit N: what only they saw may be dropped\n"
    "  --expire-all   give up all snapshots but the newest\n"
    "  --progress     say how far it is even when standard error is no terminal\n"
    "\n"
    "  worldgraph compact my-ws --all --expire-all\n";

static const char backup_help[] =
    "worldgraph backup WS DEST [--progress] [--json]\n"
    "\n"
    "Copies the workspace to the directory DEST. When DEST holds an earlier backup of it only what is new is copied. "
    "DEST is\n"
    "a workspace itself: verify it, query it with --read-only, restore it. A crash or a full disk leaves the earlier "
    "backup\n"
    "whole. In a process that has the workspace open it is CALL db.backup('DEST').\n"
    "\n"
    "  --progress     say how far it is even when standard error is no terminal\n"
    "\n"
    "  worldgraph backup my-ws /backups/my-ws\n";

static const char restore_help[] =
    "worldgraph restore FROM TO [--progress] [--json]\n"
    "\n"
    "Makes the workspace TO, which must not exist or be empty, from the backup FROM, and verifies every byte of it.\n"
    "\n"
    "  --progress     say how far it is even when standard error is no terminal\n"
    "\n"
    "  worldgraph restore /backups/my-ws my-ws\n";

static const char stats_help[] =
    "worldgraph stats WS [--prometheus | --json]\n"
    "\n"
    "Opens the workspace for reading and prints the measurements of that: memory, log, stripes, cache. Those of a "
    "process\n"
    "that has it open are in that process: CALL db.stats().\n"
    "\n"
    "  --prometheus   the text format of Prometheus\n"
    "\n"
    "  worldgraph stats my-ws\n";

static const char dump_help[] =
    "worldgraph dump FILE [--cells]\n"
    "\n"
    "Prints what one file of a workspace holds, as lines of JSON: a stripe (stripes/N.arc1), a log segment "
    "(wal/N.wal), a\n"
    "manifest or CURRENT. Checksums are checked; damage is exit code 3.\n"
    "\n"
    "  --cells   with the values of a stripe\n"
    "\n"
    "  worldgraph dump my-ws/CURRENT\n";

static const char version_help[] = "worldgraph version\n\nPrints \"worldgraph\" and the version of the library.\n";

cli_exit cli_help(const char *command) {
    static const struct {
        const char *name;
        const char *text;
    } texts[] = {{"ws", ws_help},
                 {"query", query_help},
                 {"shell", shell_help},
                 {"demo", demo_help},
                 {"verify", verify_help},
                 {"verify-receipt", verify_receipt_help},
                 {"receipt-key", receipt_key_help},
                 {"version", version_help},
                 {"checkpoint", checkpoint_help},
                 {"compact", compact_help},
                 {"backup", backup_help},
                 {"restore", restore_help},
                 {"stats", stats_help},
                 {"dump", dump_help},
                 {"kv", kv_help},
                 {"events", events_help},
                 {"runs", runs_help}};
    const char *text = program_help;
    for (size_t i = 0; command != NULL && i < sizeof texts / sizeof texts[0]; i++) {
        if (strcmp(command, texts[i].name) == 0) text = texts[i].text;
    }
    cli_out_str(&cli_stdout, text);
    return CLI_OK;
}
