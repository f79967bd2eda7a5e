// SPDX-License-Identifier: Apache-2.0
#include "io/sink.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "base/text.h"

namespace decant {
namespace {

constexpr std::size_t kBuffer = std::size_t{1} << 18;

[[noreturn]] void fail_io(const std::string& path, const char* doing) {
  throw Error(Code::io, Where{path, {}, {}, Where::kNoOffset}, format("cannot {}: {}", doing, std::strerror(errno)));
}

void write_all(int fd, const char* data, std::size_t size, const std::string& path) {
  while (size > 0) {
    const ssize_t n = ::write(fd, data, size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail_io(path, "write");
    data += n;
    size -= static_cast<std::size_t>(n);
  }
}

}  // namespace

Sink::Sink(std::string path) : path_(std::move(path)) {
  if (path_ == "-") {
    fd_ = STDOUT_FILENO;
    return;
  }
  struct stat st {};
  if (::stat(path_.c_str(), &st) == 0 && !S_ISREG(st.st_mode)) {  // /dev/null, a pipe: there is nothing to rename
    fd_ = ::open(path_.c_str(), O_WRONLY | O_CLOEXEC);
    if (fd_ < 0) fail_io(path_, "open for writing");
    return;
  }
  temporary_ = format("{}.{}.part", path_, ::getpid());
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd_ < 0) fail_io(path_, "create");
}

Sink::~Sink() {
  if (fd_ >= 0 && fd_ != STDOUT_FILENO) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void Sink::write(Bytes bytes) {
  written_ += bytes.size();
  if (buffer_.size() + bytes.size() > kBuffer) flush();
  if (bytes.size() >= kBuffer) {
    write_all(fd_, reinterpret_cast<const char*>(bytes.data()), bytes.size(), path_);
  } else {
    buffer_.append(as_text(bytes));
  }
}

void Sink::flush() {
  write_all(fd_, buffer_.data(), buffer_.size(), path_);
  buffer_.clear();
}

Sink& Sink::beside(std::string_view suffix) {
  if (temporary_.empty()) throw Error(Code::usage, Where{path_, {}, {}, Where::kNoOffset}, "a second file is needed beside it, and it is no file with a name; name one");
  beside_.push_back(std::make_unique<Sink>(path_ + std::string(suffix)));
  return *beside_.back();
}

void Sink::commit() {
  for (const auto& other : beside_) other->commit();
  flush();
  if (temporary_.empty()) return;
  if (::fsync(fd_) != 0) fail_io(path_, "sync");
  ::close(fd_);
  fd_ = -1;
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail_io(path_, "rename into place");
  temporary_.clear();
}

}  // namespace decant
