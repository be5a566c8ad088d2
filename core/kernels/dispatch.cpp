#include "core/kernels/dispatch.h"

#include "core/base/error.h"

#include <cstdlib>
#include <string_view>

namespace thimble::kernels {
namespace {

const IsaTable& choose() {
  THIMBLE_CHECK(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), tool, "this build needs AVX2 and FMA");
  const char* wish = std::getenv("THIMBLE_ISA");
  const bool small = wish != nullptr && std::string_view(wish) == "avx2";
  const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq");
  return avx512 && !small ? avx512::table() : avx2::table();
}

}  // namespace

const IsaTable& isa() {
  static const IsaTable& chosen = choose();
  return chosen;
}

}  // namespace thimble::kernels
