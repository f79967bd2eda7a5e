// SPDX-License-Identifier: Apache-2.0
#include "frameworks/python/objects.h"

namespace decant::python {

using pickle::Kind;
using pickle::Node;
using pickle::Ref;

Ref class_of(const Node& node) {
  if (node.kind != Kind::call || node.callee()->kind != Kind::global) return nullptr;
  const Node& callee = *node.callee();
  const Node& args = *node.args();
  const bool copyreg = callee.module() == "copy_reg" || callee.module() == "copyreg";
  if (!copyreg) return node.callee();
  if (callee.name() != "_reconstructor" && callee.name() != "__newobj__") return nullptr;
  if (args.kind != Kind::tuple || args.items.empty() || args.items[0]->kind != Kind::global) return nullptr;
  return args.items[0];
}

Ref state_of(const Node& node) { return node.extra != nullptr && !node.extra->states.empty() ? node.extra->states.back() : nullptr; }

Ref find(Ref dict, std::string_view key) {
  if (dict == nullptr || dict->kind != Kind::dict) return nullptr;
  for (std::size_t i = dict->items.size(); i >= 2; i -= 2) {
    const Node& candidate = *dict->items[i - 2];
    if (candidate.is_text() && candidate.text() == key) return dict->items[i - 1];
  }
  return nullptr;
}

Ref attribute(const Node& object, std::string_view name) {
  Ref state = state_of(object);
  if (state == nullptr) return nullptr;
  if (state->kind == Kind::tuple && state->items.size() == 2) {
    const Ref slot = find(state->items[1], name);
    return slot != nullptr ? slot : find(state->items[0], name);
  }
  return find(state, name);
}

std::optional<std::int64_t> integer_of(Ref node) {
  if (node == nullptr || (node->kind != Kind::integer && node->kind != Kind::boolean)) return std::nullopt;
  return node->integer;
}

std::optional<std::string_view> text_of(Ref node) {
  if (node == nullptr || !node->is_text()) return std::nullopt;
  return node->text();
}

std::optional<Blob> bytes_of(const Node& node, const Source& source, const std::shared_ptr<void>& owner) {
  if (node.kind == Kind::bytes || node.kind == Kind::bytearray) return Blob{owner, node.raw_bytes};
  if (node.kind != Kind::call || node.args()->kind != Kind::tuple) return std::nullopt;
  const pickle::Refs& args = node.args()->items;
  const Node& callee = *node.callee();
  if (callee.is_global("__builtin__", "bytes") || callee.is_global("builtins", "bytes")) {
    if (args.empty()) return Blob{};
    return std::nullopt;
  }
  const bool encode = callee.is_global("_codecs", "encode");
  const bool bytearray = callee.is_global("__builtin__", "bytearray") || callee.is_global("builtins", "bytearray");
  if (bytearray && args.empty()) return Blob{};
  if (bytearray && args.size() == 1 && args[0]->kind == Kind::bytes) return Blob{owner, args[0]->raw_bytes};
  if ((!encode && !bytearray) || args.size() != 2) return std::nullopt;
  const auto codec = text_of(args[1]);
  if (!args[0]->is_text() || !codec || (*codec != "latin1" && *codec != "latin-1")) return std::nullopt;
  // Protocols 0 to 2 of Python 3 write bytes as a text of the code points 0 to 255 (Lib/pickle.py, save_bytes).
  const std::string_view text = args[0]->text();
  source.budget().charge(text.size(), "bytes written as text", source.where(node.offset));
  std::byte* data = nullptr;
  Blob out = Blob::allocate(text.size(), data);
  std::size_t n = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto b = static_cast<unsigned char>(text[i]);
    if (b < 0x80) {
      data[n++] = std::byte{b};
    } else if ((b == 0xC2 || b == 0xC3) && i + 1 < text.size()) {
      data[n++] = static_cast<std::byte>((b & 0x03u) << 6 | (static_cast<unsigned char>(text[++i]) & 0x3Fu));
    } else {
      throw Error(Code::corrupt, source.where(node.offset), "bytes written as text hold a character beyond latin-1");
    }
  }
  return out.slice(0, n);
}

}  // namespace decant::python
