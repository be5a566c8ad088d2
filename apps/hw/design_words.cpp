#include "apps/hw/design_words.h"

#include "core/base/error.h"

#include "hw/emit/stimulus.h"

namespace thimble::app::hw_tool {

namespace fs = std::filesystem;
using text::cat;

namespace {

constexpr std::int64_t kVectors = 10'000;
constexpr std::int64_t kMostVectors = 10'000'000;

}  // namespace

fs::path graph_file(const std::string& word) {
  const fs::path path(word);
  return fs::is_directory(path) ? path / "fxir.json" : path;
}

fs::path out_folder(const Context& context) {
  if (!context.flags().out || context.flags().out->empty()) {
    throw Error(ErrorKind::usage, cat("'", context.verb().name, "' needs a folder to write to"), {}, "add --out DIR");
  }
  return *context.flags().out;
}

std::vector<Flag> stimulus_flags() {
  return {{"--vectors", "N", "number of stimulus vectors: corners, directed, random", cat(kVectors), {}, 'n'}};
}

hw::Vectors stimulus_of(const Context& context, const hw::Graph& graph) {
  const std::int64_t count = positive(context, "--vectors", kVectors);
  THIMBLE_CHECK(count <= kMostVectors, usage, "--vectors ", count, " is more than ", kMostVectors);
  const std::int64_t seed = context.flags().seed.value_or(1);
  return hw::stimulus(graph, static_cast<std::size_t>(count), static_cast<std::uint64_t>(seed));
}

std::int64_t positive(const Context& context, const std::string& flag, std::int64_t fallback) {
  const std::int64_t value = context.flag_integer(flag, fallback);
  THIMBLE_CHECK(value >= 1, usage, flag, " is ", value, ", at least 1 is needed");
  return value;
}

}  // namespace thimble::app::hw_tool
