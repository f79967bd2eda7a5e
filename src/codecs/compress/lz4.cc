// SPDX-License-Identifier: Apache-2.0
#include <lz4frame.h>

#include "codecs/compress/methods.h"

namespace decant::compress {

std::uint64_t unpack_lz4(Cursor& cursor, Output& out) {
  LZ4F_dctx* context = nullptr;
  if (LZ4F_isError(::LZ4F_createDecompressionContext(&context, LZ4F_VERSION))) throw std::bad_alloc();
  const std::unique_ptr<LZ4F_dctx, LZ4F_errorCode_t (*)(LZ4F_dctx*)> guard(context, ::LZ4F_freeDecompressionContext);
  for (std::uint64_t members = 1;; ++members) {
    const std::uint64_t start = cursor.offset();
    for (std::size_t status = 1; status != 0;) {
      const Bytes in = feed(cursor);
      const std::span<std::byte> room = out.room();
      std::size_t used = in.size(), made = room.size();
      status = ::LZ4F_decompress(context, room.data(), &made, in.data(), &used, nullptr);
      if (LZ4F_isError(status)) cursor.fail(Code::corrupt, format("lz4: {}", ::LZ4F_getErrorName(status)));
      cursor.skip(used);
      out.wrote(made, cursor.where());
      if (status != 0 && cursor.at_end() && made < room.size()) cursor.fail_at(start, Code::truncated, "the lz4 frame ends too early");
      if (status != 0 && room.empty()) cursor.fail(Code::corrupt, "lz4: unpacks to more than was promised");
    }
    if (!starts_with(cursor, "\x04\x22\x4d\x18")) return members;
  }
}

}  // namespace decant::compress
