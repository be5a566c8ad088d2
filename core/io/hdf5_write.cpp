#include "core/io/bytes.h"
#include "core/io/hdf5.h"
#include "core/io/hdf5_ids.h"

#include <algorithm>
#include <cstdlib>

namespace thimble::io {
namespace {

using hdf5::Id;

constexpr std::size_t kIncrement = 1 << 20;
constexpr std::uint64_t kChunk = 4 * limits::kMiB;
constexpr std::size_t kEndOfFile = 28;  // u64 in the superblock of the newest format: bytes that count

void check(bool good, const std::string& what) {
  THIMBLE_CHECK(good, internal, "HDF5 could not write ", what);
}

/// The memory behind a file that lives in memory. The library asks for it through callbacks and leaves it to us at the
/// end. Grown parts are cleared, so holes in the file hold zeros and equal trees give equal bytes.
struct Image {
  char* data = nullptr;
  std::size_t size = 0;

  Image() = default;
  ~Image() { std::free(data); }
  Image(const Image&) = delete;
  Image& operator=(const Image&) = delete;

  void* grow(std::size_t bytes) {
    auto* moved = static_cast<char*>(std::realloc(data, bytes));
    if (moved == nullptr) return nullptr;
    if (bytes > size) std::memset(moved + size, 0, bytes - size);
    data = moved;
    size = bytes;
    return data;
  }

