#!/usr/bin/env bash
# Goal: what the README shows is true. Runs its openCypher block, statement by statement as it stands there, over the three
# football matches, and compares the answer with the one that DuckDB gave for the same join over the same files.
# The block is run twice over: after a reopening the answer must be the same. Skipped when the sample data is absent.
set -euo pipefail
root=$PWD
data=$root/../shared/data/football
program=${WG_BUILD:-$root/build/release}/worldgraph
[[ -f $data/players.csv ]] || { echo "skipped: ../shared/data/football is absent"; exit 77; }
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "readme_test: $*" >&2; exit 1; }

sed -n '/^```cypher$/,/^```$/p' README.md | sed '/^```/d' > "$scratch/session.cypher"
[[ $(grep -c ';' "$scratch/session.cypher") == 6 ]] || fail "the README's block no longer has six statements"
# The last paragraph is the question; those before it build the graph.
awk -v RS= -v dir="$scratch" '{ if (previous) print previous "\n" > (dir "/build.cypher"); previous = $0 }
    END { print previous > (dir "/ask.cypher") }' "$scratch/session.cypher"

cat > "$scratch/expected" << 'ROWS'
a.name,b.name,passes
Player19,Player21,13
Player4,Player8,13
Player7,Player2,13
Player2,Player7,12
Player21,Player19,11
ROWS

cd "$data" # the README's paths are relative to the data
"$program" ws init "$scratch/demo.wg" > "$scratch/init.out" || fail "ws init: exit $?"
"$program" query "$scratch/demo.wg" --file "$scratch/build.cypher" > "$scratch/build.out" || fail "building: exit $?"
cd "$root" # a virtual label keeps its place, wherever the program is run from
for run in first reopened; do
    "$program" query "$scratch/demo.wg" --file "$scratch/ask.cypher" --csv | tr -d '\r' > "$scratch/$run" || fail "asking: exit $?"
    diff -u "$scratch/expected" "$scratch/$run" || fail "the $run answer differs"
done
count=$("$program" query "$scratch/demo.wg" "MATCH (:Player)-[p:PASSED]->(:Player) RETURN count(p) AS n" --csv | tr -d '\r' | tail -n 1)
[[ $count == 2884 ]] || fail "$count passes, DuckDB counts 2884"
"$program" verify "$scratch/demo.wg" > "$scratch/verify.out" || fail "verify: exit $?"
echo "the README's session gives the expected answers"
