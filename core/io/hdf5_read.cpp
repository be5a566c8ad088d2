#include "core/io/bytes.h"
#include "core/io/file.h"
#include "core/io/hdf5.h"
#include "core/io/hdf5_ids.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>

namespace thimble::io {
namespace {

using hdf5::Id;

constexpr int kAttributesPerObject = 4096;

herr_t refuse_external_link(const char*, const char*, const char*, const char*, unsigned*, hid_t, void*) {
  return -1;
}

struct Link {
  std::string name;
  H5L_type_t type;
};

struct LinkList {
  std::vector<Link> links;
  std::uint64_t room;
};

/// Called by the library for each link of a group; stops when the room is used up.
herr_t collect_link(hid_t, const char* name, const H5L_info_t* info, void* to) {
  auto& list = *static_cast<LinkList*>(to);
  if (list.links.size() >= list.room) return 1;
  list.links.push_back({name, info->type});
  return 0;
}

std::vector<hsize_t> extent(hid_t space) {
  const int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> dims(rank > 0 ? static_cast<std::size_t>(rank) : 0);
  if (rank > 0) H5Sget_simple_extent_dims(space, dims.data(), nullptr);
  return dims;
}

/// The element that holds numbers of this type exactly; nothing if they are no plain numbers.
std::optional<Element> element_of_type(hid_t type) {
  const H5T_class_t kind = H5Tget_class(type);
  if (kind == H5T_ENUM) {
    const Id base(H5Tget_super(type), H5Tclose);
    return base.valid() ? element_of_type(base) : std::nullopt;
  }
  const std::size_t size = H5Tget_size(type);
  if (kind == H5T_FLOAT && size > 0 && size <= 4) return Element::f32;
  if (kind == H5T_FLOAT && size == 8) return Element::f64;
  if (kind != H5T_INTEGER) return std::nullopt;
  const bool is_signed = H5Tget_sign(type) == H5T_SGN_2;
  switch (size) {
    case 1:
      return is_signed ? Element::i8 : Element::u8;
    case 2:
      return is_signed ? Element::i16 : Element::u16;
    case 4:
      return is_signed ? Element::i32 : Element::u32;
    case 8:
      return is_signed ? Element::i64 : Element::u64;
    default:
      return std::nullopt;
  }
}

std::string type_text(hid_t type) {
  switch (H5Tget_class(type)) {
    case H5T_STRING:
      return H5Tis_variable_str(type) > 0 ? "variable-length text" : "text";
    case H5T_COMPOUND:
      return "a compound type";
    case H5T_VLEN:
      return "a variable-length type";
    case H5T_REFERENCE:
      return "references";
    case H5T_ARRAY:
      return "an array type";
    case H5T_INTEGER:
    case H5T_FLOAT:
      return text::cat("numbers of ", H5Tget_size(type), " bytes");
    default:
      return "an unsupported type";
  }
}

std::vector<std::string> unpacked(std::string_view raw, std::size_t count, std::size_t each, H5T_str_t padding) {
  std::vector<std::string> out;
  for (std::size_t i = 0; i < count; ++i) {
    std::string text(raw.substr(i * each, each));
    if (padding == H5T_STR_NULLTERM) text = text.substr(0, text.find('\0'));
    text.erase(text.find_last_not_of(padding == H5T_STR_SPACEPAD ? ' ' : '\0') + 1);
    out.push_back(std::move(text));
  }
  return out;
}

/// Reads a whole open file into a tree, checking everything before it is used.
class TreeReader {
 public:
  using OnObject = std::function<void(const std::string&)>;

  TreeReader(hid_t file, const std::string& name, const Hdf5Rules& rules, OnObject on_object)
      : file_(file),
        name_(name),
        rules_(rules),
        on_object_(std::move(on_object)),
        access_(hdf5::property_list(H5P_LINK_ACCESS)),
        transfer_(hdf5::property_list(H5P_DATASET_XFER)) {
    H5Pset_elink_cb(access_, refuse_external_link, nullptr);
    if (rules.verified) H5Pset_edc_check(transfer_, H5Z_DISABLE_EDC);
  }

