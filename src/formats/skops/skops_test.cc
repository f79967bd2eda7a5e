// SPDX-License-Identifier: Apache-2.0
// Lies in skops archives: each is an error that says where and what. The honest files are golden cases.
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "codecs/zip/zip.h"
#include "formats/malformed_test.h"

namespace decant {
namespace {

using testing::golden;

/// The archive with `from` in its schema.json replaced by `to`, and a member of the name `without` left out.
std::string changed(const char* file, std::string_view from, std::string_view to, std::string_view without = {}) {
  const std::string bytes = golden(format("boosters/boosters/{}", file));
  const zip::Archive archive(testing::source_of(bytes, "m.skops"));
  const auto path = std::filesystem::temp_directory_path() / format("decant_skops_{}", ::getpid());
  {
    Sink sink(path);
    zip::Writer writer(sink);
    for (const zip::Entry& entry : archive.entries()) {
      if (!without.empty() && entry.name.ends_with(without)) continue;
      std::string content(as_text(archive.read(entry).bytes()));
      if (entry.name == "schema.json" && !from.empty()) content.replace(content.find(from), from.size(), to);
      writer.add(entry.name, as_bytes(content));
    }
    writer.finish();
    sink.commit();
  }
  std::string out(as_text(Source::open(path).bytes()));
  std::filesystem::remove(path);
  return out;
}
std::string error_of_archive(const std::string& bytes) {
  return testing::error_of([&] { find_format("skops")->read(testing::source_of(bytes, "m.skops"), {}); });
}
std::string lie(std::string_view from, std::string_view to, std::string_view without = {}) { return error_of_archive(changed("skops_logistic.skops", from, to, without)); }
std::string verdict(const std::string& bytes) {
  Report report;
  find_format("skops")->scan(testing::source_of(bytes, "m.skops"), report);
  return std::string(report.verdict());
}

#define EXPECT_SAYS(error, words) EXPECT_NE((error).find(words), std::string::npos) << (error)

TEST(SkopsMalformed, Lies) {
  EXPECT_EQ(lie("", ""), "no error");
  EXPECT_SAYS(lie("", "", ".npy"), "corrupt: the archive has no member \"");
  EXPECT_SAYS(lie("", "", "schema.json"), "corrupt: the archive has no schema.json");
  EXPECT_SAYS(lie("\"__loader__\": \"ObjectNode\"", "\"__loader__\": \"EvilNode\""), "m.skops!schema.json @0x");
  EXPECT_SAYS(lie("\"__loader__\": \"ObjectNode\"", "\"__loader__\": \"EvilNode\""), "unsupported: a node that EvilNode loads");
  EXPECT_SAYS(lie("\"__module__\": \"sklearn.linear_model._logistic\"", "\"__module__\": \"mine\""), "unsupported: mine.LogisticRegression");
  EXPECT_SAYS(lie("\"type\": \"numpy\"", "\"type\": \"magic\""), "corrupt: an array of the type \"magic\"");
  EXPECT_SAYS(lie("\"__loader__\": \"DictNode\"", "\"__loader__\": \"CachedNode\""), "corrupt");
  EXPECT_SAYS(lie("\"key_types\"", "\"key_typos\""), "corrupt: has no \"key_types\"");
}

TEST(SkopsMalformed, ScanTellsClasses) {
  EXPECT_EQ(verdict(changed("skops_logistic.skops", "", "")), "clean");
  EXPECT_EQ(verdict(changed("skops_logistic.skops", "\"__module__\": \"sklearn.linear_model._logistic\"", "\"__module__\": \"mine\"")), "suspicious");
  EXPECT_EQ(verdict(changed("skops_logistic.skops", "\"__class__\": \"LogisticRegression\"", "\"__class__\": \"Unheard\"")), "suspicious");
}

TEST(SkopsMalformed, CutAndFlipped) {
  testing::cut_and_flip("skops", golden("boosters/boosters/skops_logistic.skops"));
  testing::cut_and_flip("skops", golden("boosters/boosters/skops_forest_compressed.skops"));
}

/// What writing an archive from these pickle opcodes says.
std::string error_of_writing(std::string_view opcodes) {
  const std::string bytes(opcodes);
  const auto path = std::filesystem::temp_directory_path() / format("decant_skops_{}", ::getpid());
  return testing::error_of([&] {
    Sink sink(path);
    find_format("skops")->write_objects(find_format("pickle")->objects(testing::source_of(bytes, "m.pkl")), sink);
  });
}

TEST(SkopsWritten, OnlyWhatIsGenuine) {
  EXPECT_NE(error_of_writing("cos\nsystem\n(S'ls'\ntR.").find("unsupported: names os.system, which is no class or function"), std::string::npos);
  EXPECT_NE(error_of_writing("(lp0\nccollections.abc\nSurprise\na.").find("names collections.abc.Surprise"), std::string::npos);
  EXPECT_NE(error_of_writing("(lp0\ng0\na.").find("an object that holds itself"), std::string::npos);
  EXPECT_NE(error_of_writing("(dp0\n(I1\nI2\ntI3\ns.").find("a key of a dict that is neither text nor number"), std::string::npos);
  EXPECT_NE(error_of_writing("(dp0\nI1\nI2\nsS'1'\nI3\ns.").find("two keys of a dict that are one as text"), std::string::npos);
  EXPECT_NE(error_of_writing("V\\ud800\n.").find("a text that is no Unicode"), std::string::npos);
  EXPECT_NE(error_of_writing("L1" + std::string(160, '0') + "L\n.").find("a whole number of 67 bytes"), std::string::npos);
  EXPECT_NE(error_of_writing("cfunctools\npartial\n(cos\nsystem\ntR(cos\nsystem\n(t(dNtb.").find("names os.system"), std::string::npos);
  EXPECT_NE(error_of_writing("cnumpy.random._pickle\n__generator_ctor\n(I1\ntR.").find("a random generator without its seeds"), std::string::npos);
}

TEST(SkopsWritten, LargeWholeNumbersInFull) {
  const auto path = std::filesystem::temp_directory_path() / format("decant_skops_large_{}", ::getpid());
  const std::string bytes = "(lp0\nL123456789012345678901234567890L\naL-1180591620717411303424L\naL18446744073709551616L\na.";
  {
    Sink sink(path);
    find_format("skops")->write_objects(find_format("pickle")->objects(testing::source_of(bytes, "m.pkl")), sink);
    sink.commit();
  }
  std::ifstream file(path, std::ios::binary);
  const std::string archive((std::istreambuf_iterator<char>(file)), {});
  std::filesystem::remove(path);
  const zip::Archive entries(testing::source_of(archive, "m.skops"));
  const Source schema = entries.read(*entries.find("schema.json"));
  for (const char* number : {"123456789012345678901234567890", "-1180591620717411303424", "18446744073709551616"}) {
    EXPECT_NE(as_text(schema.bytes()).find(format("\"{}\"", number)), std::string_view::npos) << number;
  }
}

}  // namespace
}  // namespace decant
