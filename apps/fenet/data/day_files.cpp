#include "apps/fenet/data/day_files.h"

#include "core/base/error.h"
#include "core/io/file.h"

#include <fnmatch.h>

#include <algorithm>

namespace thimble::fenet {
namespace {

namespace fs = std::filesystem;

/// Names of the files in a folder, sorted; empty if it cannot be read.
std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> out;
  std::error_code trouble;
  for (const auto& entry : fs::directory_iterator(folder.empty() ? fs::path(".") : folder, trouble))
    if (entry.is_regular_file(trouble)) out.push_back(entry.path().filename().string());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<fs::path> matching(const fs::path& pattern, const fs::path& folder) {
  std::vector<fs::path> out;
  for (const std::string& name : names_in(folder))
    if (::fnmatch(pattern.filename().c_str(), name.c_str(), FNM_PERIOD) == 0) out.push_back(folder / name);
  return out;
}

/// Recordings whose name holds the text: of the files of one recording only the one that is named in settings.
std::vector<fs::path> holding(const std::string& part, const fs::path& folder) {
  std::vector<fs::path> out;
  for (const std::string& name : names_in(folder)) {
    const fs::path extension = fs::path(name).extension();
    const bool recording = extension == ".mat" || extension == ".nwb" || extension == ".json" || extension == ".h5" ||
                           name.find("_broadband.npy") != std::string::npos;
    if (recording && name.find(part) != std::string::npos) out.push_back(folder / name);
  }
  return out;
}

std::vector<fs::path> files_of(const std::string& name, const std::string& dir) {
  const fs::path path(name);
  if (name.find_first_of("*?") != std::string::npos) {
    const fs::path folder = path.has_parent_path() || dir.empty() ? path.parent_path() : fs::path(dir);
    std::vector<fs::path> found = matching(path, folder);
    if (found.empty() && !dir.empty()) found = matching(path, dir);
    if (found.empty()) throw Error(ErrorKind::io, "no file of this pattern", Place{io::shown(path), 0, 0, {}});
    return found;
  }
  std::error_code ignored;
  if (fs::exists(path, ignored)) return {path};
  if (!dir.empty() && fs::exists(fs::path(dir) / path.filename(), ignored)) return {fs::path(dir) / path.filename()};
  const std::vector<fs::path> found = dir.empty() ? std::vector<fs::path>{} : holding(path.filename().string(), dir);
  if (found.size() == 1) return found;
  const fs::path folder = dir.empty() ? path.parent_path() : fs::path(dir);
  const std::string near = text::nearest(path.filename().string(), names_in(folder));
  throw Error(ErrorKind::io,
              found.empty() ? "no such recording" : text::cat(found.size(), " recordings have this in their name"),
              Place{io::shown(dir.empty() ? path : fs::path(dir) / path.filename()), 0, 0, {}},
              near.empty() ? "data.dir, or the environment FENET_MODEL_DATA_DIR, names the folder of the recordings"
                           : text::cat("did you mean ", text::printable(near), "?"));
}

}  // namespace

std::vector<fs::path> day_files(const std::vector<std::string>& names, const std::string& dir, const std::string& key) {
  std::vector<fs::path> out;
  std::vector<Error> wrong;
  for (const std::string& name : names) {
    try {
      for (fs::path& path : files_of(name, dir)) out.push_back(std::move(path));
    } catch (const Error& error) {
      Place place = error.place();
      place.name = key;
      wrong.emplace_back(error.kind(), error.message(), place, error.hint());
    }
  }
  if (wrong.size() == 1) throw wrong.front();
  if (!wrong.empty()) throw Errors(std::move(wrong));
  return out;
}

}  // namespace thimble::fenet
