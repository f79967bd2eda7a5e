// SPDX-License-Identifier: Apache-2.0
// Where bytes go. A file is written under a temporary name beside its place and renamed at the end, so nothing is ever half-written.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "io/source.h"

namespace decant {

class Sink {
 public:
  /// `path` of "-" is standard output. Throws `io`.
  explicit Sink(std::string path);
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  ~Sink();  // without commit(): the temporary file is removed

  void write(Bytes bytes);
  void write(std::string_view text) { write(as_bytes(text)); }
  /// Flushes, syncs and renames. Nothing is visible before.
  void commit();

  std::uint64_t written() const { return written_; }
  const std::string& path() const { return path_; }

 private:
  void flush();

  std::string path_, temporary_, buffer_;
  int fd_ = -1;
  std::uint64_t written_ = 0;
};

}  // namespace decant
