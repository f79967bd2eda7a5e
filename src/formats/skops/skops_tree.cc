// SPDX-License-Identifier: Apache-2.0
#include "formats/skops/skops_tree.h"

#include <unordered_map>

#include "base/text.h"
#include "codecs/document/document.h"
#include "codecs/npy/npy.h"
#include "codecs/pickle/arena.h"

namespace decant::skops {
namespace {

using document::Value;
using pickle::Kind;
using pickle::Node;
using pickle::Ref;

/// What the nodes view and are made in.
struct Memory {
  explicit Memory(const Source& source) : arena(source.budget(), source.where()) {}
  pickle::Arena arena;
  std::vector<std::shared_ptr<const void>> kept;
};

class Reader {
 public:
  Reader(const zip::Archive& archive, Source schema) : archive_(archive), memory_(std::make_shared<Memory>(schema)) {
    tree_.source = std::move(schema);
    tree_.protocol = 4;
  }

  pickle::Tree run() {
    const document::DocumentPtr document = document::parse_json(tree_.source);
    memory_->kept.push_back(document);
    tree_.root = node(document->root(), 0);
    memory_->kept.push_back(tree_.source.data().owner);
    tree_.owner = memory_;
    return std::move(tree_);
  }

 private:
  // What pickles are made of.
  Node* make(Kind kind, std::uint64_t offset) {
    tree_.source.budget().charge_items(1, tree_.source.where(offset));
    Node* out = memory_->arena.make<Node>();
    out->kind = kind;
    out->offset = offset;
    return out;
  }
  Ref text(std::string_view value, std::uint64_t offset) {
    Node* out = make(Kind::text, offset);
    out->raw_bytes = as_bytes(value);
    return out;
  }
  Ref copied_text(std::string_view value, std::uint64_t offset) {
    std::byte* to = memory_->arena.bytes(std::max<std::size_t>(value.size(), 1));
    std::copy_n(as_bytes(value).begin(), value.size(), to);
    return text({reinterpret_cast<const char*>(to), value.size()}, offset);
  }
  Ref integer(std::int64_t value, std::uint64_t offset, Kind kind = Kind::integer) {
    Node* out = make(kind, offset);
    out->integer = value;
    return out;
  }
  Ref real(double value, std::uint64_t offset) {
    Node* out = make(Kind::real, offset);
    out->real = value;
    return out;
  }
  Ref list(Kind kind, const std::vector<Ref>& items, std::uint64_t offset) {
    Node* out = make(kind, offset);
    memory_->arena.append(out->items, items.data(), items.size());
    return out;
  }
  Ref bytes(const Blob& blob, std::uint64_t offset, Kind kind = Kind::bytes) {
    memory_->kept.push_back(blob.owner);
    Node* out = make(kind, offset);
    out->raw_bytes = blob.bytes;
    return out;
  }
  Ref global(std::string_view module, std::string_view name, std::uint64_t offset) {
    Node* out = make(Kind::global, offset);
    for (const std::string_view part : {module, name}) memory_->arena.push(out->items, text(part, offset));
    out->extra = memory_->arena.make<pickle::Extra>();
    tree_.globals.push_back(out);
    return out;
  }
  Node* call(Ref callee, const std::vector<Ref>& args, std::uint64_t offset, Ref state = nullptr, bool newobj = false) {
    Node* out = make(Kind::call, offset);
    memory_->arena.push(out->items, callee);
    memory_->arena.push(out->items, list(Kind::tuple, args, offset));
    out->extra = memory_->arena.make<pickle::Extra>();
    out->is_newobj = newobj;
    if (state != nullptr) memory_->arena.push(out->extra->states, state);
    tree_.calls.push_back(out);
    return out;
  }

  // The members of the archive.
  Source member(const Value& state) {
    const std::string_view name = state["file"].text();
    const zip::Entry* entry = archive_.find(name);
    if (entry == nullptr) state.fail(Code::corrupt, format("the archive has no member \"{}\"", printable(name, 80)));
    return archive_.read(*entry);
  }

