#include "core/io/hdf5_stream.h"

#include "core/io/bytes.h"
#include "core/io/hash.h"

namespace thimble::io {
namespace {

constexpr std::string_view kStreamMagic = "THBLRD01";
constexpr std::uint8_t kTree = 1, kError = 2;
constexpr std::size_t kHash = 8;

void put_text(std::string& out, std::string_view text) {
  put<std::uint64_t>(out, text.size());
  out += text;
}

void put_texts(std::string& out, const std::vector<std::string>& texts) {
  put<std::uint64_t>(out, texts.size());
  for (const std::string& text : texts) put_text(out, text);
}

void put_numbers(std::string& out, const std::vector<std::int64_t>& numbers) {
  put<std::uint64_t>(out, numbers.size());
  for (const std::int64_t number : numbers) put(out, number);
}

void put_value(std::string& out, const Hdf5Value& value) {
  put(out, static_cast<std::uint8_t>(value.is_text));
  put_texts(out, value.texts);
  put(out, static_cast<std::uint8_t>(value.numbers.element()));
  put_numbers(out, value.numbers.dims());
  put_text(out, value.numbers.bytes());
}

void put_outline(std::string& out, const Hdf5Outline& outline) {
  put_numbers(out, outline.dims);
  put(out, static_cast<std::uint8_t>(outline.element));
  put(out, static_cast<std::uint8_t>(outline.is_number));
  put_texts(out, outline.references);
}

std::string started(std::uint8_t kind) {
  std::string out(kStreamMagic);
  put(out, kind);
  return out;
}

std::string finished(std::string out) {
  put(out, xxh64(out));
  return out;
}

/// Takes numbers and texts from the front, never beyond the end.
class Taker {
 public:
  explicit Taker(std::string_view bytes) : rest_(bytes) {}

  template <class T>
  T number() {
    return get<T>(take(sizeof(T)), 0);
  }
  std::string_view bytes() { return take(number<std::uint64_t>()); }
  std::string text() { return std::string(bytes()); }
  std::vector<std::string> texts() {
    std::vector<std::string> out;
    for (auto count = counted(8); count > 0; --count) out.push_back(text());
    return out;
  }
  std::vector<std::int64_t> numbers() {
    std::vector<std::int64_t> out;
    for (auto count = counted(8); count > 0; --count) out.push_back(number<std::int64_t>());
    return out;
  }
  Element element() {
    const auto value = number<std::uint8_t>();
    THIMBLE_CHECK(value <= static_cast<std::uint8_t>(Element::u64), data, "damaged answer of the reader: type ", value);
    return static_cast<Element>(value);
  }
  /// A count of things of at least `each` bytes, which therefore cannot exceed what is left.
  std::uint64_t counted(std::uint64_t each) {
    const auto count = number<std::uint64_t>();
    THIMBLE_CHECK(count <= rest_.size() / each, data, "damaged answer of the reader: count ", count);
    return count;
  }
  bool empty() const { return rest_.empty(); }

