#include "apps/common/run/training.h"

#include "core/base/error.h"

#include <algorithm>

namespace thimble::app {
namespace {

bool may_change(const FieldList& fields, const std::string& key, const std::string& prefix = "") {
  return std::any_of(fields.begin(), fields.end(), [&](const Field& f) {
    const std::string full = prefix + f.key;
    if (f.form == Field::Form::block) return may_change(f.block(), key, full + ".");
    return full == key && f.resumable;
  });
}

}  // namespace

void check_resume(const FieldList& fields, const std::vector<Override>& overrides) {
  for (const Override& change : overrides)
    if (!may_change(fields, change.key))
      throw Error(ErrorKind::usage, text::cat("'", change.key, "' cannot change when a run is resumed"),
                  {"", 0, 0, change.word}, "start a new run, or leave it out");
}

}  // namespace thimble::app
