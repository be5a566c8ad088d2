#pragma once
// Tracks in memory: what the 42 columns of a track file hold, by name, in file order.

#include "core/tensor/tensor.h"

#include "apps/neurotrigger/data/chamber.h"

#include <array>
#include <cstdint>
#include <string>
#include <vector>

namespace thimble::neurotrigger {

/// Where a track comes from. Written back as integers.
struct Origin {
  std::int64_t experiment = 0, run = 1, subrun = 0, event = 0, track = 0, tracks = 1;
};

/// N tracks. `inputs` [N, 27] (or [N, 126]: then the hit patterns, eleven wires for every super layer), `targets`
/// [N, 2] = (RecoZ, RecoTheta), `old` [N, 2] = (ScaleZ, ScaleTheta), all f32 and scaled; `words` [N, 2] = (RawZ,
/// RawTheta) of the hardware that took the data. Row index = position here.
struct Dataset {
  Tensor inputs, targets, old, words;
  std::vector<Origin> origins;
  std::vector<std::int8_t> experts;  // 0 .. 4
  bool has_old = false;              // `old` holds outputs of a network; false for simulated tracks without one

  std::int64_t rows() const { return static_cast<std::int64_t>(experts.size()); }
  /// Row numbers of one expert in order; expert -1 = all rows.
  std::vector<std::int64_t> rows_of(int expert) const;
  /// The chosen rows, in the order given.
  Dataset select(const std::vector<std::int64_t>& ids) const;
};

/// Tells data sets apart: 16 hexadecimal digits of the bits of all inputs and targets.
std::string content_hash(const Dataset& data);
/// Room for `rows` tracks, all zero.
Dataset empty_dataset(std::int64_t rows, std::size_t inputs = kInputs);
/// Rows of `parts` one after another.
Dataset concatenate(std::vector<Dataset> parts);
/// Rows of a [N, C] f32 tensor in the order of `ids`; optionally only its first `columns` columns.
Tensor gather_rows(const Tensor& from, const std::vector<std::int64_t>& ids, std::int64_t columns = -1);
/// Columns first .. first + count - 1 of a [N, C] f32 tensor; itself when these are all.
Tensor columns_of(const Tensor& from, std::int64_t first, std::int64_t count);

/// The 42 column names, in file order.
const std::vector<std::string>& column_names();

}  // namespace thimble::neurotrigger
