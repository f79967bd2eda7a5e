// SPDX-License-Identifier: Apache-2.0
#include "codecs/zip/zip.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

namespace decant::zip {
namespace {

using namespace std::string_literals;

struct File {
  std::string name, data;
  bool deflate = false;
  std::uint32_t align = 1;
};

std::string archive_of(const std::vector<File>& files) {
  const std::string path = ::testing::TempDir() + "zip_test_" + std::to_string(::getpid()) + ".zip";
  {
    Sink sink(path);
    Writer writer(sink);
    for (const File& file : files) writer.add(file.name, as_bytes(file.data), file.deflate, file.align);
    writer.finish();
    sink.commit();
  }
  std::string out(as_text(Source::open(path).bytes()));
  std::filesystem::remove(path);
  return out;
}

Source source_of(std::string_view bytes, std::uint64_t memory = 0) {
  return Source::memory(Blob::copy_of(as_bytes(bytes)), "z.zip", memory);
}

std::string error_of(std::string_view bytes) {
  try {
    const Archive archive(source_of(bytes));
    for (const Entry& entry : archive.entries()) archive.read(entry);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

std::string oddities_of(std::string_view bytes) {
  std::string out;
  const Archive archive(source_of(bytes));
  for (const Oddity& oddity : archive.oddities()) out += (out.empty() ? "" : " ") + oddity.rule;
  return out;
}

// The archive's bytes with `size` bytes at `at` of the n-th record of this signature replaced.
std::string with(std::string bytes, std::string_view signature, std::size_t at, std::string_view value, int nth = 0) {
  std::size_t found = bytes.find(signature);
  for (; nth > 0; --nth) found = bytes.find(signature, found + 1);
  return bytes.replace(found + at, value.size(), value);
}
constexpr std::string_view kLocal = "PK\x03\x04", kCentral = "PK\x01\x02", kEnd = "PK\x05\x06";

const std::string kLong(5000, 'x');

TEST(Zip, WritesWhatItReads) {
  const std::string bytes = archive_of({{"a.npy", "hello"}, {"folder/b", kLong, true}, {"aligned", "data", false, 64}, {"empty", ""}});
  const Archive archive(source_of(bytes));
  ASSERT_EQ(archive.entries().size(), 4u);
  EXPECT_EQ(as_text(archive.read(*archive.find("a.npy")).bytes()), "hello");
  EXPECT_EQ(as_text(archive.read(*archive.find("folder/b")).bytes()), kLong);
  EXPECT_EQ(archive.find("aligned")->data_offset % 64, 0u);
  EXPECT_EQ(archive.read(*archive.find("empty")).size(), 0u);
  EXPECT_EQ(archive.find("c"), nullptr);
  EXPECT_TRUE(archive.oddities().empty());
  EXPECT_EQ(archive.read(*archive.find("a.npy")).member_name(), "a.npy");
  EXPECT_LT(bytes.size(), 1000u);
  EXPECT_EQ(bytes, archive_of({{"a.npy", "hello"}, {"folder/b", kLong, true}, {"aligned", "data", false, 64}, {"empty", ""}}));
}

TEST(Zip, StoredMembersAreViews) {
  const Source source = source_of(archive_of({{"a", "hello"}}));
  const Archive archive(source);
  const Bytes inner = archive.read(archive.entries()[0]).bytes();
  EXPECT_GE(inner.data(), source.bytes().data());
  EXPECT_LE(inner.data() + inner.size(), source.bytes().data() + source.size());
}

TEST(Zip, AnEmptyOne) { EXPECT_TRUE(Archive(source_of(archive_of({}))).entries().empty()); }

TEST(Zip, MoreEntriesThanSixteenBitsCount) {
  std::vector<File> files;
  for (int i = 0; i < 66'000; ++i) files.push_back({std::to_string(i), ""});
  const Archive archive(source_of(archive_of(files)));
  EXPECT_EQ(archive.entries().size(), 66'000u);
  EXPECT_TRUE(archive.oddities().empty());
}

TEST(Zip, WhatReadersTakeDifferently) {
  const std::string plain = archive_of({{"abc", "hello"}, {"def", "world"}});
  EXPECT_EQ(oddities_of(plain), "");
  EXPECT_EQ(oddities_of(plain + "x"), "trailing-data");
  EXPECT_EQ(oddities_of("x" + plain), "prefix hidden-data");
  EXPECT_EQ(oddities_of(plain + plain), "several-directories prefix hidden-data");
  EXPECT_EQ(oddities_of(with(plain, kLocal, 30, "xyz")), "local-mismatch");   // name
  EXPECT_EQ(oddities_of(with(plain, kLocal, 22, "\x09")), "local-mismatch");  // size
  EXPECT_EQ(oddities_of(with(plain, kLocal, 14, "\x09")), "local-mismatch");  // checksum
  EXPECT_EQ(oddities_of(with(plain, kLocal, 8, "\x08")), "local-mismatch");   // method
  EXPECT_EQ(oddities_of(with(plain, kLocal, 6, "\x01")), "local-mismatch");   // encrypted, says one of the two
  EXPECT_EQ(oddities_of(with(plain, kCentral, 8, "\x01")), "local-mismatch encrypted");
  EXPECT_EQ(oddities_of(with(plain, kCentral, 8, "\x20")), "local-mismatch patched");
  EXPECT_EQ(oddities_of(archive_of({{"a", "1"}, {"a", "2"}})), "duplicate-name");
  EXPECT_EQ(as_text(Archive(source_of(archive_of({{"a", "1"}, {"a", "2"}})))
                        .read(*Archive(source_of(archive_of({{"a", "1"}, {"a", "2"}}))).find("a"))
                        .bytes()),
            "2");
  for (const char* name : {"/abs", "../up", "a/../../b", "c:\\x", "..", "a\\b", ""})
    EXPECT_EQ(oddities_of(archive_of({{name, "x"}})), "unsafe-name") << name;
  EXPECT_EQ(oddities_of(archive_of({{"a..b", "x"}, {"..c/d", "x"}})), "");
  EXPECT_EQ(oddities_of(with(with(plain, kCentral, 5, "\3"), kCentral, 38, "\0\0\xff\xa1"s)), "link");
}

TEST(Zip, BrokenOnesSayWhereAndWhy) {
  const std::string plain = archive_of({{"abc", "hello"}, {"def", "world"}});
  EXPECT_EQ(error_of(""), "z.zip @0x0: truncated: too short for a zip archive");
  EXPECT_EQ(
      error_of(plain.substr(0, plain.size() - 1)), "z.zip @0x" + [&] {
        char hex[16];
        std::snprintf(hex, sizeof hex, "%zx", plain.size() - 1);
        return std::string(hex);
      }() + ": truncated: the zip archive has no end record: it is cut off, or no zip archive");
  EXPECT_EQ(error_of(with(plain, "hello", 0, "jello")), "z.zip @0x0 abc: corrupt: checksum 4cd0f5e6, the archive states 3610a686");
  EXPECT_EQ(error_of(with(plain, kCentral, 10, "\x63")), "z.zip @0x0 abc: unsupported: compression method 99");
  EXPECT_EQ(error_of(with(plain, kCentral, 8, "\x01")), "z.zip @0x0 abc: unsupported: the entry is encrypted");
  EXPECT_EQ(error_of(with(plain, kCentral, 24, "\x09")), "z.zip @0x0 abc: corrupt: the entry is stored, but its two sizes differ: 5 and 9");
  EXPECT_EQ(error_of(with(plain, kCentral, 42, "\x05")), "z.zip @0x5: corrupt: no local header for \"abc\"");
  EXPECT_EQ(error_of(with(plain, kCentral, 20, "\xff\xff")), "z.zip @0x0: truncated: \"abc\" states 65535 bytes, only 163 left");
  EXPECT_EQ(error_of(with(plain, kCentral, 42, "\0"s, 1)), "z.zip @0x0: corrupt: \"def\" overlaps another entry");
  EXPECT_EQ(error_of(with(plain, kEnd, 10, "\x03")), "z.zip @0xae: unsupported: an archive that is split over several files");
  EXPECT_EQ(error_of(with(with(plain, kEnd, 10, "\xf0\xff"), kEnd, 8, "\xf0\xff")),
            "z.zip @0xae: corrupt: states 65520 entries in a directory of 98 bytes");
  EXPECT_EQ(error_of(with(plain, kEnd, 16, "\xff\xff")),
            "z.zip @0xae: corrupt: the directory should be at 0xffff, but it must end at 0xae after 98 bytes");
  EXPECT_EQ(error_of(with(plain, kEnd, 12, "\xff\xff")), "z.zip @0xae: corrupt: a directory of 65535 bytes before offset 0xae");
  EXPECT_EQ(error_of(with(plain, kEnd, 20, "\x05")), "z.zip @0xae: truncated: the comment of 5 bytes is cut off after 0");
  EXPECT_EQ(error_of(with(plain, kCentral, 0, "XXXX")), "z.zip @0x4c: corrupt: no entry where the directory should have one");
}

TEST(Zip, WhatALoaderWithoutChecksWouldSee) {
  const Archive archive(source_of(with(archive_of({{"abc", "hello"}}), "hello", 0, "jello")));
  EXPECT_THROW(archive.read(archive.entries()[0]), Error);
  EXPECT_EQ(as_text(archive.read_unchecked(archive.entries()[0]).bytes()), "jello");
}

TEST(Zip, BombsAreRefused) {
  const std::string bytes = archive_of({{"zeros", std::string(1 << 22, '\0'), true}});
  const Archive archive(source_of(bytes, 1 << 20));
  EXPECT_THROW(archive.read(archive.entries()[0]), Error);
  EXPECT_THROW(archive.read_unchecked(archive.entries()[0]), Error);
}

}  // namespace
}  // namespace decant::zip
