// SPDX-License-Identifier: Apache-2.0
#include <zstd.h>

#include "codecs/compress/methods.h"

namespace decant::compress {

std::uint64_t unpack_zstd(Cursor& cursor, Output& out) {
  const std::unique_ptr<ZSTD_DCtx, std::size_t (*)(ZSTD_DCtx*)> context(::ZSTD_createDCtx(), ::ZSTD_freeDCtx);
  if (!context) throw std::bad_alloc();
  constexpr int kWindowLog = 26;  // 64 MiB: the largest that level 19 uses; --ultra and --long frames may ask for up to 2 GiB
  ::ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, kWindowLog);
  for (std::uint64_t members = 1;; ++members) {
    const std::uint64_t start = cursor.offset();
    for (std::size_t status = 1; status != 0;) {
      const Bytes in = feed(cursor);
      const std::span<std::byte> room = out.room();
      ZSTD_inBuffer from{in.data(), in.size(), 0};
      ZSTD_outBuffer to{room.data(), room.size(), 0};
      status = ::ZSTD_decompressStream(context.get(), &to, &from);
      if (::ZSTD_isError(status)) cursor.fail(Code::corrupt, format("zstd: {}", ::ZSTD_getErrorName(status)));
      cursor.skip(from.pos);
      out.wrote(to.pos, cursor.where());
      if (status != 0 && cursor.at_end() && to.pos < to.size) cursor.fail_at(start, Code::truncated, "the zstd frame ends too early");
      if (status != 0 && room.empty()) cursor.fail(Code::corrupt, "zstd: unpacks to more than was promised");
    }
    if (!starts_with(cursor, "\x28\xb5\x2f\xfd")) return members;
  }
}

}  // namespace decant::compress
