#!/usr/bin/env bash
# Runs every build with a planted bug: the crash test that canaries.txt names must fail in it. See README.md.
set -euo pipefail
table=$WG_SOURCE/tests/canary/canaries.txt
# The first eight are the founding ones, of the log, the manifest and the checkpoints; those that came later are counted apart.
count=0 caught=0 later_count=0 later_caught=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
while IFS='|' read -r number test filter _ what; do
    status=0 hit=0
    timeout 300 "$WG_BUILD/tests/canary_$number" "$filter" > "$output" 2>&1 || status=$?
    if ((status > 0 && status < 100)) && grep -q '^\[  FAILED  \]' "$output"; then
        hit=1
        echo "canary $number caught ($what): $(grep -E 'crash at|\[ *LINE|Error|error' "$output" | head -n 1 | cut -c 1-200)"
    else
        echo "canary $number NOT caught ($what): exit $status"
        tail -n 20 "$output"
    fi
    if ((number > 8)); then
        later_count=$((later_count + 1)) later_caught=$((later_caught + hit))
    else
        count=$((count + 1)) caught=$((caught + hit))
    fi
done < <(grep -v '^#' "$table")
echo "canaries: $caught of $count caught"
echo "later canaries, of runs and of stored commits: $later_caught of $later_count caught"
((count == caught && count == 8 && later_count == later_caught && later_count == 2))
