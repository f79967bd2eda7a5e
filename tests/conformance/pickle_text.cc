// SPDX-License-Identifier: Apache-2.0
// For pickle_differential.py: pickles on standard input, each behind its length (4 bytes, little-endian); one line for each on standard
// output: `ok END ODDITIES TREE`, or `error CODE ODDITIES TEXT`. The tree as the script prints it too.
#include <algorithm>
#include <cstdio>
#include <cstring>
#include <vector>

#include "base/text.h"
#include "codecs/pickle/literals.h"
#include "codecs/pickle/pickle.h"

using namespace decant;
using pickle::Kind;
using pickle::Node;
using pickle::Ref;
using pickle::Refs;

namespace {

constexpr std::size_t kMostText = 4096;  // trees of memo references grow without end: both sides stop here

std::string hex(std::string_view bytes) {
  std::string out;
  for (const char c : bytes) out += format("{:02x}", static_cast<unsigned char>(c));
  return out;
}

class Printer {
 public:
  std::string text(Ref root) {
    node(root);
    return out_.size() > kMostText ? out_.substr(0, kMostText) : out_;
  }

 private:
  void list(const Refs& refs, char open, char close) {
    out_ += open;
    for (const Ref ref : refs) node(ref), out_ += ',';
    out_ += close;
  }

  // Equal keys are one key in Python, whatever their type: 1, 1.0 and True. The first key stays, with the last value.
  static std::string identity(Ref key) {
    if (key->kind == Kind::boolean || key->kind == Kind::integer) return format("n{}", key->integer);
    if (key->kind == Kind::real && key->real == static_cast<double>(static_cast<std::int64_t>(key->real)))
      return format("n{}", static_cast<std::int64_t>(key->real));
    if (key->kind == Kind::call || key->kind == Kind::persistent) return format("o{}", key->offset);
    return Printer().text(key);
  }

  void dict(const Refs& entries) {
    std::vector<std::pair<Ref, Ref>> kept;
    std::vector<std::string> names;
    for (std::size_t i = 0; i + 1 < entries.size(); i += 2) {
      const std::string name = identity(entries[i]);
      const auto found = std::find(names.begin(), names.end(), name);
      if (found != names.end()) {
        kept[static_cast<std::size_t>(found - names.begin())].second = entries[i + 1];
      } else {
        names.push_back(name);
        kept.emplace_back(entries[i], entries[i + 1]);
      }
    }
    out_ += '{';
    for (const auto& [key, value] : kept) node(key), out_ += ':', node(value), out_ += ',';
    out_ += '}';
  }

  void set(const Refs& items) {
    std::vector<std::string> names, texts;
    for (const Ref item : items) {
      const std::string name = identity(item);
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      names.push_back(name);
      Printer inner;
      inner.path_ = path_;
      texts.push_back(inner.text(item));
    }
    std::sort(texts.begin(), texts.end());
    out_ += '<';
    for (const std::string& text : texts) out_ += text + ',';
    out_ += '>';
  }

  void node(Ref ref) {
    if (out_.size() > kMostText) return;
    if (std::find(path_.begin(), path_.end(), ref) != path_.end() || path_.size() > 50) {
      out_ += '*';
      return;
    }
    path_.push_back(ref);
    switch (ref->kind) {
      case Kind::none:
        out_ += 'N';
        break;
      case Kind::boolean:
        out_ += ref->integer != 0 ? 'T' : 'F';
        break;
      case Kind::integer:
        out_ += format("{}", ref->integer);
        break;
      case Kind::big_integer:
        out_ += "I" + hex(ref->text());
        break;
      case Kind::real: {
        std::uint64_t bits = 0;
        std::memcpy(&bits, &ref->real, 8);
        out_ += ref->real != ref->real ? std::string("fnan") : format("f{:016x}", bits);
        break;
      }
      case Kind::text:
        out_ += "s" + hex(ref->text());
        break;
      case Kind::bytes:
        if (ref->is_py2_string) {  // read as latin-1, as the script does
          std::string text;
          for (const char c : ref->text()) pickle::append_utf8(static_cast<unsigned char>(c), text);
          out_ += "s" + hex(text);
        } else {
          out_ += "b" + hex(ref->text());
        }
        break;
      case Kind::bytearray:
        out_ += "a" + hex(ref->text());
        break;
      case Kind::list:
        list(ref->items, '[', ']');
        break;
      case Kind::tuple:
        list(ref->items, '(', ')');
        break;
      case Kind::dict:
        dict(ref->items);
        break;
      case Kind::set:
      case Kind::frozenset:
        set(ref->items);
        break;
      case Kind::global:
        out_ += "g" + hex(ref->module()) + "." + hex(ref->name());
        break;
      case Kind::call:
        out_ += "c", node(ref->callee()), node(ref->args());
        if (ref->kwargs() != nullptr && !(ref->kwargs()->kind == Kind::dict && ref->kwargs()->items.empty())) node(ref->kwargs());
        break;
      case Kind::persistent:
        out_ += "p", node(ref->items[0]);
        break;
      case Kind::extension:
        out_ += "x";
        break;
      case Kind::buffer:
        out_ += "B";
        break;
    }
    if (ref->extra != nullptr && ref->kind != Kind::global) {
      list(ref->extra->states, '!', ';');
      list(ref->extra->appended, '+', ';');
      list(ref->extra->entries, '=', ';');
    } else if (ref->kind == Kind::call || ref->kind == Kind::persistent) {
      out_ += "!;+;=;";
    }
    path_.pop_back();
  }

  std::string out_;
  std::vector<Ref> path_;
};

}  // namespace

int main() {
  std::vector<char> bytes;
  for (unsigned char size[4]; std::fread(size, 1, 4, stdin) == 4;) {
    bytes.resize(size[0] | size[1] << 8 | size[2] << 16 | static_cast<std::size_t>(size[3]) << 24);
    if (std::fread(bytes.data(), 1, bytes.size(), stdin) != bytes.size()) return 1;
    Cursor cursor(Source::memory(Blob::copy_of(std::as_bytes(std::span(bytes))), "stdin"));
    const pickle::Partial partial = pickle::parse_partial(cursor);
    std::string oddities;
    for (const pickle::Oddity& oddity : partial.tree.oddities) oddities += (oddities.empty() ? "" : ",") + oddity.rule;
    if (oddities.empty()) oddities = "-";
    if (partial.broke) {
      std::printf("error %s %s %s\n", std::string(name_of(partial.broke->code())).c_str(), oddities.c_str(), partial.broke->text().c_str());
    } else {
      std::printf("ok %llu %s %s\n", static_cast<unsigned long long>(partial.tree.end), oddities.c_str(),
                  Printer().text(partial.tree.root).c_str());
    }
  }
}