 private:
  std::string_view take(std::uint64_t count) {
    THIMBLE_CHECK(count <= rest_.size(), data, "damaged answer of the reader: cut off");
    const std::string_view piece = rest_.substr(0, static_cast<std::size_t>(count));
    rest_.remove_prefix(piece.size());
    return piece;
  }
  std::string_view rest_;
};

Hdf5Value take_value(Taker& from) {
  Hdf5Value value;
  value.is_text = from.number<std::uint8_t>() != 0;
  value.texts = from.texts();
  const Element element = from.element();
  std::vector<std::int64_t> dims = from.numbers();
  const std::string_view bytes = from.bytes();
  std::uint64_t expected = 0;
  THIMBLE_CHECK(byte_count(element, dims, expected) && expected == bytes.size(), data,
                "damaged answer of the reader: ", bytes.size(), " bytes of an array");
  value.numbers = Array(element, std::move(dims));
  if (!bytes.empty()) std::memcpy(value.numbers.mut(), bytes.data(), bytes.size());
  return value;
}

Hdf5Outline take_outline(Taker& from) {
  Hdf5Outline outline;
  outline.dims = from.numbers();
  for (const std::int64_t size : outline.dims)
    THIMBLE_CHECK(size >= 0, data, "damaged answer of the reader: size ", size);
  outline.element = from.element();
  outline.is_number = from.number<std::uint8_t>() != 0;
  outline.references = from.texts();
  return outline;
}

Error take_error(Taker& from) {
  const auto kind = static_cast<ErrorKind>(from.number<std::uint8_t>());
  const std::string message = from.text();
  const std::string file = from.text();
  const std::string name = from.text();
  const std::string hint = from.text();
  return {kind == ErrorKind::io ? kind : ErrorKind::data, message, Place{file, 0, 0, name}, hint};
}

Hdf5Tree take_tree(Taker& from) {
  Hdf5Tree tree;
  for (auto count = from.counted(8); count > 0; --count) {
    const std::string path = from.text();
    tree.datasets[path] = take_value(from);
    THIMBLE_CHECK(tree.datasets[path].numbers.first_non_finite() < 0, data, text::printable(path), " is not finite");
  }
  for (auto count = from.counted(8); count > 0; --count) {
    const std::string path = from.text();
    tree.outlines[path] = take_outline(from);
  }
  for (auto objects = from.counted(8); objects > 0; --objects) {
    auto& attributes = tree.attributes[from.text()];
    for (auto count = from.counted(8); count > 0; --count) {
      const std::string name = from.text();
      attributes[name] = take_value(from);
    }
  }
  return tree;
}

}  // namespace

std::string encode_plan(const ReaderPlan& plan) {
  std::string out;
  put_text(out, plan.file);
  put_texts(out, plan.rules.numbers);
  put_texts(out, plan.rules.texts);
  put(out, static_cast<std::uint8_t>(plan.rules.outlines));
  put<std::uint64_t>(out, plan.rules.slabs.size());
  for (const Hdf5Slab& slab : plan.rules.slabs) {
    put_text(out, slab.path);
    put_numbers(out, slab.first);
    put_numbers(out, slab.count);
  }
  put(out, plan.rules.budget);
  put(out, plan.seconds);
  return out;
}

ReaderPlan decode_plan(std::string_view bytes) {
  Taker from(bytes);
  ReaderPlan plan;
  plan.file = from.text();
  plan.rules.foreign = true;
  plan.rules.numbers = from.texts();
  plan.rules.texts = from.texts();
  plan.rules.outlines = from.number<std::uint8_t>() != 0;
  for (auto count = from.counted(8); count > 0; --count) {
    Hdf5Slab slab{from.text(), {}, {}};
    slab.first = from.numbers();
    slab.count = from.numbers();
    plan.rules.slabs.push_back(std::move(slab));
  }
  plan.rules.budget = from.number<std::uint64_t>();
  plan.seconds = from.number<int>();
  return plan;
}

std::string encode_tree(const Hdf5Tree& tree) {
  std::string out = started(kTree);
  put<std::uint64_t>(out, tree.datasets.size());
  for (const auto& item : tree.datasets) {
    put_text(out, item.first);
    put_value(out, item.second);
  }
  put<std::uint64_t>(out, tree.outlines.size());
  for (const auto& item : tree.outlines) {
    put_text(out, item.first);
    put_outline(out, item.second);
  }
  put<std::uint64_t>(out, tree.attributes.size());
  for (const auto& object : tree.attributes) {
    put_text(out, object.first);
    put<std::uint64_t>(out, object.second.size());
    for (const auto& attribute : object.second) {
      put_text(out, attribute.first);
      put_value(out, attribute.second);
    }
  }
  return finished(std::move(out));
}

std::string encode_error(const Error& error) {
  std::string out = started(kError);
  put(out, static_cast<std::uint8_t>(error.kind()));
  for (const std::string* text : {&error.message(), &error.place().file, &error.place().name, &error.hint()})
    put_text(out, *text);
  return finished(std::move(out));
}

Hdf5Tree decode_answer(std::string_view bytes, const std::string& name) {
  const std::size_t least = kStreamMagic.size() + 1 + kHash;
  const bool whole = bytes.size() >= least && bytes.substr(0, kStreamMagic.size()) == kStreamMagic &&
                     xxh64(bytes.substr(0, bytes.size() - kHash)) == get<std::uint64_t>(bytes, bytes.size() - kHash);
  if (!whole) throw Error(ErrorKind::data, "the isolated reader gave no answer", Place{name, 0, 0, {}});
  Taker from(bytes.substr(kStreamMagic.size(), bytes.size() - kStreamMagic.size() - kHash));
  const auto kind = from.number<std::uint8_t>();
  if (kind == kError) throw take_error(from);
  THIMBLE_CHECK(kind == kTree, data, "damaged answer of the reader");
  return take_tree(from);
}

}  // namespace thimble::io
