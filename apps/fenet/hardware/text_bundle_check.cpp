// The second way through the text files. It shares no arithmetic with the first: shape and weights come from the bits
// and words in the files, sums are plain loops over 64-bit integers.
#include "core/base/error.h"
#include "core/base/text.h"
#include "core/io/file.h"

#include "apps/fenet/hardware/text_bundle.h"

#include <algorithm>
#include <bit>
#include <map>

namespace thimble::fenet {

namespace fs = std::filesystem;
using text::cat;

namespace {

constexpr std::size_t kShown = 20;
// sums of products of such words over such filters fit 62 bits
constexpr std::int64_t kWordBits = 24, kTaps = 1 << 16;
constexpr std::uint64_t kTextBytes = std::uint64_t{1} << 30;

using Integers = std::vector<std::int64_t>;

struct TextLevel {
  std::int64_t taps = 0, stride = 0, power = 0, divisor_power = 0;
  Integers feat, pass;
};

/// Lines of one file with places for errors.
class TextFile {
 public:
  TextFile(const fs::path& folder, std::string name) : name_(std::move(name)) {
    lines_ = lines_of_text(io::read_file(folder / name_, kTextBytes), (folder / name_).string());
  }
  const std::string& name() const { return name_; }
  const std::vector<std::string>& lines() const { return lines_; }

  Integers words(const TextCode& code) const {
    Integers out;
    for (std::size_t i = 0; i < lines_.size(); ++i) {
      try {
        out.push_back(word_of(lines_[i], code));
      } catch (const Error& error) {
        throw Error(ErrorKind::data, error.message(), {name_, static_cast<int>(i) + 1, 0, ""});
      }
    }
    return out;
  }
  Integers hexadecimal(int bits) const {
    const TextCode code{"hex_2s_comp", {bits, true, 0}, bits};
    return words(code);
  }

 private:
  std::string name_;
  std::vector<std::string> lines_;
};

class Info {
 public:
  explicit Info(const TextFile& file) : name_(file.name()) {
    for (const std::string& line : file.lines()) {
      const std::size_t colon = line.find(": ");
      if (colon != std::string::npos) values_[line.substr(0, colon)] = line.substr(colon + 2);
    }
  }
  const std::string& word(const std::string& key) const {
    const auto found = values_.find(key);
    if (found == values_.end()) throw Error(ErrorKind::data, cat("no line '", key, ": '"), {name_, 0, 0, key});
    return found->second;
  }
  std::int64_t number(const std::string& key, std::int64_t least, std::int64_t most) const {
    std::int64_t value = 0;
    const bool good = text::parse(word(key), value) && value >= least && value <= most;
    if (!good)
      throw Error(ErrorKind::data, cat("'", text::printable(word(key)), "' is no number of ", least, " .. ", most),
                  {name_, 0, 0, key});
    return value;
  }

 private:
  std::string name_;
  std::map<std::string, std::string> values_;
};

class Checker {
 public:
  explicit Checker(const fs::path& folder) : folder_(folder), info_(open("model_info.txt")) {
    keys_.code = info_.word("code");
    keys_.code_bits = info_.number("code_bits", 2, 62);
    keys_.pool_bits = info_.number("pool_bits", 2, 62);
    const auto w = static_cast<int>(info_.number("word_length", 2, kWordBits));
    code_ = {
        keys_.code, {w, true, static_cast<int>(info_.number("fraction", 0, w - 1))}, static_cast<int>(keys_.code_bits)};
    chunks_ = static_cast<std::size_t>(info_.number("chunks", 1, 1 << 24));
    channels_ = static_cast<std::size_t>(info_.number("channels", 1, 1 << 16));
    samples_ = static_cast<std::size_t>(info_.number("samples", 1, 1 << 20));
    read_levels();
  }

  BundleCheck run() {
    const Integers inputs = open("inputs.txt").words(code_);
    expect_count("inputs.txt", inputs.size(), chunks_ * samples_ * channels_);
    for (std::size_t b = 0; b < chunks_; ++b)
      for (std::size_t c = 0; c < channels_; ++c) {
        Integers window;
        for (std::size_t t = 0; t < samples_; ++t) window.push_back(inputs[(b * samples_ + t) * channels_ + c]);
        compute(window);
      }
    compare_all();
    const auto labels = open("labels.txt").words(code_);
    expect_count("labels.txt", labels.size(), chunks_ * static_cast<std::size_t>(info_.number("labels", 1, 1 << 16)));
    return std::move(result_);
  }

