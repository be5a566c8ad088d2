#include "apps/common/config/json_schema.h"

#include "core/base/text.h"

#include <nlohmann/json.hpp>

#include <cmath>

namespace thimble::app {
namespace {

using Json = nlohmann::ordered_json;

Json object_schema(const FieldList& fields);

/// Limits of one number or text.
void add_limits(Json& out, const Field& field) {
  const Range& range = field.range;
  if (std::isfinite(range.low)) out[range.low_open ? "exclusiveMinimum" : "minimum"] = range.low;
  if (std::isfinite(range.high)) out[range.high_open ? "exclusiveMaximum" : "maximum"] = range.high;
  if (!field.choices.empty()) out["enum"] = field.choices;
  if (field.path_name) out["pattern"] = "^([A-Za-z0-9][A-Za-z0-9._-]{0,63})?$";
}

/// From the words of type_name.
Json typed(std::string type, const Field& field) {
  constexpr std::string_view kNull = " or null", kList = "list of ";
  if (type.ends_with(kNull)) {
    Json inner = typed(type.substr(0, type.size() - kNull.size()), field);
    return {{"anyOf", Json::array({inner, Json{{"type", "null"}}})}};
  }
  if (type.starts_with(kList)) return {{"type", "array"}, {"items", typed(type.substr(kList.size()), field)}};
  Json out = Json::object();
  if (type == "true or false") out["type"] = "boolean";
  if (type == "whole number") out["type"] = "integer";
  if (type == "number") out["type"] = "number";
  if (type == "text") out["type"] = "string";
  add_limits(out, field);
  return out;
}

Json field_schema(const Field& field) {
  Json out;
  switch (field.form) {
    case Field::Form::block:
      out = object_schema(field.block());
      break;
    case Field::Form::block_list:
      out = {{"type", "array"}, {"items", {{"type", "object"}}}};
      break;
    case Field::Form::block_map:
      out = {{"type", "object"}, {"additionalProperties", {{"type", "object"}}}};
      break;
    case Field::Form::value:
    case Field::Form::any:
      out = typed(field.type, field);
      out["default"] = Json::parse(to_json(field.get()));
  }
  out["description"] = field.meaning + (field.unit.empty() ? "" : " [" + field.unit + "]");
  return out;
}

Json object_schema(const FieldList& fields) {
  Json properties = Json::object();
  for (const Field& field : fields) {
    const Json schema = field_schema(field);
    properties[field.key] = schema;
    for (const std::string& other : field.aliases) properties[other] = schema;
  }
  return {{"type", "object"}, {"additionalProperties", false}, {"properties", properties}};
}

}  // namespace

std::string json_schema(const FieldList& fields, const std::string& app, const std::vector<std::string>& blocks) {
  Json out = {{"$schema", "https://json-schema.org/draft/2020-12/schema"},
              {"title", "thimble-" + app + " configuration"}};
  out.update(object_schema(fields));
  out["properties"]["extends"] = {{"type", "string"}, {"description", "configuration this one builds on"}};
  out["properties"]["description"] = {{"type", "string"}, {"description", "one line about this configuration"}};
  for (const std::string& block : blocks) {
    out["properties"][block] = {{"type", "object"}, {"description", "settings that replace those above for " + block}};
  }
  return out.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace thimble::app
