# Every header compiles as the only line of a file, with the include flags of its own room. A header that is the first
# include of the source beside it is proven by every build and left out here.
# Argument: rooms.txt with "ROOM -Idir -Idir..." per line. Environment: CXX, SOURCE.
set -u
cd / || exit 1  # an include is also looked for in the current folder
rooms=$1
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

while read -r room flags; do
  folder=$(printf '%s' "$room" | sed 's|^hw_|hw/|; s|^app_cli$|apps/common/cli|; s|^app_|apps/|')
  (cd "$SOURCE" && find "$folder" -name '*.h' | sort) | while read -r header; do
    beside=$SOURCE/${header%.h}.cpp
    if [ -f "$beside" ] && [ "$(grep -m 1 '^#include' "$beside")" = "#include \"$header\"" ]; then continue; fi
    printf '%s %s\n' "$header" "$flags"
  done
done <"$rooms" >"$work/list"

cat >"$work/one" <<'SCRIPT'
header=$1
shift
printf '#include "%s"\n' "$header" | "$CXX" -std=c++20 -march=x86-64-v3 -fopenmp -fsyntax-only "$@" -x c++ - 2>&1 || echo "FAILED $header"
SCRIPT
xargs -P "$(nproc)" -L 1 sh "$work/one" <"$work/list" >"$work/out"
cat "$work/out"
count=$(wc -l <"$work/list")
echo "$count headers compiled alone"
[ "$count" -gt 0 ] && ! grep -q '^FAILED' "$work/out"
