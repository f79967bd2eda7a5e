// SPDX-License-Identifier: Apache-2.0
#include "ops/regex.h"

#include "base/text.h"

namespace decant {
namespace {

// Bytes that are no UTF-8 stand for themselves.
std::u32string decoded(std::string_view text) {
  std::u32string out;
  for (std::size_t i = 0; i < text.size();) {
    const auto b = static_cast<unsigned char>(text[i]);
    const std::size_t more = b < 0x80 ? 0 : b >= 0xF0 ? 3 : b >= 0xE0 ? 2 : b >= 0xC0 ? 1 : 0;
    char32_t code = more == 0 ? b : b & (0x3Fu >> more);
    std::size_t k = 1;
    for (; k <= more && i + k < text.size() && (static_cast<unsigned char>(text[i + k]) & 0xC0) == 0x80; ++k) code = (code << 6) | (static_cast<unsigned char>(text[i + k]) & 0x3Fu);
    if (k <= more) code = b, k = 1;
    out += code;
    i += k;
  }
  return out;
}

bool is_word(char32_t ch) { return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') || ch == '_'; }

}  // namespace

// Recursive descent; each part is states from one entry to one exit that is still open (Thompson's construction).
class RegexParser {
 public:
  RegexParser(const AttributeView& node, std::string_view pattern, std::vector<Regex::State>& states) : node_(node), text_(decoded(pattern)), states_(states) {}
  int parse() {
    const Part all = alternatives(0);
    if (at_ != text_.size()) fail("a parenthesis too many");
    states_[z(all.exit)].kind = Regex::State::done;
    return all.entry;
  }

