#pragma once
// Checksums and hashes of the whole project. None of them is a signature: content behind a right hash is still checked.

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace thimble::io {

/// SHA-256 (FIPS 180-4), fed in pieces.
class Sha256 {
 public:
  Sha256& update(std::string_view bytes);
  /// The 32 bytes; the object is used up.
  std::array<std::uint8_t, 32> digest();
  /// 64 lower-case hexadecimal digits; the object is used up.
  std::string hex();

 private:
  void block(const std::uint8_t* at);
  std::array<std::uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<std::uint8_t, 64> rest_{};
  std::uint64_t length_ = 0;
};

/// SHA-256 as 64 lower-case hexadecimal digits.
std::string sha256_hex(std::string_view bytes);

/// XXH64 of xxHash (seal of checkpoints, cache).
std::uint64_t xxh64(std::string_view bytes, std::uint64_t seed = 0);

/// CRC-32C (Castagnoli), as TensorBoard records use it; `start` continues an earlier result.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t start = 0);
/// The rotated and shifted form that TensorBoard stores.
std::uint32_t masked_crc32c(std::string_view bytes);

/// CRC-32 of zip, gzip and PNG; `start` continues an earlier result.
std::uint32_t crc32(std::string_view bytes, std::uint32_t start = 0);

/// "00ff" from bytes.
std::string hex(std::string_view bytes);

}  // namespace thimble::io
