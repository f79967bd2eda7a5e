// SPDX-License-Identifier: Apache-2.0
// .xz and .lzma. A stream states the size of its dictionary, so a hundred bytes can ask for 4 GiB: the memory limit is the budget's.
#include <lzma.h>

#include "codecs/compress/methods.h"

namespace decant::compress {

std::uint64_t unpack_xz(Cursor& cursor, Method method, Output& out) {
  using namespace std::string_view_literals;
  for (std::uint64_t members = 1;; ++members) {
    const std::uint64_t start = cursor.offset();
    lzma_stream stream = LZMA_STREAM_INIT;
    const std::uint64_t most = std::max<std::uint64_t>(cursor.budget().memory_left(), 1);
    const lzma_ret ready =
        method == Method::xz ? ::lzma_stream_decoder(&stream, most, LZMA_TELL_UNSUPPORTED_CHECK) : ::lzma_alone_decoder(&stream, most);
    if (ready != LZMA_OK) throw std::bad_alloc();
    const std::unique_ptr<lzma_stream, void (*)(lzma_stream*)> guard(&stream, ::lzma_end);
    for (lzma_ret status = LZMA_OK; status != LZMA_STREAM_END;) {
      const Bytes in = feed(cursor);
      const std::span<std::byte> room = out.room();
      stream.next_in = reinterpret_cast<const std::uint8_t*>(in.data());
      stream.avail_in = in.size();
      stream.next_out = reinterpret_cast<std::uint8_t*>(room.data());
      stream.avail_out = room.size();
      status = ::lzma_code(&stream, LZMA_RUN);
      cursor.skip(in.size() - stream.avail_in);
      out.wrote(room.size() - stream.avail_out, cursor.where());
      switch (status) {
        case LZMA_OK:
        case LZMA_STREAM_END:
          break;
        case LZMA_MEM_ERROR:
          throw std::bad_alloc();
        case LZMA_MEMLIMIT_ERROR:
          cursor.fail_at(start, Code::limit,
                         format("{} needs {} to unpack; raise --max-memory if you trust this file", name_of(method),
                                human_bytes(::lzma_memusage(&stream))));
        case LZMA_BUF_ERROR:
          if (room.empty()) cursor.fail(Code::corrupt, format("{}: unpacks to more than was promised", name_of(method)));
          cursor.fail_at(start, Code::truncated, format("the {} stream ends too early", name_of(method)));
        case LZMA_UNSUPPORTED_CHECK:
        case LZMA_OPTIONS_ERROR:
          cursor.fail(Code::unsupported, format("{}: uses an option or checksum that is not known", name_of(method)));
        default:
          cursor.fail(Code::corrupt, format("{}: invalid data", name_of(method)));
      }
      if (status == LZMA_OK && cursor.at_end() && stream.avail_out != 0)
        cursor.fail_at(start, Code::truncated, format("the {} stream ends too early", name_of(method)));
    }
    if (method != Method::xz || !starts_with(cursor,
                                             "\xfd"
                                             "7zXZ\0"sv))
      return members;
  }
}

}  // namespace decant::compress
