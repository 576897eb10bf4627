#!/usr/bin/env bash
# Checks the Spin models of docs/models: the protocols hold in every interleaving, and each planted bug is found.
# Exits 77 with the reason when spin or a C compiler is missing.
set -euo pipefail
source_dir=$(cd "${WG_SOURCE:-.}" && pwd)
models=$source_dir/docs/models
if ! command -v spin >/dev/null; then
    echo "skipped: spin is not installed (Debian package spin)"
    exit 77
fi
compiler=$(command -v cc || command -v gcc || command -v clang || command -v clang-14 || true)
if [ -z "$compiler" ]; then
    echo "skipped: there is no C compiler"
    exit 77
fi
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
failures=0

# check NAME EXPECT MODEL SPIN-FLAGS COMPILER-FLAGS VERIFIER-FLAGS; EXPECT is "holds" or "fails". The verifier must have searched all
# of it: a search that was cut short says nothing.
check() {
    local name=$1 expect=$2 model=$3 spin_flags=$4 compiler_flags=$5 verifier_flags=$6 found
    rm -f pan pan.* ./*.trail
    # shellcheck disable=SC2086
    if ! spin -a $spin_flags "$models/$model" >spin.out 2>&1 || ! "$compiler" -O2 -w $compiler_flags -o pan pan.c 2>cc.out; then
        echo "FAILED  $name: the model does not compile"
        cat spin.out cc.out 2>/dev/null || true
        failures=$((failures + 1))
        return
    fi
    # shellcheck disable=SC2086
    ./pan -m1000000 $verifier_flags >pan.out 2>&1 || true
    found=unknown
    grep -q 'errors: 0$' pan.out && ! grep -Eq 'max search depth too small|out of memory|Search not completed' pan.out && found=holds
    grep -Eq 'errors: [1-9]' pan.out && grep -Eq 'assertion violated|invalid end state|acceptance cycle' pan.out && found=fails
    if [ "$found" = "$expect" ]; then
        echo "ok      $name: $expect, $(sed -n 's/^ *\([0-9]*\) states, stored.*/\1/p' pan.out) states"
    else
        echo "FAILED  $name: expected that it $expect, found: $found"
        tail -20 pan.out
        failures=$((failures + 1))
    fi
}

safety="-DSAFETY -DNOCLAIM"
check "group commit, safety and no deadlock" holds group_commit.pml "-DN=2 -DEACH=2" "$safety" ""
check "group commit, three committers, no thread" holds group_commit.pml "-DN=3 -DEACH=1 -DWAIT_LAST=1 -DNO_THREAD" "$safety" ""
check "group commit, all becomes durable" holds group_commit.pml "-DN=2 -DEACH=2" "" "-a -f -N all_durable"
check "group commit with BUG_NO_BROADCAST" fails group_commit.pml "-DN=3 -DEACH=1 -DWAIT_LAST=1 -DNO_THREAD -DBUG_NO_BROADCAST" "$safety" ""
for bug in BUG_ACK_EARLY BUG_NO_HANDOVER BUG_LATE_COUNT BUG_LATE_IDLE; do
    check "group commit with $bug" fails group_commit.pml "-DN=2 -DEACH=2 -D$bug" "$safety" ""
done
check "manifest commit" holds manifest_commit.pml "" -DSAFETY ""
for bug in BUG_NO_MANIFEST_DIR BUG_NO_WORKSPACE_DIR BUG_RENAME_FIRST BUG_MANIFEST_UNSYNCED BUG_EXPIRE_UNSYNCED; do
    check "manifest commit with $bug" fails manifest_commit.pml "-D$bug" -DSAFETY ""
done
[ "$failures" -eq 0 ] && echo "all models passed"
exit $((failures != 0))
