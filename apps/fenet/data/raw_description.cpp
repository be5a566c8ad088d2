#include "apps/fenet/data/raw_description.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <array>
#include <functional>

namespace thimble::fenet {
namespace {

constexpr const char* kRawFormat = "thimble-raw-1";
constexpr std::array<std::pair<const char*, io::Element>, 4> kTypes{{{"int16", io::Element::i16},
                                                                     {"int32", io::Element::i32},
                                                                     {"float32", io::Element::f32},
                                                                     {"float64", io::Element::f64}}};

/// The keys of a description, each checked where it is taken.
class Keys {
 public:
  Keys(const nlohmann::json& root, const std::filesystem::path& path) : root_(root), path_(path) {
    if (!root.is_object()) refuse("", "an object with rate_hz, channels, type, sessions is needed");
    static const std::vector<std::string> known{"format",  "rate_hz",      "channels", "type", "scale",
                                                "samples", "header_bytes", "sessions", "cvr2", "unit"};
    for (const auto& item : root.items())
      if (std::find(known.begin(), known.end(), item.key()) == known.end()) {
        const std::string near = text::nearest(item.key(), known);
        refuse(item.key(), "is no key of a recording", near.empty() ? "" : text::cat("did you mean \"", near, "\"?"));
      }
  }

  [[noreturn]] void refuse(const std::string& key, const std::string& message, const std::string& hint = {}) const {
    throw Error(ErrorKind::data, message, Place{io::shown(path_), 0, 0, text::printable(key)}, hint);
  }
  double positive(const std::string& key, double fallback) const {
    const auto found = root_.find(key);
    if (found == root_.end() && fallback > 0.0) return fallback;
    if (found == root_.end() || !found->is_number() || !(found->get<double>() > 0.0) || found->get<double>() > 1e12)
      refuse(key, "a number above 0 is needed");
    return found->get<double>();
  }
  std::int64_t whole(const std::string& key, std::int64_t low, std::int64_t high, std::int64_t fallback) const {
    const auto found = root_.find(key);
    if (found == root_.end() && fallback >= 0) return fallback;
    if (found == root_.end() || !found->is_number_integer() || found->get<double>() < static_cast<double>(low) ||
        found->get<double>() > static_cast<double>(high))
      refuse(key, text::cat("a whole number from ", low, " to ", high, " is needed"));
    return found->get<std::int64_t>();
  }
  std::vector<double> scale(std::int64_t channels) const {
    const auto found = root_.find("scale");
    if (found == root_.end() || found->is_number()) {
      const double one = found == root_.end() ? 1.0 : found->get<double>();
      return std::vector<double>(static_cast<std::size_t>(channels), one);
    }
    if (!found->is_array() || found->size() != static_cast<std::size_t>(channels))
      refuse("scale", text::cat("a number, or a list of ", channels, ", is needed"));
    std::vector<double> out;
    for (const nlohmann::json& value : *found) {
      if (!value.is_number()) refuse("scale", "holds something that is no number");
      out.push_back(value.get<double>());
    }
    return out;
  }
  std::filesystem::path file(const nlohmann::json& from, const std::string& key) const {
    const auto found = from.find(key);
    if (found == from.end()) return {};
    if (!found->is_string() || found->get<std::string>().empty()) refuse(key, "the name of a file is needed");
    return path_.parent_path() / found->get<std::string>();
  }
  std::vector<RawDescription::Session> sessions() const {
    const auto found = root_.find("sessions");
    if (found == root_.end() || !found->is_array() || found->empty())
      refuse("sessions", "a list of {\"data\": FILE, \"labels\": FILE} is needed");
    std::vector<RawDescription::Session> out;
    for (const nlohmann::json& one : *found) {
      if (!one.is_object() || one.find("data") == one.end()) refuse("sessions", "a session without \"data\"");
      out.push_back({file(one, "data"), file(one, "labels")});
    }
    return out;
  }
  io::Element type() const {
    io::Element element = io::Element::i16;
    const auto found = root_.find("type");
    if (found != root_.end() && (!found->is_string() || !parse_sample_type(found->get<std::string>(), element)))
      refuse("type", "int16, int32, float32 or float64 is needed");
    return element;
  }

 private:
  const nlohmann::json& root_;
  const std::filesystem::path& path_;
};

}  // namespace

bool parse_sample_type(const std::string& name, io::Element& element) {
  for (const auto& type : kTypes)
    if (name == type.first) {
      element = type.second;
      return true;
    }
  return false;
}

std::string sample_type_name(io::Element element) {
  for (const auto& type : kTypes)
    if (element == type.second) return type.first;
  return {};
}

RawDescription read_raw_description(const std::filesystem::path& path, bool files) {
  const nlohmann::json root = io::read_json(path);
  const Keys keys(root, path);
  RawDescription out;
  out.rate_hz = keys.positive("rate_hz", 0.0);
  out.channels = keys.whole("channels", 1, 100000, -1);
  out.element = keys.type();
  out.scale = keys.scale(out.channels);
  out.header_bytes = static_cast<std::uint64_t>(keys.whole("header_bytes", 0, std::int64_t{1} << 40, 0));
  out.samples = keys.whole("samples", 1, 10000000, 0);
  if (files || root.contains("sessions")) out.sessions = keys.sessions();
  out.channel_r2 = keys.file(root, "cvr2");
  return out;
}

std::string raw_description_text(const RawDescription& about) {
  nlohmann::ordered_json out;
  out["format"] = kRawFormat;
  out["rate_hz"] = about.rate_hz;
  out["channels"] = about.channels;
  out["type"] = sample_type_name(about.element);
  out["unit"] = "uV";
  const bool same =
      std::adjacent_find(about.scale.begin(), about.scale.end(), std::not_equal_to<>()) == about.scale.end();
  if (same && !about.scale.empty())
    out["scale"] = about.scale.front();
  else
    out["scale"] = about.scale;
  if (about.samples > 0) out["samples"] = about.samples;
  for (const RawDescription::Session& session : about.sessions) {
    nlohmann::ordered_json one;
    one["data"] = session.data.string();
    if (!session.labels.empty()) one["labels"] = session.labels.string();
    out["sessions"].push_back(one);
  }
  if (!about.channel_r2.empty()) out["cvr2"] = about.channel_r2.string();
  return io::json_text(out, 2);
}

}  // namespace thimble::fenet
