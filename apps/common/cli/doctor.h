#pragma once
// What this machine offers to Thimble.

#include "apps/common/cli/program.h"

#include <string>

namespace thimble::app {

/// Path of a program found through PATH; empty if there is none.
std::string find_program(const std::string& name);
/// "AVX-512" or "AVX2".
std::string instruction_set();
/// Model name of the CPU as the kernel tells it.
std::string cpu_name();

/// The verb `doctor`; every program gets it.
Verb doctor_verb();

}  // namespace thimble::app
