// SPDX-License-Identifier: Apache-2.0
#include "cli/completions.h"

#include <CLI/CLI.hpp>
#include <algorithm>

#include "base/error.h"
#include "base/text.h"

namespace decant::cli {
namespace {

struct Command {
  std::string name, help;
  std::vector<std::string> options;
};

void add_options(const CLI::App& app, std::vector<std::string>& to) {
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) {
      if (std::ranges::find(to, "--" + name) == to.end()) to.push_back("--" + name);
    }
  }
}

std::vector<Command> commands_of(const CLI::App& app) {
  std::vector<Command> out;
  for (const CLI::App* sub : app.get_subcommands({})) {
    out.push_back({sub->get_name(), sub->get_description(), {}});
    add_options(*sub, out.back().options);
    add_options(app, out.back().options);
  }
  return out;
}

std::string names_of(const std::vector<Command>& commands) {
  std::string out;
  for (const Command& c : commands) out += c.name + ' ';
  return out;
}

std::string shell_word(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("\\'") : std::string(1, c);
  return out + '\'';
}

// One branch a command, of a `case` that bash and zsh understand alike.
std::string cases(const std::vector<Command>& commands) {
  std::string out;
  for (const Command& c : commands) {
    out += format("    {}) options='", c.name);
    for (const std::string& option : c.options) out += option + ' ';
    out += "' ;;\n";
  }
  return out;
}

}  // namespace

std::string completions(const CLI::App& app, const std::string& shell) {
  const std::vector<Command> commands = commands_of(app);
  if (shell == "bash") {
    return format(
        "_decant() {{\n"
        "  local word=${{COMP_WORDS[COMP_CWORD]}} options=\n"
        "  case ${{COMP_WORDS[1]}} in\n{}  esac\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"{}--help --version\" -- \"$word\"))\n"
        "  elif [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
        "  else COMPREPLY=($(compgen -f -- \"$word\")); fi\n"
        "}}\n"
        "complete -o filenames -F _decant decant\n",
        cases(commands), names_of(commands));
  }
  if (shell == "zsh") {
    return format(
        "#compdef decant\n"
        "_decant() {{\n"
        "  local options=\n"
        "  case $words[2] in\n{}  esac\n"
        "  if (( CURRENT == 2 )); then compadd -- {}--help --version\n"
        "  elif [[ $words[CURRENT] == -* ]]; then compadd -- ${{=options}}\n"
        "  else _files; fi\n"
        "}}\n"
        "compdef _decant decant\n",
        cases(commands), names_of(commands));
  }
  if (shell == "fish") {
    std::string out;
    for (const Command& c : commands) {
      out += format("complete -c decant -n __fish_use_subcommand -f -a {} -d {}\n", c.name, shell_word(c.help));
      for (const std::string& option : c.options) out += format("complete -c decant -n '__fish_seen_subcommand_from {}' -l {}\n", c.name, option.substr(2));
    }
    return out;
  }
  throw Error(Code::usage, format("no completions for {}; bash, zsh and fish are known", printable(shell)));
}

}  // namespace decant::cli
