#pragma once
// Zip archives without compression, the container of PyTorch checkpoints. Read as strictly as they are written:
// directory and local headers must say the same, entries may not overlap, every checksum is computed.

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace thimble::io {

/// Contents of the entries by name; views into `bytes`. Throws Error(data) with the offset for anything but a complete
/// archive of stored entries: compressed or encrypted ones, a wrong CRC-32, a repeated name, entries that overlap,
/// headers that disagree, several volumes, bytes behind the end.
std::map<std::string, std::string_view> parse_zip(std::string_view bytes, const std::string& name);

/// An archive of stored entries in the given order, their contents aligned to 64 bytes; no times. Equal entries give
/// equal bytes. Throws Error(value) for more than 2 GiB.
std::string zip_bytes(const std::vector<std::pair<std::string, std::string>>& entries);

}  // namespace thimble::io
