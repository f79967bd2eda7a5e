// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace decant {

/// The whole command line: returns the exit code (0 done, 1 a finding, 2 an error, 3 losses under --strict, 64 wrong usage).
int run_cli(int argc, char** argv);

}  // namespace decant
