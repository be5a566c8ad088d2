#include "core/io/torch.h"

#include "core/base/error.h"
#include "core/io/bytes.h"
#include "core/io/file.h"
#include "core/io/limits.h"
#include "core/io/zip.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <map>
#include <unordered_map>

namespace thimble::io {
namespace {

using Entries = std::map<std::string, std::string_view>;
using Name = TorchValue::Name;

constexpr std::array<std::pair<std::string_view, Name>, 3> kNames{{
    {"torch._utils _rebuild_tensor_v2", Name::rebuild_tensor},
    {"torch FloatStorage", Name::float_storage},
    {"collections OrderedDict", Name::ordered_dict},
}};

/// Runs a pickle as far as it is data.
class Machine {
 public:
  Machine(std::string_view program, const std::string& folder, const Entries& entries, TorchFile& file)
      : program_(program), folder_(folder), entries_(entries), file_(file) {}

  const TorchValue* run() {
    while (!stopped_) {
      start_ = at_;
      step(take(1)[0]);
    }
    if (at_ != program_.size()) refuse("goes on behind its end");
    if (stack_.size() != 1 || !marks_.empty()) refuse("ends with other than one value");
    return stack_[0];
  }

 private:
  [[noreturn]] void refuse(const std::string& what) const {
    throw Error(ErrorKind::data, text::cat("pickle, byte ", start_, ": ", what), {file_.name, 0, 0, {}},
                "only lists, maps, numbers, texts and 32-bit float tensors are read");
  }

  std::string_view take(std::size_t count) {
    if (program_.size() - at_ < count) refuse("cut off");
    at_ += count;
    return program_.substr(at_ - count, count);
  }
  template <class T>
  T number() {
    return get<T>(take(sizeof(T)), 0);
  }
  double big_endian_double() {
    std::array<char, 8> turned{};
    const std::string_view raw = take(8);
    std::reverse_copy(raw.begin(), raw.end(), turned.begin());
    return get<double>({turned.data(), turned.size()}, 0);
  }
  std::string_view line() {
    const std::size_t end = program_.find('\n', at_);
    if (end == std::string_view::npos || end - at_ > limits::kPickleText) refuse("a name without an end");
    const std::string_view out = program_.substr(at_, end - at_);
    at_ = end + 1;
    return out;
  }
  std::string unicode() {
    const auto count = number<std::uint32_t>();
    if (count > limits::kPickleText) refuse(text::cat("a text of ", count, " bytes"));
    const std::string_view bytes = take(count);
    if (!text::is_utf8(bytes)) refuse("a text that is not UTF-8");
    return std::string(bytes);
  }

  template <class T>
  void push(T content) {
    TorchValue& made = file_.values.emplace_back();
    made.content = std::move(content);
    stack_.push_back(&made);
  }
  /// Values above the last mark stay on the stack; those below it are out of reach.
  std::size_t floor() const { return marks_.empty() ? 0 : marks_.back(); }
  TorchValue* pop() {
    if (stack_.size() <= floor()) refuse("takes a value where there is none");
    TorchValue* top = stack_.back();
    stack_.pop_back();
    return top;
  }
  TorchValue* top() const {
    if (stack_.size() <= floor()) refuse("changes a value where there is none");
    return stack_.back();
  }
  std::vector<TorchValue*> pop_to_mark() {
    if (marks_.empty()) refuse("no mark to go back to");
    const auto first = stack_.begin() + static_cast<std::ptrdiff_t>(marks_.back());
    std::vector<TorchValue*> out(first, stack_.end());
    stack_.erase(first, stack_.end());
    marks_.pop_back();
    return out;
  }
  void mark() {
    if (marks_.size() == limits::kPickleDepth) refuse(text::cat("nested deeper than ", limits::kPickleDepth));
    marks_.push_back(stack_.size());
  }
  void tuple(std::size_t count) {
    TorchValue::Tuple out{TorchValue::List(count)};
    for (std::size_t i = count; i > 0; --i) out.items[i - 1] = pop();
    push(std::move(out));
  }
  void tuple_to_mark() {
    const std::vector<TorchValue*> items = pop_to_mark();
    push(TorchValue::Tuple{{items.begin(), items.end()}});
  }
  void append(const std::vector<TorchValue*>& items) {
    auto* list = std::get_if<TorchValue::List>(&top()->content);
    if (list == nullptr) refuse("appends to what is no list");
    list->insert(list->end(), items.begin(), items.end());
  }
  void set_items(const std::vector<TorchValue*>& items) {
    auto* map = std::get_if<TorchValue::Map>(&top()->content);
    if (map == nullptr || items.size() % 2 != 0) refuse("sets entries of what is no map");
    for (std::size_t i = 0; i < items.size(); i += 2) {
      if (items[i]->text() == nullptr && !std::holds_alternative<std::int64_t>(items[i]->content))
        refuse("a map's key is neither a text nor a whole number");
      map->emplace_back(items[i], items[i + 1]);
    }
  }
  void set_item() {
    TorchValue* value = pop();
    TorchValue* key = pop();
    set_items({key, value});
  }

