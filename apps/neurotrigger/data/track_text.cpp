#include "apps/neurotrigger/data/track_text.h"

#include "core/base/error.h"

#include <algorithm>
#include <array>
#include <charconv>

namespace thimble::neurotrigger {
namespace {

constexpr std::size_t kLineEstimate = 420;  // bytes of a line with 44 columns

void append_integer(std::string& out, std::int64_t value) {
  std::array<char, 24> buffer;
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value).ptr;
  out.append(buffer.data(), end);
}

/// As printf("%.*f") or printf("%.*g").
void append_real(std::string& out, float value, std::chars_format format, int digits) {
  std::array<char, 80> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), static_cast<double>(value), format, digits).ptr;
  out.append(buffer.data(), end);
}

/// The nine whole-number columns, each with a tab behind it.
void append_origin(std::string& out, const Origin& o, int expert) {
  const std::array<std::int64_t, 9> values{
      o.experiment, o.run, o.subrun, o.event, o.track, o.tracks, expert, static_cast<std::int64_t>(kInputs), 2};
  for (const std::int64_t value : values) {
    append_integer(out, value);
    out += '\t';
  }
}

/// The 33 values of a row in file order: inputs, targets, then value and word of z and of theta.
std::array<float, kInputs + 6> values_of(const Dataset& data, std::int64_t row) {
  std::array<float, kInputs + 6> values;
  std::copy_n(data.inputs.data<float>() + row * data.inputs.size(1), kInputs, values.begin());  // patterns: no column
  const float *y = data.targets.data<float>() + 2 * row, *old = data.old.data<float>() + 2 * row,
              *word = data.words.data<float>() + 2 * row;
  std::array<float, 6> rest{y[0], y[1], old[0], word[0], old[1], word[1]};
  std::copy(rest.begin(), rest.end(), values.begin() + kInputs);
  return values;
}

std::string tab_header(const std::vector<std::string>& names) {
  return text::join(names, "\t") + "\n\n";
}

/// Every name is padded to the next multiple of eight columns, as a terminal shows tabs.
std::string space_header(const std::vector<std::string>& names) {
  constexpr std::size_t kTab = 8;
  std::string out;
  for (std::size_t i = 0; i + 1 < names.size(); ++i) {
    out += names[i];
    out.append(kTab - names[i].size() % kTab, ' ');
  }
  return out + names.back() + "\n\n";
}

}  // namespace

std::string track_text(const Dataset& data) {
  constexpr int kDigits = 6;
  std::string out = tab_header(column_names());
  out.reserve(out.size() + static_cast<std::size_t>(data.rows()) * kLineEstimate);
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    append_origin(out, data.origins[at], data.experts[at]);
    const auto values = values_of(data, row);
    for (std::size_t i = 0; i < values.size(); ++i) {
      append_real(out, values[i], std::chars_format::general, kDigits);
      out += i + 1 < values.size() ? '\t' : '\n';
    }
  }
  return out;
}

std::string prediction_text(const Dataset& data, const Tensor& predictions, HeaderStyle style,
                            const Tensor& widths_cm) {
  THIMBLE_CHECK(predictions.rank() == 2 && predictions.size(0) == data.rows(), shape, "prediction_text: ", data.rows(),
                " tracks and predictions ", predictions.shape());
  constexpr int kDecimals = 6, kNewDecimals = 16;
  std::vector<std::string> names = column_names();
  names.insert(names.end(), {"NewZ", "NewTheta"});
  if (widths_cm.defined()) names.emplace_back("NewSigmaZ");
  std::string out = style == HeaderStyle::tabs ? tab_header(names) : space_header(names);
  out.reserve(out.size() + static_cast<std::size_t>(data.rows()) * kLineEstimate);
  const std::int64_t width = predictions.size(1);
  for (std::int64_t row = 0; row < data.rows(); ++row) {
    const auto at = static_cast<std::size_t>(row);
    append_origin(out, data.origins[at], data.experts[at]);
    for (const float value : values_of(data, row)) {
      append_real(out, value, std::chars_format::fixed, kDecimals);
      out += '\t';
    }
    const float* predicted = predictions.data<float>() + row * width;
    append_real(out, predicted[0], std::chars_format::fixed, kNewDecimals);
    out += '\t';
    append_real(out, width > 1 ? predicted[1] : 0.0f, std::chars_format::fixed, kNewDecimals);
    if (widths_cm.defined()) {
      const float* half = widths_cm.data<float>() + 2 * row;
      out += '\t';
      append_real(out, (half[0] + half[1]) / 2.0f, std::chars_format::fixed, kDecimals);
    }
    out += '\n';
  }
  return out;
}

}  // namespace thimble::neurotrigger
