// The resolved configuration as a person reads it: every key with its meaning and where its value came from.

#include "core/base/text.h"

#include "apps/common/cli/screen.h"
#include "apps/common/config/schema.h"

#include <algorithm>

namespace thimble::app {
namespace {

/// The origin of a key under any of its spellings.
const Origin* origin_of(const ConfigTree& tree, const std::string& prefix, const Field& field) {
  if (const Node* node = tree.find(prefix + field.key)) return &node->origin;
  for (const std::string& other : field.aliases) {
    if (const Node* node = tree.find(prefix + other)) return &node->origin;
  }
  return nullptr;
}

std::string comment(const Field& field, const Origin* origin) {
  std::string out = field.meaning;
  if (!field.unit.empty()) out += " [" + field.unit + "]";
  return out + (origin == nullptr ? "; default" : "; from " + text::printable(origin->brief(), 200));
}

void write_fields(const FieldList& fields, const ConfigTree& tree, const std::string& prefix, std::size_t indent,
                  std::string& out) {
  const std::string margin(indent, ' ');
  for (const Field& field : fields) {
    if (field.form == Field::Form::block) {
      out += margin + field.key + ":  # " + field.meaning + "\n";
      write_fields(field.block(), tree, prefix + field.key + ".", indent + 2, out);
      continue;
    }
    const Node value = dump_fields({field}).items.front();
    std::string line = margin + field.key + ": " + flow_text(value);
    if (columns(line) < 36) line.append(36 - columns(line), ' ');
    out += line + "  # " + comment(field, origin_of(tree, prefix, field)) + "\n";
  }
}

}  // namespace

std::string commented_yaml(const FieldList& fields, const ConfigTree& tree) {
  std::string out;
  write_fields(fields, tree, "", 0, out);
  return out;
}

}  // namespace thimble::app
