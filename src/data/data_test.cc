// SPDX-License-Identifier: Apache-2.0
#include "data/data.h"

#include <gtest/gtest.h>

#include <cmath>

namespace decant {
namespace {

Source text(std::string_view bytes) { return Source::memory(Blob::copy_of(std::as_bytes(std::span(bytes))), "rows.csv"); }

Signature matrix(std::vector<std::string> names) {
  Signature out;
  const auto width = static_cast<std::int64_t>(names.size());
  out.inputs.push_back({"X", Type::tensor(DType::float64, {Dim{}, Dim{width, {}}}), std::move(names)});
  return out;
}

template <class F>
std::string message(F&& f) {
  try {
    f();
  } catch (const Error& e) {
    return e.what();
  }
  return "nothing was thrown";
}

TEST(Csv, QuotesLineEndsAndByteOrderMark) {
  const Frame frame = read_csv(text("\xEF\xBB\xBF\"a \"\"b\"\"\",c\r\n\"1,5\",2\r\n\n3,\"\"\n"));
  EXPECT_EQ(frame.names, (std::vector<std::string>{"a \"b\"", "c"}));
  ASSERT_EQ(frame.rows, 2u);
  EXPECT_EQ(frame.cell(0, 0), "1,5");
  EXPECT_EQ(frame.cell(1, 1), "");
}

TEST(Csv, TheFirstRowIsAHeaderWhereACellIsNoNumber) {
  EXPECT_EQ(read_csv(text("1,2\n3,4\n")).rows, 2u);
  EXPECT_EQ(read_csv(text("x,2\n3,4\n")).rows, 1u);
  EXPECT_EQ(read_csv(text("1,2\n3,4\n"), true).names, (std::vector<std::string>{"1", "2"}));
  EXPECT_EQ(read_csv(text("")).rows, 0u);
}

TEST(Csv, RefusesWhatIsNoTable) {
  EXPECT_EQ(message([] { read_csv(text("1,2\n3\n")); }), "rows.csv @0x6 line 2: corrupt: 1 cells, where the first row has 2");
  EXPECT_EQ(message([] { read_csv(text("1,\"2\n3\n")); }), "rows.csv @0x3 line 1: corrupt: a quote is never closed");
  EXPECT_EQ(message([] { read_csv(text("\"1\"2\n")); }), "rows.csv @0x3 line 1: corrupt: text follows a closed quote");
}

TEST(Json, ListsObjectsAndLines) {
  const Frame lists = read_json(text("[[1, 2.5], [null, true]]"), false);
  EXPECT_EQ(lists.cells, (std::vector<std::string_view>{"1", "2.5", "", "True"}));
  const Frame objects = read_json(text("{\"a\": 1}\n{\"b\": \"x\", \"a\": 2}\n"), true);
  EXPECT_EQ(objects.names, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(objects.cells, (std::vector<std::string_view>{"1", "", "2", "x"}));
  EXPECT_EQ(message([] { read_json(text("[[1], [1, 2]]"), false); }), "rows.csv: corrupt: row 2 has 2 cells, the first has 1");
  EXPECT_EQ(message([] { read_json(text("[[1], [[2]]]"), false); }), "rows.csv: corrupt: a cell that is a list or an object");
  EXPECT_EQ(message([] { read_json(text("{\"a\": 1"), true); }), "rows.csv @0x8: corrupt: is not valid JSON");
}

TEST(Bind, ByNameWhereBothHaveNamesElseByPosition) {
  const std::vector<Tensor> named = bind(read_csv(text("b,a,c\n1,2,3\n")), matrix({"a", "b"}), "rows.csv");
  EXPECT_EQ(named.at(0).shape(), (Shape{1, 2}));
  EXPECT_EQ(named[0].number(0), 2);
  EXPECT_EQ(named[0].number(1), 1);
  EXPECT_EQ(bind(read_csv(text("1,2\n")), matrix({"a", "b"}), "rows.csv").at(0).number(0), 1);
  EXPECT_TRUE(std::isnan(bind(read_csv(text("1,\n")), matrix({"a", "b"}), "rows.csv").at(0).number(1)));
}

TEST(Bind, FindsTheTextAmongOtherColumns) {
  Signature one;
  one.inputs.push_back({"Sentence", Type::tensor(DType::string, {{-1, "N"}}), {}});
  const auto first = [&](std::string_view csv) { return bind(read_csv(text(csv), true), one, "rows.csv").at(0).data<std::string>()[0]; };
  EXPECT_EQ(first("Score,Sentence\ngood,fine\n"), "fine");       // by name
  EXPECT_EQ(first("Score,Review\n3,fine\n4,5\n"), "fine");      // the only column of texts
  EXPECT_EQ(first("Review\n7\n"), "7");                         // the only column
  EXPECT_EQ(message([&] { first("Title,Review\na,fine\n"); }), "rows.csv: mismatch: has 2 columns, the model takes 1");
}

TEST(Bind, SaysWhatDoesNotFit) {
  const auto fails = [](std::string_view csv) { return message([&] { bind(read_csv(text(csv)), matrix({"width", "height"}), "rows.csv"); }); };
  EXPECT_EQ(fails("1,2,3\n"), "rows.csv: mismatch: has 3 columns, the model takes 2");
  EXPECT_EQ(fails("width,hieght\n1,2\n"), "rows.csv: mismatch: the model needs a column height; is it the one called hieght?");
  EXPECT_EQ(fails("1,2\n1,x2\n"), "rows.csv: mismatch: row 2, column 2: \"x2\" is no number");
}

}  // namespace
}  // namespace decant
