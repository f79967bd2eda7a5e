// SPDX-License-Identifier: Apache-2.0
#include "codecs/compress/compress.h"
#include "formats/format.h"
#include "frameworks/sklearn/sklearn.h"

namespace decant {
namespace {

Probe probe(const Source& source) {
  const Bytes b = source.bytes();
  if (b.size() >= 2 && b[0] == std::byte{0x80} && static_cast<unsigned>(b[1]) <= 5) return Probe::certain;
  if (compress::recognise(b)) return Probe::maybe;
  return Probe::no;
}

Model read(const Source& file) {
  const Source source = compress::recognise(file.bytes()) ? compress::unpack_all(file) : file;
  Cursor cursor(source);
  const pickle::Tree tree = pickle::parse(cursor, python::pickle_options());
  return sklearn::read({tree, tree.root});
}

void scan(const Source& source, Report& report) {
  Cursor cursor(source);
  scan_pickles(cursor, report);
}

}  // namespace

extern const Format pickle_format;
const Format pickle_format{.name = "pickle", .title = "Python pickle", .extensions = ".pkl .pickle", .probe = probe, .scan = scan, .read = read, .write = nullptr};

}  // namespace decant
