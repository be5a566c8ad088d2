#include "apps/fenet/data/channel_masks.h"

#include "core/base/error.h"
#include "core/io/file.h"
#include "core/io/limits.h"

#include "apps/common/config/node.h"
#include "apps/fenet/data/preprocess.h"

#include <numeric>

namespace thimble::fenet {
namespace {

std::vector<std::int64_t> masked_channels(const std::string& path, const RecordedDay& day, std::int64_t index,
                                          std::int64_t channels) {
  const app::Node root = app::parse_yaml(io::read_file(path, io::limits::kConfigBytes), path);
  const std::string number = std::to_string(index);
  const app::Node* entry = root.find(day.name);
  if (entry == nullptr) entry = root.find(number);
  const auto refuse = [&](const std::string& message) {
    throw Error(ErrorKind::data, message, Place{path, 0, 0, day.name}, "a mask is a list of true and false per day");
  };
  if (entry == nullptr) refuse(text::cat("has no mask for the day, neither by name nor as ", number));
  std::vector<bool> mask;
  app::read_value(*entry, mask);
  if (static_cast<std::int64_t>(mask.size()) != channels)
    refuse(text::cat("a mask of ", mask.size(), " entries for ", channels, " channels"));
  std::vector<std::int64_t> kept;
  for (std::size_t c = 0; c < mask.size(); ++c)
    if (mask[c]) kept.push_back(static_cast<std::int64_t>(c));
  if (kept.empty()) refuse("the mask leaves no channel");
  return kept;
}

}  // namespace

std::vector<std::int64_t> chosen_channels(const ChannelKeys& keys, const RecordedDay& day, std::int64_t index) {
  const std::int64_t channels = day.sessions.front().segments->channels();
  if (!keys.mask.empty()) return masked_channels(keys.mask, day, index, channels);
  if (keys.top > 0 || keys.min_r2 > 0.0) {
    if (!day.channel_r2.defined())
      throw Error(ErrorKind::data, "has no R2 of its channels, by which some were to be chosen",
                  Place{io::shown(day.files.front()), 0, 0, "CVR2"},
                  "leave out data.channels.top and min_r2, or write a mask with: thimble-fenet channels");
    std::vector<std::int64_t> kept = best_channels(day.channel_r2, keys.min_r2, keys.top);
    if (kept.empty())
      throw Error(ErrorKind::config, text::cat("no channel of ", day.name, " has an R2 of ", keys.min_r2),
                  Place{"", 0, 0, "data.channels.min_r2"});
    return kept;
  }
  std::vector<std::int64_t> all(static_cast<std::size_t>(channels));
  std::iota(all.begin(), all.end(), 0);
  return all;
}

}  // namespace thimble::fenet
