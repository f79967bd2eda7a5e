// SPDX-License-Identifier: Apache-2.0
// Syntax and meaning: Python 3.11, Lib/re/_parser.py and Modules/_sre/sre_lib.h.
#include "ops/text/pattern.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/text.h"

namespace decant {
namespace {

constexpr std::size_t kMaxProgram = 20'000, kMaxDepth = 50;

enum class Kind : std::uint8_t { word, not_word, digit, not_digit, space, not_space };

struct Set {
  std::vector<std::pair<char32_t, char32_t>> ranges;
  std::vector<Kind> kinds;
  bool negated = false;
};

struct Flags {
  bool ascii = false, dot_all = false, lines = false, fold = false;
};

enum class Does : std::uint8_t { set, any, any_but_newline, split, jump, save, begin, end, end_before_newline, line_begin, line_end, boundary, no_boundary, look, match };

struct Step {
  Does code = Does::match;
  std::size_t a = 0, b = 0;  // split: first and second choice; jump, save, set, look: which
  bool ascii = false, fold = false, negated = false;
  std::size_t back = 0;  // look: how far behind it begins
};

}  // namespace

struct Pattern::Program {
  std::vector<Step> steps;
  std::vector<Set> sets;
  std::vector<std::vector<Step>> looks;
  std::size_t groups = 0;
  bool runs_of_words = false;   // \b\w\w+\b and \b\w+\b, scikit-learn's own: no machine needed
  std::size_t least = 0;        // of which the shortest run
};

namespace {

bool is_ascii_word(char32_t c) { return c < 0x80 && is_word(c); }

bool holds(Kind kind, char32_t c, bool ascii) {
  const bool in = !ascii || c < 0x80;
  switch (kind) {
    case Kind::word: return in && is_word(c);
    case Kind::not_word: return !(in && is_word(c));
    case Kind::digit: return in && is_digit(c);
    case Kind::not_digit: return !(in && is_digit(c));
    case Kind::space: return in && is_space(c) && !(ascii && c >= 0x1C && c <= 0x1F);
    case Kind::not_space: return !(in && is_space(c) && !(ascii && c >= 0x1C && c <= 0x1F));
  }
  return false;
}

bool contains(const Set& set, char32_t c, bool ascii) {
  for (const auto& [from, to] : set.ranges) {
    if (c >= from && c <= to) return true;
  }
  return std::ranges::any_of(set.kinds, [&](Kind k) { return holds(k, c, ascii); });
}

/// Reads a pattern and writes its program. Code is made in place: a repeated part is a range of steps that is copied.
class Compiler {
 public:
  Compiler(std::string_view pattern, Pattern::Program& program) : shown_(pattern), text_(points_of(pattern)), program_(program) {}

  void run() {
    std::vector<Step> code = alternatives(0);
    if (at_ < text_.size()) refuse("an unmatched )");
    code.push_back({});
    program_.steps = std::move(code);
  }

 private:
  using Code = std::vector<Step>;

