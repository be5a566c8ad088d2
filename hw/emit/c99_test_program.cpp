#include "core/base/text.h"

#include "hw/emit/c99_text.h"
#include "hw/emit/identifiers.h"

namespace thimble::hw::c99 {
namespace {

using text::cat;

/// Reads one line of `count` decimal integers: the program's own few lines, so that nothing depends on a locale.
constexpr std::string_view kReader = R"(
#define END_OF_FILE 0
#define READ_ROW 1
#define BAD_ROW (-1)

/* One line of decimal integers separated by single spaces. */
static int read_row(FILE *file, int64_t *row, int count) {
  int i, c = getc(file);
  if (c == EOF) return END_OF_FILE;
  for (i = 0; i < count; ++i) {
    int negative = 0, digits = 0;
    uint64_t value = 0;
    if (i > 0) c = getc(file);
    if (c == '-') {
      negative = 1;
      c = getc(file);
    }
    for (; c >= '0' && c <= '9'; c = getc(file)) {
      if (++digits > 19) return BAD_ROW;
      value = value * 10 + (uint64_t)(c - '0');
    }
    if (digits == 0 || value > INT64_MAX || c != (i + 1 < count ? ' ' : '\n')) return BAD_ROW;
    row[i] = negative ? -(int64_t)value : (int64_t)value;
  }
  return READ_ROW;
}
)";

constexpr std::string_view kMain = R"(
int main(int argc, char **argv) {
  FILE *stim = fopen(argc > 1 ? argv[1] : "vec/stim.txt", "r");
  FILE *expect = fopen(argc > 2 ? argv[2] : "vec/expect.txt", "r");
  long vectors = 0, mismatches = 0;
  int state = READ_ROW, other = READ_ROW;
  if (stim == NULL || expect == NULL) {
    printf("cannot open the vector files\nFAIL\n");
    return 1;
  }
  for (;;) {
    int64_t in[INPUTS], want[OUTPUTS];
    in_t x[INPUTS];
    out_t y[OUTPUTS];
    int i, equal = 1;
    state = read_row(stim, in, INPUTS);
    other = read_row(expect, want, OUTPUTS);
    if (state != READ_ROW || other != READ_ROW) break;
    for (i = 0; i < INPUTS; ++i) {
      if (in[i] < lowest[i] || in[i] > highest[i]) {
        printf("vector %ld input %d is outside its interval\nFAIL\n", vectors, i);
        return 1;
      }
      x[i] = (in_t)in[i];
    }
    design(x, y);
    for (i = 0; i < OUTPUTS; ++i) {
      if ((int64_t)y[i] == want[i]) continue;
      if (equal && mismatches < 5)
        printf("vector %ld output %d: got %lld, expected %lld\n", vectors, i, (long long)y[i], (long long)want[i]);
      equal = 0;
    }
    mismatches += !equal;
    ++vectors;
  }
  fclose(stim);
  fclose(expect);
  printf("RESULT vectors=%ld mismatches=%ld\n", vectors, mismatches);
  if (state != END_OF_FILE || other != END_OF_FILE) {
    printf("the vector files do not end together or hold a damaged line %ld\n", vectors + 1);
    mismatches = 1;
  }
  if (vectors == 0 || mismatches != 0) {
    printf("FAIL\n");
    return 1;
  }
  printf("PASS\n");
  return 0;
}
)";

}  // namespace

std::string test_program(const Graph& graph, const std::string& name) {
  std::vector<std::int64_t> lo, hi;
  for (const TensorId id : graph.inputs()) {
    lo.insert(lo.end(), graph.tensor(id).lo.begin(), graph.tensor(id).lo.end());
    hi.insert(hi.end(), graph.tensor(id).hi.begin(), graph.tensor(id).hi.end());
  }
  return cat("/* Checks ", name, " against recorded vectors; arguments: stimulus and expectation (decimal text). */\n",
             "#include \"", name, ".h\"\n\n#include <stdio.h>\n\n#define INPUTS ", lo.size(), "\n#define OUTPUTS ",
             graph.output_size(), "\n#define design ", name, "\ntypedef ", name, "_in_t in_t;\ntypedef ", name,
             "_out_t out_t;\n\n", array("int64_t", "lowest", lo), array("int64_t", "highest", hi), kReader, kMain);
}

}  // namespace thimble::hw::c99
