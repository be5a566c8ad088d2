#pragma once
// Derived data kept beside its sources: parsed tables and the like. What decides is the content of the sources, never
// their name or time; a broken or foreign entry is rebuilt (decisions.md D26).

#include "core/io/sealed.h"

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace thimble::io {

class Cache {
 public:
  /// Entries live in `folder`, which is created when the first one is stored. An empty folder name turns the cache
  /// off (--no-cache): everything is built each time.
  explicit Cache(std::filesystem::path folder) : folder_(std::move(folder)) {}

  /// What `build` puts in, built now or taken from an earlier call with the same content of `sources`, the same
  /// `options` and the same `format` (name and version of what is built, e.g. "tracks-2"). A cache that cannot be
  /// written does not stop anything; warnings() then says why. Throws what reading a source or `build` throws.
  SealedFile get(const std::vector<std::filesystem::path>& sources, std::string_view options, std::string_view format,
                 const std::function<void(SealedWriter&)>& build);

  /// SHA-256 of a file's content. Remembered while the file is the same one, unchanged in size and times of change.
  std::string content_hash(const std::filesystem::path& source);

  /// Whether the last get() found its entry.
  bool hit() const { return hit_; }
  const std::vector<std::string>& warnings() const { return warnings_; }

 private:
  std::filesystem::path entry(const std::string& key) const;
  void store(const std::filesystem::path& path, std::string_view bytes);

  std::filesystem::path folder_;
  bool hit_ = false;
  std::vector<std::string> warnings_;
};

}  // namespace thimble::io
