#pragma once
// Recordings to files, a few segments at a time.

#include "apps/fenet/data/session.h"

#include <filesystem>
#include <string>
#include <vector>

namespace thimble::fenet {

enum class DayFormat { raw, npy, nwb, matlab };
/// "raw", "npy", "nwb", "matlab".
DayFormat parse_day_format(const std::string& name);

/// Writes the sessions of a day as they were recorded (Session::raw) with their labels, in a form that this program
/// reads again, into an existing folder. Returns the files, those to name in data.train first:
/// - raw: NAME.json, and per session NAME_<s>.raw (int16, steps of 0.25 microvolts, interleaved), NAME_<s>.npy
/// (labels);
/// - npy: per session NAME_<s>_broadband.npy (f32) and NAME_<s>_labels.npy;
/// - nwb: per session NAME_<s>.nwb, NWB 2 with int16 samples in volts and the behaviour with times of its own;
/// - matlab: FennData_<NAME>_Reshaped_30ms_cell_new.mat, a day file.
/// raw and npy may be larger than memory; the others are built in memory and refused above a gigabyte. Every file
/// appears whole or not at all. Throws Error(io), Error(value).
std::vector<std::filesystem::path> write_day(const Day& day, DayFormat format, const std::filesystem::path& folder);

}  // namespace thimble::fenet