  Ref dtype(const npy::Type& type, std::uint64_t offset) {
    if (type.fields.empty()) return copied_text(type.text(), offset);
    std::vector<Ref> names, fields;
    for (const npy::Type::Field& field : type.fields) {
      names.push_back(copied_text(field.name, offset));
      fields.push_back(names.back());
      fields.push_back(list(Kind::tuple, {dtype(field.type, offset), integer(field.offset, offset)}, offset));
    }
    const Ref none = make(Kind::none, offset);
    const Ref state = list(Kind::tuple,
                           {integer(3, offset), text("|", offset), none, list(Kind::tuple, names, offset), list(Kind::dict, fields, offset),
                            integer(type.itemsize, offset), integer(1, offset), integer(0, offset)},
                           offset);
    return call(global("numpy", "dtype", offset), {copied_text(format("V{}", type.itemsize), offset)}, offset, state);
  }
  Ref shape(const std::vector<std::int64_t>& dimensions, std::uint64_t offset) {
    std::vector<Ref> out;
    for (const std::int64_t d : dimensions) out.push_back(integer(d, offset));
    return list(Kind::tuple, out, offset);
  }
  Ref array(Ref dimensions, Ref type, bool fortran, Ref data, std::uint64_t offset) {
    const Ref state = list(Kind::tuple, {integer(1, offset), dimensions, type, integer(fortran, offset, Kind::boolean), data}, offset);
    const Ref nothing = list(Kind::tuple, {integer(0, offset)}, offset);
    return call(global("numpy._core.multiarray", "_reconstruct", offset), {global("numpy", "ndarray", offset), nothing, bytes({}, offset)}, offset, state);
  }

  struct Npy {
    npy::Header header;
    Blob data;
  };
  Npy npy(const Source& file) {
    Cursor cursor(file);
    Npy out;
    out.header = npy::read_header(cursor);
    if (out.header.type.has_objects()) cursor.fail(Code::unsafe, "an array of objects, which a pickle would hold");
    out.data = cursor.take(cursor.left());
    return out;
  }

  Ref ndarray(const Value& state, std::uint64_t offset, std::uint32_t depth) {
    const std::string_view type = state["type"].text();
    if (type == "json") {
      std::vector<Ref> items;
      flat(state["content"], items, depth);
      return array(node(state["shape"], depth + 1), text("O", offset), false, list(Kind::list, items, offset), offset);
    }
    if (type != "numpy") state.fail(Code::corrupt, format("an array of the type \"{}\"", printable(type, 40)));
    const Npy file = npy(member(state));
    if (state["__class__"].text() == "ndarray" || !file.header.shape.empty()) {
      return array(shape(file.header.shape, offset), dtype(file.header.type, offset), file.header.fortran, bytes(file.data, offset), offset);
    }
    return call(global("numpy._core.multiarray", "scalar", offset), {dtype(file.header.type, offset), bytes(file.data, offset)}, offset);
  }
  // Objects of an array in rows of rows: lists in lists.
  void flat(const Value& items, std::vector<Ref>& out, std::uint32_t depth) {
    for (const Value& item : items.elements()) {
      if (item.is_object() && item.find("__loader__") && item["__loader__"].text() == "ListNode") flat(item["content"], out, depth + 1);
      else out.push_back(node(item, depth + 1));
    }
  }

  // What scipy.sparse.save_npz writes (scipy/sparse/_matrix_io.py), as the attributes that a pickle holds.
  Ref sparse(const Value& state, std::uint64_t offset) {
    const Source file = member(state);
    const zip::Archive npz(file);
    std::vector<Ref> attributes;
    for (const zip::Entry& entry : npz.entries()) {
      std::string_view name = entry.name;
      if (!name.ends_with(".npy")) continue;
      name.remove_suffix(4);
      if (name == "format" || name == "_is_array") continue;
      const Npy part = npy(npz.read(entry));
      const Ref values = array(shape(part.header.shape, offset), dtype(part.header.type, offset), part.header.fortran, bytes(part.data, offset), offset);
      attributes.push_back(copied_text(name == "shape" ? "_shape" : name, offset));
      if (name != "shape") {
        attributes.push_back(values);
        continue;
      }
      if (part.header.type.kind != 'i' || part.header.type.itemsize != 8 || part.header.type.big_endian || part.data.size() != 16) state.fail(Code::corrupt, "the shape of a sparse matrix");
      Cursor cursor(file.member(entry.name, part.data));
      attributes.push_back(shape({cursor.le<std::int64_t>(), cursor.le<std::int64_t>()}, offset));
    }
    return call(class_of(state), {}, offset, list(Kind::dict, attributes, offset), true);
  }