 private:
  TextFile open(const std::string& name) {
    ++result_.files;
    return {folder_, name};
  }

  void expect_count(const std::string& name, std::size_t found, std::size_t wanted) const {
    if (found != wanted)
      throw Error(ErrorKind::data, cat(found, " lines, ", wanted, " expected"), {(folder_ / name).string(), 0, 0, ""});
  }

  // ---- the network from its bits

  std::int64_t take_bits(const std::vector<std::string>& bits, std::size_t& at, int width) const {
    std::int64_t value = 0;
    for (int i = 0; i < width; ++i, ++at) {
      const bool bit = at < bits.size() && (bits[at] == "0" || bits[at] == "1");
      if (!bit) throw Error(ErrorKind::data, "a bit is missing", {"configs.txt", static_cast<int>(at) + 1, 0, ""});
      value |= std::int64_t{bits[at] == "1"} << i;
    }
    return value;
  }
  int field_bits(const char* key) const {
    const std::int64_t n = info_.number(key, 1, kTaps);
    return n == 1 ? 0 : static_cast<int>(std::bit_width(static_cast<std::uint64_t>(n - 1)));
  }

  void read_levels() {
    const std::vector<std::string> bits = open("configs.txt").lines();
    const std::int64_t built = info_.number("levels_built", 1, 32);
    std::size_t at = 0;
    take_bits(bits, at, code_.type.w - 1);
    take_bits(bits, at, field_bits("channels_built") + 1);
    const std::int64_t levels = take_bits(bits, at, field_bits("levels_built") + 1);
    take_bits(bits, at, field_bits("max_cycles") + 1);
    if (levels < 1 || levels > built)
      throw Error(ErrorKind::data, cat(levels, " levels switched on of ", built), {"configs.txt", 0, 0, ""});
    levels_.resize(static_cast<std::size_t>(built));
    for (TextLevel& level : levels_) level.power = take_bits(bits, at, 4);
    for (TextLevel& level : levels_) level.divisor_power = take_bits(bits, at, 5);
    for (TextLevel& level : levels_) level.stride = take_bits(bits, at, 8);
    std::int64_t before = 0;
    for (TextLevel& level : levels_) {
      const std::int64_t offset = take_bits(bits, at, field_bits("weight_depth"));
      level.taps = offset - before;
      before = offset;
    }
    expect_count("configs.txt", bits.size(), at);
    levels_.resize(static_cast<std::size_t>(levels));
    read_weights(open("feat_weights.txt"), &TextLevel::feat);
    read_weights(open("pass_weights.txt"), &TextLevel::pass);
  }

  void read_weights(const TextFile& file, Integers TextLevel::*branch) {
    const Integers words = file.words(code_);
    auto at = words.begin();
    for (TextLevel& level : levels_) {
      if (level.taps < 1 || level.stride < 1 || words.end() - at < level.taps)
        throw Error(ErrorKind::data, cat("too few weights for the levels of configs.txt"), {file.name(), 0, 0, ""});
      (level.*branch).assign(at, at + level.taps);
      at += level.taps;
    }
    if (at != words.end()) throw Error(ErrorKind::data, "more weights than taps", {file.name(), 0, 0, ""});
  }

  // ---- one window

  static Integers correlated(const Integers& x, const Integers& taps, std::int64_t stride) {
    const auto k = static_cast<std::int64_t>(taps.size()), length = static_cast<std::int64_t>(x.size());
    const std::int64_t left = std::max<std::int64_t>(k - stride, 0);
    Integers out;
    for (std::int64_t begin = -left; begin + k <= length + k - 1; begin += stride) {
      std::int64_t sum = 0;
      for (std::int64_t j = std::max<std::int64_t>(0, -begin); j < k && begin + j < length; ++j)
        sum += taps[static_cast<std::size_t>(j)] * x[static_cast<std::size_t>(begin + j)];
      out.push_back(sum);
    }
    return out;
  }

