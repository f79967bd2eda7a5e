// SPDX-License-Identifier: Apache-2.0
#include "io/source.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <vector>

#include "base/text.h"

namespace decant {
namespace {

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

[[noreturn]] void fail_io(const std::string& path, const char* doing) {
  throw Error(Code::io, Where{path, {}, {}, Where::kNoOffset}, format("cannot {}: {}", doing, std::strerror(errno)));
}

Blob map_file(const Descriptor& fd, const std::string& path, std::size_t size) {
  if (size == 0) return {};
  void* at = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (at == MAP_FAILED) fail_io(path, "map");
  std::shared_ptr<const void> owner(at, [size](const void* p) { ::munmap(const_cast<void*>(p), size); });
  return {owner, {static_cast<const std::byte*>(at), size}};
}

std::uint64_t regular_size(const Descriptor& fd, const std::string& path) {
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) fail_io(path, "stat");
  if (S_ISDIR(st.st_mode)) throw Error(Code::io, Where{path, {}, {}, Where::kNoOffset}, "is a folder, not a file");
  if (!S_ISREG(st.st_mode)) throw Error(Code::io, Where{path, {}, {}, Where::kNoOffset}, "is no regular file; use - to read a stream");
  return static_cast<std::uint64_t>(st.st_size);
}

}  // namespace

Blob Blob::allocate(std::size_t size, std::byte*& data) {
  // Weights of networks are read in full again and again: pages of 2 MiB, where Linux gives them, spare it the walk through tables, and filling
  // them 512 faults each.
  constexpr std::size_t kHuge = std::size_t{1} << 21;
  const std::align_val_t align{size >= kHuge ? kHuge : 64};
  auto* raw = static_cast<std::byte*>(::operator new(std::max<std::size_t>(size, 1), align));
  if (size >= kHuge) ::madvise(raw, size / kHuge * kHuge, MADV_HUGEPAGE);  // a wish: whether it is granted does not matter
  data = raw;
  return {std::shared_ptr<const void>(raw, [align](const void* p) { ::operator delete(const_cast<void*>(p), align); }), {raw, size}};
}

Blob Blob::copy_of(Bytes bytes) {
  std::byte* data = nullptr;
  Blob out = allocate(bytes.size(), data);
  if (!bytes.empty()) std::memcpy(data, bytes.data(), bytes.size());
  return out;
}

Source Source::open(const std::string& path, std::uint64_t memory) {
  const Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (fd.get() < 0) fail_io(path, "open");
  const std::uint64_t size = regular_size(fd, path);
  Source out = Source::memory(map_file(fd, path, size), path, memory);
  out.mapped_ = out.has_siblings_ = true;
  return out;
}

Source Source::standard_input(std::uint64_t memory) {
  const std::uint64_t most = memory != 0 ? memory : std::uint64_t{4} << 30;
  auto buffer = std::make_shared<std::vector<std::byte>>();
  for (std::size_t used = 0;;) {
    buffer->resize(used + (std::size_t{1} << 18));
    const ssize_t n = ::read(STDIN_FILENO, buffer->data() + used, buffer->size() - used);
    if (n < 0 && errno == EINTR) {
      buffer->resize(used);
      continue;
    }
    if (n < 0) fail_io("-", "read");
    used += static_cast<std::size_t>(n);
    buffer->resize(used);
    if (n == 0) break;
    if (used > most) throw Error(Code::limit, Where{"-", {}, {}, used}, format("more than {} on standard input; raise --max-memory", human_bytes(most)));
  }
  const Bytes bytes(buffer->data(), buffer->size());
  return Source::memory({buffer, bytes}, "-", memory);
}

Source Source::memory(Blob data, std::string name, std::uint64_t memory) {
  Source out;
  out.budget_ = std::make_shared<Budget>(data.size(), memory);
  out.data_ = std::move(data);
  out.file_ = std::move(name);
  return out;
}

Source Source::member(std::string_view name, Blob data) const {
  Source out = *this;
  out.data_ = std::move(data);
  out.member_ = member_.empty() ? std::string(name) : member_ + '!' + std::string(name);
  out.mapped_ = out.has_siblings_ = false;
  return out;
}

Source Source::unpacked(std::string_view method, Blob data) const {
  Source out = member(method, std::move(data));
  out.has_siblings_ = has_siblings_;
  return out;
}

std::optional<Source> Source::sibling(std::string_view name) const {
  if (!has_siblings_) return std::nullopt;
  const auto refuse = [&](const char* why) -> Error {
    return Error(Code::unsafe, where(Where::kNoOffset, std::string(name)), format("refers to a file that {}", why));
  };
  if (name.empty() || name.front() == '/' || name.find('\0') != std::string_view::npos) throw refuse("is not beside the model");
  const std::size_t slash = file_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : file_.substr(0, slash + 1);
  const Descriptor dir(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (dir.get() < 0) fail_io(folder, "open");
  // RESOLVE_BENEATH refuses "..", absolute names and links that lead out; RESOLVE_NO_SYMLINKS every link on the way (openat2(2)).
  struct open_how how {};
  how.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  const std::string path(name);
  const Descriptor fd(static_cast<int>(::syscall(SYS_openat2, dir.get(), path.c_str(), &how, sizeof how)));
  if (fd.get() < 0) {
    if (errno == ENOENT) return std::nullopt;
    if (errno == EXDEV || errno == ELOOP) throw refuse("is not beside the model, or is a link");
    fail_io(folder + path, "open");
  }
  struct stat st {};
  if (::fstat(fd.get(), &st) != 0) fail_io(path, "stat");
  if (!S_ISREG(st.st_mode)) throw refuse("is no regular file");
  if (st.st_nlink > 1) throw refuse("has a second name (a hard link), so it may be any file of this machine");
  Source out = *this;
  out.file_ = slash == std::string::npos ? path : folder + path;
  out.member_.clear();
  out.data_ = map_file(fd, out.file_, static_cast<std::uint64_t>(st.st_size));
  out.mapped_ = true;
  budget_->admit(out.file_, out.size());
  return out;
}

void Source::release(Bytes read) const {
  if (!mapped_ || read.empty()) return;
  static const auto page = static_cast<std::uintptr_t>(::sysconf(_SC_PAGESIZE));
  const auto first = reinterpret_cast<std::uintptr_t>(read.data());
  const std::uintptr_t begin = (first + page - 1) / page * page, end = (first + read.size()) / page * page;
  // Private, read-only and file-backed: dropping the page only means that it is read again from the page cache when touched.
  if (end > begin) ::madvise(reinterpret_cast<void*>(begin), end - begin, MADV_DONTNEED);
}

}  // namespace decant
