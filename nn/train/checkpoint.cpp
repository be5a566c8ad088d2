#include "nn/train/checkpoint.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/io/json.h"
#include "core/io/sealed.h"

#include <nlohmann/json.hpp>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace thimble::nn {
namespace {

constexpr const char* kFormat = "thimble-checkpoint";
constexpr const char* kArch = "/arch";
constexpr const char* kGroups = "/groups";

std::string replaced(std::string text, char from, char to) {
  std::replace(text.begin(), text.end(), from, to);
  return text;
}

State state_of(const io::SealedFile& file, const std::string& group) {
  State state;
  for (const std::string& name : file.names(group))
    state.tensors[replaced(name.substr(group.size() + 1), '/', '.')] = file.read(name);
  const auto facts = file.tree().attributes.find(group);
  if (facts == file.tree().attributes.end()) return state;
  for (const auto& fact : facts->second) state.facts[fact.first] = file.text_attribute(group, fact.first);
  return state;
}

/// Epoch and step of a name of checkpoint_name; false for any other file.
bool parse_name(const std::string& name, std::int64_t& epoch, std::int64_t& step) {
  const auto middle = name.find("-step-");
  if (name.rfind("epoch-", 0) != 0 || middle == std::string::npos || !name.ends_with(".h5")) return false;
  return text::parse(std::string_view(name).substr(6, middle - 6), epoch) &&
         text::parse(std::string_view(name).substr(middle + 6, name.size() - middle - 9), step);
}

std::int64_t step_of(const std::string& name) {
  std::int64_t epoch = 0, step = -1;
  parse_name(name, epoch, step);
  return step;
}

/// A second name for the file; a copy where the file system has no hard links.
void link_or_copy(const std::filesystem::path& file, const std::filesystem::path& name, const std::string& bytes) {
  const auto temporary = name.parent_path() / text::cat(".", name.filename().string(), ".tmp-", ::getpid(), "-link");
  std::error_code failed;
  std::filesystem::remove(temporary, failed);
  std::filesystem::create_hard_link(file, temporary, failed);
  if (failed) return io::atomic_replace(name, bytes);
  std::filesystem::rename(temporary, name, failed);
  std::filesystem::remove(temporary, failed);  // rename leaves it when both names were one file already
}

}  // namespace

std::string checkpoint_name(std::int64_t epoch, std::int64_t step) {
  char name[64];
  std::snprintf(name, sizeof name, "epoch-%04lld-step-%06lld.h5", static_cast<long long>(epoch),
                static_cast<long long>(step));
  return name;
}

std::string checkpoint_bytes(const Checkpoint& checkpoint) {
  io::SealedWriter out;
  for (const auto& [name, value] : checkpoint.about) out.attribute("/", name, value);
  out.attribute("/", "format", kFormat);
  out.attribute("/", "version", kCheckpointVersion);
  if (!checkpoint.arch.empty()) out.text(kArch, checkpoint.arch);
  std::vector<std::string> groups;
  for (const auto& [name, state] : checkpoint.groups) {
    groups.push_back(name);
    for (const auto& [path, tensor] : state.tensors) out.dataset("/" + name + "/" + replaced(path, '.', '/'), tensor);
    for (const auto& [fact, value] : state.facts) out.attribute("/" + name, fact, value);
  }
  out.texts(kGroups, groups);
  return out.finish();
}

Checkpoint read_checkpoint(const std::filesystem::path& path) {
  const io::SealedFile file = io::SealedFile::open(path);
  const Place place{file.name(), 0, 0, {}};
  if (!file.has_attribute("/", "format") || file.text_attribute("/", "format") != kFormat)
    throw Error(ErrorKind::data, "a sealed file of Thimble, but no checkpoint", place);
  const std::int64_t version = file.integer_attribute("/", "version");
  if (version > kCheckpointVersion)
    throw Error(ErrorKind::data,
                text::cat("checkpoint format version ", version, ", this program reads up to ", kCheckpointVersion),
                place, "use a newer Thimble");
  Checkpoint checkpoint;
  for (const auto& item : file.tree().attributes.at("/"))
    if (item.first != "format" && item.first != "version")
      checkpoint.about[item.first] = file.text_attribute("/", item.first);
  if (file.has(kArch)) checkpoint.arch = file.text(kArch);
  for (const std::string& group : file.texts(kGroups)) checkpoint.groups[group] = state_of(file, "/" + group);
  return checkpoint;
}

CheckpointStore::CheckpointStore(std::filesystem::path folder, std::size_t keep)
    : folder_(std::move(folder)), keep_(std::max<std::size_t>(keep, 1)) {
  std::error_code failed;
  std::filesystem::create_directories(folder_, failed);
  if (failed) throw io::system_error(failed.value(), "cannot make the folder", folder_);
  io::sweep_temporaries(folder_);
}

std::vector<std::string> CheckpointStore::names() const {
  std::vector<std::string> found;
  std::error_code failed;
  for (const auto& entry : std::filesystem::directory_iterator(folder_, failed))
    if (step_of(entry.path().filename().string()) >= 0) found.push_back(entry.path().filename().string());
  std::sort(found.begin(), found.end(),
            [](const std::string& a, const std::string& b) { return step_of(a) > step_of(b); });
  return found;  // newest first
}

std::filesystem::path CheckpointStore::save(const Checkpoint& checkpoint) {
  std::int64_t epoch = 0, step = 0;
  text::parse(checkpoint.about.at("epoch"), epoch);
  text::parse(checkpoint.about.at("step"), step);
  const std::string bytes = checkpoint_bytes(checkpoint);
  std::filesystem::path file = folder_ / checkpoint_name(epoch, step);
  io::atomic_replace(file, bytes);
  if (io::read_file(file) != bytes)
    throw Error(ErrorKind::io, "the checkpoint that was just written reads back differently",
                Place{io::shown(file), 0, 0, {}}, "check the disk; the earlier checkpoints are untouched");
  link_or_copy(file, folder_ / "last.h5", bytes);
  std::vector<std::string> kept = names();
  std::vector<std::string> old;
  if (kept.size() > keep_) {
    old.assign(kept.begin() + static_cast<std::ptrdiff_t>(keep_), kept.end());
    kept.resize(keep_);
  }
  const nlohmann::json index = {{"format", "thimble-checkpoints/1"}, {"newest", kept.front()}, {"files", kept}};
  io::atomic_replace(folder_ / "index.json", io::json_text(index, 2) + "\n");
  std::error_code ignored;
  for (const std::string& name : old) std::filesystem::remove(folder_ / name, ignored);
  return file;
}

void CheckpointStore::save_best(const Checkpoint& checkpoint) {
  io::atomic_replace(folder_ / "best.h5", checkpoint_bytes(checkpoint));
}

CheckpointStore::Found CheckpointStore::newest() const {
  Found found;
  for (const std::string& name : names()) {
    try {
      found.checkpoint = read_checkpoint(folder_ / name);
      found.file = folder_ / name;
      return found;
    } catch (const Error& e) {
      found.damaged.push_back(name + ": " + e.message());
    }
  }
  if (!found.damaged.empty())
    throw Error(ErrorKind::data, "no checkpoint is intact: " + text::join(found.damaged, "; "),
                Place{io::shown(folder_), 0, 0, {}}, "start anew, or restore the folder from a backup");
  return found;
}

}  // namespace thimble::nn