  static void* on_malloc(std::size_t bytes, H5FD_file_image_op_t, void* self) {
    return static_cast<Image*>(self)->grow(bytes);
  }
  static void* on_realloc(void*, std::size_t bytes, H5FD_file_image_op_t, void* self) {
    return static_cast<Image*>(self)->grow(bytes);
  }
  static herr_t on_free(void*, H5FD_file_image_op_t, void*) { return 0; }  // the image outlives the file
  static void* on_udata_copy(void* self) { return self; }
  static herr_t on_udata_free(void*) { return 0; }
};

Id create_file(Image& image, const std::string& name) {
  const Id access = hdf5::property_list(H5P_FILE_ACCESS);
  const Id creation = hdf5::property_list(H5P_FILE_CREATE);
  H5FD_file_image_callbacks_t callbacks{
      Image::on_malloc, nullptr, Image::on_realloc, Image::on_free, Image::on_udata_copy, Image::on_udata_free, &image};
  check(H5Pset_libver_bounds(access, H5F_LIBVER_V110, H5F_LIBVER_V110) >= 0 &&
            H5Pset_fapl_core(access, kIncrement, false) >= 0 && H5Pset_file_image_callbacks(access, &callbacks) >= 0 &&
            H5Pset_obj_track_times(creation, false) >= 0,
        "its settings");
  Id file(H5Fcreate(name.c_str(), H5F_ACC_TRUNC, creation, access), H5Fclose);
  check(file.valid(), "a file in memory");
  return file;
}

Id text_type(const std::vector<std::string>& texts) {
  std::size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  Id type(H5Tcopy(H5T_C_S1), H5Tclose);
  check(H5Tset_size(type, longest) >= 0 && H5Tset_strpad(type, H5T_STR_NULLPAD) >= 0 &&
            H5Tset_cset(type, H5T_CSET_UTF8) >= 0,
        "a text type");
  return type;
}

std::vector<hsize_t> dims_of(const Hdf5Value& value, bool scalar_text) {
  if (value.is_text) return scalar_text ? std::vector<hsize_t>{} : std::vector<hsize_t>{value.texts.size()};
  return {value.numbers.dims().begin(), value.numbers.dims().end()};
}

Id space_of(const std::vector<hsize_t>& dims) {
  return dims.empty() ? Id(H5Screate(H5S_SCALAR), H5Sclose)
                      : Id(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr), H5Sclose);
}

/// Texts of equal length, one behind the other, padded with zeros.
std::string packed(const std::vector<std::string>& texts, std::size_t each) {
  std::string out;
  for (const std::string& text : texts) {
    out += text;
    out.append(each - text.size(), '\0');
  }
  return out;
}

/// One chunk for a data set of up to 4 MiB; larger ones are cut along their first dimensions.
std::vector<hsize_t> chunk_of(std::vector<hsize_t> dims, std::size_t element_bytes) {
  std::uint64_t bytes = element_bytes;
  for (const hsize_t size : dims) bytes *= size;
  for (hsize_t& size : dims) {
    if (bytes <= kChunk) break;
    const std::uint64_t slice = bytes / size;
    size = std::max<hsize_t>(1, kChunk / std::max<std::uint64_t>(1, slice));
    bytes = slice * size;
  }
  return dims;
}

/// Checksums need chunks, and chunks need elements and a dimension.
Id creation_list(const std::vector<hsize_t>& dims, std::size_t element_bytes) {
  Id list = hdf5::property_list(H5P_DATASET_CREATE);
  check(H5Pset_obj_track_times(list, false) >= 0, "settings of a data set");
  if (dims.empty() || std::find(dims.begin(), dims.end(), hsize_t{0}) != dims.end()) return list;
  const std::vector<hsize_t> chunk = chunk_of(dims, element_bytes);
  check(H5Pset_chunk(list, static_cast<int>(chunk.size()), chunk.data()) >= 0 && H5Pset_fletcher32(list) >= 0,
        "settings of a data set");
  return list;
}

void check_finite(const Hdf5Value& value, const std::string& name) {
  const std::int64_t bad = value.is_text ? -1 : value.numbers.first_non_finite();
  if (bad >= 0)
    throw Error(ErrorKind::value, text::cat("element ", bad, " is not finite and cannot be saved"),
                Place{{}, 0, 0, name});
}

void write_dataset(hid_t file, const std::string& path, const Hdf5Value& value) {
  check_finite(value, path);
  const std::vector<hsize_t> dims = dims_of(value, false);
  const Id in_memory =
      value.is_text ? text_type(value.texts) : Id(H5Tcopy(hdf5::memory_type(value.numbers.element())), H5Tclose);
  const Id in_file =
      value.is_text ? text_type(value.texts) : Id(H5Tcopy(hdf5::file_type(value.numbers.element())), H5Tclose);
  const Id space = space_of(dims);
  const Id creation = creation_list(dims, H5Tget_size(in_file));
  const Id links = hdf5::property_list(H5P_LINK_CREATE);
  check(H5Pset_create_intermediate_group(links, 1) >= 0, "settings of " + path);
  Id set(H5Dcreate2(file, path.c_str(), in_file, space, links, creation, H5P_DEFAULT), H5Dclose);
  check(set.valid(), path);
  const std::string texts = value.is_text ? packed(value.texts, H5Tget_size(in_memory)) : std::string();
  const void* data = value.is_text ? texts.data() : value.numbers.bytes().data();
  const bool empty = value.is_text ? value.texts.empty() : value.numbers.numel() == 0;
  check(empty || H5Dwrite(set, in_memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0, path);
  check(set.close(), path);
}

void write_attribute(hid_t object, const std::string& place, const std::string& name, const Hdf5Value& value) {
  check_finite(value, place + " " + name);
  const Id type =
      value.is_text ? text_type(value.texts) : Id(H5Tcopy(hdf5::file_type(value.numbers.element())), H5Tclose);
  const Id space = space_of(dims_of(value, value.texts.size() == 1));
  const std::string texts = value.is_text ? packed(value.texts, H5Tget_size(type)) : std::string();
  const std::size_t bytes = value.is_text ? texts.size() : value.numbers.bytes().size();
  THIMBLE_CHECK(bytes < limits::kHdf5AttributeBytes - 1024, value, "attribute ", place, " ", name, " of ", bytes,
                " bytes is too long, use a data set");
  Id attribute(H5Acreate2(object, name.c_str(), type, space, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
  check(attribute.valid(), place + " " + name);
  const void* data = value.is_text ? texts.data() : value.numbers.bytes().data();
  check(bytes == 0 || H5Awrite(attribute, type, data) >= 0, place + " " + name);
  check(attribute.close(), place + " " + name);
}

void make_group(hid_t file, const std::string& path) {
  const Id links = hdf5::property_list(H5P_LINK_CREATE);
  const Id creation = hdf5::property_list(H5P_GROUP_CREATE);
  check(H5Pset_create_intermediate_group(links, 1) >= 0 && H5Pset_obj_track_times(creation, false) >= 0, path);
  const Id group(H5Gcreate2(file, path.c_str(), links, creation, H5P_DEFAULT), H5Gclose);
  check(group.valid(), "group " + path);
}

/// Groups above `path` that do not exist yet, from the outermost on.
void make_parents(hid_t file, const std::string& path) {
  for (std::size_t at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1)) {
    const std::string group = path.substr(0, at);
    if (H5Lexists(file, group.c_str(), H5P_DEFAULT) <= 0) make_group(file, group);
  }
}

/// References as MATLAB's cells hold them; what they refer to must be there.
void write_references(hid_t file, const std::string& path, const std::vector<std::string>& targets) {
  std::vector<hobj_ref_t> raw(targets.size());
  for (std::size_t i = 0; i < targets.size(); ++i)
    check(H5Rcreate(&raw[i], file, targets[i].c_str(), H5R_OBJECT, -1) >= 0, "a reference to " + targets[i]);
  const Id space = space_of({1, targets.size()});
  const Id creation = hdf5::property_list(H5P_DATASET_CREATE);
  check(H5Pset_obj_track_times(creation, false) >= 0, "settings of " + path);
  Id set(H5Dcreate2(file, path.c_str(), H5T_STD_REF_OBJ, space, H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  check(set.valid() && H5Dwrite(set, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, H5P_DEFAULT, raw.data()) >= 0, path);
  check(set.close(), path);
}

void write_all_of(const Hdf5Tree& tree, hid_t file) {
  for (const auto& item : tree.datasets) {
    THIMBLE_CHECK(item.first.size() > 1 && item.first.front() == '/', value, "\"", item.first,
                  "\" is no path of a data set");
    make_parents(file, item.first);
    write_dataset(file, item.first, item.second);
  }
  for (const auto& item : tree.references) {
    make_parents(file, item.first);
    write_references(file, item.first, item.second);
  }
  for (const auto& object : tree.attributes) {
    const std::string& path = object.first;
    make_parents(file, path);
    if (path != "/" && H5Lexists(file, path.c_str(), H5P_DEFAULT) <= 0) make_group(file, path);
    const Id open(H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose);
    check(open.valid(), path);
    for (const auto& attribute : object.second) write_attribute(open, path, attribute.first, attribute.second);
  }
}

}  // namespace

std::string build_hdf5(const Hdf5Tree& tree) {
  const hdf5::Session session;
  Image image;
  Id file = create_file(image, session.memory_name());
  write_all_of(tree, file);
  check(file.close(), "the end of the file");
  check(image.size > kEndOfFile + sizeof(std::uint64_t), "the file");
  const auto bytes = get<std::uint64_t>(std::string_view(image.data, image.size), kEndOfFile);
  check(bytes <= image.size, "the end of the file");
  return {image.data, static_cast<std::size_t>(bytes)};
}

}  // namespace thimble::io
