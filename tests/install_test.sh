#!/usr/bin/env bash
# Goal: an installed worldgraph is usable by a stranger. Installs into an empty prefix, looks for every file that the
# documentation promises, checks what the library exports, and compiles and runs each example with nothing but the
# flags that pkg-config gives.
set -euo pipefail
build=${WG_BUILD:-build/release}
source=${WG_SOURCE:-.}
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
fail() { echo "install_test: $*" >&2; exit 1; }

cmake --install "$build" --prefix "$scratch/prefix" > "$scratch/install.log" || fail "cmake --install failed"
[[ -f $scratch/prefix/include/worldgraph.h ]] || fail "worldgraph.h is not installed"
library=$(find "$scratch/prefix" -name 'libworldgraph.so' | head -n 1)
[[ -n $library ]] || fail "libworldgraph.so is not installed"
[[ ! -d $source/cli || -z $(ls "$source"/cli/*.c 2>/dev/null) || -x $scratch/prefix/bin/worldgraph ]] ||
    fail "the program worldgraph is not installed"
[[ ! -f $source/docs/worldgraph.1 || -n $(find "$scratch/prefix" -name 'worldgraph.1') ]] || fail "no manual page"

# Only the public names may leave the library.
foreign=$(nm -D --defined-only "$library" | awk '{print $3}' |
    grep -Ev '^(wg_[a-z0-9_]+|arcflow_register_virtual_partition)$' || true)
[[ -z $foreign ]] || fail "the library exports private names: $foreign"
# Each function that the header declares must be there: a declaration without a body is a broken promise.
nm -D --defined-only "$library" | awk '{print $3}' | sort > "$scratch/exported"
grep -E '^(WG_API|    WG_API)' -A 1 "$source/include/worldgraph.h" | grep -oE '\b(wg|arcflow)_[a-z0-9_]+ *\(' |
    tr -d ' (' | sort -u > "$scratch/declared"
missing=$(comm -23 "$scratch/declared" "$scratch/exported" | tr '\n' ' ')
[[ -z $missing ]] || fail "declared but not exported: $missing"

LD_LIBRARY_PATH=$(dirname "$library")
PKG_CONFIG_PATH=$LD_LIBRARY_PATH/pkgconfig
export LD_LIBRARY_PATH PKG_CONFIG_PATH
pkg-config --exists worldgraph || fail "pkg-config does not find worldgraph"
echo '#include <worldgraph.h>
int main(void) { return wg_version()[0] == 0; }' > "$scratch/smallest.c"
cp "$scratch/smallest.c" "$scratch/smallest.cc"
count=0
for example in "$scratch/smallest.c" "$source"/examples/*.c; do
    [[ -f $example ]] || continue
    program=$scratch/$(basename "$example" .c)
    # shellcheck disable=SC2046
    ${CC:-cc} -std=c17 -Wall -Wextra -Werror -o "$program" "$example" $(pkg-config --cflags --libs worldgraph) ||
        fail "$example does not compile with the flags of pkg-config"
    (cd "$scratch" && timeout 60 "$program" > "$program.out") || fail "$example failed (exit $?)"
    count=$((count + 1))
done
# The header promises C++ as well.
if command -v c++ > /dev/null; then
    # shellcheck disable=SC2046
    c++ -std=c++17 -Wall -Wextra -Werror -fsyntax-only "$scratch/smallest.cc" $(pkg-config --cflags worldgraph) ||
        fail "worldgraph.h is not valid C++"
fi
echo "installed, exports checked, $count programs compiled and run"