  Hdf5Tree run() {
    if (!rules_.slabs.empty()) return read_slabs();
    const Id root(H5Oopen(file_, "/", access_), H5Oclose);
    if (!root.valid()) refuse("/", "damaged HDF5, the root group cannot be opened");
    object(root, "/", 0);
    for (const auto* wanted : {&rules_.numbers, &rules_.texts})
      for (const std::string& path : *wanted)
        if (tree_.datasets.count(path) == 0) refuse(path, "no such data set");
    return std::move(tree_);
  }

 private:
  [[noreturn]] void refuse(const std::string& path, const std::string& message) const {
    throw Error(ErrorKind::data, message, Place{name_, 0, 0, text::printable(path)});
  }

  void require(bool good, const std::string& path, const std::string& message) const {
    if (!good) refuse(path, message);
  }

  void object(hid_t id, const std::string& path, int depth) {
    H5O_info_t info;
    require(H5Oget_info2(id, &info, H5O_INFO_BASIC | H5O_INFO_NUM_ATTRS) >= 0, path, "damaged HDF5 object");
    const bool fresh = seen_.insert(info.addr).second;
    require(fresh || rules_.foreign, path, "linked twice, which no file of ours is");
    require(++objects_ <= limits::kHdf5Objects, path, text::cat("more than ", limits::kHdf5Objects, " objects"));
    if (info.type == H5O_TYPE_DATASET) {
      attributes(id, path, info.num_attrs);
      return dataset(id, path);
    }
    require(info.type == H5O_TYPE_GROUP || rules_.foreign, path, "neither a group nor a data set");
    if (info.type != H5O_TYPE_GROUP || !fresh) return;  // a group inside itself is walked once
    require(depth <= limits::kHdf5Depth, path, text::cat("nested deeper than ", limits::kHdf5Depth, " groups"));
    attributes(id, path, info.num_attrs);
    group(id, path, depth);
  }

  void group(hid_t id, const std::string& path, int depth) {
    LinkList list{{}, limits::kHdf5Objects};
    require(H5Literate(id, H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, collect_link, &list) == 0, path,
            "damaged HDF5 group, or too many objects in it");
    std::sort(list.links.begin(), list.links.end(), [](const Link& a, const Link& b) { return a.name < b.name; });
    for (const Link& link : list.links) follow(id, link, path == "/" ? "/" + link.name : path + "/" + link.name, depth);
  }

  void follow(hid_t group, const Link& link, const std::string& path, int depth) {
    require(link.type != H5L_TYPE_EXTERNAL, path, "a link to another file is refused");
    require(link.type == H5L_TYPE_HARD || (rules_.foreign && link.type == H5L_TYPE_SOFT), path,
            "a link of this kind is refused");
    if (on_object_) on_object_(path);
    const Id open(H5Oopen(group, link.name.c_str(), access_), H5Oclose);
    const bool soft = link.type == H5L_TYPE_SOFT;
    require(open.valid(), path, soft ? "the link leads nowhere or in a circle" : "damaged HDF5 object");
    object(open, path, depth + 1);
  }

  // ---- data sets

