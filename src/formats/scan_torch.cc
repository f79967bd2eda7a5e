// SPDX-License-Identifier: Apache-2.0
#include "formats/scan_torch.h"

#include <array>
#include <map>

#include "base/checked.h"
#include "base/text.h"
#include "frameworks/known.h"
#include "frameworks/python/objects.h"

namespace decant::torch {
namespace {

using namespace std::string_view_literals;
using pickle::Kind;
using pickle::Node;
using pickle::Ref;
using pickle::Tree;

struct StorageClass {
  std::string_view name;
  std::uint64_t bytes;
};
constexpr StorageClass kStorages[] = {
    {"FloatStorage", 4},    {"DoubleStorage", 8},   {"HalfStorage", 2},         {"BFloat16Storage", 2},
    {"LongStorage", 8},     {"IntStorage", 4},      {"ShortStorage", 2},        {"CharStorage", 1},
    {"ByteStorage", 1},     {"BoolStorage", 1},     {"QInt8Storage", 1},        {"QUInt8Storage", 1},
    {"QInt32Storage", 4},   {"QUInt4x2Storage", 1}, {"ComplexFloatStorage", 8}, {"ComplexDoubleStorage", 16},
    {"QUInt2x4Storage", 1}, {"UntypedStorage", 1},
};

// ('storage', storage class, key, location, number of elements[, view]): Pickler.persistent_id of torch.save.
struct Storage {
  std::string_view key;
  std::uint64_t elements = 0, element = 0;
};

std::optional<Storage> storage_of(const Node& persistent) {
  if (persistent.kind != Kind::persistent || persistent.items[0]->kind != Kind::tuple) return std::nullopt;
  const pickle::Refs& parts = persistent.items[0]->items;
  if (parts.size() < 5 || python::text_of(parts[0]) != "storage"sv || parts[1]->kind != Kind::global) return std::nullopt;
  const auto key = python::text_of(parts[2]);
  const auto elements = python::integer_of(parts[4]);
  const std::uint64_t element = element_size(parts[1]->name());
  if (!key || !elements || *elements < 0 || element == 0) return std::nullopt;
  return Storage{*key, static_cast<std::uint64_t>(*elements), element};
}

void check_view(const Tree& tree, const Node& call, Report& report) {
  if (call.callee()->kind != Kind::global || call.args()->kind != Kind::tuple) return;
  const std::string_view name = call.callee()->name();
  if (call.callee()->module() != "torch._utils" ||
      (name != "_rebuild_tensor" && name != "_rebuild_tensor_v2" && name != "_rebuild_tensor_v3" && name != "_rebuild_qtensor"))
    return;
  const pickle::Refs& args = call.args()->items;
  const auto fail = [&](std::string_view text) { report.add(Severity::error, "lying-tensor", std::string(text), tree.where(call)); };
  if (args.size() < 4) return fail("a tensor without storage, offset, size and stride");
  const auto storage = storage_of(*args[0]);
  const auto offset = python::integer_of(args[1]);
  if (!storage) return fail("a tensor whose storage is none that torch has");
  if (!offset || *offset < 0) return fail("a tensor that begins before its storage");
  if (args[2]->kind != Kind::tuple || args[3]->kind != Kind::tuple || args[2]->items.size() != args[3]->items.size())
    return;  // torch.Size objects and the like
  std::uint64_t last = static_cast<std::uint64_t>(*offset);
  bool empty = false;
  for (std::size_t i = 0; i < args[2]->items.size(); ++i) {
    const auto size = python::integer_of(args[2]->items[i]), stride = python::integer_of(args[3]->items[i]);
    if (!size || !stride || *size < 0 || *stride < 0) return fail("a tensor of negative size or stride");
    empty = empty || *size == 0;
    if (*size > 0) last = sat_add(last, sat_mul(static_cast<std::uint64_t>(*size - 1), static_cast<std::uint64_t>(*stride)));
  }
  if (!empty && last >= storage->elements) fail(format("a tensor reaches element {} of a storage of {}", last, storage->elements));
}

}  // namespace

std::uint64_t element_size(std::string_view storage_class) {
  for (const StorageClass& s : kStorages) {
    if (s.name == storage_class) return s.bytes;
  }
  return 0;
}

bool is_unknown_storage(const Node& node) {
  return node.kind == Kind::global && (node.module() == "torch" || node.module() == "torch.storage" || node.module() == "torch.cuda") &&
         node.name().find("Storage") != std::string_view::npos && node.name().find('.') == std::string_view::npos &&
         element_size(node.name()) == 0 && judge(node.module(), node.name()).known != Known::harmless;
}

void check_tensors(const Tree& tree, Report& report,
                   const std::function<std::optional<std::uint64_t>(std::string_view key)>& bytes_of_key) {
  for (const Ref id : tree.persistents) {
    const Node& tuple = *id->items[0];
    const bool storage_id = tuple.kind == Kind::tuple && tuple.items.size() >= 2 && python::text_of(tuple.items[0]) == "storage"sv;
    if (!storage_id) continue;  // TorchScript refers to code by other ids
    const auto storage = storage_of(*id);
    if (!storage) {
      report.add(Severity::error, "lying-tensor", "a storage of a class that torch does not have", tree.where(*id));
      continue;
    }
    const auto bytes = bytes_of_key(storage->key);
    const std::uint64_t needed = sat_mul(storage->elements, storage->element);
    if (!bytes) {
      report.add(Severity::error, "lying-tensor", format("there is no storage \"{}\"", printable(storage->key, 40)), tree.where(*id));
    } else if (*bytes < needed) {
      report.add(Severity::error, "lying-tensor",
                 format("storage \"{}\" needs {} bytes, there are {}", printable(storage->key, 40), needed, *bytes), tree.where(*id));
    }
  }
  for (const Ref call : tree.calls) check_view(tree, *call, report);
}

bool is_legacy(const Tree& first) {
  // 0x1950a86a20f9469cfc6c
  return first.root != nullptr && first.root->kind == Kind::big_integer &&
         first.root->text() == "\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19"sv;
}

void scan_legacy(Cursor& cursor, Report& report) {
  std::array<pickle::Partial, 4> parts;  // protocol version, machine, object, keys
  for (pickle::Partial& part : parts) {
    part = scan_pickle(cursor, report);
    if (part.broke) return cursor.seek(cursor.source().size());
  }
  const Tree &object = parts[2].tree, &keys = parts[3].tree;
  std::map<std::string_view, Storage> storages;
  for (const Ref id : object.persistents) {
    if (const auto storage = storage_of(*id)) storages.emplace(storage->key, *storage);
  }
  std::map<std::string_view, std::uint64_t> held;
  if (keys.root->kind != Kind::list) throw Error(Code::corrupt, keys.where(*keys.root), "the list of a torch file's storages is no list");
  for (const Ref key : keys.root->items) {
    const auto found = storages.find(python::text_of(key).value_or(""));
    if (found == storages.end()) throw Error(Code::corrupt, keys.where(*key), "a storage that no tensor has");
    const std::uint64_t elements = cursor.le<std::uint64_t>();
    const std::uint64_t bytes = sat_mul(elements, found->second.element);
    scan_opaque(cursor.source().member(format("storage {}", printable(found->first, 40)), cursor.take(bytes)), report);
    held[found->first] = bytes;
  }
  check_tensors(object, report, [&](std::string_view key) -> std::optional<std::uint64_t> {
    const auto found = held.find(key);
    if (found == held.end()) return std::nullopt;
    return found->second;
  });
}

}  // namespace decant::torch
