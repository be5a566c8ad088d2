#include "core/base/error.h"

#include "nn/train/checkpoint.h"

#include <set>

namespace thimble::nn {
namespace {

std::string described(const Tensor& t) {
  return text::cat(name_of(t.dtype()), " ", t.shape());
}

/// Pairs of stored and living tensors of one group; what does not fit goes to `wrong`.
class Matcher {
 public:
  Matcher(const State& stored, std::vector<std::string>& wrong) : stored_(stored), wrong_(wrong) {}

  void match(const std::string& path, const Tensor& tensor) {
    wanted_.insert(path);
    const auto found = stored_.tensors.find(path);
    const bool there = found != stored_.tensors.end();
    if (there && found->second.shape() == tensor.shape() && found->second.dtype() == tensor.dtype())
      copies_.emplace_back(found->second, tensor);
    else
      wrong_.push_back(
          text::cat(path, ": file ", there ? described(found->second) : "none", ", model ", described(tensor)));
  }
  void name_the_rest() {
    for (const auto& [path, tensor] : stored_.tensors)
      if (!wanted_.count(path)) wrong_.push_back(text::cat(path, ": file ", described(tensor), ", model none"));
  }
  void copy() const {
    for (const auto& [from, to] : copies_) copy_into(from, to);
  }

 private:
  const State& stored_;
  std::vector<std::string>& wrong_;
  std::set<std::string> wanted_;
  std::vector<std::pair<Tensor, Tensor>> copies_;
};

const State& group_of(const Checkpoint& checkpoint, const std::string& name, const std::string& file) {
  const auto found = checkpoint.groups.find(name);
  THIMBLE_CHECK(found != checkpoint.groups.end(), data, file, ": the part '", name, "' is missing");
  return found->second;
}

}  // namespace

void store_snapshot(Checkpoint& checkpoint, const Parts& model, const Snapshot& snapshot) {
  State& parameters = checkpoint.groups["model"];
  State& buffers = checkpoint.groups["buffers"];
  std::size_t i = 0;
  for (const NamedParameter& p : model.parameters) parameters.tensors[p.path] = snapshot.tensors()[i++];
  for (const NamedBuffer& b : model.buffers) buffers.tensors[b.path] = snapshot.tensors()[i++];
}

void store_model(Checkpoint& checkpoint, const Parts& model) {
  store_snapshot(checkpoint, model, Snapshot(model));
}

void load_model(const Checkpoint& checkpoint, const Parts& model, const std::string& file) {
  std::vector<std::string> wrong;
  Matcher parameters(group_of(checkpoint, "model", file), wrong), buffers(group_of(checkpoint, "buffers", file), wrong);
  for (const NamedParameter& p : model.parameters) parameters.match(p.path, p.parameter->value);
  for (const NamedBuffer& b : model.buffers) buffers.match(b.path, b.buffer->value);
  parameters.name_the_rest();
  buffers.name_the_rest();
  if (!wrong.empty())
    throw Error(ErrorKind::data, "checkpoint of another network: " + text::join(wrong, "; "), Place{file, 0, 0, {}},
                "give the configuration that this checkpoint was trained with");
  parameters.copy();
  buffers.copy();
}

}  // namespace thimble::nn
