#pragma once
// Codes of the activation functions, shared by core/kernels/activation.h and the kernels per instruction set (which may
// include no header with inline functions of the standard library).

#include <cstdint>

namespace thimble {

enum class Act : std::uint8_t { none, tanh, tanh_half, softsign, relu, sigmoid, leaky_relu, selu, hard_sigmoid };

namespace kernels {
using ActCode = Act;
}

}  // namespace thimble
