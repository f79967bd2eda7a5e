// SPDX-License-Identifier: Apache-2.0
#include "codecs/document/document.h"

#include <gtest/gtest.h>

#include <cmath>

namespace decant::document {
namespace {

using namespace std::string_literals;
using namespace std::string_view_literals;

Source source_of(std::string_view bytes) { return Source::memory(Blob::copy_of(as_bytes(bytes)), "a.json"); }

template <class Read>
std::string error_of(Read read) {
  try {
    read();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}
std::string json_error(std::string_view text) {
  return error_of([&] { parse_json(source_of(text)); });
}
std::string ubjson_error(std::string_view bytes) {
  return error_of([&] { parse_ubjson(source_of(bytes)); });
}

TEST(Json, Values) {
  const DocumentPtr d = parse_json(source_of(R"( {"a": [1, 2.5, -3e2], "b": {"c": null, "d": true}, "t": "x\"\u00e9\ud83d\ude00", "m": [1, "x"], "e": []} )"));
  const Value root = d->root();
  EXPECT_EQ(root["a"].list<double>(), (std::vector<double>{1, 2.5, -300}));
  EXPECT_EQ(root["b"]["c"].kind(), Kind::null);
  EXPECT_TRUE(root["b"]["d"].boolean());
  EXPECT_EQ(root["t"].text(), "x\"é😀");
  EXPECT_EQ(root["m"].elements()[1].text(), "x");
  EXPECT_EQ(root["e"].size(), 0u);
  EXPECT_TRUE(root["e"].elements().empty());
  EXPECT_EQ(root.find("z"), std::nullopt);
}

// A decimal near the middle of two floats must not be rounded to a double first.
TEST(Json, FloatsAreRoundedOnce) {
  const DocumentPtr d = parse_json(source_of("[1.00000017881393432617187499, 1e-46, 1e39, NaN, -Infinity, true, 7]"));
  const auto v = d->root().list<float>();
  EXPECT_EQ(v[0], 0x1.000002p0f);
  EXPECT_EQ(v[1], 0.0f);
  EXPECT_TRUE(std::isinf(v[2]));
  EXPECT_TRUE(std::isnan(v[3]));
  EXPECT_EQ(v[4], -INFINITY);
  EXPECT_EQ(v[5], 1.0f);
  EXPECT_EQ(v[6], 7.0f);
}

TEST(Json, IntegersMustFit) {
  const DocumentPtr d = parse_json(source_of("[[300], [-1], [1.5], [2.0], [99999999999999999999]]"));
  const auto rows = d->root().elements();
  EXPECT_EQ(error_of([&] { rows[0].list<std::uint8_t>(); }), "a.json @0x1: corrupt: element 0 is no number that fits here");
  EXPECT_NE(error_of([&] { rows[1].list<std::uint32_t>(); }), "no error");
  EXPECT_NE(error_of([&] { rows[2].list<std::int32_t>(); }), "no error");
  EXPECT_EQ(rows[3].list<std::int32_t>(), std::vector<std::int32_t>{2});
  EXPECT_NE(error_of([&] { rows[4].list<std::int64_t>(); }), "no error");
}

TEST(Json, Malformed) {
  for (const std::string_view bad : {""sv, "{"sv, "["sv, "[1"sv, "[1,"sv, "{\"a\""sv, "{\"a\":"sv, "{\"a\":1"sv, "\"a"sv, "\"\\"sv}) EXPECT_NE(json_error(bad).find("truncated"), std::string::npos) << bad;
  for (const std::string_view bad : {"[1 2]"sv, "{1: 2}"sv, "{\"a\" 1}"sv, "nil"sv, "1x"sv, "[1]]"sv, "\"\\q\""sv, "\"\\u12g4\""sv, "[,]"sv, "{,}"sv, "[1}"sv}) {
    EXPECT_NE(json_error(bad).find("corrupt: is no JSON"), std::string::npos) << bad;
  }
  EXPECT_NE(json_error(std::string(100'000, '[')).find("limit"), std::string::npos);
}

TEST(Ubjson, Values) {
  // {"a": [$d#L2 …], "b": [i1 U2 Z T], "n": int64}
  const std::string bytes = "{L\0\0\0\0\0\0\0\1a[$d#L\0\0\0\0\0\0\0\2\x3f\x80\0\0\xc0\0\0\0"s + "L\0\0\0\0\0\0\0\1b[i\xffU\2ZT]"s + "i\1nL\xff\xff\xff\xff\xff\xff\xff\xfe"s + "i\1sSi\2hi}"s;
  const DocumentPtr d = parse_ubjson(source_of(bytes));
  EXPECT_EQ(d->root()["a"].list<float>(), (std::vector<float>{1, -2}));
  EXPECT_EQ(d->root()["b"].elements()[0].integer(), -1);
  EXPECT_EQ(d->root()["b"].elements()[1].integer(), 2);
  EXPECT_TRUE(d->root()["b"].elements()[3].boolean());
  EXPECT_EQ(d->root()["n"].integer(), -2);
  EXPECT_EQ(d->root()["s"].text(), "hi");
}

TEST(Ubjson, Malformed) {
  EXPECT_NE(ubjson_error("").find("truncated"), std::string::npos);
  EXPECT_NE(ubjson_error("{").find("truncated"), std::string::npos);
  EXPECT_NE(ubjson_error("[$d#L\x7f\xff\xff\xff\xff\xff\xff\xff"sv).find("truncated: states 9223372036854775807 items"), std::string::npos);
  EXPECT_NE(ubjson_error("[#i\xff"sv).find("a length of -1"), std::string::npos);
  EXPECT_NE(ubjson_error("[$d]"sv).find("a container with a type and no count"), std::string::npos);
  EXPECT_NE(ubjson_error("?"sv).find("byte 0x3f where a value is expected"), std::string::npos);
  EXPECT_NE(ubjson_error("i\1i\1"sv).find("2 bytes follow the UBJSON"), std::string::npos);
  EXPECT_NE(ubjson_error(std::string(100'000, '[')).find("limit"), std::string::npos);
  // A billion truth values that take no bytes.
  EXPECT_NE(ubjson_error("[$T#l\x3f\xff\xff\xff"sv).find("limit"), std::string::npos);
}

}  // namespace
}  // namespace decant::document
