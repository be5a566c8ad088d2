#include "core/io/streamed_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace thimble::io {

StreamedFile::StreamedFile(std::filesystem::path path) : path_(std::move(path)), part_(path_) {
  part_ += ".part";
  file_.emplace(part_);
  file_->truncate(0);  // of a process that was killed
}

StreamedFile::~StreamedFile() {
  if (!file_) return;
  file_.reset();
  std::error_code ignored;
  std::filesystem::remove(part_, ignored);
}

void StreamedFile::finish() {
  file_->sync();
  if (::rename(part_.c_str(), path_.c_str()) != 0) throw system_error(errno, "cannot put in place", path_);
  file_.reset();
  const std::filesystem::path folder = path_.has_parent_path() ? path_.parent_path() : ".";
  const Descriptor open(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (open.valid()) ::fsync(open.get());
}

}  // namespace thimble::io