  void dataset(hid_t id, const std::string& path) {
    const Id creation(H5Dget_create_plist(id), H5Pclose);
    require(creation.valid(), path, "damaged HDF5 data set");
    require(H5Pget_external_count(creation) <= 0, path, "takes its data from another file, which is refused");
    require(H5Pget_layout(creation) != H5D_VIRTUAL, path, "a virtual data set (data of other files) is refused");
    const bool as_text = wanted(rules_.texts, path);
    const bool everything = rules_.numbers.empty() && rules_.texts.empty() && !rules_.outlines;
    const Id type(H5Dget_type(id), H5Tclose);
    require(type.valid(), path, "damaged HDF5 data set");
    if (rules_.outlines) outline(id, type, path);
    if (!as_text && !everything && !wanted(rules_.numbers, path)) return;
    const bool own_text = !rules_.foreign && H5Tget_class(type) == H5T_STRING;
    check_filters(creation, path);
    const Id space(H5Dget_space(id), H5Sclose);
    require(space.valid() && H5Sget_simple_extent_type(space) != H5S_NULL, path, "has no data space");
    check_extent(id, creation, type, extent(space), path);
    tree_.datasets[path] = as_text || own_text ? texts(id, type, space, path, false) : numbers(id, type, space, path);
  }

  // ---- outlines and boxes

  void outline(hid_t id, hid_t type, const std::string& path) {
    Hdf5Outline& out = tree_.outlines[path];
    const Id space(H5Dget_space(id), H5Sclose);
    require(space.valid(), path, "damaged HDF5 data set");
    const auto dims = extent(space);
    out.dims.assign(dims.begin(), dims.end());
    const auto element = element_of_type(type);
    out.is_number = element.has_value();
    out.element = element.value_or(Element::f32);
    if (H5Tget_class(type) == H5T_REFERENCE && H5Tequal(type, H5T_STD_REF_OBJ) > 0)
      out.references = references(id, space, path);
  }

  /// Paths that object references stand for. The library is asked; nothing is guessed from names.
  std::vector<std::string> references(hid_t id, hid_t space, const std::string& path) {
    const Id creation(H5Dget_create_plist(id), H5Pclose);
    const Id type(H5Dget_type(id), H5Tclose);
    check_filters(creation, path);
    check_extent(id, creation, type, extent(space), path);
    const hssize_t count = H5Sget_simple_extent_npoints(space);
    require(count >= 0 && static_cast<std::uint64_t>(count) <= limits::kHdf5Objects, path, "too many references");
    std::vector<hobj_ref_t> raw(static_cast<std::size_t>(count));
    require(raw.empty() || H5Dread(id, H5T_STD_REF_OBJ, H5S_ALL, H5S_ALL, transfer_, raw.data()) >= 0, path,
            "damaged HDF5 references");
    std::vector<std::string> out;
    for (hobj_ref_t& reference : raw) out.push_back(referred(id, reference, path));
    return out;
  }

  std::string referred(hid_t id, hobj_ref_t& reference, const std::string& path) const {
    const Id object(H5Rdereference2(id, H5P_DEFAULT, H5R_OBJECT, &reference), H5Oclose);
    require(object.valid(), path, "holds a reference to nothing");
    std::array<char, 4096> name{};
    const ssize_t length = H5Iget_name(object, name.data(), name.size());
    require(length > 0 && static_cast<std::size_t>(length) < name.size(), path, "holds a reference without a name");
    return name.data();
  }

  Hdf5Tree read_slabs() {
    for (const Hdf5Slab& slab : rules_.slabs) {
      if (on_object_) on_object_(slab.path);
      const Id id(H5Oopen(file_, slab.path.c_str(), access_), H5Oclose);
      require(id.valid() && H5Iget_type(id) == H5I_DATASET, slab.path, "no such data set");
      this->slab(id, slab);
    }
    return std::move(tree_);
  }

