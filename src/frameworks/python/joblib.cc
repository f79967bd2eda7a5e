// SPDX-License-Identifier: Apache-2.0
// Arrays as joblib writes them. Since 0.10 (joblib/numpy_pickle.py) a NumpyArrayWrapper stands in the pickle and its raw data follow
// right behind BUILD; before (joblib/numpy_pickle_compat.py) a file beside the pickle holds them: .npy for NDArrayWrapper, zlib for
// ZNDArrayWrapper. scikit-learn before 0.21 brought joblib along as sklearn.externals.joblib.
#include "base/text.h"
#include "codecs/compress/compress.h"
#include "frameworks/python/numpy_parts.h"
#include "frameworks/python/objects.h"

namespace decant::python {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;
using pickle::Tree;

namespace {

bool is_joblib(const Node* type, std::string_view name) {
  if (type == nullptr || type->name() != name) return false;
  std::string_view module = type->module();
  constexpr std::string_view kVendored = "sklearn.externals.";
  if (module.starts_with(kVendored)) module.remove_prefix(kVendored.size());
  return module == "joblib.numpy_pickle" || module == "joblib.numpy_pickle_compat";
}

struct Wrapper {
  npy::Type type;
  std::vector<std::int64_t> shape;
  bool fortran = false;
  bool padded = false;
};

Wrapper wrapper_of(const Node& object, const Source& source) {
  const auto fail = [&](std::string_view what) -> Error {
    return Error(Code::corrupt, source.where(object.offset), format("joblib's array wrapper lacks its {}", what));
  };
  Wrapper out;
  const Ref type = attribute(object, "dtype"), shape = attribute(object, "shape"), order = attribute(object, "order");
  if (type == nullptr) throw fail("dtype");
  auto parsed = type_of(*type, source);
  if (!parsed) throw fail("dtype");
  out.type = std::move(*parsed);
  if (shape == nullptr) throw fail("shape");
  out.shape = shape_of(*shape, source);
  out.fortran = text_of(order).value_or("C") == "F";
  const Ref alignment = attribute(object, "numpy_array_alignment_bytes");
  out.padded = alignment != nullptr && alignment->kind != Kind::none;
  return out;
}

Source sibling_of(const Tree& tree, const Node& node) {
  const auto name = text_of(attribute(node, "filename"));
  if (!name) throw Error(Code::corrupt, tree.where(node), "joblib's array wrapper names no file");
  auto sibling = tree.source.sibling(*name);
  if (!sibling) throw Error(Code::io, tree.where(node, std::string(*name)), "an array is in another file, which is not there");
  return std::move(*sibling);
}

Array beside(const Tree& tree, const Node& node) {
  Cursor cursor(sibling_of(tree, node));
  NpyFile file = read_npy(cursor);
  return std::move(file.array);
}

// ZNDArrayWrapper.read: _reconstruct(*init_args), then __setstate__(state + (data,)).
Array beside_compressed(const Tree& tree, const Node& node) {
  const Ref state = attribute(node, "state");
  if (state == nullptr || state->kind != Kind::tuple || state->items.size() < 3 || state->items.size() > 4) {
    throw Error(Code::corrupt, tree.where(node), "joblib's array wrapper lacks its state");
  }
  Array out;
  out.where = tree.where(node);
  out.source = tree.source;
  out.owner = tree.owner;
  set_array_state(out, state->items, state->items.size() - 3, tree.source);
  if (out.type.has_objects()) throw Error(Code::unsupported, out.where, "an array of objects in a compressed file of joblib before 0.10");
  set_array_data(out, compress::unpack_all(sibling_of(tree, node)).data());
  return out;
}

}  // namespace

pickle::Options pickle_options() {
  pickle::Options out;
  out.on_build = [](Node& object, Cursor& cursor, const std::function<Ref()>& parse_nested) {
    if (!is_joblib(class_of(object), "NumpyArrayWrapper")) return;
    object.extra->raw = {};
    object.extra->nested = nullptr;
    const Wrapper wrapper = wrapper_of(object, cursor.source());
    if (wrapper.type.has_objects()) {
      object.extra->nested = parse_nested();
      return;
    }
    if (wrapper.padded) cursor.skip(cursor.byte());
    object.extra->raw = cursor.bytes(bytes_needed(wrapper.type, wrapper.shape));
  };
  return out;
}

std::optional<Array> as_joblib_array(const Tree& tree, const Node& node) {
  const Ref type = class_of(node);
  if (type == nullptr) return std::nullopt;
  if (is_joblib(type, "NDArrayWrapper")) return beside(tree, node);
  if (is_joblib(type, "ZNDArrayWrapper")) return beside_compressed(tree, node);
  if (!is_joblib(type, "NumpyArrayWrapper")) return std::nullopt;
  Wrapper wrapper = wrapper_of(node, tree.source);
  if (node.extra->nested != nullptr) return as_array(tree, *node.extra->nested);
  Array out;
  out.where = tree.where(node);
  out.source = tree.source;
  out.owner = tree.owner;
  out.type = std::move(wrapper.type);
  out.shape = std::move(wrapper.shape);
  out.fortran = wrapper.fortran;
  set_array_data(out, {tree.owner, node.extra->raw});
  return out;
}

}  // namespace decant::python
