// SPDX-License-Identifier: Apache-2.0
#include "codecs/compress/compress.h"

#include <gtest/gtest.h>

namespace decant::compress {
namespace {

using namespace std::string_literals;

// "hello hello hello hello\n" as each tool packs it: gzip -n, python -c zlib.compress, bzip2, xz, xz --format=lzma, lz4, zstd.
std::string unhex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out.push_back(static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16)));
  return out;
}
constexpr std::string_view kPlain = "hello hello hello hello\n";
struct Packed {
  Method method;
  std::string bytes;
};
const std::vector<Packed>& packed() {
  static const std::vector<Packed> kAll{
      {Method::gzip, unhex("1f8b0800000000000203cb48cdc9c957c84027b9000088590b18000000")},
      {Method::zlib, unhex("789ccb48cdc9c957c84027b90070be08bb")},
      {Method::deflate, unhex("cb48cdc9c957c84027b900")},
      {Method::bzip2, unhex("425a68393141592653596f4f10f3000005d100001040000244a00030c002a834710dad870f1772453850906f4f10f3")},
      {Method::xz, unhex("fd377a585a000004e6d6b4460200210116000000742fe5a3e00017000c5d00341949ee8de9560ac121b000006c14ed1b3b68bb9100012818d"
                         "783b76e1fb6f37d010000000004595a")},
      {Method::lzma, unhex("5d00008000ffffffffffffffff00341949ee8de9560ac1b620b7ffffba340000")},
      {Method::zfile, unhex("5a4630783138202020202020202020202020202020789ccb48cdc9c957c84027b90070be08bb")},
      {Method::lz4, unhex("04224d186c401800000000000000350f0000006968656c6c6f20060050656c6c6f0a00000000e2ff0342")},
      {Method::zstd, unhex("28b52ffd24186d00003868656c6c6f200a0100994b11a87c2ea8")},
  };
  return kAll;
}

Source source_of(std::string_view bytes, std::uint64_t memory = 0) { return Source::memory(Blob::copy_of(as_bytes(bytes)), "c", memory); }

std::string error_of(std::string_view bytes, Method method, std::optional<std::uint64_t> expected = std::nullopt,
                     std::uint64_t memory = 0) {
  try {
    Cursor cursor(source_of(bytes, memory));
    unpack(cursor, method, expected);
  } catch (const Error& error) {
    return std::string(name_of(error.code())) + ": " + error.text();
  }
  return "no error";
}

TEST(Compress, EveryMethod) {
  for (const Packed& p : packed()) {
    SCOPED_TRACE(name_of(p.method));
    Cursor cursor(source_of(p.bytes + "TAIL"));
    EXPECT_EQ(recognise(cursor.peek(16)), p.method == Method::deflate ? std::nullopt : std::optional(p.method));
    const Unpacked out = unpack(cursor, p.method);
    EXPECT_EQ(as_text(out.data.bytes), kPlain);
    EXPECT_EQ(out.end, p.bytes.size());
    EXPECT_EQ(out.members, 1u);
    EXPECT_EQ(cursor.left(), 4u);
  }
}

TEST(Compress, APromisedSizeIsKept) {
  for (const Packed& p : packed()) {
    SCOPED_TRACE(name_of(p.method));
    Cursor cursor(source_of(p.bytes));
    EXPECT_EQ(as_text(unpack(cursor, p.method, kPlain.size()).data.bytes), kPlain);
    EXPECT_NE(error_of(p.bytes, p.method, kPlain.size() - 1), "no error");
    EXPECT_NE(error_of(p.bytes, p.method, kPlain.size() + 1), "no error");
  }
}

TEST(Compress, StreamsInARow) {
  for (const Packed& p : packed()) {
    if (p.method == Method::zlib || p.method == Method::deflate || p.method == Method::lzma || p.method == Method::zfile) continue;
    SCOPED_TRACE(name_of(p.method));
    Cursor cursor(source_of(p.bytes + p.bytes));
    const Unpacked out = unpack(cursor, p.method);
    EXPECT_EQ(as_text(out.data.bytes), std::string(kPlain) + std::string(kPlain));
    EXPECT_EQ(out.members, 2u);
  }
}

TEST(Compress, CutOffAnywhereIsAnError) {
  for (const Packed& p : packed()) {
    SCOPED_TRACE(name_of(p.method));
    for (std::size_t n = 0; n < p.bytes.size(); ++n) EXPECT_NE(error_of(std::string_view(p.bytes).substr(0, n), p.method), "no error") << n;
  }
}

TEST(Compress, AFlippedBitIsNeverOtherData) {
  for (const Packed& p : packed()) {
    if (p.method == Method::deflate || p.method == Method::lzma) continue;  // no checksum of their own
    for (std::size_t bit = 0; bit < p.bytes.size() * 8; ++bit) {
      std::string bytes = p.bytes;
      bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
      try {
        Cursor cursor(source_of(bytes));
        EXPECT_EQ(as_text(unpack(cursor, p.method).data.bytes), kPlain) << name_of(p.method) << " bit " << bit;
      } catch (const Error&) {
      }
    }
  }
}

TEST(Compress, BombsAreRefused) {
  // 1 MiB of zeros in each method takes little; a budget of 64 KiB must stop it.
  const std::string zeros = unhex(
      "78daedc13101000000c2a0f54f6d085fa000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
      "000000000000000000000000000000000000000000000000000000000000000000000000000000000000003e0300f00001");
  EXPECT_EQ(error_of(zeros, Method::zlib, std::nullopt, 1 << 16).substr(0, 31), "limit: decompressed data needs ");
  EXPECT_EQ(error_of(zeros, Method::zlib, std::uint64_t{1} << 60).substr(0, 31), "limit: decompressed data needs ");
  // LZMA alone with a dictionary of 4 GiB.
  EXPECT_EQ(error_of("\x5d\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"s + std::string(32, '\0'), Method::lzma).substr(0, 22),
            "limit: lzma needs 4.0 ");
}

TEST(Compress, ZfileOfBothPythons) {
  const std::string zlib = packed()[1].bytes;
  Cursor two(source_of("ZF0x18" + std::string(15, ' ') + " " + zlib));  // one blank more, as joblib 0.8.4 under Python 2 wrote
  EXPECT_EQ(as_text(unpack(two, Method::zfile).data.bytes), kPlain);
  EXPECT_EQ(error_of("ZF0xzz" + std::string(15, ' ') + zlib, Method::zfile), "corrupt: the size in the header is no number");
  EXPECT_EQ(error_of("ZF0x19" + std::string(15, ' ') + zlib, Method::zfile), "corrupt: unpacks to 24 bytes, 25 were promised");
}

TEST(Compress, WholeFiles) {
  EXPECT_EQ(as_text(unpack_all(source_of(packed()[0].bytes)).bytes()), kPlain);
  EXPECT_EQ(unpack_all(source_of(packed()[0].bytes)).member_name(), "gzip");
  EXPECT_THROW(unpack_all(source_of("plain")), Error);
  EXPECT_THROW(unpack_all(source_of(packed()[0].bytes + "x")), Error);
}

}  // namespace
}  // namespace decant::compress