  Ref class_of(const Value& state) {
    const Value name = state["__class__"];
    return global(state["__module__"].text(), name.text(), name.where().offset);
  }

  /// The scalar that a JsonNode holds as text of JSON.
  Ref scalar(const Value& content) {
    const std::uint64_t offset = content.where().offset;
    const std::string_view spelled = content.text();
    if (spelled == "null") return make(Kind::none, offset);
    if (spelled == "true" || spelled == "false") return integer(spelled == "true", offset, Kind::boolean);
    if (const auto whole = document::number_of<std::int64_t>(spelled); whole && spelled.find_first_of(".eEN") == std::string_view::npos) return integer(*whole, offset);
    if (const auto number = document::number_of<double>(spelled)) return real(*number, offset);
    const document::DocumentPtr inner = document::parse_json(tree_.source.member("a value", Blob{nullptr, as_bytes(spelled)}));
    return value(inner->root(), offset, 0);
  }
  Ref value(const Value& v, std::uint64_t offset, std::uint32_t depth) {
    tree_.source.budget().check_depth(depth, tree_.source.where(offset));
    switch (v.kind()) {
      case document::Kind::null: return make(Kind::none, offset);
      case document::Kind::boolean: return integer(v.boolean(), offset, Kind::boolean);
      case document::Kind::number: return real(v.real(), offset);
      case document::Kind::text: return copied_text(v.text(), offset);
      case document::Kind::numbers: {
        std::vector<Ref> items;
        for (const double d : v.list<double>()) items.push_back(real(d, offset));
        return list(Kind::list, items, offset);
      }
      case document::Kind::array: {
        std::vector<Ref> items;
        for (const Value& item : v.elements()) items.push_back(value(item, offset, depth + 1));
        return list(Kind::list, items, offset);
      }
      case document::Kind::object: {
        std::vector<Ref> items;
        for (const auto& [key, item] : v.entries()) {
          items.push_back(copied_text(key, offset));
          items.push_back(value(item, offset, depth + 1));
        }
        return list(Kind::dict, items, offset);
      }
    }
    return nullptr;
  }

  std::vector<Ref> nodes(const Value& content, std::uint32_t depth) {
    std::vector<Ref> out;
    for (const Value& item : content.elements()) out.push_back(node(item, depth + 1));
    return out;
  }

  // Keys are texts in JSON; key_types tells what they were.
  Ref dictionary(const Value& state, std::uint64_t offset, std::uint32_t depth) {
    const auto entries = state["content"].entries();
    const auto types = state["key_types"]["content"].elements();
    if (types.size() != entries.size()) state.fail(Code::corrupt, format("{} types for {} keys", types.size(), entries.size()));
    std::vector<Ref> items;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      const std::string_view key = entries[i].first, type = types[i]["__class__"].text();
      const auto whole = document::number_of<std::int64_t>(key);
      const auto number = document::number_of<double>(key);
      if (type == "int" && whole) items.push_back(integer(*whole, offset));
      else if (type == "float" && number) items.push_back(real(*number, offset));
      else if (type == "bool") items.push_back(integer(key == "true", offset, Kind::boolean));
      else if (type == "NoneType") items.push_back(make(Kind::none, offset));
      else items.push_back(text(key, offset));
      items.push_back(node(entries[i].second, depth + 1));
    }
    const std::string_view name = state["__class__"].text();
    if (name == "dict" || name == "OrderedDict") return list(Kind::dict, items, offset);
    Node* out = call(class_of(state), {}, offset, nullptr, true);  // Bunch
    memory_->arena.append(out->extra->entries, items.data(), items.size());
    return out;
  }

  Ref node(const Value& state, std::uint32_t depth) {
    const std::uint64_t offset = state.where().offset;
    tree_.source.budget().check_depth(depth, state.where());
    if (!state.is_object()) state.fail(Code::corrupt, format("{} where a node is expected", name_of(state.kind())));
    // Two nodes of one id are one object. Known once it is whole, so that nothing can hold itself.
    const auto id = state.find("__id__");
    const bool has_id = id && id->kind() == document::Kind::number;
    if (has_id) {
      if (const auto at = known_.find(id->integer()); at != known_.end()) return at->second;
    }
    const Ref out = made(state, offset, depth);
    if (has_id) known_.emplace(id->integer(), out);
    return out;
  }

