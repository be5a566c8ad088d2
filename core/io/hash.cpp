#include "core/io/hash.h"

#include "core/io/bytes.h"

#include <nmmintrin.h>
#include <zlib.h>

#include <algorithm>
#include <bit>

namespace thimble::io {
namespace {

// fractional parts of the cube roots of the first 64 primes
constexpr std::array<std::uint32_t, 64> kRound{
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

constexpr std::uint64_t kP1 = 0x9E3779B185EBCA87, kP2 = 0xC2B2AE3D27D4EB4F, kP3 = 0x165667B19E3779F9,
                        kP4 = 0x85EBCA77C2B2AE63, kP5 = 0x27D4EB2F165667C5;

std::uint64_t xx_round(std::uint64_t lane, std::uint64_t input) {
  return std::rotl(lane + input * kP2, 31) * kP1;
}

std::uint64_t xx_merge(std::uint64_t hash, std::uint64_t lane) {
  return (hash ^ xx_round(0, lane)) * kP1 + kP4;
}

/// The part of at most 31 bytes behind the last full stripe, and the final mixing.
std::uint64_t xx_finish(std::uint64_t hash, std::string_view rest) {
  for (; rest.size() >= 8; rest.remove_prefix(8))
    hash = std::rotl(hash ^ xx_round(0, get<std::uint64_t>(rest, 0)), 27) * kP1 + kP4;
  if (rest.size() >= 4) {
    hash = std::rotl(hash ^ (get<std::uint32_t>(rest, 0) * kP1), 23) * kP2 + kP3;
    rest.remove_prefix(4);
  }
  for (const char c : rest) hash = std::rotl(hash ^ (static_cast<std::uint8_t>(c) * kP5), 11) * kP1;
  hash = (hash ^ (hash >> 33)) * kP2;
  hash = (hash ^ (hash >> 29)) * kP3;
  return hash ^ (hash >> 32);
}

}  // namespace

void Sha256::block(const std::uint8_t* at) {
  std::array<std::uint32_t, 64> w{};
  for (std::size_t i = 0; i < 16; ++i)
    w[i] = static_cast<std::uint32_t>(at[4 * i]) << 24 | static_cast<std::uint32_t>(at[4 * i + 1]) << 16 |
           static_cast<std::uint32_t>(at[4 * i + 2]) << 8 | at[4 * i + 3];
  for (std::size_t i = 16; i < 64; ++i) {
    const std::uint32_t s0 = std::rotr(w[i - 15], 7) ^ std::rotr(w[i - 15], 18) ^ (w[i - 15] >> 3);
    const std::uint32_t s1 = std::rotr(w[i - 2], 17) ^ std::rotr(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + s0 + w[i - 7] + s1;
  }
  auto [a, b, c, d, e, f, g, h] = state_;
  for (std::size_t i = 0; i < 64; ++i) {
    const std::uint32_t s1 = std::rotr(e, 6) ^ std::rotr(e, 11) ^ std::rotr(e, 25);
    const std::uint32_t t1 = h + s1 + ((e & f) ^ (~e & g)) + kRound[i] + w[i];
    const std::uint32_t s0 = std::rotr(a, 2) ^ std::rotr(a, 13) ^ std::rotr(a, 22);
    const std::uint32_t t2 = s0 + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + t1, d = c, c = b, b = a, a = t1 + t2;
  }
  const std::array<std::uint32_t, 8> add{a, b, c, d, e, f, g, h};
  for (std::size_t i = 0; i < 8; ++i) state_[i] += add[i];
}

Sha256& Sha256::update(std::string_view bytes) {
  std::size_t have = static_cast<std::size_t>(length_ % 64);
  length_ += bytes.size();
  while (!bytes.empty()) {
    const std::size_t take = std::min(bytes.size(), 64 - have);
    std::memcpy(rest_.data() + have, bytes.data(), take);
    bytes.remove_prefix(take);
    have += take;
    if (have == 64) {
      block(rest_.data());
      have = 0;
    }
  }
  return *this;
}

std::array<std::uint8_t, 32> Sha256::digest() {
  const std::uint64_t bits = length_ * 8;
  std::string padding(1, '\x80');
  padding.append((119 - length_ % 64) % 64, '\0');
  for (int shift = 56; shift >= 0; shift -= 8) padding += static_cast<char>(bits >> shift & 0xff);
  update(padding);
  std::array<std::uint8_t, 32> out{};
  for (std::size_t i = 0; i < 32; ++i) out[i] = static_cast<std::uint8_t>(state_[i / 4] >> (24 - 8 * (i % 4)));
  return out;
}

std::string Sha256::hex() {
  const auto bytes = digest();
  std::string raw(bytes.begin(), bytes.end());
  return io::hex(raw);
}

std::string sha256_hex(std::string_view bytes) {
  return Sha256().update(bytes).hex();
}

std::string hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string out;
  for (const char c : bytes) {
    out += digits[static_cast<std::uint8_t>(c) >> 4];
    out += digits[static_cast<std::uint8_t>(c) & 15];
  }
  return out;
}

std::uint64_t xxh64(std::string_view bytes, std::uint64_t seed) {
  const std::uint64_t length = bytes.size();
  if (length < 32) return xx_finish(seed + kP5 + length, bytes);
  std::array<std::uint64_t, 4> lane{seed + kP1 + kP2, seed + kP2, seed, seed - kP1};
  for (; bytes.size() >= 32; bytes.remove_prefix(32))
    for (std::size_t i = 0; i < 4; ++i) lane[i] = xx_round(lane[i], get<std::uint64_t>(bytes, 8 * i));
  std::uint64_t hash = std::rotl(lane[0], 1) + std::rotl(lane[1], 7) + std::rotl(lane[2], 12) + std::rotl(lane[3], 18);
  for (const std::uint64_t l : lane) hash = xx_merge(hash, l);
  return xx_finish(hash + length, bytes);
}

std::uint32_t crc32c(std::string_view bytes, std::uint32_t start) {
  std::uint64_t crc = static_cast<std::uint32_t>(~start);
  for (; bytes.size() >= 8; bytes.remove_prefix(8)) crc = _mm_crc32_u64(crc, get<std::uint64_t>(bytes, 0));
  auto small = static_cast<std::uint32_t>(crc);
  for (const char c : bytes) small = _mm_crc32_u8(small, static_cast<std::uint8_t>(c));
  return ~small;
}

std::uint32_t masked_crc32c(std::string_view bytes) {
  return std::rotr(crc32c(bytes), 15) + 0xA282EAD8u;
}

std::uint32_t crc32(std::string_view bytes, std::uint32_t start) {
  return static_cast<std::uint32_t>(::crc32_z(start, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()));
}

}  // namespace thimble::io
