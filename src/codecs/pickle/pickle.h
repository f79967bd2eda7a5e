// SPDX-License-Identifier: Apache-2.0
// The symbolic pickle machine: opcodes in, a tree of what they describe out. Protocols 0 to 5, Python 2 and 3 (Lib/pickletools.py,
// CPython 3.13, is the specification). Nothing is ever called, imported or looked up: a REDUCE becomes a Call node that names its
// callee. What the tree means is decided above, by closed lists of constructors.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "io/cursor.h"

namespace decant::pickle {

enum class Kind : std::uint8_t {
  none,
  boolean,
  integer,
  big_integer,  // beyond int64: raw() holds its little-endian two's complement bytes
  real,
  text,   // str; raw() is UTF-8 (with surrogatepass)
  bytes,  // bytes, and str of Python 2 (then is_py2_string)
  bytearray,
  list,
  tuple,
  dict,
  set,
  frozenset,
  global,      // module() and name()
  call,        // REDUCE, NEWOBJ, NEWOBJ_EX, OBJ, INST: callee(args, **kwargs), then BUILD state and appended items
  persistent,  // PERSID, BINPERSID: items[0] is the id
  extension,   // EXT1/2/4: integer is the code
  buffer,      // NEXT_BUFFER: integer is its number
};

struct Node;
using Ref = const Node*;

/// A list of nodes. It lives in the Tree's arena, so a tree of millions of nodes is freed at once; only the machine grows it.
class Refs {
 public:
  const Ref* begin() const { return data_; }
  const Ref* end() const { return data_ + size_; }
  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Ref operator[](std::size_t i) const { return data_[i]; }
  Ref at(std::size_t i) const;  // throws std::out_of_range: for our own mistakes
  Ref front() const { return data_[0]; }
  Ref back() const { return data_[size_ - 1]; }
  operator std::span<const Ref>() const { return {data_, size_}; }
  operator std::vector<Ref>() const { return {begin(), end()}; }

 private:
  friend class Arena;
  Ref* data_ = nullptr;
  std::uint32_t size_ = 0, capacity_ = 0;
};

/// What opcodes may add to an object after it was made. Only call, persistent, extension and global nodes have it.
struct Extra {
  Refs states;           // BUILD, in order
  Refs appended;         // APPEND, APPENDS, ADDITEMS
  Refs entries;          // SETITEM, SETITEMS: key, value, key, value…
  Bytes raw;             // bytes of the stream that a reader's hook took after BUILD (arrays of joblib)
  Ref nested = nullptr;  // a pickle inside the stream that a reader's hook parsed after BUILD (object arrays of joblib)
};

struct Node {
  Kind kind = Kind::none;
  bool is_py2_string = false;
  bool is_newobj = false;    // a call by NEWOBJ or NEWOBJ_EX: cls.__new__(cls, *args)
  std::uint64_t offset = 0;  // of the opcode that made it
  union {
    std::int64_t integer = 0;  // boolean (0, 1), integer, extension, buffer
    double real;               // real, and only there
  };
  Bytes raw_bytes;  // text, bytes, bytearray, big_integer: a view of the source, or of memory that the Tree owns
  Refs items;       // list, tuple, set, frozenset: elements; dict: key, value, …; global: module, name (text nodes);
                    // call: callee, args (usually a tuple), and kwargs where given
  Extra* extra = nullptr;

  std::string_view text() const { return as_text(raw_bytes); }
  bool is_text() const { return kind == Kind::text || (kind == Kind::bytes && is_py2_string); }
  std::string_view module() const { return items[0]->text(); }  // of a global; "" where the name is computed by a call
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
  std::uint64_t end = 0;  // offset just behind STOP
  std::vector<Oddity> oddities;
  std::vector<Ref> globals;      // every global node, in order, popped or not: what scan judges
  std::vector<Ref> calls;        // every call node, in order, popped or not
  std::vector<Ref> persistents;  // every persistent id, in order, popped or not
  Source source;                 // the stream that was parsed

  /// A view of `node`'s bytes that stays alive on its own.
  Blob blob_of(const Node& node) const { return {owner, node.raw_bytes}; }
  Where where(const Node& node, std::string item = {}) const { return source.where(node.offset, std::move(item)); }

  std::shared_ptr<void> owner;  // keeps nodes, decoded bytes and the source's bytes alive

  /// What a framework made of a node, kept so that it is made once.
  mutable std::map<Ref, std::shared_ptr<const void>> meanings;
};

struct Options {
  /// Called after BUILD made `object` complete; may move the cursor past raw data that follows in the stream (joblib), and set
  /// object.extra's raw or nested. `parse_nested` parses a plain pickle at the cursor (its globals and calls join the Tree's).
  std::function<void(Node& object, Cursor& cursor, const std::function<Ref()>& parse_nested)> on_build;
};

/// Parses one pickle from the cursor's position up to STOP and leaves the cursor behind it. Throws truncated, corrupt or limit.
/// What follows STOP is the caller's to judge: files of several pickles are common.
Tree parse(Cursor& cursor, const Options& options = {});

/// The same for scan: what a broken pickle did before it breaks counts, since a loader has done it by then. Where `broke` is set,
/// root is null, and globals, calls and oddities hold what came before.
struct Partial {
  Tree tree;
  std::optional<Error> broke;
};
Partial parse_partial(Cursor& cursor, const Options& options = {});

}  // namespace decant::pickle
