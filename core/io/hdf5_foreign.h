#pragma once
// HDF5 files of other programs. The library crashes or hangs on some damaged files, so it reads them in a process of
// its own, with limits on memory, time and rights; what comes back is checked again (reliability.md 3.3).

#include "core/io/hdf5.h"

#include <filesystem>

namespace thimble::io {

/// Tree of a foreign HDF5 file: the attributes of all objects and the data sets that `rules` name (by default all,
/// which then must be numbers). Numbers of data sets are finite; attributes may be not. External storage, links to
/// other files, virtual data sets, unknown filters and excessive claims are refused. The program must have called
/// maybe_run_reader at its start. Throws Error(io) or Error(data); a reader that died is Error(data) naming the file
/// and the object it was reading.
Hdf5Tree read_foreign_hdf5(const std::filesystem::path& path, Hdf5Rules rules = {}, int seconds = limits::kHdf5Seconds);

/// Outlines of all data sets and all attributes; no numbers are read.
Hdf5Tree outline_foreign_hdf5(const std::filesystem::path& path);
/// Part of one data set, as read_foreign_hdf5 reads whole ones: a file may be larger than memory.
Array read_foreign_slab(const std::filesystem::path& path, const Hdf5Slab& slab);

/// First statement of every main(): if this process was started as the isolated reader, reads and does not return.
void maybe_run_reader(int argc, char** argv);

}  // namespace thimble::io
