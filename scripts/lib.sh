# Shared by scripts/* and .ci/run (POSIX sh): packages, steps with logs, configuring and building.
# The including script has set `root` (the checkout) and may set: install=no, verbose=yes.

: "${root:?}" "${install:=yes}" "${verbose:=no}"
build_dir=$root/build
log_dir=$build_dir/logs

say() { printf '%s\n' "$*"; }
fail() { printf '%s\n' "$*" >&2; exit 1; }
now() { date +%s; }

# step LABEL LOGNAME COMMAND...: runs the command with its output in build/logs/LOGNAME.log (and on the terminal with -v).
# On failure prints the last 30 lines and where the rest is.
step() {
  step_label=$1 step_log=$log_dir/$2.log
  shift 2
  mkdir -p "$log_dir"
  step_start=$(now)
  if [ "$verbose" = yes ]; then
    say "== $step_label"
    # the exit status of the command, not of tee
    { "$@" 2>&1; echo $? >"$log_dir/.status"; } | tee "$step_log"
    step_status=$(cat "$log_dir/.status")
  else
    printf '%s ... ' "$step_label"
    step_status=0
    "$@" >"$step_log" 2>&1 || step_status=$?
  fi
  if [ "$step_status" -eq 0 ]; then
    say "$(($(now) - step_start)) s"
    return 0
  fi
  say "failed (exit code $step_status)"
  if [ "$verbose" = no ]; then tail -n 30 "$step_log"; fi
  say "full log: $step_log"
  return "$step_status"
}

# missing_packages GROUP...: names from packages.txt that are not installed, the first alternative of each.
missing_packages() {
  command -v dpkg-query >/dev/null || return 0
  wanted=$(awk -v groups=" $* " '!/^#/ && NF && index(groups, " " $1 " ") { print $2 }' "$root/scripts/packages.txt")
  # one query for all; names that dpkg has never heard of are absent from the answer
  # shellcheck disable=SC2046
  installed=$(dpkg-query -W -f '${Package} ${db:Status-Status}\n' $(printf '%s' "$wanted" | tr '|' ' ') 2>/dev/null)
  { printf '%s\n' "$installed"; printf 'wanted %s\n' "$wanted" | sed '1!s/^/wanted /'; } | awk '
    $2 == "installed" { have[$1] = 1 }
    $1 == "wanted" {
      n = split($2, names, "|"); found = 0
      for (i = 1; i <= n; i++) found = found || (names[i] in have)
      if (!found) printf "%s ", names[1]
    }'
}

# apt_get ARGS...: without questions, waiting for a lock held by another installation, as root
apt_get() {
  if [ "$(id -u)" -eq 0 ]; then
    env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
  else
    sudo env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 "$@"
  fi
}

# Three tries; the package lists are renewed only when the first one fails.
apt_install() {
  # shellcheck disable=SC2086
  apt_get install -y --no-install-recommends $1 && return 0
  for pause in 0 10; do
    sleep "$pause"
    # shellcheck disable=SC2086
    apt_get update && apt_get install -y --no-install-recommends $1 && return 0
  done
  return 1
}

# install_packages GROUP...: nothing to do is the usual case and costs one dpkg-query.
install_packages() {
  if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is no Debian system: install by your own means what scripts/packages.txt names (groups: $*)."
    return 0
  fi
  missing=$(missing_packages "$@")
  [ -n "$missing" ] || return 0
  say "Missing packages: $missing"
  if [ "$install" = no ]; then
    say "Not installed (--no-install); continuing with what is here."
    return 0
  fi
  if [ "$(id -u)" -ne 0 ] && ! command -v sudo >/dev/null; then
    say "No right to install. Ask an administrator for:"
    say "  apt-get install -y --no-install-recommends $missing"
    say "Continuing with what is here."
    return 0
  fi
  step "install them (apt-get install -y --no-install-recommends)" install apt_install "$missing" ||
    fail "Installation failed. By hand: apt-get install --no-install-recommends $missing"
}

# Parallel by cores and by memory: the largest files need about 1.5 GB to compile.
job_count() {
  cores=$(nproc 2>/dev/null || echo 1)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1572864) }' /proc/meminfo 2>/dev/null)
  memory=${memory:-$cores}
  if [ "$memory" -lt "$cores" ]; then cores=$memory; fi
  if [ "$cores" -lt 1 ]; then cores=1; fi
  say "$cores"
}

need_tools() {
  for tool in "$@"; do
    command -v "$tool" >/dev/null || fail "$tool is not installed; scripts/packages.txt names the package."
  done
}

# build_preset PRESET FOLDER [TARGET...]: configures only once (ninja repeats it when a CMake file changed)
build_preset() {
  preset=$1 folder=$2
  shift 2
  need_tools cmake ninja c++
  if [ ! -f "$folder/build.ninja" ]; then
    step "configure ($preset)" "configure-$preset" cmake -S "$root" --preset "$preset" || return 1
  fi
  step "build ($preset, $(job_count) jobs)" "build-$preset" ninja -C "$folder" -j "$(job_count)" "$@"
}

# count_tests LASTTEST.LOG: prints "passed failed skipped", then one line "COUNT REASON" per reason of skipping.
# A test that passed and printed `skipped: REASON` was skipped; one whose program ran no test case at all has failed
# (its name did not survive the way through the filter).
count_tests() {
  awk '
    /^[0-9]+\/[0-9]+ Testing: / { reason = ""; empty = 0 }
    /^\[doctest\] test cases: +0 \|/ { empty = 1 }
    /skipped: / && reason == "" { reason = $0; sub(/.*skipped: */, "", reason) }
    /^Test Passed\.$/ { if (empty) failed++; else if (reason == "") passed++; else { skipped++; reasons[reason]++ } }
    /^Test (Failed|Timeout|Not Run|Exception)|^Test time out|^Unable to find executable/ { failed++ }
    END {
      print passed + 0, failed + 0, skipped + 0
      for (reason in reasons) print reasons[reason], reason
    }' "$1"
}
