// SPDX-License-Identifier: Apache-2.0
#include "frameworks/known.h"

#include <gtest/gtest.h>

namespace decant {
namespace {

Known known(std::string_view module, std::string_view name) { return judge(module, name).known; }

TEST(Known, GenuineGlobalsAreHarmless) {
  EXPECT_EQ(known("sklearn.linear_model._base", "LinearRegression"), Known::harmless);
  EXPECT_EQ(known("sklearn.linear_model.base", "LinearRegression"), Known::harmless);  // before 0.22
  EXPECT_EQ(known("numpy.core.multiarray", "_reconstruct"), Known::harmless);
  EXPECT_EQ(known("numpy._core.multiarray", "_reconstruct"), Known::harmless);
  EXPECT_EQ(known("collections", "OrderedDict"), Known::harmless);
  EXPECT_EQ(known("copy_reg", "_reconstructor"), Known::harmless);
  EXPECT_EQ(known("torch._utils", "_rebuild_tensor_v2"), Known::harmless);
  EXPECT_EQ(known("joblib.numpy_pickle", "NumpyArrayWrapper"), Known::harmless);
  EXPECT_EQ(known("__torch__.torch.nn.modules.linear", "Linear"), Known::harmless);
  EXPECT_TRUE(is_genuine("sklearn", "sklearn.linear_model._base", "LinearRegression"));
  EXPECT_FALSE(is_genuine("numpy", "sklearn.linear_model._base", "LinearRegression"));
}

TEST(Known, OnlyExactly) {
  EXPECT_EQ(known("sklearn.linear_model._base", "LinearRegression.fit"), Known::unknown);
  EXPECT_EQ(known("sklearn.linear_model._base.LinearRegression", "fit"), Known::unknown);
  EXPECT_EQ(known("sklearn.linear_model._base", "Linear"), Known::unknown);
  EXPECT_EQ(known("sklearn.linear_model", "_base.LinearRegression"), Known::unknown);
  EXPECT_EQ(known("Collections", "OrderedDict"), Known::unknown);
  EXPECT_EQ(known("collections ", "OrderedDict"), Known::unknown);
  EXPECT_EQ(known("", ""), Known::unknown);
  EXPECT_EQ(known("my_package.layers", "Scaler"), Known::unknown);
  EXPECT_EQ(known("osmnx", "graph"), Known::unknown);  // begins like os, is another module
}

TEST(Known, DangerIsSeenThroughDots) {
  for (const auto& [module, name] :
       std::initializer_list<std::pair<std::string_view, std::string_view>>{{"os", "system"},
                                                                            {"posix", "system"},
                                                                            {"nt", "system"},
                                                                            {"subprocess", "Popen"},
                                                                            {"builtins", "eval"},
                                                                            {"__builtin__", "eval"},
                                                                            {"builtins", "getattr"},
                                                                            {"numpy", "os.system"},
                                                                            {"torch", "os.system"},
                                                                            {"pathlib", "os.system"},
                                                                            {"sklearn.utils", "os.system"},
                                                                            {"antigravity", "webbrowser.open"},
                                                                            {"importlib", "import_module"},
                                                                            {"runpy", "run_path"},
                                                                            {"ctypes", "CDLL"},
                                                                            {"pickle", "loads"},
                                                                            {"_pickle", "loads"},
                                                                            {"cPickle", "loads"},
                                                                            {"marshal", "loads"},
                                                                            {"pkgutil", "resolve_name"},
                                                                            {"operator", "attrgetter"},
                                                                            {"operator", "methodcaller"},
                                                                            {"functools", "partial"},
                                                                            {"functools", "reduce"},
                                                                            {"numpy", "load"},
                                                                            {"torch", "load"},
                                                                            {"torch.hub", "load"},
                                                                            {"pandas", "read_pickle"},
                                                                            {"joblib", "load"},
                                                                            {"timeit", "timeit"},
                                                                            {"pty", "spawn"},
                                                                            {"webbrowser", "open"},
                                                                            {"socket", "socket"},
                                                                            {"urllib.request", "urlopen"},
                                                                            {"httplib", "HTTPConnection"},
                                                                            {"shutil", "rmtree"},
                                                                            {"code", "InteractiveInterpreter"},
                                                                            {"bdb", "Bdb"},
                                                                            {"pdb", "run"},
                                                                            {"logging.config", "listen"},
                                                                            {"idlelib.pyshell", "ModifiedInterpreter"},
                                                                            {"distutils.file_util", "write_file"},
                                                                            {"pip", "main"},
                                                                            {"numpy.testing._private.utils", "runstring"},
                                                                            {"numpy.f2py.crackfortran", "myeval"},
                                                                            {"multiprocessing.util", "spawnv_passfds"},
                                                                            {"asyncio", "run"},
                                                                            {"threading", "Thread"},
                                                                            {"types", "CodeType"},
                                                                            {"types", "FunctionType"},
                                                                            {"sys", "exit"},
                                                                            {"pathlib", "Path.write_text"},
                                                                            {"io", "open"},
                                                                            {"_io", "FileIO"}}) {
    EXPECT_EQ(known(module, name), Known::dangerous) << module << "." << name;
    EXPECT_FALSE(judge(module, name).what.empty());
  }
}

}  // namespace
}  // namespace decant
