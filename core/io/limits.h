#pragma once
// What a file may cost before it is refused. One place, shown in the error and in the documentation.
// Origin: reliability.md, section 2.

#include <cstddef>
#include <cstdint>

namespace thimble::io::limits {

inline constexpr std::uint64_t kKiB = 1024;
inline constexpr std::uint64_t kMiB = 1024 * kKiB;
inline constexpr std::uint64_t kGiB = 1024 * kMiB;

// YAML configurations
inline constexpr std::uint64_t kConfigBytes = 256 * kKiB;
inline constexpr int kConfigDepth = 32;
inline constexpr int kConfigNodes = 20'000;
inline constexpr std::size_t kConfigKeyBytes = 128;
inline constexpr std::size_t kConfigScalarBytes = 64 * kKiB;
inline constexpr int kExtendsChain = 8;

// text tables, plain or gzip
inline constexpr std::size_t kLineBytes = kMiB;
inline constexpr std::size_t kTableColumns = 4096;
inline constexpr int kEmptyLines = 1000;
inline constexpr std::uint64_t kTableBytes = 4 * kGiB;  // in memory, 8 bytes for each value

// NumPy
inline constexpr std::size_t kNpyHeaderBytes = 64 * kKiB;
inline constexpr std::uint64_t kNpyBytes = 4 * kGiB;
inline constexpr int kArrayRank = 8;

// sealed HDF5 files of ours
inline constexpr std::uint64_t kSealedBytes = 2 * kGiB;

// HDF5 files of others
inline constexpr int kHdf5Depth = 32;
inline constexpr std::uint64_t kHdf5Objects = 100'000;
inline constexpr std::uint64_t kHdf5AttributeBytes = 64 * kKiB;
inline constexpr std::uint64_t kHdf5ChunkBytes = 256 * kMiB;
inline constexpr std::uint64_t kDeflateRatio = 1032;  // deflate cannot do better
inline constexpr std::uint64_t kHdf5Budget = kGiB;    // bytes of all arrays together
inline constexpr int kHdf5Seconds = 60;

// PyTorch checkpoints
inline constexpr std::uint64_t kZipBytes = 2 * kGiB;
inline constexpr std::uint64_t kZipEntries = 10'000;
inline constexpr std::uint64_t kPickleBytes = 64 * kMiB;
inline constexpr std::size_t kPickleDepth = 64;
inline constexpr std::size_t kPickleMemo = 1'000'000;
inline constexpr std::size_t kPickleText = kMiB;

// JSON
inline constexpr std::uint64_t kJsonBytes = 64 * kMiB;
inline constexpr int kJsonDepth = 64;

// TensorBoard events
inline constexpr std::uint64_t kEventRecordBytes = 256 * kMiB;

// expressions and filters
inline constexpr std::size_t kExpressionBytes = 4096;
inline constexpr int kExpressionDepth = 64;
inline constexpr std::size_t kExpressionList = 1024;

// child programs
inline constexpr int kChildSeconds = 120;
inline constexpr std::uint64_t kChildBytes = 2 * kGiB;

// messages
inline constexpr std::size_t kProblemsPrinted = 50;

}  // namespace thimble::io::limits
