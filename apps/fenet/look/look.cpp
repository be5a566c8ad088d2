#include "apps/fenet/look/look.h"

#include "core/base/error.h"
#include "core/io/atomic_file.h"
#include "core/report/table.h"

#include <algorithm>

namespace thimble::fenet {

std::vector<std::string> wanted_names(const std::string& list, const std::vector<std::string>& known,
                                      const std::string& flag) {
  if (list == "all") return known;
  std::vector<std::string> names = text::split(list, ',');
  for (const std::string& name : names)
    if (std::find(known.begin(), known.end(), name) == known.end())
      throw Error(ErrorKind::usage, text::cat("there is no '", text::printable(name), "'"), {"", 0, 0, flag},
                  text::cat(flag, " ", text::join(known, ","), " or all"));
  return names;
}

LookPage::LookPage(app::Context& context, std::filesystem::path folder, std::string name, std::string sentence)
    : context_(context), folder_(std::move(folder)) {
  std::filesystem::create_directories(folder_);
  page_.app = "thimble-fenet";
  page_.name = std::move(name);
  page_.version = context.verb().name;
  page_.sentence = std::move(sentence);
}

void LookPage::add(Look look) {
  app::Result& result = context_.result();
  for (const auto& [name, content] : look.files) {
    io::atomic_replace(folder_ / name, content);
    result.file(name, (folder_ / name).string());
  }
  result.line(look.section.heading);
  for (const std::string& paragraph : look.section.text) result.line(paragraph);
  for (const report::Picture& picture : look.section.pictures) result.line(picture.file);
  for (const report::Table& table : look.section.tables) result.print(report::plain_text(table, report::utf8_locale()));
  page_.figures.push_back(std::move(look.section));
}

void LookPage::finish() {
  page_.seconds = context_.seconds();
  report::write_report(page_, folder_);
  context_.result().file("report", (folder_ / "report.html").string());
  context_.result().line("report: " + (folder_ / "report.html").string());
}

}  // namespace thimble::fenet
