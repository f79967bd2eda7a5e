// SPDX-License-Identifier: Apache-2.0
#include "base/error.h"
#include "base/text.h"
#include "cli/commands.h"

namespace decant::cli {

std::string completions(const std::string& shell) {
  const std::string commands = "inspect predict convert scan bench formats completions";
  const std::string options = "--json --weights --output --outputs --threads --to --strict --allow --sarif --max-memory --reference --help --version";
  if (shell == "bash") {
    return format(
        "_decant() {{\n"
        "  local word=${{COMP_WORDS[COMP_CWORD]}}\n"
        "  if [ \"$COMP_CWORD\" -eq 1 ]; then COMPREPLY=($(compgen -W \"{} --help --version\" -- \"$word\"))\n"
        "  elif [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"{}\" -- \"$word\"))\n"
        "  else COMPREPLY=($(compgen -f -- \"$word\")); fi\n"
        "}}\n"
        "complete -o filenames -F _decant decant\n",
        commands, options);
  }
  if (shell == "zsh") {
    return format(
        "#compdef decant\n"
        "_decant() {{\n"
        "  if (( CURRENT == 2 )); then compadd -- {}\n"
        "  elif [[ $words[CURRENT] == -* ]]; then compadd -- {}\n"
        "  else _files; fi\n"
        "}}\n"
        "compdef _decant decant\n",
        commands, options);
  }
  if (shell == "fish") {
    std::string out = format("complete -c decant -n __fish_use_subcommand -f -a '{}'\n", commands);
    for (std::size_t at = 0; at < options.size();) {
      const std::size_t end = std::min(options.find(' ', at), options.size());
      out += format("complete -c decant -l {}\n", options.substr(at + 2, end - at - 2));
      at = end + 1;
    }
    return out;
  }
  throw Error(Code::usage, format("no completions for {}; bash, zsh and fish are known", printable(shell)));
}

}  // namespace decant::cli