  void slab(hid_t id, const Hdf5Slab& slab) {
    const Id creation(H5Dget_create_plist(id), H5Pclose);
    const Id type(H5Dget_type(id), H5Tclose);
    const Id space(H5Dget_space(id), H5Sclose);
    require(creation.valid() && type.valid() && space.valid(), slab.path, "damaged HDF5 data set");
    require(H5Pget_external_count(creation) <= 0, slab.path, "takes its data from another file, which is refused");
    require(H5Pget_layout(creation) != H5D_VIRTUAL, slab.path, "a virtual data set (data of other files) is refused");
    check_filters(creation, slab.path);
    const auto dims = extent(space);
    check_box(slab, dims);
    check_stored(id, type, dims, slab.path);
    check_chunk(creation, H5Tget_size(type), slab.path);
    const auto element = element_of_type(type);
    require(element.has_value(), slab.path, "holds " + type_text(type) + " where numbers are wanted");
    const std::vector<hsize_t> first(slab.first.begin(), slab.first.end()), count(slab.count.begin(), slab.count.end());
    const bool scalar = dims.empty();
    const Id memory(
        scalar ? H5Screate(H5S_SCALAR) : H5Screate_simple(static_cast<int>(count.size()), count.data(), nullptr),
        H5Sclose);
    require(memory.valid() && (scalar || H5Sselect_hyperslab(space, H5S_SELECT_SET, first.data(), nullptr, count.data(),
                                                             nullptr) >= 0),
            slab.path, "damaged HDF5 data set");
    Hdf5Value& value = tree_.datasets[slab.path];
    value.numbers = Array(*element, slab.count);
    charge(value.numbers.bytes().size(), slab.path);
    require(H5Dread(id, memory_of(type, *element), memory, space, transfer_, value.numbers.mut()) >= 0, slab.path,
            "damaged HDF5 data");
    require_finite(value.numbers, slab.path);
  }

  void check_box(const Hdf5Slab& slab, const std::vector<hsize_t>& dims) const {
    require(slab.first.size() == dims.size() && slab.count.size() == dims.size(), slab.path,
            text::cat("rank ", dims.size(), " where ", slab.first.size(), " was seen before"));
    std::uint64_t bytes = sizeof(double);
    for (std::size_t i = 0; i < dims.size(); ++i) {
      const auto size = static_cast<std::int64_t>(dims[i]);
      require(slab.first[i] >= 0 && slab.count[i] > 0 && slab.first[i] <= size - slab.count[i], slab.path,
              "is smaller than it was before");
      require(checked_multiply(bytes, static_cast<std::uint64_t>(slab.count[i]), bytes) && bytes <= rules_.budget,
              slab.path, "a box beyond the budget");
    }
  }

  void require_finite(const Array& numbers, const std::string& path) const {
    const std::int64_t bad = numbers.first_non_finite();
    require(bad < 0, path, text::cat("element ", bad, " is not finite"));
  }

  static bool wanted(const std::vector<std::string>& list, const std::string& path) {
    return std::find(list.begin(), list.end(), path) != list.end();
  }

  void check_filters(hid_t creation, const std::string& path) const {
    for (int i = 0; i < H5Pget_nfilters(creation); ++i) {
      unsigned flags = 0, settings = 0;
      std::size_t values = 0;
      const H5Z_filter_t filter =
          H5Pget_filter2(creation, static_cast<unsigned>(i), &flags, &values, nullptr, 0, nullptr, &settings);
      const bool foreign = filter == H5Z_FILTER_SHUFFLE || filter == H5Z_FILTER_DEFLATE;
      require(filter == H5Z_FILTER_FLETCHER32 || (rules_.foreign && foreign), path,
              text::cat("filter ", static_cast<int>(filter), " is not supported"));
    }
  }

  /// Rank, sizes and what they claim against what is stored, before anything is allocated.
  void check_extent(hid_t id, hid_t creation, hid_t type, const std::vector<hsize_t>& dims, const std::string& path) {
    charge(check_stored(id, type, dims, path), path);
    check_chunk(creation, H5Tget_size(type), path);
  }

