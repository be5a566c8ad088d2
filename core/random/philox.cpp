#include "core/random/philox.h"

#include <cmath>
#include <numbers>

namespace thimble {
namespace {

constexpr std::uint32_t low(std::uint64_t x) {
  return static_cast<std::uint32_t>(x);
}
constexpr std::uint32_t high(std::uint64_t x) {
  return static_cast<std::uint32_t>(x >> 32);
}

std::array<std::uint32_t, 4> draw(std::uint64_t key, std::uint64_t step, std::uint64_t block) {
  return philox4x32({low(block), high(block), low(step), high(step)}, {low(key), high(key)});
}

/// FNV-1a of the name, mixed with the parent's key by the SplitMix64 finaliser.
std::uint64_t mix(std::uint64_t key, std::string_view name) {
  std::uint64_t hash = 0xCBF29CE484222325u;
  for (const char c : name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001B3u;
  std::uint64_t z = key + 0x9E3779B97F4A7C15u + hash;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
  return z ^ (z >> 31);
}

}  // namespace

std::array<std::uint32_t, 4> philox4x32(std::array<std::uint32_t, 4> c, std::array<std::uint32_t, 2> key) {
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c[0];
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c[2];
    c = {high(p1) ^ c[1] ^ key[0], low(p1), high(p0) ^ c[3] ^ key[1], low(p0)};
    key[0] += 0x9E3779B9u;
    key[1] += 0xBB67AE85u;
  }
  return c;
}

Stream Stream::stream(std::string_view name) const {
  return Stream(mix(key_, name));
}

std::uint32_t Stream::bits(std::uint64_t step, std::uint64_t index) const {
  return draw(key_, step, index / 4)[index % 4];
}

std::uint64_t Stream::bits64(std::uint64_t step, std::uint64_t index) const {
  const auto words = draw(key_, step, index / 2);
  const std::size_t at = 2 * (index % 2);
  return (std::uint64_t{words[at + 1]} << 32) | words[at];
}

float Stream::uniform(std::uint64_t step, std::uint64_t index) const {
  return static_cast<float>(bits(step, index) >> 8) * 0x1p-24f;
}

double Stream::uniform64(std::uint64_t step, std::uint64_t index) const {
  return static_cast<double>(bits64(step, index) >> 11) * 0x1p-53;
}

double Stream::normal(std::uint64_t step, std::uint64_t index) const {
  const auto words = draw(key_, step, index / 2);
  const double radius = std::sqrt(-2.0 * std::log((static_cast<double>(words[0]) + 0.5) * 0x1p-32));
  const double angle = 2.0 * std::numbers::pi * (static_cast<double>(words[1]) * 0x1p-32);
  return radius * (index % 2 == 0 ? std::cos(angle) : std::sin(angle));
}

std::uint64_t Stream::below(std::uint64_t n, std::uint64_t step, std::uint64_t index) const {
  __extension__ using Wide = unsigned __int128;
  return static_cast<std::uint64_t>((Wide{bits64(step, index)} * n) >> 64);
}

}  // namespace thimble
