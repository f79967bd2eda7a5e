// SPDX-License-Identifier: Apache-2.0
#include "ops/op_testing.h"

namespace decant {
namespace {

bool matches(std::string_view pattern, std::string_view text) {
  const Tensor x = Tensor::vector(std::vector<std::string>{std::string(text)});
  return testing::run1("RegexFullMatch", {x}, {{"pattern", std::string(pattern)}}).data<bool>()[0];
}

TEST(RegexFullMatch, MatchesTheWholeText) {
  EXPECT_TRUE(matches("a+b?c*", "aab"));
  EXPECT_FALSE(matches("a+b?c*", "aabx"));
  EXPECT_TRUE(matches("(foo|ba[rz]){2}", "foobaz"));
  EXPECT_TRUE(matches("x{2,3}", "xxx"));
  EXPECT_FALSE(matches("x{2,3}", "xxxx"));
  EXPECT_TRUE(matches("x{2,}", "xxxxx"));
  EXPECT_TRUE(matches("x{", "x{"));  // a brace that repeats nothing stands for itself
  EXPECT_TRUE(matches("[^@\\s]+@\\w+\\.(?:de|com)", "some.body@example.com"));
  EXPECT_TRUE(matches("[[:alpha:]-]*", "a-B"));
  EXPECT_TRUE(matches("^\\d+$", "0123"));
  EXPECT_TRUE(matches("\\bword\\b.*", "word, and more"));
  EXPECT_TRUE(matches("ü.", "üß"));  // characters, not bytes
  EXPECT_TRUE(matches("\\x41[\\x{42}-C]", "AC"));
  EXPECT_TRUE(matches("", ""));
  EXPECT_FALSE(matches("", "a"));
}

TEST(RegexFullMatch, TakesTimeInProportion) {
  EXPECT_FALSE(matches("(a*)*b", std::string(5000, 'a')));  // where going back takes exponential time
  EXPECT_FALSE(matches("(a|a)*(a|a)*b", std::string(5000, 'a')));
  std::string large = "a";
  for (int i = 0; i < 5; ++i) large = "(?:" + large + "){100}";
  testing::expect_error(Code::corrupt, [&] { matches(large, "a"); });  // 10^10 states
}

TEST(RegexFullMatch, RefusesWhatIsNone) {
  for (const char* pattern : {"(a", "a)", "[a", "*a", "a{3,1}", "\\", "[z-a]", "[[:nope:]]", "(?=a)", "\\1"}) {
    EXPECT_THROW(matches(pattern, ""), Error) << pattern;
  }
}

}  // namespace
}  // namespace decant