 private:
  using State = Regex::State;
  using Range = Regex::Range;
  struct Part {
    int entry, exit;  // exit: an empty split whose `next` is to be set
  };
  static std::size_t z(int i) { return static_cast<std::size_t>(i); }
  [[noreturn]] void fail(const char* why) const { node_.fail(Code::corrupt, format("the pattern at character {}: {}", at_, why)); }
  bool more() const { return at_ < text_.size(); }
  bool eat(char32_t ch) { return more() && text_[at_] == ch ? (++at_, true) : false; }
  int make(State s) {
    if (states_.size() >= 100'000) node_.fail(Code::limit, "the pattern is too large");
    states_.push_back(std::move(s));
    return static_cast<int>(states_.size()) - 1;
  }
  int open() { return make({State::split, {}, false, -1, -1}); }
  Part of(State s) {
    const int exit = open();
    s.next = exit;
    return {make(std::move(s)), exit};
  }
  Part empty() {
    const int one = open();
    return {one, one};
  }
  Part joined(Part a, Part b) {
    states_[z(a.exit)].next = b.entry;
    return {a.entry, b.exit};
  }

  Part alternatives(int depth) {
    if (depth > 200) node_.fail(Code::limit, "the pattern is nested too deeply");
    Part out = concatenation(depth);
    while (eat('|')) {
      const Part other = concatenation(depth);
      const int entry = make({State::split, {}, false, out.entry, other.entry}), exit = open();
      states_[z(out.exit)].next = exit;
      states_[z(other.exit)].next = exit;
      out = {entry, exit};
    }
    return out;
  }
  Part concatenation(int depth) {
    Part out = empty();
    while (more() && text_[at_] != '|' && text_[at_] != ')') out = joined(out, repeated(depth));
    return out;
  }
  Part star(Part p) {
    const int exit = open(), entry = make({State::split, {}, false, p.entry, exit});
    states_[z(p.exit)].next = entry;
    return {entry, exit};
  }
  Part maybe(Part p) {
    const int entry = make({State::split, {}, false, p.entry, p.exit});
    return {entry, p.exit};
  }
  Part repeated(int depth) {
    const std::size_t begin = at_;
    Part out = atom(depth);
    std::size_t end = at_;
    for (;;) {
      if (eat('*')) {
        out = star(out);
      } else if (eat('+')) {
        const Part again = copy(begin, end, depth);
        out = joined(out, star(again));
      } else if (eat('?')) {
        out = maybe(out);
      } else if (more() && text_[at_] == '{') {
        const std::size_t before = at_++;
        int low = 0, high = 0;
        if (!number(low)) return at_ = before, out;  // a brace that stands for itself, taken as an atom next
        bool bounded = true;
        high = low;
        if (eat(',')) bounded = number(high);
        if (!eat('}')) return at_ = before, out;
        if (low > 1000 || high > 1000 || (bounded && high < low)) fail("a repetition that cannot be");
        const std::size_t after = at_;
        Part all = empty();
        for (int i = 0; i < low; ++i) all = joined(all, i == 0 ? out : copy(begin, end, depth));
        if (!bounded) all = joined(all, star(copy(begin, end, depth)));
        for (int i = low; bounded && i < high; ++i) all = joined(all, maybe(copy(begin, end, depth)));
        at_ = after;
        out = all;
      } else {
        return out;
      }
      eat('?');  // not greedy: the same for a full match
      end = at_;
    }
  }
  // The same part once more.
  Part copy(std::size_t begin, std::size_t end, int depth) {
    const std::size_t now = at_;
    at_ = begin;
    const std::u32string whole = std::move(text_);
    text_ = whole.substr(0, end);
    const Part out = repeated(depth);
    text_ = whole;
    at_ = now;
    return out;
  }
  bool number(int& out) {
    const std::size_t begin = at_;
    long long value = 0;
    while (more() && text_[at_] >= '0' && text_[at_] <= '9' && value < 100'000) value = value * 10 + static_cast<long long>(text_[at_++] - '0');
    out = static_cast<int>(value);
    return at_ != begin;
  }
  Part atom(int depth) {
    const char32_t ch = text_[at_++];
    switch (ch) {
      case '(': {
        if (eat('?')) {
          if (!eat(':')) {
            // (?P<name>...) and (?<name>...) are groups; flags are left out.
            eat('P');
            if (!eat('<')) node_.fail(Code::unsupported, "flags or look-around in a pattern");
            while (more() && text_[at_] != '>') ++at_;
            if (!eat('>')) fail("a group without the end of its name");
          }
        }
        const Part inner = alternatives(depth + 1);
        if (!eat(')')) fail("a parenthesis is not closed");
        return inner;
      }
      case '[': return of(bracket());
      case '.': return of({State::set, {{'\n', '\n'}}, true, -1, -1});
      case '^': return of({State::begin, {}, false, -1, -1});
      case '$': return of({State::end, {}, false, -1, -1});
      case '\\': return escape();
      case '*': case '+': case '?': fail("nothing to repeat");
      default: return of({State::set, {{ch, ch}}, false, -1, -1});
    }
  }
  // \d, \w, \s and their complements; false where the letter is none of them.
  static bool named(char32_t letter, State& out) {
    switch (letter) {
      case 'd': case 'D': out.ranges = {{'0', '9'}}; break;
      case 'w': case 'W': out.ranges = {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}; break;
      case 's': case 'S': out.ranges = {{'\t', '\n'}, {'\f', '\r'}, {' ', ' '}}; break;
      default: return false;
    }
    out.kind = State::set;
    out.negated = letter < 'a';
    return true;
  }
  char32_t literal(char32_t letter) {
    switch (letter) {
      case 'n': return '\n';
      case 't': return '\t';
      case 'r': return '\r';
      case 'f': return '\f';
      case 'v': return '\v';
      case 'a': return '\a';
      case 'x': {
        const bool braces = eat('{');
        char32_t code = 0;
        for (int i = 0; i < (braces ? 6 : 2) && more() && text_[at_] != '}'; ++i) {
          const char32_t h = text_[at_++];
          const int digit = h >= '0' && h <= '9' ? static_cast<int>(h - '0') : h >= 'a' && h <= 'f' ? static_cast<int>(h - 'a') + 10 : h >= 'A' && h <= 'F' ? static_cast<int>(h - 'A') + 10 : -1;
          if (digit < 0) fail("a digit that is none");
          code = code * 16 + static_cast<char32_t>(digit);
        }
        if (braces && !eat('}')) fail("a brace is not closed");
        return code;
      }
      default:
        if ((letter >= 'a' && letter <= 'z') || (letter >= 'A' && letter <= 'Z') || (letter >= '1' && letter <= '9')) node_.fail(Code::unsupported, "an escape in a pattern");
        return letter;
    }
  }
  Part escape() {
    if (!more()) fail("a lone backslash");
    const char32_t letter = text_[at_++];
    State s;
    if (named(letter, s)) return of(std::move(s));
    if (letter == 'b') return of({State::word_edge, {}, false, -1, -1});
    if (letter == 'B') return of({State::no_word_edge, {}, false, -1, -1});
    if (letter == 'A') return of({State::begin, {}, false, -1, -1});
    if (letter == 'z') return of({State::end, {}, false, -1, -1});
    const char32_t ch = literal(letter);
    return of({State::set, {{ch, ch}}, false, -1, -1});
  }
  State bracket() {
    State out{State::set, {}, eat('^'), -1, -1};
    for (bool first = true;; first = false) {
      if (!more()) fail("a bracket is not closed");
      if (!first && eat(']')) return out;
      char32_t low = text_[at_++];
      if (low == '[' && more() && text_[at_] == ':') {
        const std::size_t end = text_.find(U":]", at_);
        if (end == std::u32string::npos) fail("a class without an end");
        const std::u32string_view name = std::u32string_view(text_).substr(at_ + 1, end - at_ - 1);
        at_ = end + 2;
        static const std::pair<std::u32string_view, std::vector<Range>> kClasses[] = {
            {U"alpha", {{'A', 'Z'}, {'a', 'z'}}}, {U"digit", {{'0', '9'}}}, {U"alnum", {{'0', '9'}, {'A', 'Z'}, {'a', 'z'}}},
            {U"lower", {{'a', 'z'}}}, {U"upper", {{'A', 'Z'}}}, {U"space", {{'\t', '\r'}, {' ', ' '}}}, {U"punct", {{'!', '/'}, {':', '@'}, {'[', '`'}, {'{', '~'}}},
            {U"xdigit", {{'0', '9'}, {'A', 'F'}, {'a', 'f'}}}, {U"word", {{'0', '9'}, {'A', 'Z'}, {'_', '_'}, {'a', 'z'}}}, {U"blank", {{'\t', '\t'}, {' ', ' '}}}};
        bool found = false;
        for (const auto& [known, ranges] : kClasses) {
          if (known == name) out.ranges.insert(out.ranges.end(), ranges.begin(), ranges.end()), found = true;
        }
        if (!found) node_.fail(Code::unsupported, "a class of characters in a pattern");
        continue;
      }
      if (low == '\\') {
        if (!more()) fail("a lone backslash");
        const char32_t letter = text_[at_++];
        State s;
        if (named(letter, s)) {
          if (!s.negated) {
            out.ranges.insert(out.ranges.end(), s.ranges.begin(), s.ranges.end());
          } else {
            char32_t from = 0;
            for (const Range& r : s.ranges) {
              if (r.low > from) out.ranges.push_back({from, r.low - 1});
              from = r.high + 1;
            }
            out.ranges.push_back({from, 0x10FFFF});
          }
          continue;
        }
        low = literal(letter);
      }
      char32_t high = low;
      if (more() && text_[at_] == '-' && at_ + 1 < text_.size() && text_[at_ + 1] != ']') {
        ++at_;
        high = text_[at_++];
        if (high == '\\') {
          if (!more()) fail("a lone backslash");
          high = literal(text_[at_++]);
        }
        if (high < low) fail("a range that runs backwards");
      }
      out.ranges.push_back({low, high});
    }
  }

  const AttributeView& node_;
  std::u32string text_;
  std::vector<Regex::State>& states_;
  std::size_t at_ = 0;
};

Regex::Regex(const AttributeView& node, std::string_view pattern) {
  if (pattern.size() > 10'000) node.fail(Code::limit, format("a pattern of {} bytes", pattern.size()));
  start_ = RegexParser(node, pattern, states_).parse();
}

void Regex::add(std::vector<int>& list, std::vector<bool>& on, int state, std::u32string_view text, std::size_t at) const {
  std::vector<int> todo{state};
  while (!todo.empty()) {
    const int i = todo.back();
    todo.pop_back();
    if (i < 0 || on[static_cast<std::size_t>(i)]) continue;
    on[static_cast<std::size_t>(i)] = true;
    const State& s = states_[static_cast<std::size_t>(i)];
    const bool edge = (at > 0 && is_word(text[at - 1])) != (at < text.size() && is_word(text[at]));
    switch (s.kind) {
      case State::split: todo.push_back(s.other), todo.push_back(s.next); break;
      case State::begin: if (at == 0) todo.push_back(s.next); break;
      case State::end: if (at == text.size()) todo.push_back(s.next); break;
      case State::word_edge: if (edge) todo.push_back(s.next); break;
      case State::no_word_edge: if (!edge) todo.push_back(s.next); break;
      case State::set: case State::done: list.push_back(i); break;
    }
  }
}

bool Regex::matches(std::string_view bytes) const {
  const std::u32string text = decoded(bytes);
  std::vector<int> now, next;
  std::vector<bool> on(states_.size(), false);
  add(now, on, start_, text, 0);
  for (std::size_t at = 0; at < text.size() && !now.empty(); ++at) {
    next.clear();
    on.assign(states_.size(), false);
    for (const int i : now) {
      const State& s = states_[static_cast<std::size_t>(i)];
      if (s.kind != State::set) continue;
      bool in = false;
      for (const Range& r : s.ranges) in = in || (text[at] >= r.low && text[at] <= r.high);
      if (in != s.negated) add(next, on, s.next, text, at + 1);
    }
    now.swap(next);
  }
  for (const int i : now) {
    if (states_[static_cast<std::size_t>(i)].kind == State::done) return true;
  }
  return false;
}

}  // namespace decant
