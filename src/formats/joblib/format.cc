// SPDX-License-Identifier: Apache-2.0
// joblib's files (joblib/numpy_pickle.py, numpy_pickle_compat.py): a pickle whose arrays follow their wrapper in the stream, plain or
// compressed as a whole. The wrappers are read by frameworks/python/joblib.cc.
#include "codecs/compress/compress.h"
#include "formats/format.h"
#include "formats/scan.h"
#include "frameworks/pickled.h"

namespace decant {
namespace {

Probe probe(const Source& source) {
  const Bytes b = source.bytes();
  if (compress::recognise(b)) return Probe::likely;  // a compressed pickle is nearly always joblib's; the pickle format says maybe
  if (b.empty() || b[0] != std::byte{0x80}) return Probe::no;
  return as_text(b.first(std::min<std::size_t>(b.size(), 1 << 16))).find("joblib.numpy_pickle") != std::string_view::npos ? Probe::certain : Probe::no;
}

}  // namespace

extern const Format joblib_format;
const Format joblib_format{.name = "joblib", .title = "joblib", .extensions = ".joblib .pkl", .probe = probe, .scan = scan_pickles, .read = read_pickled, .write = nullptr, .has_parts = true, .objects = pickled_objects};

}  // namespace decant
