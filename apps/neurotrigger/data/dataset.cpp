#include "apps/neurotrigger/data/dataset.h"

#include "core/base/error.h"
#include "core/io/hash.h"

#include <algorithm>
#include <numeric>

namespace thimble::neurotrigger {
namespace {

Tensor stack(const std::vector<Dataset>& parts, Tensor Dataset::*member, std::int64_t rows) {
  const std::int64_t columns = (parts.front().*member).size(1);
  Tensor out = Tensor::empty({rows, columns});
  float* to = out.mut<float>();
  for (const Dataset& part : parts) {
    const Tensor& from = part.*member;
    to = std::copy_n(from.data<float>(), from.numel(), to);
  }
  return out;
}

template <class T>
void append(std::vector<T>& to, const std::vector<T>& from) {
  to.insert(to.end(), from.begin(), from.end());
}

}  // namespace

Tensor gather_rows(const Tensor& from, const std::vector<std::int64_t>& ids, std::int64_t columns) {
  const std::int64_t width = from.size(1), kept = columns < 0 ? width : columns;
  THIMBLE_CHECK(kept <= width, shape, "gather_rows: ", kept, " columns wanted of ", from.shape());
  Tensor out = Tensor::empty({static_cast<std::int64_t>(ids.size()), kept});
  const float* source = from.data<float>();
  float* to = out.mut<float>();
  for (const std::int64_t id : ids) to = std::copy_n(source + id * width, kept, to);
  return out;
}

Tensor columns_of(const Tensor& from, std::int64_t first, std::int64_t count) {
  const std::int64_t rows = from.size(0), width = from.size(1);
  THIMBLE_CHECK(first >= 0 && count >= 0 && first + count <= width, shape, "columns_of: columns ", first, " to ",
                first + count, " wanted of ", from.shape());
  if (count == width) return from;
  Tensor out = Tensor::empty({rows, count});
  for (std::int64_t row = 0; row < rows; ++row)
    std::copy_n(from.data<float>() + row * width + first, count, out.mut<float>() + row * count);
  return out;
}

std::vector<std::int64_t> Dataset::rows_of(int expert) const {
  std::vector<std::int64_t> ids;
  for (std::int64_t i = 0; i < rows(); ++i)
    if (expert < 0 || experts[static_cast<std::size_t>(i)] == expert) ids.push_back(i);
  return ids;
}

Dataset Dataset::select(const std::vector<std::int64_t>& ids) const {
  Dataset out;
  out.has_old = has_old;
  out.inputs = gather_rows(inputs, ids);
  out.targets = gather_rows(targets, ids);
  out.old = gather_rows(old, ids);
  out.words = gather_rows(words, ids);
  for (const std::int64_t id : ids) {
    out.origins.push_back(origins[static_cast<std::size_t>(id)]);
    out.experts.push_back(experts[static_cast<std::size_t>(id)]);
  }
  return out;
}

std::string content_hash(const Dataset& data) {
  const auto bytes = [](const Tensor& t) {
    return std::string_view(reinterpret_cast<const char*>(t.data<float>()),
                            static_cast<std::size_t>(t.numel()) * sizeof(float));
  };
  const std::uint64_t hash = io::xxh64(bytes(data.inputs), io::xxh64(bytes(data.targets)));
  std::string big_endian;
  for (int shift = 56; shift >= 0; shift -= 8) big_endian += static_cast<char>((hash >> shift) & 0xff);
  return io::hex(big_endian);
}

Dataset empty_dataset(std::int64_t rows, std::size_t inputs) {
  Dataset out;
  out.inputs = Tensor::zeros({rows, static_cast<std::int64_t>(inputs)});
  for (Tensor* pair : {&out.targets, &out.old, &out.words}) *pair = Tensor::zeros({rows, 2});
  out.origins.resize(static_cast<std::size_t>(rows));
  out.experts.resize(static_cast<std::size_t>(rows));
  return out;
}

Dataset concatenate(std::vector<Dataset> parts) {
  if (parts.empty()) return empty_dataset(0);
  if (parts.size() == 1) return std::move(parts.front());
  const std::int64_t rows = std::accumulate(parts.begin(), parts.end(), std::int64_t{0},
                                            [](std::int64_t sum, const Dataset& part) { return sum + part.rows(); });
  Dataset out;
  for (Tensor Dataset::*member : {&Dataset::inputs, &Dataset::targets, &Dataset::old, &Dataset::words}) {
    out.*member = stack(parts, member, rows);
    for (Dataset& part : parts) part.*member = Tensor();  // nothing is held twice for longer than needed
  }
  out.origins.reserve(static_cast<std::size_t>(rows));
  out.experts.reserve(static_cast<std::size_t>(rows));
  for (const Dataset& part : parts) {
    out.has_old = out.has_old || part.has_old;
    append(out.origins, part.origins);
    append(out.experts, part.experts);
  }
  return out;
}

const std::vector<std::string>& column_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list{"Experiment", "Run",    "Subrun", "Event", "Track",
                                  "nTracks",    "Expert", "iNodes", "oNodes"};
    for (std::size_t s = 0; s < kSuperLayers; ++s)
      for (const char* kind : {"relID", "driftT", "alpha"}) list.push_back(text::cat("SL", s, "-", kind));
    for (const char* name : {"RecoZ", "RecoTheta", "ScaleZ", "RawZ", "ScaleTheta", "RawTheta"}) list.emplace_back(name);
    return list;
  }();
  return names;
}

}  // namespace thimble::neurotrigger
