// SPDX-License-Identifier: Apache-2.0
// What is known to do harm when a pickle names it. This list makes no file clean: what is on no list at all is already suspicious. It
// only says, by name, what a file would have done. Gathered from the standard library's documentation (Python 2.7 and 3.8 to 3.13), from
// the published advisories against picklescan, fickling and modelscan, and from the libraries that models are made with.
#include "frameworks/dangerous.h"

#include <algorithm>
#include <string>
#include <unordered_map>

namespace decant {
namespace {

// Each line: what it does, then full names. A name stands for itself and for everything below it.
struct Group {
  std::string_view what;
  std::string_view names;  // separated by blanks
};

// These count wherever they stand in a dotted name: numpy.os.system is os.system.
constexpr Group kAnywhere[] = {
    {"runs commands or changes files and processes",
     "os posix nt posixpath.os ntpath.os subprocess _posixsubprocess _winapi pty commands popen2 shutil signal _signal msvcrt winreg "
     "_winreg"},
    {"runs code",
     "runpy importlib imp zipimport pkgutil _frozen_importlib _frozen_importlib_external builtins.eval builtins.exec builtins.compile "
     "builtins.__import__ "
     "__builtin__.eval __builtin__.execfile __builtin__.compile __builtin__.__import__ __builtin__.apply __builtins__ marshal "
     "code.interact "
     "code.InteractiveInterpreter code.InteractiveConsole codeop"},
    {"loads native code", "ctypes _ctypes cffi _cffi_backend"},
    {"opens connections", "socket _socket ssl _ssl socketserver SocketServer ftplib smtplib smtpd poplib imaplib nntplib telnetlib"},
    {"reads another pickle",
     "pickle.load pickle.loads _pickle.load _pickle.loads cPickle.load cPickle.loads pickle.Unpickler _pickle.Unpickler"},
    {"opens a browser", "webbrowser"},
    {"reaches into the running interpreter",
     "sys.exit sys.settrace sys.setprofile sys._getframe sys.meta_path sys.path sys.path_hooks sys.modules.os"},
};

// These only as the beginning of the full name.
constexpr Group kFromStart[] = {
    {"runs code",
     "builtins.execfile __builtin__.exec builtins.breakpoint builtins.help builtins.input __builtin__.input __builtin__.raw_input "
     "builtins.exit builtins.quit "
     "code bdb pdb cProfile profile _lsprof hotshot trace timeit doctest unittest test _testcapi _testinternalcapi _testbuffer "
     "_testmultiphase "
     "_xxsubinterpreters _interpreters idlelib lib2to3 distutils setuptools pkg_resources pip ensurepip venv site sysconfig py_compile "
     "compileall "
     "pydoc _pyrepl pydoc_data rlcompleter pyclbr modulefinder symtable turtledemo antigravity this new types.CodeType types.FunctionType "
     "types.LambdaType "
     "types.MethodType types.ModuleType types.GenericAlias types.coroutine types.DynamicClassAttribute cloudpickle dill jinja2 mako yaml "
     "ruamel "
     "numexpr sympy IPython ipykernel nbformat nose pytest _pytest py.test hypothesis cython Cython pyximport numba.core numba.pycc "
     "cffi.api pandas.eval "
     "pandas.core.computation pandas.core.frame.DataFrame.eval pandas.core.frame.DataFrame.query pandas.DataFrame.eval "
     "pandas.DataFrame.query "
     "numpy.testing numpy.f2py numpy.distutils numpy.ctypeslib numpy.core.function_base.eval numpy.lib.utils.safe_eval "
     "numpy.lib._utils_impl "
     "numpy.ma.testutils scipy.weave scipy._lib.doccer sklearn.utils._testing sklearn.utils.estimator_checks sklearn.datasets "
     "torch.hub torch.package torch.fx torch.jit torch.utils.cpp_extension torch.utils.bottleneck torch.utils.data.datapipes "
     "torch.utils.collect_env "
     "torch.utils._config_module torch.utils.show_pickle torch._dynamo torch._inductor torch.compile torch.testing torch.distributed "
     "torch.multiprocessing torch.ops torch.classes "
     "torch._ops torch._classes torch._jit_internal torch.onnx torch._export torch.export torch._C torch.library torch._library "
     "torch.autograd.profiler torch.profiler torch.backends "
     "torch.cuda torch.quantization torch.ao torch.nn.modules.module.Module.load_state_dict torchvision.datasets "
     "transformers.dynamic_module_utils "
     "tensorflow.keras.utils tensorflow.python tensorflow.load_op_library keras.src keras.utils keras.models keras.saving "
     "keras.layers.Lambda mlflow ray dask.base "
     "bentoml skops.io sagemaker wandb gradio streamlit fire click.launch invoke fabric pexpect ptyprocess plumbum sh envoy psutil docker "
     "flask werkzeug django twisted tornado celery huey airflow ansible salt zmq execnet rpyc"},
    {"calls something else, later or by name",
     "builtins.getattr builtins.setattr builtins.delattr builtins.map builtins.filter builtins.vars builtins.globals builtins.locals "
     "builtins.dir builtins.super builtins.classmethod "
     "builtins.staticmethod builtins.property builtins.type.__subclasses__ builtins.object.__subclasses__ builtins.object.__reduce_ex__ "
     "builtins.object.__reduce__ builtins.object.__getattribute__ builtins.object.__setattr__ builtins.sorted builtins.min builtins.max "
     "builtins.next builtins.iter builtins.__build_class__ builtins.callable "
     "__builtin__.getattr __builtin__.setattr __builtin__.delattr __builtin__.map __builtin__.filter __builtin__.vars __builtin__.globals "
     "__builtin__.locals "
     "__builtin__.dir __builtin__.reduce __builtin__.reload __builtin__.type.__subclasses__ __builtin__.object.__reduce_ex__ "
     "operator.attrgetter operator.methodcaller operator.call _operator.attrgetter _operator.methodcaller _operator.call "
     "operator.setitem operator.delitem _operator.setitem _operator.delitem operator.isCallable functools.reduce _functools.reduce "
     "functools.partial functools.partialmethod functools.cached_property functools.singledispatch "
     "functools.singledispatchmethod functools.wraps functools.update_wrapper functools.cmp_to_key functools.lru_cache "
     "functools._lru_cache_wrapper itertools.starmap itertools.accumulate itertools.filterfalse itertools.takewhile itertools.dropwhile "
     "itertools.groupby "
     "inspect contextlib weakref.finalize atexit sched concurrent threading _thread thread dummy_threading multiprocessing "
     "_multiprocessing asyncio _asyncio gc "
     "copyreg.add_extension copyreg.pickle copyreg.constructor copy_reg.add_extension copy_reg.pickle copy.copy copy.deepcopy "
     "copy._reconstruct typing.get_type_hints typing.NamedTuple typing.ForwardRef.evaluate typing.ForwardRef._evaluate "
     "collections.namedtuple enum.Enum._create_ "
     "dataclasses.make_dataclass dataclasses._create_fn annotationlib numpy.vectorize numpy.frompyfunc numpy.apply_along_axis "
     "numpy.apply_over_axes numpy.piecewise numpy.fromfunction "
     "numpy.lib.function_base.vectorize numpy.core._ufunc_reconstruct numpy._core._ufunc_reconstruct joblib.parallel joblib.Parallel "
     "joblib.delayed joblib.externals joblib.executor joblib._parallel_backends joblib._dask sklearn.utils.parallel sklearn.externals.loky "
     "scipy.optimize scipy.integrate scipy.LowLevelCallable pandas.core.apply"},
    {"reads or writes files",
     "builtins.open __builtin__.open __builtin__.file io.open io.FileIO io.open_code io.TextIOWrapper io.BufferedReader io.BufferedWriter "
     "io.BufferedRandom _io.open _io.FileIO _io.open_code _io.TextIOWrapper _pyio "
     "codecs.open codecs.EncodedFile codecs.lookup codecs.register _codecs.register _codecs.lookup fileinput linecache tempfile glob "
     "tokenize.open pathlib.Path.write_text pathlib.Path.write_bytes pathlib.Path.read_text pathlib.Path.read_bytes pathlib.Path.open "
     "pathlib.Path.unlink "
     "pathlib.Path.rmdir pathlib.Path.rename pathlib.Path.replace pathlib.Path.touch pathlib.Path.mkdir pathlib.Path.chmod "
     "pathlib.Path.symlink_to pathlib.Path.hardlink_to pathlib.PosixPath.write_text pathlib.PosixPath.write_bytes "
     "pathlib.PosixPath.read_text pathlib.PosixPath.read_bytes pathlib.PosixPath.unlink "
     "pathlib.PosixPath.open pathlib.PosixPath.rmdir pathlib.PosixPath.rename pathlib.PosixPath.mkdir pathlib.PosixPath.touch "
     "pathlib._local tarfile zipfile gzip bz2 lzma zlib.compressobj sqlite3 _sqlite3 dbm anydbm dumbdbm gdbm _gdbm _dbm shelve csv.reader "
     "mailbox mailcap netrc configparser ConfigParser plistlib logging "
     "filecmp dircache statvfs stat mmap fcntl termios tty resource syslog pwd grp spwd crypt nis curses _curses readline sndhdr imghdr "
     "wave audioop aifc sunau chunk mimetypes binhex uu cgitb.Hook "
     "importlib_metadata importlib_resources xml.sax xml.dom xml.etree xmllib shlex.shlex zipapp gettext locale nturl2path genericpath "
     "numpy.load numpy.save numpy.savez numpy.savez_compressed numpy.savetxt numpy.loadtxt numpy.genfromtxt numpy.fromfile numpy.fromregex "
     "numpy.memmap numpy.ndarray.tofile numpy.ndarray.dump numpy.DataSource numpy.lib.npyio numpy.lib._npyio_impl "
     "numpy.lib.format numpy.lib._datasource numpy.core.memmap numpy.core.multiarray.fromfile numpy.core.records.fromfile "
     "numpy._core.multiarray.fromfile numpy._core.records.fromfile numpy.recfromcsv numpy.recfromtxt numpy.lib.recfunctions "
     "numpy.ma.mrecords.fromtextfile "
     "scipy.io scipy.misc scipy.datasets scipy.sparse.load_npz scipy.sparse.save_npz scipy.sparse._matrix_io pandas.io pandas.read_csv "
     "pandas.read_pickle pandas.read_sql pandas.read_json pandas.read_html pandas.read_excel pandas.read_hdf pandas.read_table "
     "pandas.read_parquet pandas.read_feather pandas.read_xml "
     "pandas.read_fwf pandas.read_orc pandas.read_sas pandas.read_spss pandas.read_stata pandas.read_clipboard pandas.read_gbq "
     "pandas.HDFStore pandas.ExcelFile pandas.ExcelWriter pandas.DataFrame.to_csv pandas.DataFrame.to_pickle "
     "pandas.core.frame.DataFrame.to_csv pandas.core.frame.DataFrame.to_pickle pandas.core.generic pandas.util pandas._testing "
     "h5py tables netCDF4 xarray cv2 PIL.Image imageio skimage.io matplotlib pyarrow fastparquet sqlalchemy torch.save torch.from_file "
     "torch.UntypedStorage.from_file torch.storage.UntypedStorage.from_file torch._utils_internal torch.utils.tensorboard "
     "torch.utils.model_zoo torch.utils.data tensorboard tensorflow.io"},
    {"opens connections",
     "urllib urllib2 urllib3 urlparse http httplib xmlrpc xmlrpclib SimpleXMLRPCServer DocXMLRPCServer BaseHTTPServer SimpleHTTPServer "
     "CGIHTTPServer wsgiref cgi asyncore asynchat select selectors requests aiohttp httpx httpcore paramiko boto boto3 botocore "
     "google.cloud azure gcsfs s3fs fsspec smart_open huggingface_hub pycurl websocket websockets grpc pymongo redis MySQLdb psycopg2 "
     "kafka"},
    {"reads another pickle",
     "pickle cPickle _pickle pickletools joblib.load joblib.dump joblib.numpy_pickle.load joblib.numpy_pickle._unpickle "
     "joblib.numpy_pickle.NumpyUnpickler joblib.numpy_pickle.load_temporary_memmap joblib.numpy_pickle_compat.load_compatibility "
     "joblib.numpy_pickle_utils joblib.memory.MemorizedResult joblib._store_backends joblib.pool joblib.disk sklearn.externals.joblib.load "
     "sklearn.externals.joblib.numpy_pickle.load torch.load torch.serialization torch.storage._load_from_bytes torch.jit.load "
     "pandas.compat.pickle_compat.load pandas.compat.pickle_compat.loads numpy.core.multiarray._pickle numpy.compat.py3k jsonpickle klepto "
     "hickle shelve.open keras.models.load_model lightgbm.Booster xgboost.Booster.load_model"},
    {"reaches into the running interpreter",
     "sys.exit sys.settrace sys.setprofile sys._getframe sys._current_frames sys._clear_type_cache sys._debugmallocstats sys.addaudithook "
     "sys.breakpointhook sys.displayhook sys.excepthook sys.unraisablehook sys.set_asyncgen_hooks sys.setrecursionlimit "
     "sys.setswitchinterval sys.setdlopenflags sys.call_tracing sys.callstats sys.stdout sys.stderr sys.stdin sys.path sys.meta_path "
     "sys.intern sys._enablelegacywindowsfsencoding sys.monitoring sys.activate_stack_trampoline sys.remote_exec faulthandler tracemalloc "
     "_tracemalloc ast _ast dis opcode _opcode builtins.memoryview builtins.id "
     "platform.popen platform._syscmd_file platform._syscmd_uname platform._syscmd_ver platform.uname platform.platform platform.processor "
     "uuid._get_command_stdout uuid._popen uuid._ifconfig_getnode uuid._ip_getnode uuid._arp_getnode uuid._lanscan_getnode "
     "uuid._netstat_getnode uuid._find_mac uuid.getnode uuid.uuid1 "
     "getpass _osx_support _aix_support _bootsubprocess nturl2path.url2pathname tkinter _tkinter Tkinter turtle msilib ossaudiodev "
     "optparse argparse getopt cmd asyncio.unix_events pipes macpath macurl2path toaiff os2emxpath user ihooks rexec Bastion bastion sets "
     "stringold tabnanny mhlib mimetools"},
};

using Index = std::unordered_map<std::string_view, std::string_view>;  // name → what it does

template <std::size_t kSize>
Index index_of(const Group (&groups)[kSize]) {
  Index out;
  for (const Group& group : groups) {
    for (std::string_view rest = group.names; !rest.empty();) {
      const std::size_t blank = std::min(rest.find(' '), rest.size());
      out.emplace(rest.substr(0, blank), group.what);
      rest.remove_prefix(std::min(blank + 1, rest.size()));
    }
  }
  return out;
}

// What is known against `full` or against anything that it lies below.
std::string_view find(const Index& index, std::string_view full) {
  for (std::size_t end = 0; end < full.size();) {
    end = std::min(full.find('.', end + 1), full.size());
    if (const auto found = index.find(full.substr(0, end)); found != index.end()) return found->second;
  }
  return {};
}

}  // namespace

std::string_view danger_of(std::string_view module, std::string_view name) {
  static const Index kStarts = index_of(kFromStart), kParts = index_of(kAnywhere);
  constexpr std::size_t kMost = 200, kMostParts = 20;  // no import is longer; a longer name is odd enough by itself
  if (module.size() + name.size() > kMost) {
    module = module.substr(0, kMost);
    name = name.substr(0, kMost);
  }
  std::string full(module);
  full += '.';
  full += name;
  if (const std::string_view what = find(kStarts, full); !what.empty()) return what;
  std::string_view rest = full;
  for (std::size_t part = 0; part < kMostParts; ++part) {
    if (const std::string_view what = find(kParts, rest); !what.empty()) return what;
    const std::size_t dot = rest.find('.');
    if (dot == std::string_view::npos) return {};
    rest.remove_prefix(dot + 1);
  }
  return {};
}

}  // namespace decant
