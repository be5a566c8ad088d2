# Cheap checks of the source tree: one include guard everywhere, no heavy third-party header in our headers, no path of
# somebody's machine, no unfinished marks, nothing large. Environment: SOURCE.
set -u
cd "$SOURCE" || exit 1
failures=0
rooms="core autograd nn hw apps bench tests"
products="core autograd nn hw apps"
# the one header of ours that wraps a library for two files beside it
wrappers='^core/io/hdf5_ids\.h:'

# none WHAT LINES: fails and shows the lines when there are any
none() {
  [ -n "$2" ] || return 0
  printf '%s:\n%s\n' "$1" "$2"
  failures=$((failures + 1))
}

files() {
  if git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
    git ls-files
  else
    find . -type f -not -path './build/*' -not -path './runs/*' | sed 's|^\./||'
  fi
}

# shellcheck disable=SC2086
headers=$(find $rooms -name '*.h')
# shellcheck disable=SC2086
ours=$(find $products -name '*.h')
# shellcheck disable=SC2086
{
  none "headers without #pragma once" "$(grep -L '^#pragma once' $headers)"
  none "heavy headers included by our headers" "$(grep -nE \
    '#include <(Eigen|unsupported|oneapi|dnnl|hdf5|H5|yaml-cpp|CLI|spdlog|fmt|boost|nlohmann/json\.hpp|nlohmann/ordered_map)' $ours | grep -v "$wrappers")"
  # CMake would cut such a name into two tests that run nothing
  none "semicolons in names of tests" "$(grep -rlPz 'TEST_CASE\(\s*("[^";]*"\s*)*"[^";]*;' tests)"
}
# the pattern is put together so that this file does not find itself
none "paths of one machine" "$(files | xargs grep -nIE "/(wo""rk|ro""ot|ho""me)/[A-Za-z.]" -- 2>/dev/null | head -n 5)"
# shellcheck disable=SC2086
none "unfinished marks" "$(grep -rnwE 'TO''DO|FIX''ME|XX''X|HA''CK' $rooms scripts docs 2>/dev/null | head -n 5)"
none "files over 1 MB" "$(files | xargs du -k 2>/dev/null | awk '$1 > 1024 { print $2 }')"
none "scripts that cannot be executed" "$(for f in scripts/demo scripts/test .ci/run; do [ -x "$f" ] || echo "$f"; done)"
[ "$failures" -eq 0 ] && echo "source tree in order"
