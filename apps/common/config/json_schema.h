#pragma once
// A schema as JSON Schema 2020-12, for editors and other programs.

#include "apps/common/config/schema.h"

namespace thimble::app {

/// JSON text; `blocks` are top-level names whose content is the schema again.
std::string json_schema(const FieldList& fields, const std::string& app, const std::vector<std::string>& blocks);

}  // namespace thimble::app
