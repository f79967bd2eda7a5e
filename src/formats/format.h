// SPDX-License-Identifier: Apache-2.0
// A vessel: how a model lies in a file. A format is one folder of formats/ and one constant in its format.cc,
// `extern const Format <folder>_format`; CMake makes the list. What the content means is frameworks/.
#pragma once

#include <initializer_list>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "codecs/pickle/pickle.h"
#include "formats/scan.h"
#include "frameworks/part.h"
#include "io/sink.h"
#include "io/source.h"
#include "ir/model.h"

namespace decant {

/// How sure a format is of a file, by its content. The extension only breaks ties.
enum class Probe : std::uint8_t { no, maybe, likely, certain };

/// What a writer could not say exactly.
struct Loss {
  std::string item, text;
};

struct Format {
  std::string_view name;    // "pickle": what --to takes
  std::string_view title;   // "Python pickle (protocols 0 to 5)"
  std::string_view extensions;  // ".pkl .pickle", the usual one first
  Probe (*probe)(const Source&) = nullptr;
  void (*scan)(const Source&, Report&) = nullptr;
  Model (*read)(const Source&, const Part&) = nullptr;                           // absent: cannot be read, only scanned
  void (*write)(const Model&, Sink&, std::vector<Loss>&) = nullptr;              // absent: cannot be written
  bool has_parts = false;                                                        // its files may hold several models, or one in steps
  // Vessels of Python objects: what is in one can be moved into another as it stands, without a meaning.
  pickle::Tree (*objects)(const Source&) = nullptr;                              // absent: its files hold none
  void (*write_objects)(const pickle::Tree&, Sink&) = nullptr;                   // absent: none can be written
};

inline bool writes(const Format& f) { return f.write != nullptr || f.write_objects != nullptr; }

std::span<const Format* const> all_formats();
const Format* find_format(std::string_view name);

/// The format of this source. Throws unsupported (nothing fits; says what the file looks like) or mismatch (two are equally sure).
const Format& detect(const Source& source);
/// The format that detect() would give, or null where it would throw.
const Format* find_by_content(const Source& source);
/// Detects and reads. The model's origin.format is set. Throws usage where `part` asks for a part that the format does not have.
Model read_model(const Source& source, const Part& part = {});

}  // namespace decant
