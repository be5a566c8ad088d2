#include "core/io/sealed.h"

#include "core/io/atomic_file.h"
#include "core/io/bytes.h"
#include "core/io/file.h"
#include "core/io/hash.h"

namespace thimble::io {
namespace {

// bytes of the seal block, reliability.md 3.2
constexpr std::string_view kSealMagic{"\x89THBL\r\n\x1a", 8};
constexpr std::size_t kVersionAt = 8, kLengthAt = 16, kHashAt = 24;

/// XXH64 of the file with its hash field taken as zero.
std::uint64_t hash_of(std::string_view bytes) {
  std::string whole(bytes);
  set<std::uint64_t>(whole, kHashAt, 0);
  return xxh64(whole);
}

}  // namespace

std::string sealed(std::string_view hdf5) {
  std::string file(kSealBytes, '\0');
  kSealMagic.copy(file.data(), kSealMagic.size());
  set<std::uint32_t>(file, kVersionAt, kSealVersion);
  set<std::uint64_t>(file, kLengthAt, kSealBytes + hdf5.size());
  file += hdf5;
  set<std::uint64_t>(file, kHashAt, xxh64(file));
  return file;
}

void verify_seal(std::string_view bytes, const std::string& name) {
  const auto refuse = [&](const std::string& message, const std::string& hint = {}) {
    throw Error(ErrorKind::data, message, Place{name, 0, 0, {}}, hint);
  };
  if (bytes.substr(0, kSealMagic.size()) != kSealMagic) {
    const bool hdf5 = bytes.substr(0, 8) == std::string_view("\x89HDF\r\n\x1a\n", 8);
    refuse(hdf5 ? "an HDF5 file, but not sealed by Thimble" : "not a sealed file of Thimble",
           hdf5 ? "files of other programs are imported, not loaded as checkpoints" : "");
  }
  if (bytes.size() < kSealBytes) refuse(text::cat("cut off after ", size_text(bytes.size())));
  const auto version = get<std::uint32_t>(bytes, kVersionAt);
  if (version > kSealVersion)
    refuse(text::cat("sealed format version ", version, ", this program reads up to ", kSealVersion),
           "use a newer Thimble");
  const auto length = get<std::uint64_t>(bytes, kLengthAt);
  if (length != bytes.size()) refuse(text::cat("damaged: ", bytes.size(), " bytes long, ", length, " were written"));
  if (hash_of(bytes) != get<std::uint64_t>(bytes, kHashAt)) refuse("damaged: its hash does not fit its content");
}

std::string seal_trouble(const std::filesystem::path& path) {
  try {
    verify_seal(read_file(path, limits::kSealedBytes), shown(path));
    return {};
  } catch (const Error& error) {
    return error.message();
  }
}

void SealedWriter::dataset(const std::string& path, Array array) {
  tree_.datasets[path] = {std::move(array), {}, false};
}

void SealedWriter::text(const std::string& path, std::string_view text) {
  texts(path, {std::string(text)});
}

void SealedWriter::texts(const std::string& path, std::vector<std::string> texts) {
  tree_.datasets[path] = {{}, std::move(texts), true};
}

void SealedWriter::attribute(const std::string& object, const std::string& name, std::int64_t value) {
  tree_.attributes[object][name] = {Array::from(std::span<const std::int64_t>(&value, 1), {}), {}, false};
}

void SealedWriter::attribute(const std::string& object, const std::string& name, double value) {
  tree_.attributes[object][name] = {Array::from(std::span<const double>(&value, 1), {}), {}, false};
}

void SealedWriter::attribute(const std::string& object, const std::string& name, std::string_view value) {
  tree_.attributes[object][name] = {{}, {std::string(value)}, true};
}

std::string SealedWriter::finish() const {
  return sealed(build_hdf5(tree_));
}

void SealedWriter::save(const std::filesystem::path& path) const {
  atomic_replace(path, finish());
}

SealedFile SealedFile::from_bytes(std::string_view bytes, const std::string& name) {
  verify_seal(bytes, name);
  Hdf5Rules rules;
  rules.verified = true;
  rules.budget = limits::kSealedBytes;
  return {name, parse_hdf5(bytes, name, rules)};
}

SealedFile SealedFile::open(const std::filesystem::path& path) {
  return from_bytes(read_file(path, limits::kSealedBytes), shown(path));
}

void SealedFile::refuse(const std::string& place, const std::string& message) const {
  throw Error(ErrorKind::data, message, Place{name_, 0, 0, text::printable(place)});
}

std::vector<std::string> SealedFile::names(std::string_view group) const {
  const std::string prefix = group == "/" ? "/" : std::string(group) + "/";
  std::vector<std::string> out;
  for (const auto& item : tree_.datasets)
    if (item.first.compare(0, prefix.size(), prefix) == 0) out.push_back(item.first);
  return out;
}

const Hdf5Value& SealedFile::value(const std::string& path, bool is_text) const {
  const auto found = tree_.datasets.find(path);
  if (found == tree_.datasets.end()) refuse(path, "no such data set");
  if (found->second.is_text != is_text) refuse(path, is_text ? "holds numbers, not text" : "holds text, not numbers");
  return found->second;
}

const Array& SealedFile::array(const std::string& path) const {
  return value(path, false).numbers;
}

Tensor SealedFile::read(const std::string& path) const {
  return array(path).tensor();
}

Tensor SealedFile::read(const std::string& path, const Shape& expected) const {
  const Array& stored = array(path);
  if (!std::equal(stored.dims().begin(), stored.dims().end(), expected.begin(), expected.end()))
    refuse(path, text::cat("the file holds ", stored.shape_text(), ", ", expected, " is expected"));
  return stored.tensor();
}

std::vector<std::int64_t> SealedFile::integers(const std::string& path) const {
  return array(path).integers();
}

const std::string& SealedFile::text(const std::string& path) const {
  const auto& list = texts(path);
  if (list.size() != 1) refuse(path, text::cat("holds ", list.size(), " texts, one is expected"));
  return list.front();
}

const std::vector<std::string>& SealedFile::texts(const std::string& path) const {
  return value(path, true).texts;
}

bool SealedFile::has_attribute(const std::string& object, const std::string& name) const {
  const auto found = tree_.attributes.find(object);
  return found != tree_.attributes.end() && found->second.count(name) > 0;
}

const Hdf5Value& SealedFile::attribute_value(const std::string& object, const std::string& name, bool is_text) const {
  const std::string place = object + " attribute " + name;
  if (!has_attribute(object, name)) refuse(place, "no such attribute");
  const Hdf5Value& value = tree_.attributes.at(object).at(name);
  if (value.is_text != is_text) refuse(place, is_text ? "is a number, not a text" : "is a text, not a number");
  if ((is_text ? static_cast<std::int64_t>(value.texts.size()) : value.numbers.numel()) != 1)
    refuse(place, "holds several values, one is expected");
  return value;
}

std::int64_t SealedFile::integer_attribute(const std::string& object, const std::string& name) const {
  return attribute_value(object, name, false).numbers.integers().front();
}

double SealedFile::number_attribute(const std::string& object, const std::string& name) const {
  return attribute_value(object, name, false).numbers.doubles().front();
}

const std::string& SealedFile::text_attribute(const std::string& object, const std::string& name) const {
  return attribute_value(object, name, true).texts.front();
}

}  // namespace thimble::io
