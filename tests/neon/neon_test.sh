#!/usr/bin/env bash
# Goal: the NEON kernels give the bits of the reference on AArch64. Cross-compiles base/kernels, what it needs of base, and the program
# tests/tools/compare_kernels.c, and runs that in an emulator. Skipped, by name, where the cross compiler or the emulator is absent.
set -euo pipefail
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$tool" > /dev/null || { echo "skipped: $tool is not installed (tools/packages.txt, group test)"; exit 77; }
done
sysroot=/usr/aarch64-linux-gnu
[[ -e $sysroot/include/stdio.h ]] || { echo "skipped: libc6-dev-arm64-cross is not installed"; exit 77; }

out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
aarch64-linux-gnu-gcc -std=c17 -D_GNU_SOURCE -O2 -static -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wcast-qual -Wswitch-enum \
    -Werror -Isrc -Iinclude src/base/kernels/{scalar,avx2,avx512,neon,select}.c src/base/core/core.c src/base/core/error_format.c \
    src/base/text/text.c src/base/text/shortest.c tests/tools/compare_kernels.c -lm -o "$out/compare" 2> "$out/log" || { cat "$out/log"; exit 1; }
timeout 1200 qemu-aarch64 "$out/compare" "${WG_SEED:-0}"
