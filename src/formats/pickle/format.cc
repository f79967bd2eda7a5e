// SPDX-License-Identifier: Apache-2.0
#include "codecs/compress/compress.h"
#include "formats/format.h"
#include "formats/scan.h"
#include "frameworks/pickled.h"
#include "frameworks/python/numpy.h"

namespace decant {
namespace {

Probe probe(const Source& source) {
  const Bytes b = source.bytes();
  if (b.size() >= 2 && b[0] == std::byte{0x80} && static_cast<unsigned>(b[1]) <= 5) return Probe::likely;
  if (compress::recognise(b)) return Probe::maybe;
  // Protocols 0 and 1 have no magic number: a stream that begins with an opcode of an object and parses up to its end is one.
  static constexpr std::string_view kFirst = "(c]}lditUVXINJKMFG\x8a";
  if (!b.empty() && kFirst.find(static_cast<char>(b[0])) != std::string_view::npos && b.back() == std::byte{'.'}) {
    Cursor cursor(source);
    const pickle::Partial partial = pickle::parse_partial(cursor, python::pickle_options());
    if (!partial.broke && cursor.at_end()) return Probe::likely;
  }
  return Probe::no;
}

}  // namespace

extern const Format pickle_format;
const Format pickle_format{.name = "pickle", .title = "Python pickle", .extensions = ".pkl .pickle", .probe = probe, .scan = scan_pickles, .read = read_pickled, .write = nullptr, .has_parts = true, .objects = pickled_objects};

}  // namespace decant
