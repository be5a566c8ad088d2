// The documentation is tested: commands run as typed and print what the page shows, links lead somewhere, code of the
// pages is code that compiles.

#include "core/io/file.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "tests/docs/console.h"
#include "tests/support/program.h"
#include "tests/support/shared_data.h"
#include "tests/support/temp_folder.h"

using namespace thimble;

namespace {

namespace fs = std::filesystem;

const fs::path kRoot = THIMBLE_SOURCE_DIR;

std::vector<fs::path> pages_below(const fs::path& folder) {
  std::vector<fs::path> out;
  for (const auto& entry : fs::recursive_directory_iterator(folder))
    if (entry.path().extension() == ".md") out.push_back(entry.path());
  std::sort(out.begin(), out.end());
  return out;
}

std::vector<std::string> lines_of(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  return text::split(text, '\n');
}

/// Runs the commands of one page, one after the other, in a folder of their own.
void run_page(const fs::path& page) {
  const test::TempFolder folder;
  for (const test::ConsoleCommand& command : test::console_commands(io::read_file(page))) {
    INFO(fs::relative(page, kRoot).string(), ":", command.page_line, ": ", command.line);
    const test::ProgramResult result = test::run_program({"/bin/sh", "-c", command.line}, folder.path());
    INFO(result.output);
    CHECK(result.exit_code == command.exit_code);
    if (!command.expected.empty()) CHECK(test::fits(lines_of(result.output), command.expected));
  }
}

/// The page without its fenced blocks and code spans.
std::string prose_of(std::string page) {
  for (const std::string fence : {"```", "`"})
    for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at)) {
      const std::size_t end = page.find(fence, at + fence.size());
      page.erase(at, end == std::string::npos ? end : end + fence.size() - at);
    }
  return page;
}

/// Targets of the relative links of a page, without "#section".
std::vector<std::string> links_of(const std::string& text) {
  std::vector<std::string> out;
  const std::string page = prose_of(text);
  for (std::size_t at = page.find("]("); at != std::string::npos; at = page.find("](", at + 2)) {
    std::string target = page.substr(at + 2, page.find(')', at) - at - 2);
    target = target.substr(0, target.find('#'));
    if (!target.empty() && target.find("://") == std::string::npos) out.push_back(target);
  }
  return out;
}

/// Contents of the fenced blocks of a language.
std::vector<std::string> blocks_of(const std::string& page, const std::string& language) {
  std::vector<std::string> out;
  const std::string fence = "```" + language + "\n";
  for (std::size_t at = page.find(fence); at != std::string::npos; at = page.find(fence, at + 1)) {
    const std::size_t begin = at + fence.size();
    out.push_back(page.substr(begin, page.find("```", begin) - begin));
  }
  return out;
}

void use_programs_of_the_build() {
  const std::string path = (fs::path(THIMBLE_BINARY_DIR) / "bin").string() + ":" + std::getenv("PATH");
  ::setenv("PATH", path.c_str(), 1);
}

}  // namespace

TEST_SUITE("slow") {
  TEST_CASE("Every command of the NeuroTrigger pages runs as typed and prints what the page shows [NT F30]") {
    use_programs_of_the_build();
    std::vector<fs::path> pages = pages_below(kRoot / "docs/neurotrigger");
    pages.push_back(kRoot / "docs/neurotrigger.md");
    std::size_t commands = 0;
    for (const fs::path& page : pages) {
      commands += test::console_commands(io::read_file(page)).size();
      run_page(page);
    }
    CHECK(commands >= 20);
  }

  TEST_CASE("Every command of the FENet pages runs as typed and prints what the page shows [FN F25]") {
    use_programs_of_the_build();
    std::vector<fs::path> pages = pages_below(kRoot / "docs/fenet");
    pages.push_back(kRoot / "docs/fenet.md");
    std::size_t commands = 0;
    for (const fs::path& page : pages) {
      commands += test::console_commands(io::read_file(page)).size();
      run_page(page);
    }
    CHECK(commands >= 20);
  }
}

TEST_CASE("Every vector file of FENet is named with tests that exist [FN N12]") {
  const std::string page = io::read_file(kRoot / "docs/fenet/vectors.md");
  std::string tests;
  for (const auto& entry : fs::recursive_directory_iterator(kRoot / "tests"))
    if (entry.path().extension() == ".cpp") tests += io::read_file(entry.path());
  std::size_t named = 0;
  for (const std::string& line : text::split(page, '\n')) {
    const std::vector<std::string> cells = text::split(line, '|');
    if (cells.size() < 4 || cells[2].find('`') == std::string::npos) continue;
    const std::vector<std::string> parts = text::split(cells[2], '`');
    for (std::size_t i = 1; i < parts.size(); i += 2, ++named)
      CHECK_MESSAGE(tests.find(parts[i]) != std::string::npos, parts[i]);
  }
  CHECK(named >= 25);
  THIMBLE_SHARED(folder, "data/fenet");
  for (const auto& entry : fs::directory_iterator(folder)) {
    const std::string name = entry.path().filename().string();
    CHECK_MESSAGE((name == "README.md" || page.find("`" + name) != std::string::npos), name);
  }
}

TEST_CASE("Every link of the documentation leads to a file") {
  std::vector<fs::path> pages = pages_below(kRoot / "docs");
  for (const char* page : {"README.md", "CONTRIBUTING.md", "CHANGELOG.md", "bench/README.md"})
    pages.push_back(kRoot / page);
  for (const fs::path& page : pages)
    for (const std::string& link : links_of(io::read_file(page))) {
      CAPTURE(page.string());
      CAPTURE(link);
      CHECK(fs::exists(page.parent_path() / link));
    }
}

TEST_CASE("The code that the pages show for extending NeuroTrigger is code of a test [NT F30]") {
  const std::string page = io::read_file(kRoot / "docs/neurotrigger/extending.md"),
                    code = io::read_file(kRoot / "tests/apps/test_neurotrigger_extending.cpp");
  const std::vector<std::string> blocks = blocks_of(page, "cpp");
  CHECK(blocks.size() >= 3);
  for (const std::string& block : blocks) {
    CAPTURE(block);
    CHECK(code.find(block) != std::string::npos);
  }
}

TEST_CASE("Expected output fits with gaps inside lines and between them") {
  CHECK(test::fits({"a 12 s", "b"}, {"a ... s", "b"}));
  CHECK(test::fits({"a", "x", "y", "b"}, {"a", "...", "b"}));
  CHECK_FALSE(test::fits({"a", "b", "c"}, {"a", "b"}));
  CHECK_FALSE(test::fits({"a 12"}, {"a ... s"}));
  const auto commands =
      test::console_commands("x\n```console\n$ one\nout\n$ two\n```\n```console exit=2\n$ bad\n```\n");
  REQUIRE(commands.size() == 3);
  CHECK(commands[0].expected == std::vector<std::string>{"out"});
  CHECK(commands[2].exit_code == 2);
}
