// SPDX-License-Identifier: Apache-2.0
// What Python 3.11's re, str.lower and scikit-learn 1.9.1 gave for the same.
#include "ops/op_testing.h"
#include "ops/text/analyzer.h"
#include "ops/text/pattern.h"

namespace decant {
namespace {

using namespace testing;

std::vector<std::string> found(std::string_view pattern, std::string_view text) {
  std::vector<std::string> out;
  const Points points = points_of(text);
  Pattern(pattern).find_all(points, [&](PointsView match) { out.push_back(utf8_of(match)); });
  return out;
}
using Found = std::vector<std::string>;

TEST(Pattern, FindsWhatPythonFinds) {
  EXPECT_EQ(found("(?u)\\b\\w\\w+\\b", "a na\xc3\xafve x1 it's _y"), (Found{"na\xc3\xafve", "x1", "it", "_y"}));
  EXPECT_EQ(found("a|ab", "abab"), (Found{"a", "a"}));
  EXPECT_EQ(found("(?:a|ab)(?:c|bcd)?", "abcd"), (Found{"abcd"}));
  EXPECT_EQ(found("a*", "baac"), (Found{"", "aa", "", ""}));
  EXPECT_EQ(found("a*?", "aa"), (Found{"", "a", "", "a", ""}));
  EXPECT_EQ(found("a{2,3}", "aaaaa"), (Found{"aaa", "aa"}));
  EXPECT_EQ(found("a{,1}b{x", "ab{x"), (Found{"ab{x"}));
  EXPECT_EQ(found("(\\w+)@", "me@x you@y"), (Found{"me", "you"}));
  EXPECT_EQ(found("[^\\W\\d_]+(?!\\d)", "ab12 cd"), (Found{"a", "cd"}));
  EXPECT_EQ(found("(?<=-)\\w", "a-b-c"), (Found{"b", "c"}));
  EXPECT_EQ(found("(?i:STRASSE)", "strasse"), (Found{"strasse"}));
  EXPECT_EQ(found("(?a)\\w+", "\xc3\xa9t\xc3\xa9"), (Found{"t"}));
  EXPECT_EQ(found("(a*)*b", std::string(3000, 'a')), Found{});  // time stays proportional to the text
}

TEST(Pattern, RefusesByName) {
  for (const char* pattern : {"(a)\\1", "a++", "(?>a)", "(?(1)a|b)", "(a", "a)", "[a", "*a", "\\", "(?<=a+)b", "\\q", "a{3,2}", "(?P=x)"}) {
    SCOPED_TRACE(pattern);
    expect_error(Code::unsupported, [&] { Pattern{pattern}; });
  }
  expect_error(Code::limit, [&] { Pattern{"(?:a{1000}){1000}"}; });
  expect_error(Code::unsupported, [&] { Pattern{std::string(200, '(')}; });
}

TEST(Text, LowerCaseAndAccents) {
  EXPECT_EQ(utf8_of(lower_text(points_of("\xc4\xb0\xce\x9f\xce\x94\xce\x9f\xce\xa3 \xce\xa3"))), "i\xcc\x87\xce\xbf\xce\xb4\xce\xbf\xcf\x82 \xcf\x83");
  EXPECT_EQ(utf8_of(without_accents(points_of("Cr\xc3\xa8me \xef\xac\x81ne \xc2\xbd"))), "Creme fine 1\xe2\x81\x84" "2");
  EXPECT_EQ(utf8_of(ascii_only(points_of("Cr\xc3\xa8me \xc3\x9f \xce\xbd"))), "Creme  ");
  for (const char* bad : {"\xc3", "\xed\xa0\x80", "\xc0\xaf", "\xf5\x80\x80\x80", "a\x80"}) expect_error(Code::mismatch, [&] { points_of(bad); });
}

TEST(Text, Murmur) {
  EXPECT_EQ(murmur3(""), 0);
  EXPECT_EQ(murmur3("foo"), -156908512);
  EXPECT_EQ(murmur3("hello"), 613153351);
  EXPECT_EQ(murmur3("ab"), -1681926305);
}

}  // namespace
}  // namespace decant
