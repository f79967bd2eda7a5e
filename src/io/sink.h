// SPDX-License-Identifier: Apache-2.0
// Where bytes go. A file is written under a temporary name beside its place and renamed at the end, so nothing is ever half-written.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

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
  /// Another file beside this one, named path() + suffix, which is committed just before this one is. Throws `usage` where this one has no
  /// name of its own (standard output, a pipe). Lives as long as this.
  Sink& beside(std::string_view suffix);
  /// Flushes, syncs and renames. Nothing is visible before.
  void commit();

  std::uint64_t written() const { return written_; }
  const std::string& path() const { return path_; }

 private:
  void flush();

  std::string path_, temporary_, buffer_;
  int fd_ = -1;
  std::vector<std::unique_ptr<Sink>> beside_;
  std::uint64_t written_ = 0;
};

}  // namespace decant
