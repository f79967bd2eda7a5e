// SPDX-License-Identifier: Apache-2.0
// tar archives (POSIX ustar, GNU long names, pax paths): torch before 0.4 and .nemo. Members are views of the file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "io/cursor.h"

namespace decant::tar {

struct Entry {
  std::string name;
  char type = '0';                     // '0' and NUL a file, '5' a folder, '1' and '2' links, …
  std::uint64_t offset = 0, size = 0;  // of the data
  bool is_file() const { return type == '0' || type == '\0' || type == '7'; }
  bool is_link() const { return type == '1' || type == '2'; }
  bool unsafe_name() const;  // absolute, or with a ".." in it
};

/// Whether `first` (512 bytes are enough) is a header whose checksum is right.
bool looks_like(Bytes first);

struct Archive {
  std::vector<Entry> entries;
  std::uint64_t end = 0;  // offset behind the last entry and the empty blocks that end an archive
};

/// Throws truncated, corrupt or limit.
Archive read(const Source& source);
Source member(const Source& source, const Entry& entry);

}  // namespace decant::tar
