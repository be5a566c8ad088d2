# Built programs: position independent, read-only relocations bound at start, no executable stack, stack protector, only
# known shared libraries; no fast-math anywhere in the build (it would flush denormals and break checks for NaN).
# Environment: BUILD.
set -u
failures=0 programs=0
allowed='linux-vdso|libstdc\+\+|libm|libgcc_s|libc|libgomp|libz|libdl|libpthread|libdnnl|libfmt|libspdlog|libyaml-cpp|libbenchmark|librt|ld-linux-x86-64|libasan|libubsan|libtsan|libomp|libcrypto|libOpenCL|libcap|libtbb|libtbbmalloc|libaec|libsz|libnlopt'

wrong() {
  echo "$1: $2"
  failures=$((failures + 1))
}

for program in "$BUILD"/bin/thimble-*; do
  [ -x "$program" ] || continue
  programs=$((programs + 1))
  name=$(basename "$program")
  readelf -hldW "$program" >"$BUILD/tests/tools/readelf.txt"
  grep -qE 'Type: +DYN' "$BUILD/tests/tools/readelf.txt" || wrong "$name" "not position independent"
  grep -q 'GNU_RELRO' "$BUILD/tests/tools/readelf.txt" || wrong "$name" "no RELRO"
  grep -qE 'BIND_NOW|Flags:.* NOW' "$BUILD/tests/tools/readelf.txt" || wrong "$name" "symbols not bound at start"
  grep 'GNU_STACK' "$BUILD/tests/tools/readelf.txt" | grep -q 'RWE' && wrong "$name" "executable stack"
  readelf -sW --dyn-syms "$program" | grep -q '__stack_chk_fail' || wrong "$name" "no stack protector"
  foreign=$(ldd "$program" | awk '{ print $1 }' | sed 's|.*/||' | grep -vE "^($allowed)[-.0-9]*(\.so.*)?$")
  [ -z "$foreign" ] || wrong "$name" "links $(echo "$foreign" | paste -sd ' ' -)"
done

# who checks an export reads no training code and no YAML
if [ -x "$BUILD/bin/thimble-hw" ] && nm -C "$BUILD/bin/thimble-hw" | grep -qE 'YAML::|thimble::Tape|thimble::nn::'; then
  wrong thimble-hw "holds training code or YAML"
fi

for file in compile_commands.json build.ninja; do
  grep -nE -m 3 -e '-ffast-math|-Ofast|-funsafe-math|crtfastmath' "$BUILD/$file" && wrong "$file" "fast-math"
done
[ "$programs" -gt 0 ] || echo "skipped: no thimble-* program in this build"
echo "$programs programs looked at, $failures faults"
[ "$failures" -eq 0 ]
