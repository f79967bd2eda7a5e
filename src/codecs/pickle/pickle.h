// SPDX-License-Identifier: Apache-2.0
// The symbolic pickle machine: opcodes in, a tree of what they describe out. Protocols 0 to 5, Python 2 and 3 (Lib/pickletools.py,
// CPython 3.13, is the specification). Nothing is ever called, imported or looked up: a REDUCE becomes a Call node that names its
// callee. What the tree means is decided above, by closed lists of constructors.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/cursor.h"

namespace decant::pickle {

enum class Kind : std::uint8_t {
  none, boolean, integer,
  big_integer,  // beyond int64: raw() holds its little-endian two's complement bytes
  real,
  text,         // str; raw() is UTF-8 (with surrogatepass)
  bytes,        // bytes, and str of Python 2 (then is_py2_string)
  bytearray, list, tuple, dict, set, frozenset,
  global,       // module() and name()
  call,         // REDUCE, NEWOBJ, NEWOBJ_EX, OBJ, INST: callee(args, **kwargs), then BUILD state and appended items
  persistent,   // PERSID, BINPERSID: items[0] is the id
  extension,    // EXT1/2/4: integer is the code
  buffer,       // NEXT_BUFFER: integer is its number
};

struct Node;
using Ref = const Node*;

/// What opcodes may add to an object after it was made. Only call, persistent, extension and global nodes have it.
struct Extra {
  std::vector<Ref> states;    // BUILD, in order
  std::vector<Ref> appended;  // APPEND, APPENDS, ADDITEMS
  std::vector<Ref> entries;   // SETITEM, SETITEMS: key, value, key, value…
  Bytes raw;                  // bytes of the stream that a reader's hook took after BUILD (arrays of joblib)
  Ref nested = nullptr;       // a pickle inside the stream that a reader's hook parsed after BUILD (object arrays of joblib)
};

struct Node {
  Kind kind = Kind::none;
  bool is_py2_string = false;
  bool is_newobj = false;     // a call by NEWOBJ or NEWOBJ_EX: cls.__new__(cls, *args)
  std::uint64_t offset = 0;   // of the opcode that made it
  std::int64_t integer = 0;   // boolean (0, 1), integer, extension, buffer
  double real = 0;
  Bytes raw_bytes;            // text, bytes, bytearray, big_integer: a view of the source, or of memory that the Tree owns
  std::vector<Ref> items;     // list, tuple, set, frozenset: elements; dict: key, value, …; global: module, name (text nodes);
                              // call: callee, args (usually a tuple), and kwargs where given
  std::unique_ptr<Extra> extra;

  std::string_view text() const { return as_text(raw_bytes); }
  bool is_text() const { return kind == Kind::text || (kind == Kind::bytes && is_py2_string); }
  std::string_view module() const { return items[0]->text(); }  // of a global
  std::string_view name() const { return items[1]->text(); }
  Ref callee() const { return items[0]; }  // of a call
  Ref args() const { return items[1]; }
  Ref kwargs() const { return items.size() > 2 ? items[2] : nullptr; }
  bool is_global(std::string_view module_name, std::string_view global_name) const {
    return kind == Kind::global && module() == module_name && name() == global_name;
  }
};

/// Something odd that a genuine writer never makes, or about which real loaders disagree: a finding for scan, no error here.
struct Oddity {
  std::string rule;  // short, stable: "trailing-data", "frame-mismatch", "duplicate-proto", …
  std::string text;
  std::uint64_t offset = 0;
};

/// A parsed pickle. Nodes live as long as the Tree; the bytes that they view as long as the Source.
class Tree {
 public:
  Ref root = nullptr;
  int protocol = 0;
  std::uint64_t end = 0;            // offset just behind STOP
  std::vector<Oddity> oddities;
  std::vector<Ref> globals;         // every global node, in order, popped or not: what scan judges
  std::vector<Ref> calls;           // every call node, in order, popped or not
  Source source;                    // the stream that was parsed

  /// A view of `node`'s bytes that stays alive on its own.
  Blob blob_of(const Node& node) const { return {owner, node.raw_bytes}; }
  Where where(const Node& node, std::string item = {}) const { return source.where(node.offset, std::move(item)); }

  std::shared_ptr<void> owner;      // keeps nodes, decoded bytes and the source's bytes alive
};

struct Options {
  /// Called after BUILD made `object` complete; may move the cursor past raw data that follows in the stream (joblib), and set
  /// object.extra's raw or nested.
  std::function<void(Node& object, Cursor& cursor)> on_build;
};

/// Parses one pickle from the cursor's position up to STOP and leaves the cursor behind it. Throws truncated, corrupt or limit.
Tree parse(Cursor& cursor, const Options& options = {});

}  // namespace decant::pickle
