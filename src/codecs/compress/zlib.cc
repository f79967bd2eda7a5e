// SPDX-License-Identifier: Apache-2.0
// gzip (RFC 1952), zlib (RFC 1950) and raw deflate (RFC 1951).
#include <libdeflate.h>
#include <zlib.h>

#include "codecs/compress/methods.h"

namespace decant::compress {

std::uint64_t unpack_zlib(Cursor& cursor, Method method, Output& out) {
  constexpr int kWindow = 15;
  const std::uint64_t start = cursor.offset();
  z_stream stream{};
  if (::inflateInit2(&stream, method == Method::gzip ? kWindow + 16 : method == Method::zlib ? kWindow : -kWindow) != Z_OK)
    throw std::bad_alloc();
  const std::unique_ptr<z_stream, int (*)(z_stream*)> guard(&stream, ::inflateEnd);
  for (std::uint64_t members = 1;; ++members) {
    for (int status = Z_OK; status != Z_STREAM_END;) {
      const Bytes in = feed(cursor);
      const std::span<std::byte> room = out.room();
      stream.next_in = reinterpret_cast<Bytef*>(const_cast<std::byte*>(in.data()));
      stream.avail_in = static_cast<uInt>(in.size());
      stream.next_out = reinterpret_cast<Bytef*>(room.data());
      stream.avail_out = static_cast<uInt>(room.size());
      status = ::inflate(&stream, Z_NO_FLUSH);
      cursor.skip(in.size() - stream.avail_in);
      out.wrote(room.size() - stream.avail_out, cursor.where());
      if (status == Z_MEM_ERROR) throw std::bad_alloc();
      if (status == Z_DATA_ERROR || status == Z_NEED_DICT || status == Z_STREAM_ERROR) {
        cursor.fail(Code::corrupt, format("{}: {}", name_of(method), stream.msg != nullptr ? stream.msg : "needs a dictionary"));
      }
      if (status != Z_STREAM_END && stream.avail_in == 0 && cursor.at_end() && stream.avail_out != 0) {
        cursor.fail_at(start, Code::truncated, format("the {} stream ends too early", name_of(method)));
      }
    }
    if (method != Method::gzip || !starts_with(cursor, "\x1f\x8b\x08")) return members;
    ::inflateReset(&stream);
  }
}

std::uint64_t unpack_deflate_at_once(Cursor& cursor, Output& out) {
  const std::unique_ptr<libdeflate_decompressor, void (*)(libdeflate_decompressor*)> decoder(::libdeflate_alloc_decompressor(),
                                                                                             ::libdeflate_free_decompressor);
  if (!decoder) throw std::bad_alloc();
  const Bytes in = cursor.peek(cursor.left());
  const std::span<std::byte> room = out.whole();
  std::size_t used = 0, made = 0;
  const auto status = ::libdeflate_deflate_decompress_ex(decoder.get(), in.data(), in.size(), room.data(), room.size(), &used, &made);
  if (status == LIBDEFLATE_INSUFFICIENT_SPACE)
    cursor.fail(Code::corrupt, format("deflate: unpacks to more than the {} bytes that were promised", room.size()));
  if (status != LIBDEFLATE_SUCCESS) cursor.fail(Code::corrupt, "deflate: invalid or truncated data");
  cursor.skip(used);
  out.wrote(made, cursor.where());
  return 1;
}

}  // namespace decant::compress
