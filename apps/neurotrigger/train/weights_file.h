#pragma once
// weights.json: the networks of all experts as one line of JSON, the format that the trigger software reads.

#include "core/tensor/tensor.h"

#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thimble::neurotrigger {

/// Tensors of one network by name ("net.0.weight" [81, 27], "net.0.bias" [81], ...), in the order of the layers.
using State = std::vector<std::pair<std::string, Tensor>>;

/// nullptr if there is none of that name.
const Tensor* find_tensor(const State& state, std::string_view name);

/// Networks by expert number (-1 = one network for all tracks).
using Networks = std::map<int, State>;

/// Text of weights.json: experts in ascending order (-1 first), numbers as the shortest decimal of the float widened
/// to double, so that reading gives the same bits.
std::string weights_json(const Networks& networks);
/// Reads the text; any order of keys. Throws Error(data) naming expert and tensor when shapes and numbers disagree.
Networks parse_weights(std::string_view json, const std::string& name);
/// parse_weights of a file.
Networks read_weights(const std::filesystem::path& path);

}  // namespace thimble::neurotrigger
