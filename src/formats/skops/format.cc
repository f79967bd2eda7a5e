// SPDX-License-Identifier: Apache-2.0
// skops archives: a zip of schema.json, .npy files for arrays and .bin files for bytes.
#include "formats/format.h"
#include "formats/scan_text.h"
#include "formats/skops/skops_tree.h"
#include "frameworks/pickled.h"

namespace decant {
namespace {

// schema.json is written last, so its name stands near the end of the central directory; it lies in no folder.
Probe probe(const Source& source) {
  if (!zip::looks_like(source.bytes())) return Probe::no;
  const std::string_view text = as_text(source.bytes());
  const std::string_view tail = text.substr(text.size() - std::min<std::size_t>(text.size(), 4096));
  const std::size_t at = tail.rfind(skops::kSchema);
  return at != std::string_view::npos && at > 0 && tail[at - 1] != '/' ? Probe::certain : Probe::no;
}

pickle::Tree objects(const Source& source) { return skops::read_tree(zip::Archive(source)); }

Model read(const Source& source, const Part& part) {
  const pickle::Tree tree = objects(source);
  return read_object({tree, tree.root}, source, part);
}

void scan(const Source& source, Report& report) {
  scan_zip(source, report, [](const zip::Entry& entry, const Source& content, Report& to) {
    if (entry.name != "schema.json" && !entry.name.ends_with(".bin")) return false;
    if (entry.name == "schema.json") scan_json(content, to);
    else if (find_by_content(content) != nullptr) scan_source(content, to);  // a booster's bytes
    else scan_opaque(content, to);
    return true;
  });
}

}  // namespace

extern const Format skops_format;
const Format skops_format{.name = "skops", .title = "skops archive", .extensions = ".skops .zip", .probe = probe, .scan = scan, .read = read, .write = nullptr, .has_parts = true,
                          .objects = objects, .write_objects = skops::write_tree};

}  // namespace decant