  void store(std::uint32_t where) {
    if (memo_.size() >= limits::kPickleMemo && !memo_.contains(where)) refuse("remembers too many values");
    memo_[where] = top();
  }
  void load(std::uint32_t where) {
    const auto found = memo_.find(where);
    if (found == memo_.end()) refuse(text::cat("asks for value ", where, ", which was not remembered"));
    stack_.push_back(found->second);
  }

  void global() {
    const std::string_view module = line(), name = line();
    const std::string full = text::cat(module, ' ', name);
    for (const auto& known : kNames)
      if (known.first == full) return push(known.second);
    refuse(text::cat("the name \"", text::printable(full), "\" is not allowed in a checkpoint"));
  }
  void reduce() {
    const TorchValue* arguments = pop();
    const auto* called = std::get_if<Name>(&pop()->content);
    const auto* list = std::get_if<TorchValue::Tuple>(&arguments->content);
    if (called == nullptr || list == nullptr) refuse("calls what cannot be called");
    if (*called == Name::ordered_dict && list->items.empty()) return push(TorchValue::Map{});
    if (*called != Name::rebuild_tensor) refuse("calls a name in an unknown way");
    push(std::make_unique<TorchTensor>(rebuilt(list->items)));
  }
  /// The state behind an ordered map is notes about versions: nobody needs it.
  void build() {
    pop();
    if (top()->map() == nullptr) refuse("sets the state of what is no map");
  }

  std::int64_t whole(const TorchValue* value) const {
    const auto* number = std::get_if<std::int64_t>(&value->content);
    if (number == nullptr || *number < 0) refuse("a size is not a whole number from 0 on");
    return *number;
  }
  std::vector<std::int64_t> sizes(const TorchValue* value) const {
    const auto* list = std::get_if<TorchValue::Tuple>(&value->content);
    if (list == nullptr || list->items.size() > static_cast<std::size_t>(kMaxRank)) refuse("a shape is no short tuple");
    std::vector<std::int64_t> out;
    for (const TorchValue* item : list->items) out.push_back(whole(item));
    return out;
  }
  void storage() {
    const auto* id = std::get_if<TorchValue::Tuple>(&pop()->content);
    if (id == nullptr || id->items.size() != 5 || id->items[0]->text() == nullptr || *id->items[0]->text() != "storage")
      refuse("an unknown kind of reference");
    const auto* kind = std::get_if<Name>(&id->items[1]->content);
    const std::string* key = id->items[2]->text();
    if (kind == nullptr || *kind != Name::float_storage || key == nullptr) refuse("a storage of another kind");
    const std::int64_t count = whole(id->items[4]);
    const auto found = entries_.find(text::cat(folder_, "data/", *key));
    if (found == entries_.end()) refuse(text::cat("the storage \"", text::printable(*key), "\" is not in the archive"));
    if (found->second.size() % sizeof(float) != 0 ||
        found->second.size() / sizeof(float) != static_cast<std::size_t>(count))
      refuse(text::cat("the storage \"", text::printable(*key), "\" has ", found->second.size(), " bytes, not ", count,
                       " floats"));
    push(TorchValue::Storage{found->second});
  }
  TorchTensor rebuilt(const TorchValue::List& arguments) const {
    const auto* storage = arguments.size() == 6 ? std::get_if<TorchValue::Storage>(&arguments[0]->content) : nullptr;
    if (storage == nullptr) refuse("a tensor without a storage");
    TorchTensor out{storage->bytes, whole(arguments[1]), sizes(arguments[2]), sizes(arguments[3])};
    if (out.shape.size() != out.strides.size()) refuse("a tensor's shape and strides differ in length");
    const std::uint64_t count = storage->bytes.size() / sizeof(float);
    std::uint64_t numbers = 1, last = static_cast<std::uint64_t>(out.offset);
    bool fits = true;
    for (std::size_t d = 0; d < out.shape.size(); ++d) {
      const auto size = static_cast<std::uint64_t>(out.shape[d]), stride = static_cast<std::uint64_t>(out.strides[d]);
      std::uint64_t reach = 0;
      fits = fits && checked_multiply(numbers, size, numbers) &&
             checked_multiply(size == 0 ? 0 : size - 1, stride, reach) && !__builtin_add_overflow(last, reach, &last);
    }
    if (!fits || numbers > count || (numbers > 0 && last >= count)) refuse("a tensor that leaves its storage");
    return out;
  }

