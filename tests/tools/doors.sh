# A room sees the headers of the rooms below it and no other: compiles one include each way.
# Argument: rooms.txt with "ROOM -Idir -Idir..." per line. Environment: CXX, SOURCE.
set -u
cd / || exit 1  # an include is also looked for in the current folder
rooms=$1 failures=0 tried=0

# first_header ROOM: one public header of the room as it is included, e.g. nn/layers/linear.h or apps/common/run/run_folder.h
first_header() {
  folder=$(printf '%s' "$1" | sed 's|^hw_|hw/|; s|^app_cli$|apps/common/cli|; s|^app_|apps/|')
  (cd "$SOURCE" && find "$folder" -name '*.h' | sort | head -n 1)
}

# reads ROOM HEADER: the preprocessor finds it and all that it includes, with the include flags of ROOM
reads() {
  flags=$(sed -n "s/^$1 //p" "$rooms")
  # shellcheck disable=SC2086
  printf '#include "%s"\n' "$2" | "$CXX" -std=c++20 -E -o /dev/null $flags -x c++ - 2>"${TMPDIR:-/tmp}/thimble-doors.$$"
}

# shut ROOM FORBIDDEN: an include from ROOM to FORBIDDEN fails because the file is not found, and for no other reason
shut() {
  header=$(first_header "$2")
  [ -n "$header" ] || return 0
  tried=$((tried + 1))
  if ! reads "$2" "$header"; then
    echo "$2 cannot include its own $header:"
    cat "${TMPDIR:-/tmp}/thimble-doors.$$"
    failures=$((failures + 1))
  elif reads "$1" "$header"; then
    echo "$1 can include $header, against the arrows of docs/architecture.md"
    failures=$((failures + 1))
  elif ! grep -q "$header" "${TMPDIR:-/tmp}/thimble-doors.$$"; then
    echo "$1 including $header failed for another reason:"
    cat "${TMPDIR:-/tmp}/thimble-doors.$$"
    failures=$((failures + 1))
  fi
}

trap 'rm -f "${TMPDIR:-/tmp}/thimble-doors.$$"' EXIT
shut core autograd
shut core nn
shut core hw_ir
shut core app_common
shut core app_neurotrigger
shut autograd nn
shut nn hw_ir
shut nn app_common
shut hw_ir autograd
shut hw_ir hw_sim
shut hw_sim autograd
shut hw_emit nn
shut hw_emit hw_sim
shut hw_verify nn
shut hw_lower hw_emit
shut hw_lower app_common
shut app_common app_neurotrigger
shut app_common app_fenet
shut app_neurotrigger app_fenet
shut app_fenet app_neurotrigger
shut app_cli nn
shut app_cli autograd
[ "$tried" -gt 0 ] || echo "skipped: no room has a public header yet"
echo "$tried doors tried, $failures wrong"
[ "$failures" -eq 0 ]
