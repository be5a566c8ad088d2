#pragma once
// Checkpoints of PyTorch without Python. A pickle is a program: this reader knows the few instructions that lists,
// maps, numbers, texts and float tensors need, and three names, which it never calls. Everything else ends the reading.

#include "core/tensor/tensor.h"

#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace thimble::io {

/// A float tensor as a checkpoint describes it: a view of one entry of the archive.
struct TorchTensor {
  std::string_view storage;  // little-endian f32
  std::int64_t offset = 0;   // in elements, like the strides
  std::vector<std::int64_t> shape, strides;
};

/// A value of a checkpoint. Values are shared (one may stand in several places, even within itself) and live as long as
/// the TorchFile they come from.
struct TorchValue {
  enum class Name : std::uint8_t { rebuild_tensor, float_storage, ordered_dict };  // the names that may occur
  struct Storage {
    std::string_view bytes;
  };
  using List = std::vector<const TorchValue*>;
  struct Tuple {
    List items;
  };
  using Map = std::vector<std::pair<const TorchValue*, const TorchValue*>>;  // in the order of the file
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Tuple, Map, Name, Storage,
               std::unique_ptr<TorchTensor>>
      content;

  /// Null if it is something else.
  const List* list() const;  // or a tuple
  const Map* map() const { return std::get_if<Map>(&content); }
  const std::string* text() const { return std::get_if<std::string>(&content); }
  const TorchTensor* tensor() const;
  /// A whole number or a double; false for anything else.
  bool number(double& value) const;
  /// Entry of a map by its text or whole number, the last one if there are several; null if there is none or no map.
  const TorchValue* find(std::string_view key) const;
  const TorchValue* find(std::int64_t key) const;
};

/// A checkpoint read whole.
struct TorchFile {
  std::string name, bytes;
  std::deque<TorchValue> values;
  const TorchValue* root = nullptr;
};

/// Parses a zip checkpoint (torch.save of PyTorch 1.6 or newer). Throws Error(data) with the byte of the pickle for an
/// unknown instruction or name, for tensors that leave their storage, storages of another size, a file that ends early
/// or goes on, and for more than the limits of limits.h.
std::unique_ptr<const TorchFile> parse_torch(std::string bytes, const std::string& name);
/// The same from a regular file; Error(io) if it cannot be read.
std::unique_ptr<const TorchFile> read_torch(const std::filesystem::path& path);

/// The numbers of a tensor, row-major f32. Throws Error(data) naming `what` if one is not finite.
Tensor tensor_of(const TorchTensor& view, const std::string& what);

/// A checkpoint that holds one ordered map of f32 tensors, which torch.load(..., weights_only=True) reads. `stem` is
/// the folder inside the archive. Equal tensors give equal bytes.
std::string torch_bytes(const std::vector<std::pair<std::string, Tensor>>& state, const std::string& stem = "weights");

}  // namespace thimble::io
