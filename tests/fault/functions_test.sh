#!/usr/bin/env bash
# Every public function is called by some scenario of the fault loops.
set -euo pipefail
cd "$WG_SOURCE"
missing=0 count=0
for function in $(sed -n '/WG_API/,/;/p' include/worldgraph.h | grep -oE '\b(wg|arcflow)_[a-z_0-9]+\(' | tr -d '(' | sort -u); do
    count=$((count + 1))
    grep -qE "\b$function\(" tests/fault/scenarios*.c tests/fault/api_fault_test.c && continue
    echo "no scenario calls $function"
    missing=$((missing + 1))
done
echo "$count public functions, $missing without a scenario"
((missing == 0 && count > 40))