  [[noreturn]] void refuse(std::string_view what) const {
    throw Error(decant::Code::unsupported, format("the pattern {}: {} is not understood, at character {}", printable(shown_, 200), what, at_));
  }
  bool more() const { return at_ < text_.size(); }
  char32_t peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : U'\0'; }
  bool take(char32_t c) {
    if (!more() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  bool looks_at(PointsView what) const { return PointsView(text_).substr(at_).starts_with(what); }
  void check(const Code& code) const {
    if (code.size() > kMaxProgram) throw Error(decant::Code::limit, format("the pattern {} is too long", printable(shown_, 200)));
  }

  // Jumps are relative to the step itself, so that code can be moved and copied.
  static Step jump(std::int64_t by) { return {Does::jump, static_cast<std::size_t>(by)}; }
  static Step split(std::int64_t first, std::int64_t second) { return {Does::split, static_cast<std::size_t>(first), static_cast<std::size_t>(second)}; }
  static std::int64_t length(const Code& code) { return static_cast<std::int64_t>(code.size()); }
  static void append(Code& to, const Code& from) { to.insert(to.end(), from.begin(), from.end()); }

  Code alternatives(std::size_t depth) {
    if (depth > kMaxDepth) refuse("nesting deeper than 50");
    const Flags outside = flags_;
    Code out = sequence(depth);
    if (!more() || peek() != U'|') {
      flags_ = outside;
      return out;
    }
    std::vector<Code> parts{std::move(out)};
    while (take(U'|')) parts.push_back(sequence(depth));
    flags_ = outside;
    Code all = std::move(parts.back());
    for (std::size_t i = parts.size() - 1; i-- > 0;) {
      Code joined{split(1, length(parts[i]) + 2)};
      append(joined, parts[i]);
      joined.push_back(jump(length(all) + 1));
      append(joined, all);
      all = std::move(joined);
      check(all);
    }
    return all;
  }

  Code sequence(std::size_t depth) {
    Code out;
    while (more() && peek() != U'|' && peek() != U')') {
      append(out, repeated(depth));
      check(out);
    }
    return out;
  }

  Code repeated(std::size_t depth) {
    Code one = atom(depth);
    while (more()) {
      std::size_t least = 0, most = 0;
      if (take(U'*')) most = kUnlimited;
      else if (take(U'+')) least = 1, most = kUnlimited;
      else if (take(U'?')) most = 1;
      else if (peek() == U'{' && braces(least, most)) {}
      else break;
      if (more() && peek() == U'+') refuse("a possessive repeat");
      const bool lazy = take(U'?');
      one = repeat(one, least, most, lazy);
    }
    return one;
  }

  /// {m}, {m,}, {,n}, {m,n}; anything else is a literal brace.
  bool braces(std::size_t& least, std::size_t& most) {
    const std::size_t mark = at_++;
    const auto number = [&](std::size_t otherwise) {
      if (!(peek() >= U'0' && peek() <= U'9')) return otherwise;
      std::size_t n = 0;
      while (peek() >= U'0' && peek() <= U'9') {
        n = n * 10 + (text_[at_++] - U'0');
        if (n > 100'000) refuse("a repeat count above 100000");
      }
      return n;
    };
    if (peek() == U'}') return at_ = mark, false;
    least = number(0);
    most = least;
    if (take(U',')) most = number(kUnlimited);
    else if (text_[at_ - 1] == U'{') return at_ = mark, false;
    if (!take(U'}')) return at_ = mark, false;
    if (most < least) refuse("a repeat whose minimum is above its maximum");
    return true;
  }

  Code repeat(const Code& one, std::size_t least, std::size_t most, bool lazy) {
    Code out;
    const auto fork = [&](std::int64_t into, std::int64_t past) { return lazy ? split(past, into) : split(into, past); };
    const std::size_t copies = most == kUnlimited ? least : most;
    if (copies > kMaxProgram || (one.size() + 1) * (copies + 1) > kMaxProgram) throw Error(decant::Code::limit, format("the pattern {} is too long", printable(shown_, 200)));
    for (std::size_t i = 0; i < least; ++i) append(out, one);
    if (most == kUnlimited) {
      out.push_back(fork(1, length(one) + 2));
      append(out, one);
      out.push_back(jump(-(length(one) + 1)));
    } else {
      for (std::size_t i = least; i < most; ++i) {  // every fork leads past all that may still come
        out.push_back(fork(1, static_cast<std::int64_t>((one.size() + 1) * (most - i))));
        append(out, one);
      }
    }
    return out;
  }

  Code atom(std::size_t depth) {
    if (take(U'(')) return group(depth);
    if (take(U'[')) return {set_step(brackets())};
    if (take(U'.')) return {Step{flags_.dot_all ? Does::any : Does::any_but_newline}};
    if (take(U'^')) return {Step{flags_.lines ? Does::line_begin : Does::begin}};
    if (take(U'$')) return {Step{flags_.lines ? Does::line_end : Does::end_before_newline}};
    if (take(U'\\')) return escape();
    if (peek() == U'*' || peek() == U'+' || peek() == U'?') refuse("nothing to repeat");
    return {literal(text_[at_++])};
  }

  Code group(std::size_t depth) {
    Code body;
    if (!take(U'?')) {
      const std::size_t number = ++program_.groups;
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      return saved(std::move(body), number);
    }
    if (take(U':')) {
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      return body;
    }
    if (looks_at(U"P<")) {
      at_ += 2;
      while (more() && peek() != U'>') ++at_;
      if (!take(U'>')) refuse("a group's name");
      const std::size_t number = ++program_.groups;
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      return saved(std::move(body), number);
    }
    if (take(U'#')) {
      while (more() && peek() != U')') ++at_;
      if (!take(U')')) refuse("an open comment");
      return {};
    }
    const bool behind = looks_at(U"<=") || looks_at(U"<!");
    if (behind) ++at_;
    if (peek() == U'=' || peek() == U'!') {
      Step look{Does::look, program_.looks.size()};
      look.negated = text_[at_++] == U'!';
      const std::size_t groups = program_.groups;
      body = alternatives(depth + 1);
      if (!take(U')')) refuse("an open group");
      if (program_.groups != groups) refuse("a group inside of what is only looked at");
      if (behind) {
        const auto width = width_of(body, 0, body.size());
        if (!width) refuse("looking behind for something of no fixed length");
        look.back = *width;
      }
      body.push_back({});
      look.a = program_.looks.size();
      program_.looks.push_back(std::move(body));
      return {look};
    }
    return flags_group(depth);
  }

  /// (?aims) and (?aims-ims:...).
  Code flags_group(std::size_t depth) {
    Flags flags = flags_;
    bool on = true;
    for (;; ++at_) {
      const char32_t c = peek();
      if (c == U'-') on = false;
      else if (c == U'a') flags.ascii = on;
      else if (c == U'u') flags.ascii = false;
      else if (c == U's') flags.dot_all = on;
      else if (c == U'm') flags.lines = on;
      else if (c == U'i') flags.fold = on;
      else break;
    }
    if (take(U')')) {
      flags_ = flags;
      return {};
    }
    if (!take(U':')) refuse("this kind of group");
    const Flags outside = std::exchange(flags_, flags);
    Code body = alternatives(depth + 1);
    flags_ = outside;
    if (!take(U')')) refuse("an open group");
    return body;
  }

  static Code saved(Code body, std::size_t number) {
    if (number > 1) return body;  // only the first group's place is ever asked for
    Code out{Step{Does::save, 0}};
    append(out, body);
    out.push_back({Does::save, 1});
    return out;
  }

  /// How many characters the code takes, where that is always the same.
  static std::optional<std::size_t> width_of(const Code& code, std::size_t from, std::size_t to) {
    std::size_t width = 0;
    for (std::size_t i = from; i < to; ++i) {
      switch (code[i].code) {
        case Does::set: case Does::any: case Does::any_but_newline: ++width; break;
        case Does::split: case Does::jump: return std::nullopt;
        default: break;
      }
    }
    return width;
  }

  Step set_step(Set set) {
    Step out{Does::set, program_.sets.size()};
    out.ascii = flags_.ascii;
    out.fold = flags_.fold;
    program_.sets.push_back(std::move(set));
    return out;
  }
  Step literal(char32_t c) {
    Set set;
    set.ranges.emplace_back(c, c);
    return set_step(std::move(set));
  }

  static std::optional<Kind> kind_of(char32_t c) {
    switch (c) {
      case U'w': return Kind::word;
      case U'W': return Kind::not_word;
      case U'd': return Kind::digit;
      case U'D': return Kind::not_digit;
      case U's': return Kind::space;
      case U'S': return Kind::not_space;
      default: return std::nullopt;
    }
  }

  /// The character that an escape names; `c` is what follows the backslash and is taken.
  char32_t escaped(char32_t c) {
    const auto hex = [&](int digits) {
      char32_t out = 0;
      for (int i = 0; i < digits; ++i) {
        const char32_t d = more() ? text_[at_++] : U'\0';
        const char32_t v = d >= U'0' && d <= U'9' ? d - U'0' : d >= U'a' && d <= U'f' ? d - U'a' + 10 : d >= U'A' && d <= U'F' ? d - U'A' + 10 : 16;
        if (v == 16) refuse("an escape with too few digits");
        out = out * 16 + v;
      }
      return out;
    };
    switch (c) {
      case U'n': return U'\n';
      case U't': return U'\t';
      case U'r': return U'\r';
      case U'f': return U'\f';
      case U'v': return U'\v';
      case U'a': return U'\a';
      case U'0': return U'\0';
      case U'x': return hex(2);
      case U'u': return hex(4);
      case U'U': return hex(8);
      default: break;
    }
    if ((c >= U'1' && c <= U'9')) refuse("a back reference");
    if (c < 0x80 && is_word(c) && c != U'_') refuse("this escape");
    return c;
  }

  Code escape() {
    if (!more()) refuse("a backslash at the end");
    const char32_t c = text_[at_++];
    Step boundary{c == U'b' ? Does::boundary : Does::no_boundary};
    boundary.ascii = flags_.ascii;
    if (c == U'b' || c == U'B') return {boundary};
    if (c == U'A') return {Step{Does::begin}};
    if (c == U'Z') return {Step{Does::end}};
    if (const auto kind = kind_of(c)) {
      Set set;
      set.kinds.push_back(*kind);
      return {set_step(std::move(set))};
    }
    return {literal(escaped(c))};
  }

  Set brackets() {
    Set out;
    out.negated = take(U'^');
    for (bool first = true;; first = false) {
      if (!more()) refuse("an open [");
      char32_t low = text_[at_++];
      if (low == U']' && !first) return out;
      if (low == U'\\') {
        if (!more()) refuse("a backslash at the end");
        const char32_t c = text_[at_++];
        if (const auto kind = kind_of(c)) {
          if (peek() == U'-' && peek(1) != U']') refuse("a range of a class");
          out.kinds.push_back(*kind);
          continue;
        }
        low = c == U'b' ? U'\b' : escaped(c);
      }
      char32_t high = low;
      if (peek() == U'-' && peek(1) != U']' && at_ + 1 < text_.size()) {
        ++at_;
        high = text_[at_++];
        if (high == U'\\') {
          if (!more() || kind_of(peek())) refuse("a range up to a class");
          const char32_t c = text_[at_++];
          high = c == U'b' ? U'\b' : escaped(c);
        }
        if (high < low) refuse("a range that runs backwards");
      }
      out.ranges.emplace_back(low, high);
    }
  }

  static constexpr std::size_t kUnlimited = ~std::size_t{0};
  std::string_view shown_;
  Points text_;
  Pattern::Program& program_;
  std::size_t at_ = 0;
  Flags flags_;
};

struct Saves {
  std::size_t start = 0, group_begin = kNone, group_end = kNone;
  static constexpr std::size_t kNone = ~std::size_t{0};
};

/// One run of the machine from `from`; anchored: only matches that begin there.
class Machine {
 public:
  Machine(const Pattern::Program& program, std::span<const Step> steps, PointsView text) : program_(program), steps_(steps), text_(text) {
    for (List* list : {&now_, &next_}) list->mark.resize(steps.size(), 0);
  }

  struct Found {
    Saves saves;
    std::size_t end = 0;
  };

  /// The first match at or after `from`. An empty one at `from` itself does not count where it `must_advance`.
  std::optional<Found> find(std::size_t from, bool anchored, bool must_advance) {
    std::optional<Found> best;
    now_.clear(++generation_);
    for (std::size_t at = from;; ++at) {
      if (!best && (!anchored || at == from)) {
        Saves saves;
        saves.start = at;
        add(now_, 0, at, saves);
      }
      if (now_.threads.empty() && (best || anchored)) break;
      next_.clear(++generation_);
      for (const Thread& t : now_.threads) {
        const Step& step = steps_[t.step];
        if (step.code == Does::match) {
          if (must_advance && at == t.saves.start && at == from) continue;
          best = Found{t.saves, at};
          break;  // those behind have lower priority
        }
        if (at < text_.size() && takes(step, text_[at])) add(next_, t.step + 1, at + 1, t.saves);
      }
      std::swap(now_, next_);
      if (at >= text_.size()) break;
    }
    return best;
  }

 private:
  struct Thread {
    std::size_t step;
    Saves saves;
  };
  struct List {
    std::vector<Thread> threads;
    std::vector<std::uint64_t> mark;
    std::uint64_t generation = 0;
    void clear(std::uint64_t g) {
      threads.clear();
      generation = g;
    }
  };

  bool takes(const Step& step, char32_t c) const {
    switch (step.code) {
      case Does::any: return true;
      case Does::any_but_newline: return c != U'\n';
      case Does::set: {
        const Set& set = program_.sets[step.a];
        bool in = contains(set, c, step.ascii);
        if (!in && step.fold) in = contains(set, simple_lower(c), step.ascii) || contains(set, simple_upper(c), step.ascii);
        return in != set.negated;
      }
      default: return false;
    }
  }

  bool word_at(std::size_t at, bool ascii) const { return at < text_.size() && (ascii ? is_ascii_word(text_[at]) : is_word(text_[at])); }

  bool passes(const Step& step, std::size_t at) const {
    const auto before = [&] { return at > 0 && word_at(at - 1, step.ascii); };
    switch (step.code) {
      case Does::begin: return at == 0;
      case Does::end: return at == text_.size();
      case Does::end_before_newline: return at == text_.size() || (at + 1 == text_.size() && text_[at] == U'\n');
      case Does::line_begin: return at == 0 || text_[at - 1] == U'\n';
      case Does::line_end: return at == text_.size() || text_[at] == U'\n';
      case Does::boundary: return before() != word_at(at, step.ascii);
      case Does::no_boundary: return !text_.empty() && before() == word_at(at, step.ascii);
      case Does::look: {
        bool found = false;
        if (step.back <= at) {
          found = Machine(program_, program_.looks[step.a], text_).find(at - step.back, true, false).has_value();
        }
        return found != step.negated;
      }
      default: return true;
    }
  }

  /// Follows everything that takes no character, in order of priority.
  void add(List& list, std::size_t first, std::size_t at, const Saves& given) {
    todo_.clear();
    todo_.push_back({first, given});
    while (!todo_.empty()) {
      Thread t = todo_.back();
      todo_.pop_back();
      if (list.mark[t.step] == list.generation) continue;
      list.mark[t.step] = list.generation;
      const Step& step = steps_[t.step];
      switch (step.code) {
        case Does::jump: todo_.push_back({t.step + step.a, t.saves}); break;
        case Does::split:
          todo_.push_back({t.step + step.b, t.saves});
          todo_.push_back({t.step + step.a, t.saves});
          break;
        case Does::save:
          (step.a == 0 ? t.saves.group_begin : t.saves.group_end) = at;
          todo_.push_back({t.step + 1, t.saves});
          break;
        case Does::set: case Does::any: case Does::any_but_newline: case Does::match: list.threads.push_back(t); break;
        default:
          if (passes(step, at)) todo_.push_back({t.step + 1, t.saves});
      }
    }
  }

  const Pattern::Program& program_;
  std::span<const Step> steps_;
  PointsView text_;
  List now_, next_;
  std::vector<Thread> todo_;
  std::uint64_t generation_ = 0;
};

/// Every match from left to right, until `found` says false. After an empty match the next one begins later or is not empty.
template <class F>
void each(const Pattern::Program& program, PointsView text, F found) {
  Machine machine(program, program.steps, text);
  bool must_advance = false;
  for (std::size_t at = 0; at <= text.size();) {
    const auto match = machine.find(at, false, must_advance);
    if (!match || !found(*match)) return;
    must_advance = match->end == match->saves.start;
    at = match->end;
  }
}

}  // namespace

Pattern::Pattern(std::string_view pattern) {
  auto program = std::make_unique<Program>();
  Compiler(pattern, *program).run();
  const std::string_view bare = pattern.starts_with("(?u)") ? pattern.substr(4) : pattern;
  program->least = bare == "\\b\\w\\w+\\b" ? 2 : 1;
  program->runs_of_words = bare == "\\b\\w\\w+\\b" || bare == "\\b\\w+\\b" || bare == "\\w+";
  program_ = std::move(program);
}
Pattern::~Pattern() = default;
Pattern::Pattern(Pattern&&) noexcept = default;

std::size_t Pattern::groups() const { return program_->groups; }

void Pattern::find_all(PointsView text, const std::function<void(PointsView)>& found) const {
  if (program_->runs_of_words) {
    for (std::size_t i = 0; i < text.size();) {
      if (!is_word(text[i])) {
        ++i;
        continue;
      }
      const std::size_t begin = i;
      while (i < text.size() && is_word(text[i])) ++i;
      if (i - begin >= program_->least) found(text.substr(begin, i - begin));
    }
    return;
  }
  each(*program_, text, [&](const Machine::Found& match) {
    const Saves& saves = match.saves;
    if (program_->groups == 0) found(text.substr(saves.start, match.end - saves.start));
    else if (saves.group_begin == Saves::kNone || saves.group_end == Saves::kNone || saves.group_end < saves.group_begin) found({});
    else found(text.substr(saves.group_begin, saves.group_end - saves.group_begin));
    return true;
  });
}

void Pattern::each_match(PointsView text, const std::function<bool(std::size_t, std::size_t)>& found) const {
  each(*program_, text, [&](const Machine::Found& match) { return found(match.saves.start, match.end); });
}

}  // namespace decant
