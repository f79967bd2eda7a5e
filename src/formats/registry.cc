// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/text.h"
#include "formats/format.h"

namespace decant {

#define DECANT_ENTRY(folder) extern const Format folder##_format;
#include "formats.inc"
#undef DECANT_ENTRY

std::span<const Format* const> all_formats() {
  static const Format* const kFormats[] = {
#define DECANT_ENTRY(folder) &folder##_format,
#include "formats.inc"
#undef DECANT_ENTRY
  };
  return kFormats;
}

const Format* find_format(std::string_view name) {
  for (const Format* f : all_formats()) {
    if (f->name == name) return f;
  }
  return nullptr;
}

namespace {

bool has_extension(const Format& format, std::string_view file) {
  for (std::string_view rest = format.extensions; !rest.empty();) {
    const std::size_t space = std::min(rest.find(' '), rest.size());
    if (file.ends_with(rest.substr(0, space))) return true;
    rest.remove_prefix(std::min(space + 1, rest.size()));
  }
  return false;
}

std::string first_bytes(const Source& source) {
  std::string out;
  for (const std::byte b : source.bytes().first(std::min<std::size_t>(source.size(), 8))) out += format("{:02x}", static_cast<unsigned>(b));
  return out;
}

}  // namespace

namespace {

/// The formats that are surest of this source, narrowed down by the extension where several are.
std::vector<const Format*> fitting_formats(const Source& source) {
  Probe best = Probe::maybe;
  std::vector<const Format*> fitting;
  for (const Format* f : all_formats()) {
    const Probe probe = f->probe(source);
    if (probe < best) continue;
    if (probe > best) fitting.clear();
    best = probe;
    fitting.push_back(f);
  }
  if (fitting.size() > 1) {
    const auto by_name = std::ranges::find_if(fitting, [&](const Format* f) { return has_extension(*f, source.file()); });
    if (by_name != fitting.end()) return {*by_name};
  }
  return fitting;
}

}  // namespace

const Format* find_by_content(const Source& source) {
  if (source.size() == 0) return nullptr;
  const std::vector<const Format*> fitting = fitting_formats(source);
  return fitting.size() == 1 ? fitting[0] : nullptr;
}

const Format& detect(const Source& source) {
  if (source.size() == 0) throw Error(Code::unsupported, source.where(), "is empty");
  const std::vector<const Format*> fitting = fitting_formats(source);
  if (fitting.empty()) throw Error(Code::unsupported, source.where(), format("looks like no model that decant knows (first bytes {})", first_bytes(source)));
  if (fitting.size() > 1) {
    throw Error(Code::mismatch, source.where(), format("may be {} as well as {}; give it the usual extension", fitting[0]->title, fitting[1]->title));
  }
  return *fitting[0];
}

Model read_model(const Source& source, const Part& part) {
  const Format& format = detect(source);
  if (format.read == nullptr) throw Error(Code::unsupported, source.where(), decant::format("is {}; decant scans it, but cannot open it as a model", format.title));
  if (!part.empty() && !part.look && !format.has_parts) throw Error(Code::usage, source.where(), decant::format("is {}, which holds one model in one piece: no --entry, --until or --from", format.title));
  Model model = format.read(source, part);
  if (model.origin.format.empty()) model.origin.format = format.name;
  return model;
}

}  // namespace decant
