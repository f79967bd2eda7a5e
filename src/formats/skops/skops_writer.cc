// SPDX-License-Identifier: Apache-2.0
// Objects as skops 0.12 and newer (protocol 2) describes them: for each kind of object the node that its get_state functions would write
// (skops/io/_general.py, _numpy.py, _sklearn.py of 0.16). A sparse matrix is an object with attributes here, not an .npz.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <set>
#include <unordered_map>

#include "base/text.h"
#include "formats/skops/skops_tree.h"
#include "frameworks/known.h"
#include "frameworks/python/numpy.h"
#include "frameworks/python/objects.h"

namespace decant::skops {
namespace {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;

/// `text` as JSON spells it; nothing where it is no UTF-8 (a lone surrogate, or bytes of Python 2).
std::optional<std::string> quoted(std::string_view text) {
  std::string out = "\"";
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = c < 0x80 ? 1 : c >= 0xC2 && c < 0xE0 ? 2 : c >= 0xE0 && c < 0xF0 ? 3 : c >= 0xF0 && c < 0xF5 ? 4 : 0;
    if (length == 0 || length > text.size() - i) return std::nullopt;
    for (std::size_t k = 1; k < length; ++k) {
      if ((static_cast<unsigned char>(text[i + k]) & 0xC0) != 0x80) return std::nullopt;
    }
    if (c == 0xED && static_cast<unsigned char>(text[i + 1]) >= 0xA0) return std::nullopt;
    if (c == '"' || c == '\\') out += format("\\{}", text[i]);
    else if (c < 0x20) out += format("\\u{:04x}", c);
    else out += text.substr(i, length);
    i += length;
  }
  return out + '"';
}

/// As Python's json spells it.
std::string number(double v) {
  if (std::isnan(v)) return "NaN";
  if (std::isinf(v)) return v < 0 ? "-Infinity" : "Infinity";
  std::array<char, 40> buffer{};
  const auto [end, error] = std::to_chars(buffer.data(), buffer.data() + buffer.size(), v);
  std::string out(buffer.data(), end);
  if (out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

class Writer {
 public:
  Writer(const pickle::Tree& tree, Sink& sink) : tree_(tree), archive_(sink) {}

  void run() {
    node(tree_.root, 0);
    if (!json_.ends_with('}')) fail(*tree_.root, "is nothing that an archive can hold");
    json_.pop_back();
    json_ += ",\"protocol\":2,\"_skops_version\":\"0.16.0\"}";
    archive_.add(kSchema, as_bytes(json_));
    archive_.finish();
  }

 private:
  [[noreturn]] void fail(const Node& at, std::string_view text) const { throw Error(Code::unsupported, tree_.where(at), format("{}; not written", text)); }

  std::string text_of(const Node& at, std::string_view text) const {
    auto out = quoted(text);
    if (!out) fail(at, "a text that is no Unicode");
    return *std::move(out);
  }

  struct Name {
    std::string_view module, name;
  };
  /// What `global` names, if that is genuine.
  Name genuine(const Node& at, std::string_view module, std::string_view name) const {
    if (judge(module, name).known != Known::harmless) fail(at, format("names {}.{}, which is no class or function of a library that decant knows", printable(module, 100), printable(name, 100)));
    return {module == "__builtin__" ? "builtins" : module, name};
  }
  Name genuine(const Node& global) const { return genuine(global, global.module(), global.name()); }

  // A node of the schema: head(), its members, tail().
  void head(const Node& at, const Name& is, std::string_view loader) {
    json_ += format("{{\"__class__\":{},\"__module__\":{},\"__loader__\":\"{}\"", text_of(at, is.name), text_of(at, is.module), loader);
  }
  void tail(Ref of = nullptr) {
    if (of != nullptr && shared_) json_ += format(",\"__id__\":{}", ids_.at(of));
    json_ += '}';
  }
  template <class F>
  void member(std::string_view key, F&& write) {
    json_ += format(",\"{}\":", key);
    write();
  }

  void node(Ref n, std::uint32_t depth) {
    tree_.source.budget().check_depth(depth, tree_.where(*n));
    // An object that stands in two places is written once; unless shared_ says no, then the budget bounds how often.
    tree_.source.budget().charge_items(1, tree_.where(*n));
    if (json_.size() > charged_) {
      tree_.source.budget().charge(json_.size() - charged_ + (1 << 16), "a schema", tree_.where(*n));
      charged_ = json_.size() + (1 << 16);
    }
    const bool plain = n->kind == Kind::none || n->kind == Kind::boolean || n->kind == Kind::integer || n->kind == Kind::big_integer || n->kind == Kind::real || n->kind == Kind::global || n->is_text();
    if (plain) return leaf(*n);
    if (open_.contains(n)) fail(*n, "an object that holds itself");
    if (shared_) {
      const auto [at, is_new] = ids_.try_emplace(n, static_cast<std::int64_t>(ids_.size()) + 1);
      if (!is_new) {
        json_ += format("{{\"__class__\":null,\"__module__\":null,\"__loader__\":\"CachedNode\",\"__id__\":{}}}", at->second);
        return;
      }
    }
    open_.insert(n);
    compound(n, depth);
    open_.erase(n);
  }

  void leaf(const Node& n) {
    if (n.kind == Kind::global) {
      // A class and a function are loaded alike; they differ in what skops trusts unasked.
      const Name name = genuine(n);
      const bool is_function = !name.name.empty() && name.name[0] >= 'a' && name.name[0] <= 'z' && name.module != "builtins" && !python::as_type(tree_, n);
      head(n, name, is_function ? "FunctionNode" : "TypeNode");
      return tail();
    }
    std::string spelled = "null";
    if (n.kind == Kind::boolean) spelled = n.integer != 0 ? "true" : "false";
    else if (n.kind == Kind::integer) spelled = format("{}", n.integer);
    else if (n.kind == Kind::big_integer) spelled = decimal(n);
    else if (n.kind == Kind::real) spelled = number(n.real);
    else if (n.is_text()) spelled = text_of(n, n.text());
    json(n, spelled);
  }
  /// A whole number beyond 64 bits: seeds and the states of random generators.
  std::string decimal(const Node& n) const {
    const Bytes raw = n.raw_bytes;  // two's complement, the lowest byte first
    if (raw.size() > 64) fail(n, format("a whole number of {} bytes", raw.size()));
    std::vector<unsigned> left;
    for (const std::byte byte : raw) left.push_back(std::to_integer<unsigned>(byte));
    const bool negative = !left.empty() && left.back() >= 0x80;
    if (negative) {
      unsigned carry = 1;
      for (unsigned& byte : left) {
        const unsigned sum = (byte ^ 0xFFu) + carry;
        byte = sum & 0xFFu;
        carry = sum >> 8;
      }
    }
    std::string out;
    while (std::ranges::any_of(left, [](unsigned byte) { return byte != 0; })) {
      unsigned rest = 0;
      for (std::size_t i = left.size(); i-- > 0;) {
        const unsigned value = rest * 256 + left[i];
        left[i] = value / 10;
        rest = value % 10;
      }
      out += static_cast<char>('0' + rest);
    }
    if (out.empty()) out = "0";
    if (negative) out += '-';
    std::ranges::reverse(out);
    return out;
  }
  void json(const Node& at, const std::string& spelled) {
    head(at, {"builtins", "str"}, "JsonNode");
    json_ += format(",\"content\":{},\"is_json\":true", text_of(at, spelled));
    tail();
  }

  void items(std::span<const Ref> all, std::uint32_t depth) {
    json_ += '[';
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (i > 0) json_ += ',';
      node(all[i], depth + 1);
    }
    json_ += ']';
  }
  void sequence(Ref n, std::string_view name, std::string_view loader, std::span<const Ref> all, std::uint32_t depth) {
    head(*n, {"builtins", name}, loader);
    member("content", [&] { items(all, depth); });
    tail(n);
  }

  /// A key as JSON, and the class that makes it out of its text again.
  std::pair<std::string, std::string_view> key_of(const Node& key) const {
    if (key.is_text()) return {text_of(key, key.text()), "str"};
    if (key.kind == Kind::integer) return {format("\"{}\"", key.integer), "int"};
    if (key.kind == Kind::real) return {format("\"{}\"", number(key.real)), "float"};
    if (key.kind == Kind::call) {  // NumPy's scalars become Python's, as skops has it
      if (const auto scalar = python::as_scalar(tree_, key)) {
        if (scalar->dtype() == DType::string) return {text_of(key, scalar->data<std::string>()[0]), "str"};
        if (is_float(scalar->dtype())) return {format("\"{}\"", number(scalar->number(0))), "float"};
        if (scalar->dtype() != DType::boolean) return {format("\"{}\"", scalar->integer(0)), "int"};
      }
    }
    fail(key, "a key of a dict that is neither text nor number");
  }
  void dictionary(Ref n, const Name& is, std::span<const Ref> pairs, std::uint32_t depth, bool whole = true) {
    std::set<std::string> seen;
    std::string types;
    head(*n, is, "DictNode");
    member("content", [&] {
      json_ += '{';
      for (std::size_t i = 0; i + 1 < pairs.size(); i += 2) {
        const auto [key, type] = key_of(*pairs[i]);
        if (!seen.insert(key).second) fail(*pairs[i], "two keys of a dict that are one as text");
        json_ += format("{}{}:", i > 0 ? "," : "", key);
        types += format("{}{{\"__class__\":\"{}\",\"__module__\":\"builtins\",\"__loader__\":\"TypeNode\"}}", i > 0 ? "," : "", type);
        node(pairs[i + 1], depth + 1);
      }
      json_ += '}';
    });
    json_ += format(",\"key_types\":{{\"__class__\":\"list\",\"__module__\":\"builtins\",\"__loader__\":\"ListNode\",\"content\":[{}]}}", types);
    tail(whole ? n : nullptr);
  }

  std::string add_file(std::string_view extension, Bytes first, Bytes rest) {
    const std::string name = format("{}.{}", ++files_, extension);
    std::string whole(as_text(first));
    whole += as_text(rest);
    archive_.add(name, as_bytes(whole));
    return name;
  }
  void bytes(Ref n, Bytes content, bool mutable_) {
    head(*n, {"builtins", mutable_ ? "bytearray" : "bytes"}, mutable_ ? "BytearrayNode" : "BytesNode");
    json_ += format(",\"file\":\"{}\"", add_file("bin", content, {}));
    tail(n);
  }

  void npy(const npy::Type& type, const std::vector<std::int64_t>& shape, bool fortran, Bytes data) {
    tree_.source.budget().charge(data.size() + 1024, "an array", tree_.source.where());
    json_ += format(",\"type\":\"numpy\",\"file\":\"{}\"", add_file("npy", as_bytes(npy::write_header(type, shape, fortran)), data));
  }
  /// Objects in lists of lists, as ndarray.tolist() has them.
  void nested(std::span<const Ref> objects, std::span<const std::int64_t> shape, std::uint32_t depth) {
    if (shape.size() <= 1) return items(objects, depth);
    json_ += '[';
    const std::size_t each = shape[0] == 0 ? 0 : objects.size() / static_cast<std::size_t>(shape[0]);
    for (std::int64_t i = 0; i < shape[0]; ++i) {
      if (i > 0) json_ += ',';
      json_ += "{\"__class__\":\"list\",\"__module__\":\"builtins\",\"__loader__\":\"ListNode\",\"content\":";
      nested(objects.subspan(static_cast<std::size_t>(i) * each, each), shape.subspan(1), depth + 1);
      json_ += '}';
    }
    json_ += ']';
  }
  void array(Ref n, const python::Array& a, std::uint32_t depth, bool whole) {
    head(*n, {"numpy", "ndarray"}, "NdArrayNode");
    if (a.type.kind == 'O') {
      if (a.shape.empty()) fail(*n, "an array of one object without dimensions");
      member("content", [&] { nested(a.objects, a.shape, depth); });
      json_ += ",\"type\":\"json\",\"shape\":{\"__class__\":\"tuple\",\"__module__\":\"builtins\",\"__loader__\":\"TupleNode\",\"content\":[";
      for (std::size_t i = 0; i < a.shape.size(); ++i) {
        if (i > 0) json_ += ',';
        json(*n, format("{}", a.shape[i]));
      }
      json_ += "]}";
    } else if (a.type.has_objects()) {
      fail(*n, "an array of structures that hold objects");
    } else {
      npy(a.type, a.shape, a.fortran, a.data.bytes);
    }
    tail(whole ? n : nullptr);
  }
  void masked(Ref n, const python::Array& data, std::uint32_t depth) {
    const Ref mask = python::state_of(*n)->items[5];
    const auto hidden = python::bytes_of(*mask, tree_.source, tree_.owner);
    if (!hidden || hidden->size() != data.count()) fail(*n, "a mask that does not fit its array");
    head(*n, {"numpy.ma", "MaskedArray"}, "MaskedArrayNode");
    member("content", [&] {
      json_ += "{\"data\":";
      array(n, data, depth + 1, false);
      json_ += ",\"mask\":";
      head(*n, {"numpy", "ndarray"}, "NdArrayNode");
      npy::Type truth;
      truth.kind = 'b';
      truth.itemsize = 1;
      npy(truth, data.shape, data.fortran, hidden->bytes);
      json_ += "}}";
    });
    tail(n);
  }
  void scalar(Ref n) {
    const auto type = python::as_type(tree_, *n->args()->items[0]);
    const auto data = n->args()->items.size() == 2 ? python::bytes_of(*n->args()->items[1], tree_.source, tree_.owner) : std::nullopt;
    if (!type || !data || data->size() != type->itemsize) fail(*n, "a scalar of NumPy without its bytes");
    std::string name;
    switch (type->kind) {
      case 'b': name = "bool_"; break;
      case 'i': name = format("int{}", type->itemsize * 8); break;
      case 'u': name = format("uint{}", type->itemsize * 8); break;
      case 'f': name = format("float{}", type->itemsize * 8); break;
      case 'c': name = format("complex{}", type->itemsize * 8); break;
      case 'U': name = "str_"; break;
      case 'S': name = "bytes_"; break;
      default: fail(*n, format("a scalar of the type {}", type->text()));
    }
    head(*n, {"numpy", name}, "NdArrayNode");
    npy(*type, {}, false, data->bytes);
    tail(n);
  }
  void dtype(Ref n, const npy::Type& type) {
    head(*n, {"numpy", "dtype"}, "DTypeNode");
    member("content", [&] {
      python::Array none;
      none.type = type;
      none.shape = {0};
      array(n, none, 0, false);
    });
    tail(n);
  }

  void object(Ref n, const Name& is, std::string_view loader, Ref state, std::uint32_t depth) {
    if (state != nullptr && state->kind == Kind::none) state = nullptr;
    if (state != nullptr && state->kind != Kind::dict && state->kind != Kind::tuple) fail(*n, format("{}.{} has a state that is neither dict nor tuple", is.module, is.name));
    head(*n, is, loader);
    if (state != nullptr) member("content", [&] { node(state, depth + 1); });
    tail(n);
  }
  /// functools.partial of a genuine function: its state is (function, arguments, named arguments, attributes).
  void partial(Ref n, Ref state, std::uint32_t depth) {
    if (state == nullptr || state->kind != Kind::tuple || state->items.size() != 4) fail(*n, "a function with arguments that are not there");
    head(*n, {"functools", "partial"}, "PartialNode");
    static constexpr std::string_view kParts[] = {"func", "args", "kwds", "namespace"};
    member("content", [&] {
      for (std::size_t i = 0; i < 4; ++i) {
        json_ += format("{}\"{}\":", i == 0 ? "{" : ",", kParts[i]);
        node(state->items[i], depth + 1);
      }
      json_ += '}';
    });
    tail(n);
  }
  /// numpy.random.Generator: the state of its bit generator, and what seeded it (skops/io/_numpy.py, random_generator_get_state). NumPy before 2
  /// pickles no seeds, without which skops cannot make the generator again.
  void generator(Ref n, std::span<const Ref> args, std::uint32_t depth) {
    const auto state_of = [](const Node& made) { return made.kind == Kind::call && made.extra != nullptr && made.extra->states.size() == 1 ? made.extra->states[0] : nullptr; };
    const Ref bits = args.size() == 1 ? state_of(*args[0]) : nullptr;
    const Ref seed = bits != nullptr && bits->kind == Kind::tuple && bits->items.size() == 2 ? state_of(*bits->items[1]) : nullptr;
    if (seed == nullptr || seed->kind != Kind::tuple || seed->items.size() != 5) fail(*n, "a random generator without its seeds");
    head(*n, {"numpy.random._generator", "Generator"}, "RandomGeneratorNode");
    member("content", [&] {
      json_ += "{\"bit_generator\":";
      node(bits->items[0], depth + 1);
      json_ += ",\"seed_seq\":{\"__class__\":\"dict\",\"__module__\":\"builtins\",\"__loader__\":\"DictNode\",\"content\":{";
      static constexpr std::string_view kNames[] = {"entropy", "n_children_spawned", "", "pool_size", "spawn_key"};  // as Cython pickles a SeedSequence
      std::string types;
      for (std::size_t i = 0; i < seed->items.size(); ++i) {
        if (kNames[i].empty()) continue;
        json_ += format("{}\"{}\":", types.empty() ? "" : ",", kNames[i]);
        node(seed->items[i], depth + 1);
        types += format("{}{{\"__class__\":\"str\",\"__module__\":\"builtins\",\"__loader__\":\"TypeNode\"}}", types.empty() ? "" : ",");
      }
      json_ += format("}},\"key_types\":{{\"__class__\":\"list\",\"__module__\":\"builtins\",\"__loader__\":\"ListNode\",\"content\":[{}]}}}}}}", types);
    });
    tail(n);
  }
  /// skops reads the content first, and decant the arguments: what both hold is written twice.
  void reduced(Ref n, const Name& is, std::string_view loader, std::span<const Ref> args, Ref state, std::uint32_t depth) {
    head(*n, is, loader);
    const bool before = shared_;
    member("content", [&] {
      if (state != nullptr && state->kind != Kind::none) node(state, depth + 1);
      else json_ += "{\"__class__\":\"dict\",\"__module__\":\"builtins\",\"__loader__\":\"DictNode\",\"content\":{},\"key_types\":{\"__class__\":\"list\",\"__module__\":\"builtins\",\"__loader__\":\"ListNode\",\"content\":[]}}";
    });
    shared_ = false;
    member("__reduce__", [&] {
      json_ += "{\"args\":{\"__class__\":\"tuple\",\"__module__\":\"builtins\",\"__loader__\":\"TupleNode\",\"content\":";
      items(args, depth);
      json_ += "}}";
    });
    shared_ = before;
    tail(n);
  }

  void call(Ref n, std::uint32_t depth) {
    const auto array_ = python::as_array(tree_, *n);
    if (array_) return n->callee()->name() == "_mareconstruct" ? masked(n, *array_, depth) : array(n, *array_, depth, true);
    if (const auto held = python::bytes_of(*n, tree_.source, tree_.owner)) return bytes(n, held->bytes, false);
    const Node& callee = *n->callee();
    if (callee.kind != Kind::global) fail(*n, "is made by what another call gives");
    if (python::as_scalar(tree_, *n)) return scalar(n);
    if (const auto type = python::as_type(tree_, *n)) return dtype(n, *type);
    const Ref state = n->extra != nullptr && !n->extra->states.empty() ? n->extra->states.back() : nullptr;
    if (n->extra != nullptr && n->extra->states.size() > 1) fail(*n, "an object whose state is set more than once");
    if (n->extra != nullptr && !n->extra->appended.empty()) fail(*n, format("a list of the class {}.{}", printable(callee.module(), 60), printable(callee.name(), 60)));
    if (n->kwargs() != nullptr || n->args()->kind != Kind::tuple) fail(*n, "an object made with named arguments");
    const std::span<const Ref> args = n->args()->items;
    const bool entries = n->extra != nullptr && !n->extra->entries.empty();

    // Constructors that are given the class.
    const std::string_view maker = callee.name();
    const bool class_first = !n->is_newobj && (maker == "_reconstructor" || maker == "__newobj__" || maker == "newObj" || maker.starts_with("__pyx_unpickle_"));
    if (class_first) {
      genuine(callee);
      if (args.empty() || args[0]->kind != Kind::global) fail(*n, "an object without its class");
      const Name is = genuine(*args[0]);
      if (maker.starts_with("__pyx_unpickle_")) {
        if (is.module.find("_loss") == std::string_view::npos && is.module.find("_sgd_fast") == std::string_view::npos) fail(*n, format("an object of {}.{}", is.module, is.name));
        const Ref made = args.size() > 2 && args[2]->kind == Kind::tuple ? args[2] : nullptr;
        return reduced(n, is, "LossNode", made != nullptr ? std::span<const Ref>(made->items) : std::span<const Ref>(), state, depth);
      }
      if (maker == "_reconstructor" && (args.size() != 3 || !(args[1]->is_global("builtins", "object") || args[1]->is_global("__builtin__", "object")))) fail(*n, "an object whose base class has a value");
      return object(n, is, "ObjectNode", state, depth);
    }
    if (callee.is_global("numpy._core", "_ufunc_reconstruct") || callee.is_global("numpy.core", "_ufunc_reconstruct")) {
      if (args.size() != 2 || !args[0]->is_text() || !args[1]->is_text()) fail(*n, "a function without its name");
      head(*n, genuine(*n, args[0]->text(), args[1]->text()), "FunctionNode");
      return tail(n);
    }
    if (callee.is_global("functools", "partial")) return partial(n, state, depth);
    // As archives hold it, and as pickles do.
    if (n->is_newobj && callee.is_global("numpy.random.mtrand", "RandomState")) return object(n, {callee.module(), callee.name()}, "RandomStateNode", state, depth);
    const Name is = genuine(callee);
    if (is.name == "__randomstate_ctor") return object(n, {"numpy.random.mtrand", "RandomState"}, "RandomStateNode", state, depth);
    if (is.name == "__generator_ctor") return generator(n, args, depth);
    if (is.name == "defaultdict") {
      head(*n, is, "DefaultDictNode");
      member("content", [&] {
        json_ += "{\"main\":";
        dictionary(n, {"builtins", "dict"}, entries ? std::span<const Ref>(n->extra->entries) : std::span<const Ref>(), depth + 1, false);
        json_ += ",\"default_factory\":";
        if (args.empty()) json(*n, "null");
        else node(args[0], depth + 1);
        json_ += '}';
      });
      return tail(n);
    }
    if (entries || is.name == "OrderedDict" || is.name == "Bunch") {
      if (is.name != "OrderedDict" && is.name != "Bunch") fail(*n, format("a dict of the class {}.{}", is.module, is.name));
      return dictionary(n, is, n->extra != nullptr ? std::span<const Ref>(n->extra->entries) : std::span<const Ref>(), depth);
    }
    if (n->is_newobj) {
      if (is.module == "numpy.random._generator") fail(*n, "a random generator out of an archive, whose state is not read");
      if (is.name == "_ImputerTriplet") {  // a named tuple
        head(*n, is, "TupleNode");
        member("content", [&] { items(args, depth); });
        return tail(n);
      }
      if (!args.empty()) fail(*n, format("an object of {}.{}, which is made with arguments", is.module, is.name));
      return object(n, is, "ObjectNode", state, depth);
    }
    const bool builtin = is.module == "builtins";
    if (builtin && is.name == "set" && args.size() == 1 && args[0]->kind == Kind::list) return sequence(n, "set", "SetNode", args[0]->items, depth);
    if (builtin && is.name == "slice" && args.size() == 3) return slice(n, args);
    if (is.module == "operator") {
      head(*n, is, "OperatorFuncNode");
      member("attrs", [&] { node(n->args(), depth + 1); });
      return tail(n);
    }
    if (is.name == "Tree" && is.module.starts_with("sklearn.tree.")) return reduced(n, is, "TreeNode", args, state, depth);
    if (is.module.find("_sgd_fast") != std::string_view::npos || is.module.find("_loss") != std::string_view::npos) return reduced(n, is, "LossNode", args, state, depth);
    if (state != nullptr && state->kind != Kind::none) fail(*n, format("an object of {}.{}, which is made with arguments and a state", is.module, is.name));
    head(*n, is, "ConstructorFromReduceNode");
    member("content", [&] { node(n->args(), depth + 1); });
    tail(n);
  }

  void slice(Ref n, std::span<const Ref> bounds) {
    static constexpr std::string_view kNames[] = {"start", "stop", "step"};
    head(*n, {"builtins", "slice"}, "SliceNode");
    member("content", [&] {
      for (std::size_t i = 0; i < 3; ++i) {
        const Node& bound = *bounds[i];
        json_ += format("{}\"{}\":", i == 0 ? "{" : ",", kNames[i]);
        if (bound.kind == Kind::none) json_ += "null";
        else if (bound.kind == Kind::integer) json_ += format("{}", bound.integer);
        else if (bound.is_text()) json_ += text_of(bound, bound.text());
        else fail(bound, "a slice between other things than numbers or names");
      }
      json_ += '}';
    });
    tail(n);
  }

  void compound(Ref n, std::uint32_t depth) {
    switch (n->kind) {
      case Kind::bytes: case Kind::bytearray: return bytes(n, n->raw_bytes, n->kind == Kind::bytearray);
      case Kind::list: return sequence(n, "list", "ListNode", n->items, depth);
      case Kind::tuple: return sequence(n, "tuple", "TupleNode", n->items, depth);
      case Kind::set: return sequence(n, "set", "SetNode", n->items, depth);
      case Kind::dict: return dictionary(n, {"builtins", "dict"}, n->items, depth);
      case Kind::call: return call(n, depth);
      case Kind::frozenset:
        head(*n, {"builtins", "frozenset"}, "ConstructorFromReduceNode");
        member("content", [&] {
          json_ += "{\"__class__\":\"tuple\",\"__module__\":\"builtins\",\"__loader__\":\"TupleNode\",\"content\":[{\"__class__\":\"list\",\"__module__\":\"builtins\",\"__loader__\":\"ListNode\",\"content\":";
          items(n->items, depth);
          json_ += "}]}";
        });
        return tail(n);
      case Kind::big_integer: fail(*n, "a whole number of more than 64 bits");
      default: fail(*n, "an object that is not in the file");
    }
  }

  const pickle::Tree& tree_;
  zip::Writer archive_;
  std::string json_;
  std::size_t charged_ = 0;
  std::int64_t files_ = 0;
  bool shared_ = true;  // whether objects are numbered, so that later ones may refer to them
  std::unordered_map<Ref, std::int64_t> ids_;
  std::set<Ref> open_;
};

}  // namespace

void write_tree(const pickle::Tree& tree, Sink& sink) { Writer(tree, sink).run(); }

}  // namespace decant::skops