  /// Nearest integer to q * 2^-shift, halves to even, within the symmetric range of a word.
  std::int64_t rounded(fixed::Wide q, std::int64_t shift) const {
    const fixed::Wide unit = fixed::Wide{1} << shift, below = q >> shift, rest = q - below * unit;
    const bool up = 2 * rest > unit || (2 * rest == unit && (below & 1) != 0);
    const fixed::Wide most = (fixed::Wide{1} << (code_.type.w - 1)) - 1;
    return static_cast<std::int64_t>(std::clamp(below + (up ? 1 : 0), -most, most));
  }

  /// The register after every position, and the feature behind the last one.
  std::int64_t pool(std::size_t file, const Integers& sums, const TextLevel& level) {
    fixed::Wide total = 0;
    const fixed::Wide most = (fixed::Wide{1} << (keys_.pool_bits - 1)) - 1;
    Integers& column = feat_[file].emplace_back();
    for (const std::int64_t sum : sums) {
      total += sum >= 0 ? fixed::Wide{sum} << level.power : -fixed::Wide{sum};
      column.push_back(static_cast<std::int64_t>(std::min(total >> level.power, most)));
    }
    return rounded(total, code_.type.f + level.power + level.divisor_power);
  }

  void compute(Integers x) {
    Integers features;
    for (std::size_t k = 0; k < levels_.size(); ++k) {
      const TextLevel& level = levels_[k];
      features.push_back(pool(k, correlated(x, level.feat, level.stride), level));
      const Integers sums = correlated(x, level.pass, level.stride);
      if (k + 1 == levels_.size()) {
        features.push_back(pool(k + 1, sums, level));
        continue;
      }
      x.clear();
      for (const std::int64_t sum : sums) x.push_back(rounded(sum, code_.type.f));
      pass_[k].push_back(x);
    }
    outputs_.insert(outputs_.end(), features.begin(), features.end());
  }

  // ---- comparison

  void compare(const std::string& name, const Integers& found, const Integers& wanted) {
    expect_count(name, found.size(), wanted.size());
    result_.values += static_cast<std::int64_t>(found.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      if (found[i] == wanted[i]) continue;
      ++result_.mismatch_count;
      if (result_.mismatches.size() < kShown)
        result_.mismatches.push_back(cat(name, " line ", i + 1, ": ", found[i], ", computed ", wanted[i]));
    }
  }

  /// [chunk * channels + channel][position] as [chunk][position][channel].
  Integers interleaved(const std::vector<Integers>& windows) const {
    Integers out;
    for (std::size_t b = 0; b < chunks_; ++b)
      for (std::size_t p = 0; p < windows[b * channels_].size(); ++p)
        for (std::size_t c = 0; c < channels_; ++c) out.push_back(windows[b * channels_ + c][p]);
    return out;
  }

  void compare_all() {
    compare("outputs.txt", open("outputs.txt").words(code_), outputs_);
    for (const auto& [k, windows] : pass_) {
      const std::string name = cat("pass_layer_", k, ".txt");
      compare(name, open(name).words(code_), interleaved(windows));
    }
    for (const auto& [k, windows] : feat_) {
      const std::string name = cat("feat_layer_", k, ".txt");
      compare(name, open(name).hexadecimal(static_cast<int>(keys_.pool_bits)), interleaved(windows));
    }
  }

  fs::path folder_;
  BundleCheck result_;
  Info info_;
  HardwareKeys keys_;
  TextCode code_;
  std::size_t chunks_ = 0, channels_ = 0, samples_ = 0;
  std::vector<TextLevel> levels_;
  std::map<std::size_t, std::vector<Integers>> pass_, feat_;  // per level, one entry per window
  Integers outputs_;
};

}  // namespace

std::string BundleCheck::line() const {
  return cat("text bundle: ", mismatch_count, " mismatches of ", text::grouped(values), " values in ", files, " files");
}

BundleCheck check_bundle(const fs::path& folder) {
  return Checker(folder).run();
}

}  // namespace thimble::fenet
