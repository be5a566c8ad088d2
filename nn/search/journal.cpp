#include "nn/search/journal.h"

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/io/file.h"
#include "core/io/hash.h"
#include "core/io/limits.h"

#include <cstdio>
#include <optional>

namespace thimble::nn::search {
namespace {

constexpr std::string_view kBegin = R"({"crc32c":")", kMiddle = R"(","record":)";
constexpr std::size_t kDigits = 8, kHead = kBegin.size() + kDigits + kMiddle.size();

std::string digits(std::string_view record) {
  char text[kDigits + 1];
  std::snprintf(text, sizeof text, "%08x", io::crc32c(record));
  return text;
}

/// The record of a whole line without its line end; nothing if the line is damaged.
std::optional<std::string> record_of(std::string_view line) {
  if (line.size() <= kHead || !line.starts_with(kBegin) || !line.ends_with("}")) return std::nullopt;
  if (line.substr(kBegin.size() + kDigits, kMiddle.size()) != kMiddle) return std::nullopt;
  const std::string_view record = line.substr(kHead, line.size() - kHead - 1);
  if (line.substr(kBegin.size(), kDigits) != digits(record)) return std::nullopt;
  return std::string(record);
}

struct Content {
  std::vector<std::string> records;
  std::uint64_t whole = 0;  // bytes of the whole lines
};

Content read_lines(const std::filesystem::path& path) {
  const std::string text = io::read_file(path, io::limits::kJsonBytes);
  Content content;
  long number = 0;
  for (std::size_t at = 0; at < text.size();) {
    ++number;
    const std::size_t end = text.find('\n', at);
    const bool last = end == std::string::npos || end + 1 == text.size();
    const auto record =
        end == std::string::npos ? std::nullopt : record_of(std::string_view(text).substr(at, end - at));
    if (!record && last) {
      log::warning(path.string(), ": the last line is torn and was dropped; its trial is done again");
      return content;
    }
    if (!record)
      throw Error(ErrorKind::data, "the line is damaged: its checksum does not fit", {path.string(), number, 0, ""},
                  "remove this line and those behind it; their trials are then done again");
    content.records.push_back(*record);
    at = end + 1;
    content.whole = at;
  }
  return content;
}

}  // namespace

std::string journal_line(std::string_view record) {
  return text::cat(kBegin, digits(record), kMiddle, record, "}\n");
}

Journal Journal::create(const std::filesystem::path& path, const std::string& head) {
  if (std::filesystem::exists(path))
    throw Error(ErrorKind::io, "there is a journal already", {path.string(), 0, 0, ""}, "go on with it: --resume RUN");
  Journal journal(path);
  journal.write(head);
  return journal;
}

Journal Journal::open(const std::filesystem::path& path, const std::string& head) {
  Content content = read_lines(path);
  Journal journal(path);
  journal.file_.truncate(content.whole);
  if (content.records.empty()) {  // killed before the first line was on the disk
    journal.write(head);
    return journal;
  }
  if (content.records.front() != head)
    throw Error(ErrorKind::data, "the journal belongs to another search", {path.string(), 1, 0, ""},
                "resume with the settings the search was begun with, or start a new one");
  journal.records_.assign(content.records.begin() + 1, content.records.end());
  return journal;
}

void Journal::append(const std::string& record) {
  write(record);
  records_.push_back(record);
}

void Journal::write(const std::string& record) {
  file_.append(journal_line(record));
  file_.sync();
}

}  // namespace thimble::nn::search
