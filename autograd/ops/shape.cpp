#include "autograd/ops/shape.h"

#include "core/base/error.h"
#include "core/kernels/elementwise.h"

#include <algorithm>

namespace thimble {
namespace {

/// As many vectors as an operation takes.
Var concat_few(std::span<const Var> parts) {
  std::int64_t size = 0;
  for (const Var& part : parts) {
    THIMBLE_CHECK(part.shape().rank() == 1 && part.dtype() == parts[0].dtype() && part.layout() == Layout::rows, shape,
                  "concat: a part is ", part.shape(), ", wanted vectors of one type");
    size += part.size(0);
  }
  std::array<Var, kMaxInputs> in;
  std::copy(parts.begin(), parts.end(), in.begin());
  const int count = static_cast<int>(parts.size());
  return record(
      "concat", {in[0], in[1], in[2], in[3], in[4], in[5]}, {{size}, parts[0].dtype()},
      [count](const Run& r) {
        std::int64_t first = 0;
        for (int k = 0; k < count; first += r.in(k).size(0), ++k)
          copy_into(r.in(k), r.out().rows(first, r.in(k).size(0)));
      },
      [count](const Run& r) {
        std::int64_t first = 0;
        for (int k = 0; k < count; first += r.in(k).size(0), ++k)
          if (const kernels::Into d = r.d_in(k)) kernels::scale(r.d_out().rows(first, r.in(k).size(0)), 1, d);
      });
}

}  // namespace

Var reshape(const Var& x, Shape shape) {
  return record_view("reshape", x, x.value().reshape(shape), [](const Run& r) {
    const kernels::Into dx = r.d_in(0);
    const Tensor view = dx.tensor->reshape(r.d_out().shape());
    kernels::scale(r.d_out(), 1, {&view, dx.add});
  });
}

Var flatten(const Var& x) {
  return reshape(x, {x.size(0), x.shape().numel_from(1)});
}

Var concat(std::span<const Var> parts) {
  THIMBLE_CHECK(!parts.empty(), shape, "concat: no parts");
  if (parts.size() == 1) return parts[0];
  std::vector<Var> joined;
  for (std::size_t first = 0; first < parts.size(); first += kMaxInputs)
    joined.push_back(concat_few(parts.subspan(first, std::min<std::size_t>(kMaxInputs, parts.size() - first))));
  return concat(joined);
}

}  // namespace thimble
