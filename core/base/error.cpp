#include "core/base/error.h"

namespace thimble {
namespace {

std::string whole(const std::string& message, const Place& place, const std::string& hint) {
  std::string out = message;
  if (!place.file.empty()) {
    out += "\n  --> " + place.file;
    if (place.line > 0) out += ":" + std::to_string(place.line);
    if (place.column > 0) out += ":" + std::to_string(place.column);
    if (!place.name.empty()) out += ": " + place.name;
  } else if (!place.name.empty()) {
    out += "\n  --> " + place.name;
  }
  if (!hint.empty()) out += "\n  help: " + hint;
  return out;
}

std::string all(const std::vector<Error>& list) {
  std::string out;
  for (const Error& error : list) out += (out.empty() ? "" : "\n") + std::string(error.what());
  return out;
}

}  // namespace

Error::Error(ErrorKind kind, std::string message, Place place, std::string hint)
    : std::runtime_error(whole(message, place, hint)),
      kind_(kind),
      message_(std::move(message)),
      hint_(std::move(hint)),
      place_(std::move(place)) {}

Errors::Errors(std::vector<Error> list)
    : Error(list.empty() ? ErrorKind::internal : list.front().kind(), all(list)), list_(std::move(list)) {}

int exit_code(ErrorKind kind) {
  return kind == ErrorKind::failed || kind == ErrorKind::internal ? 1 : 2;
}

}  // namespace thimble
