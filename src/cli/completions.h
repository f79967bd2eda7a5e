// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace CLI {
class App;
}

namespace decant::cli {

/// The script that makes `shell` (bash, zsh or fish) complete decant's commands, their options and file names. Throws usage on another shell.
std::string completions(const CLI::App& app, const std::string& shell);

}  // namespace decant::cli