  /// Bytes of the whole data set, which must be in proportion to what is stored.
  std::uint64_t check_stored(hid_t id, hid_t type, const std::vector<hsize_t>& dims, const std::string& path) const {
    require(dims.size() <= static_cast<std::size_t>(limits::kArrayRank), path,
            text::cat("rank ", dims.size(), ", at most ", limits::kArrayRank, " is supported"));
    std::uint64_t bytes = H5Tget_size(type);
    for (const hsize_t size : dims) require(checked_multiply(bytes, size, bytes), path, "its size overflows");
    require(bytes > 0 || !rules_.foreign, path, "has no elements");
    const std::uint64_t stored = H5Dget_storage_size(id);
    const std::uint64_t ratio = rules_.foreign ? limits::kDeflateRatio : 1;
    require(bytes / ratio <= stored, path,
            text::cat("claims ", size_text(bytes), " but only ", size_text(stored), " are stored"));
    return bytes;
  }

  void charge(std::uint64_t bytes, const std::string& path) {
    require(bytes <= rules_.budget - used_, path,
            text::cat("needs ", size_text(bytes), ", the budget of ", size_text(rules_.budget), " leaves ",
                      size_text(rules_.budget - used_)));
    used_ += bytes;
  }

  void check_chunk(hid_t creation, std::uint64_t bytes, const std::string& path) const {
    if (H5Pget_layout(creation) != H5D_CHUNKED) return;
    hsize_t chunk[H5S_MAX_RANK] = {};
    const int rank = H5Pget_chunk(creation, H5S_MAX_RANK, chunk);
    for (int i = 0; i < rank; ++i) require(checked_multiply(bytes, chunk[i], bytes), path, "its chunk size overflows");
    require(bytes <= limits::kHdf5ChunkBytes, path,
            text::cat("chunks of ", size_text(bytes), ", the limit is ", size_text(limits::kHdf5ChunkBytes)));
  }

  Hdf5Value numbers(hid_t id, hid_t type, hid_t space, const std::string& path) const {
    const auto element = element_of_type(type);
    require(element.has_value(), path, "holds " + type_text(type) + " where numbers are wanted");
    const auto dims = extent(space);
    Hdf5Value value;
    value.numbers = Array(*element, {dims.begin(), dims.end()});
    if (value.numbers.numel() > 0)
      require(H5Dread(id, memory_of(type, *element), H5S_ALL, H5S_ALL, transfer_, value.numbers.mut()) >= 0, path,
              "damaged HDF5 data");
    require_finite(value.numbers, path);
    return value;
  }

  /// Enumerations are read as they are stored (their base type), other numbers as the element of the machine.
  static hid_t memory_of(hid_t type, Element element) {
    return H5Tget_class(type) == H5T_ENUM ? type : hdf5::memory_type(element);
  }

  // ---- texts, of data sets and attributes

  Hdf5Value texts(hid_t id, hid_t type, hid_t space, const std::string& path, bool attribute) const {
    require(H5Tget_class(type) == H5T_STRING, path, "holds " + type_text(type) + " where text is wanted");
    const bool variable = H5Tis_variable_str(type) != 0;
    require(!variable || rules_.foreign, path, "variable-length text, which no file of ours has");
    const auto count = static_cast<std::size_t>(std::max<hssize_t>(0, H5Sget_simple_extent_npoints(space)));
    Hdf5Value value;
    value.is_text = true;
    const auto read = [&](void* to) {
      return (attribute ? H5Aread(id, type, to) : H5Dread(id, type, H5S_ALL, H5S_ALL, transfer_, to)) >= 0;
    };
    if (variable) {
      std::vector<char*> pointers(count, nullptr);
      require(read(pointers.data()), path, "damaged HDF5 text");
      for (const char* text : pointers) value.texts.emplace_back(text == nullptr ? "" : text);
      H5Dvlen_reclaim(type, space, H5P_DEFAULT, pointers.data());
    } else {
      const std::size_t each = H5Tget_size(type);
      std::string raw(count * each, '\0');
      require(count == 0 || read(raw.data()), path, "damaged HDF5 text");
      value.texts = unpacked(raw, count, each, H5Tget_strpad(type));
    }
    return value;
  }

  // ---- attributes