  void step(char code) {
    switch (code) {
      case '\x80':
        if (take(1)[0] != 2) refuse("not protocol 2");
        return;
      case '.':
        stopped_ = true;
        return;
      case '(':
        return mark();
      case ']':
        return push(TorchValue::List{});
      case '}':
        return push(TorchValue::Map{});
      case ')':
        return tuple(0);
      case 't':
        return tuple_to_mark();
      case '\x85':
        return tuple(1);
      case '\x86':
        return tuple(2);
      case '\x87':
        return tuple(3);
      case 'a':
        return append({pop()});
      case 'e':
        return append(pop_to_mark());
      case 's':
        return set_item();
      case 'u':
        return set_items(pop_to_mark());
      case 'c':
        return global();
      case 'R':
        return reduce();
      case 'b':
        return build();
      case 'Q':
        return storage();
      default:
        return step_simple(code);
    }
  }
  void step_simple(char code) {
    switch (code) {
      case 'N':
        return push(std::monostate{});
      case '\x88':
        return push(true);
      case '\x89':
        return push(false);
      case 'K':
        return push(static_cast<std::int64_t>(number<std::uint8_t>()));
      case 'M':
        return push(static_cast<std::int64_t>(number<std::uint16_t>()));
      case 'J':
        return push(static_cast<std::int64_t>(number<std::int32_t>()));
      case 'G':
        return push(big_endian_double());
      case 'X':
        return push(unicode());
      case 'q':
        return store(number<std::uint8_t>());
      case 'r':
        return store(number<std::uint32_t>());
      case 'h':
        return load(number<std::uint8_t>());
      case 'j':
        return load(number<std::uint32_t>());
      default:
        refuse(text::cat("the instruction ", static_cast<int>(static_cast<unsigned char>(code)),
                         " has no place in a checkpoint"));
    }
  }

