// SPDX-License-Identifier: Apache-2.0
#include <bzlib.h>

#include "codecs/compress/methods.h"

namespace decant::compress {

std::uint64_t unpack_bzip2(Cursor& cursor, Output& out) {
  for (std::uint64_t members = 1;; ++members) {
    const std::uint64_t start = cursor.offset();
    bz_stream stream{};
    if (::BZ2_bzDecompressInit(&stream, 0, 0) != BZ_OK) throw std::bad_alloc();
    const std::unique_ptr<bz_stream, int (*)(bz_stream*)> guard(&stream, ::BZ2_bzDecompressEnd);
    for (int status = BZ_OK; status != BZ_STREAM_END;) {
      const Bytes in = feed(cursor);
      const std::span<std::byte> room = out.room();
      stream.next_in = reinterpret_cast<char*>(const_cast<std::byte*>(in.data()));
      stream.avail_in = static_cast<unsigned>(in.size());
      stream.next_out = reinterpret_cast<char*>(room.data());
      stream.avail_out = static_cast<unsigned>(room.size());
      status = ::BZ2_bzDecompress(&stream);
      cursor.skip(in.size() - stream.avail_in);
      out.wrote(room.size() - stream.avail_out, cursor.where());
      if (status == BZ_MEM_ERROR) throw std::bad_alloc();
      if (status != BZ_OK && status != BZ_STREAM_END) cursor.fail(Code::corrupt, "bzip2: invalid data");
      if (status == BZ_OK && cursor.at_end() && stream.avail_out != 0)
        cursor.fail_at(start, Code::truncated, "the bzip2 stream ends too early");
    }
    if (recognise(cursor.peek(16)) != Method::bzip2) return members;
  }
}

}  // namespace decant::compress