  void attributes(hid_t object, const std::string& path, hsize_t count) {
    auto& into = tree_.attributes[path];
    require(count <= kAttributesPerObject, path, text::cat("more than ", kAttributesPerObject, " attributes"));
    for (hsize_t i = 0; i < count; ++i) {
      const Id id(H5Aopen_by_idx(object, ".", H5_INDEX_NAME, H5_ITER_INC, i, H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
      require(id.valid(), path, "damaged HDF5 attribute");
      const ssize_t length = H5Aget_name(id, 0, nullptr);
      require(length >= 0 && length < 4096, path, "damaged HDF5 attribute name");
      std::string name(static_cast<std::size_t>(length), '\0');
      H5Aget_name(id, name.size() + 1, name.data());
      attribute(id, text::cat(path, " attribute ", name), into[name]);
    }
  }

  void attribute(hid_t id, const std::string& path, Hdf5Value& value) {
    const Id type(H5Aget_type(id), H5Tclose);
    const Id space(H5Aget_space(id), H5Sclose);
    require(type.valid() && space.valid(), path, "damaged HDF5 attribute");
    const auto dims = extent(space);
    require(dims.size() <= static_cast<std::size_t>(limits::kArrayRank), path, "its rank is not supported");
    std::uint64_t bytes = H5Tget_size(type);
    for (const hsize_t size : dims) require(checked_multiply(bytes, size, bytes), path, "its size overflows");
    require(bytes <= limits::kHdf5AttributeBytes, path,
            text::cat("is larger than ", size_text(limits::kHdf5AttributeBytes)));
    const bool nothing = H5Sget_simple_extent_type(space) == H5S_NULL;
    const auto element = element_of_type(type);
    if (!nothing && H5Tget_class(type) == H5T_STRING) {
      value = texts(id, type, space, path, true);
    } else if (!nothing && element) {
      value.numbers = Array(*element, {dims.begin(), dims.end()});
      require(bytes == 0 || H5Aread(id, memory_of(type, *element), value.numbers.mut()) >= 0, path,
              "damaged HDF5 attribute");
      require(rules_.foreign || value.numbers.first_non_finite() < 0, path, "is not finite");
    } else {
      require(rules_.foreign, path, "holds " + type_text(type) + ", which no file of ours has");
    }
  }

  hid_t file_;
  const std::string& name_;
  const Hdf5Rules& rules_;
  OnObject on_object_;
  Id access_, transfer_;
  Hdf5Tree tree_;
  std::set<haddr_t> seen_;
  std::uint64_t objects_ = 0;
  std::uint64_t used_ = 0;  // bytes of the budget
};

Hdf5Tree read_open_file(const Id& file, const std::string& name, const Hdf5Rules& rules,
                        const TreeReader::OnObject& on_object) {
  if (!file.valid()) throw Error(ErrorKind::data, "no HDF5 file, or a damaged one", Place{name, 0, 0, {}});
  return TreeReader(file, name, rules, on_object).run();
}

}  // namespace

Hdf5Tree parse_hdf5(std::string_view bytes, const std::string& name, const Hdf5Rules& rules) {
  const hdf5::Session session;
  const Id access = hdf5::property_list(H5P_FILE_ACCESS);
  H5Pset_fapl_core(access, 1 << 20, false);
  // the library copies the bytes; its interface lacks const
  H5Pset_file_image(access, const_cast<char*>(bytes.data()), bytes.size());
  return read_open_file(Id(H5Fopen(session.memory_name().c_str(), H5F_ACC_RDONLY, access), H5Fclose), name, rules, {});
}

Hdf5Tree parse_hdf5_file(const std::string& path, const Hdf5Rules& rules,
                         const std::function<void(const std::string&)>& on_object) {
  const hdf5::Session session;
  return read_open_file(Id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT), H5Fclose), shown(path), rules,
                        on_object);
}

}  // namespace thimble::io