  std::string_view program_;
  const std::string& folder_;
  const Entries& entries_;
  TorchFile& file_;
  std::size_t at_ = 0, start_ = 0;
  bool stopped_ = false;
  std::vector<TorchValue*> stack_;
  std::vector<std::size_t> marks_;
  std::unordered_map<std::uint32_t, TorchValue*> memo_;
};

/// "stem/", below which everything lies.
std::string folder_of(const Entries& entries, const std::string& name) {
  const auto refuse = [&](const std::string& what) -> Error {
    return {ErrorKind::data, what, {name, 0, 0, {}}, "a checkpoint is what torch.save writes (PyTorch 1.6 or newer)"};
  };
  if (entries.empty()) throw refuse("an empty archive is no checkpoint");
  const std::string& first = entries.begin()->first;
  const std::string folder = first.substr(0, first.find('/') + 1);
  if (folder.size() < 2 || !entries.contains(folder + "data.pkl"))
    throw refuse("no checkpoint of PyTorch: no data.pkl");
  for (const auto& entry : entries)
    if (entry.first.compare(0, folder.size(), folder) != 0)
      throw refuse(text::cat("\"", text::printable(entry.first), "\" lies outside of ", text::printable(folder)));
  const auto order = entries.find(folder + "byteorder");
  if (order != entries.end() && order->second != "little") throw refuse("numbers are not little-endian");
  return folder;
}

// ---- writing

void put_text(std::string& out, const std::string& value) {
  out += 'X';
  put(out, static_cast<std::uint32_t>(value.size()));
  out += value;
}

void put_whole(std::string& out, std::int64_t value) {
  THIMBLE_CHECK(value >= 0 && value <= INT32_MAX, value, "a size of ", value, " in a checkpoint");
  out += 'J';
  put(out, static_cast<std::int32_t>(value));
}

void put_name(std::string& out, Name name) {
  std::string_view full;
  for (const auto& known : kNames)
    if (known.second == name) full = known.first;
  out += 'c';
  const std::size_t space = full.find(' ');
  out += text::cat(full.substr(0, space), '\n', full.substr(space + 1), '\n');
}

void put_sizes(std::string& out, const std::vector<std::int64_t>& sizes) {
  out += '(';
  for (const std::int64_t size : sizes) put_whole(out, size);
  out += 't';
}

void put_tensor(std::string& out, const Tensor& tensor, std::size_t key) {
  put_name(out, Name::rebuild_tensor);
  out += "((";
  put_text(out, "storage");
  put_name(out, Name::float_storage);
  put_text(out, text::to_text(key));
  put_text(out, "cpu");
  put_whole(out, tensor.numel());
  out += "tQ";
  put_whole(out, 0);
  std::vector<std::int64_t> shape(static_cast<std::size_t>(tensor.rank())), strides(shape.size());
  std::int64_t stride = 1;
  for (std::size_t d = shape.size(); d-- > 0; stride *= shape[d]) {
    shape[d] = tensor.size(static_cast<int>(d));
    strides[d] = stride;
  }
  put_sizes(out, shape);
  put_sizes(out, strides);
  out += '\x89';
  put_name(out, Name::ordered_dict);
  out += ")RtR";
}

}  // namespace

const TorchValue::List* TorchValue::list() const {
  if (const auto* tuple = std::get_if<Tuple>(&content)) return &tuple->items;
  return std::get_if<List>(&content);
}

const TorchTensor* TorchValue::tensor() const {
  const auto* found = std::get_if<std::unique_ptr<TorchTensor>>(&content);
  return found == nullptr ? nullptr : found->get();
}

bool TorchValue::number(double& value) const {
  if (const auto* whole = std::get_if<std::int64_t>(&content)) {
    value = static_cast<double>(*whole);
    return true;
  }
  const auto* real = std::get_if<double>(&content);
  if (real != nullptr) value = *real;
  return real != nullptr;
}

const TorchValue* TorchValue::find(std::string_view key) const {
  const TorchValue* found = nullptr;
  if (const Map* entries = map())
    for (const auto& entry : *entries)
      if (entry.first->text() != nullptr && *entry.first->text() == key) found = entry.second;
  return found;
}

const TorchValue* TorchValue::find(std::int64_t key) const {
  const TorchValue* found = nullptr;
  if (const Map* entries = map())
    for (const auto& entry : *entries) {
      const auto* whole = std::get_if<std::int64_t>(&entry.first->content);
      if (whole != nullptr && *whole == key) found = entry.second;
    }
  return found;
}

std::unique_ptr<const TorchFile> parse_torch(std::string bytes, const std::string& name) {
  auto file = std::make_unique<TorchFile>();
  file->name = name;
  file->bytes = std::move(bytes);
  const Entries entries = parse_zip(file->bytes, name);
  const std::string folder = folder_of(entries, name);
  const std::string_view program = entries.at(folder + "data.pkl");
  if (program.size() > limits::kPickleBytes)
    throw Error(ErrorKind::data, text::cat("a pickle of ", size_text(program.size())), {name, 0, 0, "data.pkl"});
  file->root = Machine(program, folder, entries, *file).run();
  return file;
}

std::unique_ptr<const TorchFile> read_torch(const std::filesystem::path& path) {
  return parse_torch(read_file(path, limits::kZipBytes), shown(path));
}

Tensor tensor_of(const TorchTensor& view, const std::string& what) {
  const Tensor out = Tensor::empty(Shape(std::span<const std::int64_t>(view.shape)));
  std::vector<std::int64_t> index(view.shape.size(), 0);
  for (std::int64_t i = 0; i < out.numel(); ++i) {
    std::int64_t from = view.offset;
    for (std::size_t d = 0; d < index.size(); ++d) from += index[d] * view.strides[d];
    out.mut<float>()[i] = get<float>(view.storage, static_cast<std::size_t>(from) * sizeof(float));
    for (std::size_t d = index.size(); d-- > 0;) {
      if (++index[d] < view.shape[d]) break;
      index[d] = 0;
    }
  }
  THIMBLE_CHECK(all_finite(out), data, what, ": a number is not finite");
  return out;
}

std::string torch_bytes(const std::vector<std::pair<std::string, Tensor>>& state, const std::string& stem) {
  std::string program("\x80\x02", 2);
  put_name(program, Name::ordered_dict);
  program += ")R(";
  std::vector<std::pair<std::string, std::string>> entries(1);
  for (const auto& [name, tensor] : state) {
    put_text(program, name);
    put_tensor(program, tensor, entries.size() - 1);
    const Tensor plain = tensor.to(DType::f32).to(Layout::rows);
    entries.emplace_back(text::cat(stem, "/data/", entries.size() - 1),
                         std::string(static_cast<const char*>(plain.raw()), plain.bytes()));
  }
  program += "u.";
  entries[0] = {stem + "/data.pkl", program};
  entries.emplace_back(stem + "/version", "3\n");
  return zip_bytes(entries);
}

}  // namespace thimble::io