  Ref made(const Value& state, std::uint64_t offset, std::uint32_t depth) {
    const std::string_view loader = state["__loader__"].text();
    const auto content = state.find("content");
    const auto inner = [&](std::string_view key) { return node(state["content"][key], depth + 1); };
    if (loader == "JsonNode") return scalar(state["content"]);
    if (loader == "DictNode") return dictionary(state, offset, depth);
    if (loader == "DefaultDictNode" || loader == "_DictWithDeprecatedKeysNode") return inner("main");
    if (loader == "ListNode") return list(Kind::list, nodes(state["content"], depth), offset);
    if (loader == "TupleNode") return list(Kind::tuple, nodes(state["content"], depth), offset);
    if (loader == "SetNode") return list(Kind::set, nodes(state["content"], depth), offset);
    if (loader == "NdArrayNode") return ndarray(state, offset, depth);
    if (loader == "SparseMatrixNode") return sparse(state, offset);
    if (loader == "DTypeNode") {  // an empty array of it
      if (state["content"]["type"].text() == "json") return text("O", offset);
      return dtype(npy(member(state["content"])).header.type, offset);
    }
    if (loader == "BytesNode" || loader == "BytearrayNode") {
      return bytes(member(state).data(), offset, loader == "BytesNode" ? Kind::bytes : Kind::bytearray);
    }
    if (loader == "TypeNode") return class_of(state);
    if (loader == "FunctionNode") {
      // Up to protocol 0 the function stood in the content.
      if (content && content->is_object() && content->find("module_path")) return global((*content)["module_path"].text(), (*content)["function"].text(), offset);
      return class_of(state);
    }
    if (loader == "SliceNode") {
      std::vector<Ref> bounds;
      for (const char* bound : {"start", "stop", "step"}) {
        const Value v = state["content"][bound];
        bounds.push_back(v.kind() == document::Kind::number ? integer(v.integer(), offset) : value(v, offset, depth + 1));  // a name of a column may be one
      }
      return call(global("builtins", "slice", offset), bounds, offset);
    }
    if (loader == "PartialNode") {
      const Ref function = inner("func");
      const Ref rest = list(Kind::tuple, {function, inner("args"), inner("kwds"), inner("namespace")}, offset);
      return call(class_of(state), {function}, offset, rest);
    }
    if (loader == "MethodNode") return call(global("builtins", "getattr", offset), {inner("obj"), text(state["content"]["func"].text(), offset)}, offset);
    if (loader == "OperatorFuncNode") return call(class_of(state), arguments(node(state["attrs"], depth + 1)), offset);
    if (loader == "ConstructorFromReduceNode") return call(class_of(state), arguments(node(state["content"], depth + 1)), offset);
    if (loader == "MaskedArrayNode") {
      const Ref parts = list(Kind::dict, {text("data", offset), inner("data"), text("mask", offset), inner("mask")}, offset);
      return call(class_of(state), {}, offset, parts, true);
    }
    if (state.find("__reduce__")) {  // TreeNode, LossNode, QuantileForestNode: the class, called with these arguments
      const Ref args = node(state["__reduce__"]["args"], depth + 1);
      return call(class_of(state), arguments(args), offset, content ? node(*content, depth + 1) : nullptr);
    }
    if (loader == "ObjectNode" || loader == "RandomStateNode" || loader == "RandomGeneratorNode") {
      const bool plain = content && content->is_object() && content->find("__loader__");
      return call(class_of(state), {}, offset, plain ? node(*content, depth + 1) : nullptr, true);
    }
    if (loader == "CachedNode") state.fail(Code::corrupt, "refers to an object that is not there");
    state.fail(Code::unsupported, format("a node that {} loads", printable(loader, 60)));
  }

  static std::vector<Ref> arguments(Ref tuple) { return tuple->items; }

  const zip::Archive& archive_;
  pickle::Tree tree_;
  std::shared_ptr<Memory> memory_;
  std::unordered_map<std::int64_t, Ref> known_;
};

}  // namespace

pickle::Tree read_tree(const zip::Archive& archive) {
  const zip::Entry* schema = archive.find(kSchema);
  if (schema == nullptr) throw Error(Code::corrupt, archive.source().where(), "the archive has no schema.json");
  return Reader(archive, archive.read(*schema)).run();
}

}  // namespace decant::skops
