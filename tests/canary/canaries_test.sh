#!/usr/bin/env bash
# Runs every build with a planted bug: the crash test that canaries.txt names must fail in it. See README.md.
set -euo pipefail
table=$WG_SOURCE/tests/canary/canaries.txt
count=0 caught=0
output=$(mktemp)
trap 'rm -f "$output"' EXIT
while IFS='|' read -r number _ filter _ what; do
    count=$((count + 1)) status=0
    timeout 300 "$WG_BUILD/tests/canary_$number" "$filter" > "$output" 2>&1 || status=$?
    if ((status > 0 && status < 100)) && grep -q '^\[  FAILED  \]' "$output"; then
        caught=$((caught + 1))
        echo "canary $number caught ($what): $(grep -E 'crash at|\[ *LINE|Error|error' "$output" | head -n 1 | cut -c 1-200)"
    else
        echo "canary $number NOT caught ($what): exit $status"
        tail -n 20 "$output"
    fi
done < <(grep -v '^#' "$table")
echo "canaries: $caught of $count caught"
((count == caught && count == 8))
