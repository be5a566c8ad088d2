#pragma once
// Private to the isolated reader: a tree, or an error, as bytes between the two processes.

#include "core/io/hdf5.h"

#include <string>
#include <string_view>

namespace thimble::io {

/// What the reader is asked for.
struct ReaderPlan {
  std::string file;
  Hdf5Rules rules;
  int seconds = limits::kHdf5Seconds;
};

std::string encode_plan(const ReaderPlan& plan);
ReaderPlan decode_plan(std::string_view bytes);

std::string encode_tree(const Hdf5Tree& tree);
std::string encode_error(const Error& error);
/// The tree, or throws the error that was encoded. Everything is checked again: Error(data) if the bytes are damaged.
Hdf5Tree decode_answer(std::string_view bytes, const std::string& name);

}  // namespace thimble::io
